//! Victims that publish and receive values of a type, and messages of a header and an array.

use std::path::Path;

use bytemuck::{Pod, Zeroable};
use xbar::{
    Publisher, RecvError, Stream, Structured, Subscriber, Topic, TopicConfig, TryRecvError, TypedStream,
    TypedTopic,
};

use super::super::ear::{PATIENCE, expect};
use super::super::fault::{Checked, During, ensure};
use super::super::region::{DEPTH, NAME, Region, SURVIVOR};
use super::super::victim::mark;
use super::super::words::{LARGE, Words};
use super::topics::WITHIN;
use super::{Operation, Scene};

const URI: &str = "/values";

/// Words as a value that takes a block.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(transparent)]
struct Value([u8; LARGE]);

/// Elements of an array that takes a block.
const ELEMENTS: usize = 900;

/// What a message is.
#[derive(Clone, Copy)]
enum Form {
    Value,
    /// The numbers of the words as a header, and the words themselves as the array.
    Structured,
}

/// What a victim does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Publish,
    Receive,
}

pub fn operations() -> Vec<Operation> {
    let operation = |name, form, part| Operation {
        name,
        scene: Box::new(move |dir: &Path| Ok(Box::new(Telling::new(dir, form, part)?) as Box<dyn Scene>)),
    };
    vec![
        operation("publish a value", Form::Value, Part::Publish),
        operation("publish header and array", Form::Structured, Part::Publish),
        operation("receive a value", Form::Value, Part::Receive),
        operation("receive header and array", Form::Structured, Part::Receive),
    ]
}

/// Who tells.
enum Mouth {
    Value(TypedTopic<Value>),
    Structured(Topic),
}

impl Mouth {
    fn of(publisher: &Publisher, form: Form) -> Checked<Self> {
        match form {
            Form::Value => publisher.register_typed(URI).map(Self::Value),
            Form::Structured => publisher.register(URI).map(Self::Structured),
        }
        .during("registering")
    }

    fn say(&self, publisher: &Publisher, words: Words) -> Checked {
        match self {
            Self::Value(topic) => {
                let mut loan = publisher.loan_typed(topic).during("taking a loan")?;
                words.write(&mut loan.0);
                loan.publish();
            }
            Self::Structured(topic) => {
                let mut loan = publisher.loan(topic, 0).during("taking a loan")?;
                let elements = loan.structured::<_, u8>(&[words.source, words.number], ELEMENTS);
                words.write(elements.during("writing")?);
                loan.publish();
            }
        }
        Ok(())
    }
}

/// Who is told.
enum Ear {
    Value(TypedStream<Value>),
    Structured(Stream),
}

impl Ear {
    fn of(subscriber: &Subscriber, form: Form) -> Checked<Self> {
        match form {
            Form::Value => subscriber.subscribe_typed(URI).map(Self::Value),
            Form::Structured => subscriber.subscribe(URI).map(Self::Structured),
        }
        .during("subscribing")
    }

    /// The next message, whole, if there is one.
    fn try_hear(&self) -> Checked<Option<Words>> {
        let words = match self {
            Self::Value(stream) => stream.try_recv().map(|value| Words::read(&value.0)),
            Self::Structured(stream) => stream.try_recv().map(|message| read_structured(&message)),
        };
        match words {
            Ok(words) => words.map(Some),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => Ok(None),
            Err(error) => Err(format!("receiving: {error}")),
        }
    }

    fn hear(&self) -> Checked<Words> {
        let words = match self {
            Self::Value(stream) => stream.recv_timeout(PATIENCE).map(|value| Words::read(&value.0)),
            Self::Structured(stream) => {
                stream.recv_timeout(PATIENCE).map(|message| read_structured(&message))
            }
        };
        words.map_err(|error: RecvError| format!("receiving: {error}"))?
    }
}

fn read_structured(message: &[u8]) -> Checked<Words> {
    let header = message.read_header::<[u64; 2]>().during("reading the header")?;
    let words = Words::read(message.read_array::<u8>().during("reading the array")?)?;
    ensure(*header == [words.source, words.number], || format!("{header:?} is the header of {words}"))?;
    Ok(words)
}

/// A region with one more topic, and who hears it.
struct Telling {
    region: Region,
    form: Form,
    part: Part,
    ear: Ear,
    _subscriber: Subscriber,
    speaker: Option<(Mouth, Publisher)>,
    said: u64,
}

impl Telling {
    fn new(dir: &Path, form: Form, part: Part) -> Checked<Self> {
        let region = Region::new(dir, TopicConfig::new())?;
        drop(Mouth::of(&region.keeper, form)?);
        let subscriber = Subscriber::connect_in(dir, NAME).during("connecting")?;
        let ear = Ear::of(&subscriber, form)?;
        Ok(Self { region, form, part, ear, _subscriber: subscriber, speaker: None, said: 0 })
    }

    fn publisher(&self) -> Checked<Publisher> {
        Publisher::open_in(&self.region.dir, NAME).during("joining")
    }

    /// A survivor says something; it is heard, and in front of it at most `may`.
    fn say(&mut self, may: &[Words]) -> Checked {
        let words = Words { source: SURVIVOR, number: self.said };
        self.said += 1;
        if self.speaker.is_none() {
            let publisher = self.publisher()?;
            self.speaker = Some((Mouth::of(&publisher, self.form)?, publisher));
        }
        if let Some((mouth, publisher)) = &self.speaker {
            mouth.say(publisher, words)?;
        }
        let mut heard = Vec::new();
        while heard.last() != Some(&words) {
            heard.push(self.ear.hear()?);
        }
        expect(&heard, may, &[words])
    }
}

impl Scene for Telling {
    fn play(&self, round: u64) {
        let words = |number| Words { source: round, number };
        if self.part == Part::Receive {
            let subscriber = Subscriber::connect_in(&self.region.dir, NAME).unwrap();
            let ear = Ear::of(&subscriber, self.form).unwrap();
            mark();
            let heard = ear.try_hear();
            mark();
            heard.unwrap().unwrap();
            return;
        }
        let publisher = self.publisher().unwrap();
        let mouth = Mouth::of(&publisher, self.form).unwrap();
        mouth.say(&publisher, words(0)).unwrap();
        mark();
        let said = mouth.say(&publisher, words(WITHIN));
        mark();
        said.unwrap();
    }

    fn begun(&mut self, round: u64) -> Checked {
        match self.part {
            Part::Receive => self.say(&[]),
            Part::Publish => {
                let heard = self.ear.hear()?;
                ensure(heard == Words { source: round, number: 0 }, || format!("heard {heard} before"))
            }
        }
    }

    fn check(&mut self, round: u64) -> Checked {
        self.say(&[Words { source: round, number: WITHIN }])?;
        // More than the topic keeps: whatever the victim left in its ring is evicted.
        for _ in 0..=DEPTH {
            self.say(&[])?;
        }
        self.speaker = None;
        self.region.aftermath(round, &[], 0)
    }

    fn finish(self: Box<Self>) -> Checked {
        let Self { region, ear, _subscriber: subscriber, speaker, .. } = *self;
        drop((ear, subscriber, speaker));
        region.finish()
    }
}
