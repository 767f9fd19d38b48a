//! Victims that create and remove regions, join them and add topics.

use std::path::{Path, PathBuf};

use xbar::doctor::{Treatment, examine_in};
use xbar::{Publisher, RecvError, Stream, Subscriber, TopicConfig};

use super::super::ear::PATIENCE;
use super::super::fault::{Checked, During, ensure};
use super::super::region::{BATCH, NAME, Region, URI, config};
use super::super::victim::{Victim, mark};
use super::super::words::{LARGE, SMALL, Words};
use super::topics::{ACT, Act};
use super::{Operation, Scene};

pub fn operations() -> Vec<Operation> {
    let alone = |name, play: fn(&Path), is_after_a_death| Operation {
        name,
        scene: Box::new(move |dir: &Path| {
            Ok(Box::new(Alone { dir: dir.to_owned(), play, is_after_a_death, old: None }) as Box<dyn Scene>)
        }),
    };
    vec![
        alone("create a region", create, false),
        alone("create over a dead region", create, true),
        alone("doctor: remove a dead region", remove, true),
        alone("leave as the last", leave_last, false),
        Operation { name: "register a new topic", scene: Box::new(|dir| Ok(Box::new(Naming::new(dir)?))) },
        Act { play: |role| join(&role.dir), ..ACT }.operation("join as a publisher"),
    ]
}

fn create(dir: &Path) {
    mark();
    let publisher = Publisher::create(NAME, &config(dir));
    mark();
    drop(publisher);
}

fn remove(dir: &Path) {
    mark();
    let findings = examine_in(dir, Treatment::Fix);
    mark();
    drop(findings);
}

fn leave_last(dir: &Path) {
    let publisher = Publisher::create(NAME, &config(dir)).unwrap();
    mark();
    drop(publisher);
    mark();
}

fn join(dir: &Path) {
    mark();
    let publisher = Publisher::open_in(dir, NAME);
    mark();
    drop(publisher);
}

/// Nobody is there but the victim; the survivors come afterwards.
struct Alone {
    dir: PathBuf,
    play: fn(&Path),
    /// There is a region whose publisher died, and a reader of it.
    is_after_a_death: bool,
    old: Option<Stream>,
}

impl Scene for Alone {
    fn ready(&mut self, _round: u64) -> Checked {
        if self.is_after_a_death {
            let dir = self.dir.clone();
            let mut dead = Victim::start(move || {
                let publisher = Publisher::create(NAME, &config(&dir)).unwrap();
                let topic = publisher.register(URI).unwrap();
                mark();
                drop(topic);
            })?;
            dead.begun()?;
            let subscriber = Subscriber::connect_in(&self.dir, NAME).during("connecting before")?;
            self.old = Some(subscriber.subscribe(URI).during("subscribing before")?);
            dead.kill()?;
        }
        Ok(())
    }

    fn play(&self, _round: u64) {
        (self.play)(&self.dir);
    }

    fn check(&mut self, round: u64) -> Checked {
        let publisher = Publisher::create(NAME, &config(&self.dir)).during("creating")?;
        let topic = publisher.register(URI).during("registering")?;
        let subscriber = Subscriber::connect_in(&self.dir, NAME).during("connecting")?;
        let stream = subscriber.subscribe(URI).during("subscribing")?;
        for (number, length) in [SMALL, LARGE].into_iter().enumerate() {
            let words = Words { source: round, number: number as u64 };
            publisher.send(&topic, &words.bytes(length)).during("publishing")?;
            let sample = stream.recv_timeout(PATIENCE).during("receiving")?;
            ensure(Words::read(&sample)? == words, || "another message came than was sent".to_owned())?;
        }
        if let Some(old) = self.old.take() {
            let heard = old.recv_timeout(PATIENCE).map(|_| ());
            ensure(heard == Err(RecvError::Disconnected), || {
                format!("a reader of the dead region heard {heard:?}")
            })?;
        }
        super::super::census::check(&self.dir, NAME, BATCH)?;
        drop((topic, stream, subscriber, publisher));
        let left = std::fs::read_dir(&self.dir).during("looking for what is left")?;
        let left: Vec<_> = left.flatten().map(|entry| entry.file_name()).collect();
        ensure(left.is_empty(), || format!("when all had left, there was still {left:?}"))
    }

    fn finish(self: Box<Self>) -> Checked {
        Ok(())
    }
}

/// A region whose table of topics fills up, one victim after the other.
struct Naming {
    region: Region,
    named: u32,
}

impl Naming {
    fn new(dir: &Path) -> Checked<Self> {
        Ok(Self { region: Region::new(dir, TopicConfig::new())?, named: 0 })
    }
}

impl Scene for Naming {
    fn play(&self, round: u64) {
        let publisher = Publisher::open_in(&self.region.dir, NAME).unwrap();
        let uri = format!("/new/{round}");
        mark();
        let topic = publisher.register(&uri);
        mark();
        drop(topic);
    }

    fn check(&mut self, round: u64) -> Checked {
        self.named += 1;
        let uri = format!("/new/{round}");
        let publisher = Publisher::open_in(&self.region.dir, NAME).during("joining")?;
        let topic = publisher.register(&uri).during("registering the same")?;
        let subscriber = Subscriber::connect_in(&self.region.dir, NAME).during("connecting")?;
        let stream = subscriber.subscribe(&uri).during("subscribing")?;
        for number in 0..6 {
            let words = Words { source: round, number };
            publisher.send(&topic, &words.bytes(LARGE)).during("publishing")?;
            let sample = stream.recv_timeout(PATIENCE).during("receiving")?;
            ensure(Words::read(&sample)? == words, || "another message came than was sent".to_owned())?;
        }
        let topics = subscriber.topics();
        let times = topics.iter().filter(|topic| **topic == uri).count();
        ensure(times == 1, || format!("the topic is there {times} times: {topics:?}"))?;
        drop((topic, stream, subscriber, publisher));
        self.region.aftermath(round, &[], 0)
    }

    fn is_used_up(&self) -> bool {
        // Four topics, of which one is the region's own.
        self.named == 3
    }

    fn finish(self: Box<Self>) -> Checked {
        self.region.finish()
    }
}
