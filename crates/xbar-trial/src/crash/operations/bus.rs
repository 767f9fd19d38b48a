//! Victims at a bus of values.

use std::path::{Path, PathBuf};

use bytemuck::{Pod, Zeroable};
use xbar::{BusConfig, BusSubscriber, Park, PodBus};
use xbar::{RingRecvError as RecvError, RingTryRecvError as TryRecvError};

use super::super::ear::{PATIENCE, expect};
use super::super::fault::{Checked, During, ensure};
use super::super::region::{NAME, SURVIVOR};
use super::super::victim::mark;
use super::super::words::{SMALL, Words};
use super::topics::WITHIN;
use super::{Operation, Scene};

/// Values that the bus keeps.
const CAPACITY: u32 = 4;

/// Words in a value of a bus.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(transparent)]
struct Value([u8; SMALL]);

fn value(words: Words) -> Value {
    let mut value = Value::zeroed();
    words.write(&mut value.0);
    value
}

/// What a victim does.
#[derive(Clone, Copy)]
enum Part {
    Publish,
    /// Three at once.
    PublishBatch,
    /// More than the bus keeps, asleep until there is room.
    Wait,
    Receive,
    Connect,
    GoOn,
    Leave,
    LeaveAsReader,
}

pub fn operations() -> Vec<Operation> {
    let operation = |name, part, is_bounded| Operation {
        name,
        scene: Box::new(
            move |dir: &Path| Ok(Box::new(Riding::new(dir, part, is_bounded)?) as Box<dyn Scene>),
        ),
    };
    vec![
        operation("bus: go on after a death", Part::GoOn, false),
        operation("bus: connect", Part::Connect, true),
        operation("bus: publish", Part::Publish, false),
        operation("bus: publish, bounded", Part::Publish, true),
        operation("bus: publish a batch", Part::PublishBatch, false),
        operation("bus: publish, asleep for room", Part::Wait, true),
        operation("bus: receive", Part::Receive, false),
        operation("bus: receive, bounded", Part::Receive, true),
        operation("bus: leave", Part::Leave, true),
        operation("bus: leave as a reader", Part::LeaveAsReader, true),
    ]
}

/// A bus and a reader that stays.
struct Riding {
    dir: PathBuf,
    part: Part,
    is_bounded: bool,
    /// Absent while a victim publishes.
    bus: Option<PodBus<Value>>,
    reader: Option<BusSubscriber<Value>>,
    said: u64,
    /// What the reader heard while the victim waited for room.
    heard: Vec<Words>,
}

fn config(dir: &Path) -> BusConfig {
    BusConfig::new().subscribers(4).dir(dir)
}

fn create(dir: &Path, is_bounded: bool) -> Result<PodBus<Value>, xbar::RegionError> {
    match is_bounded {
        true => PodBus::create_bounded_with(NAME, CAPACITY, &config(dir)),
        false => PodBus::create_with(NAME, CAPACITY, &config(dir)),
    }
}

impl Riding {
    fn new(dir: &Path, part: Part, is_bounded: bool) -> Checked<Self> {
        Ok(Self {
            dir: dir.to_owned(),
            part,
            is_bounded,
            bus: None,
            reader: None,
            said: 0,
            heard: Vec::new(),
        })
    }

    fn says(&self) -> bool {
        !matches!(self.part, Part::Receive | Part::Connect | Part::LeaveAsReader)
    }

    fn say(&mut self) -> Checked<Words> {
        let bus = self.bus.as_ref().ok_or("no bus")?;
        let words = Words { source: SURVIVOR, number: self.said };
        self.said += 1;
        bus.publish_timeout(&value(words), PATIENCE).during("publishing on the bus")?;
        Ok(words)
    }

    /// Makes room for whoever waits for it.
    fn hear_what_is_there(&mut self) -> Checked {
        if let (Part::Wait, Some(reader)) = (self.part, &mut self.reader) {
            while let Ok(value) = reader.try_recv() {
                self.heard.push(Words::read(&value.0)?);
            }
        }
        Ok(())
    }

    /// Everything up to `last`.
    fn hear_until(&mut self, last: Words) -> Checked<Vec<Words>> {
        let reader = self.reader.as_mut().ok_or("no reader")?;
        let start = std::time::Instant::now();
        let mut heard = Vec::new();
        while heard.last() != Some(&last) {
            match reader.recv_timeout(PATIENCE) {
                Ok(value) => heard.push(Words::read(&value.0)?),
                Err(RecvError::Disconnected) if start.elapsed() < PATIENCE => std::thread::yield_now(),
                Err(error) => return Err(format!("receiving from the bus: {error}, after {heard:?}")),
            }
        }
        Ok(heard)
    }
}

impl Scene for Riding {
    fn ready(&mut self, _round: u64) -> Checked {
        if self.says() {
            // Left to die out, for the victim: the reader stays.
            self.bus = None;
        } else if self.bus.is_none() {
            self.bus = Some(create(&self.dir, self.is_bounded).during("creating the bus")?);
        }
        if matches!(self.part, Part::GoOn) {
            let dir = self.dir.clone();
            let is_bounded = self.is_bounded;
            let mut dead = super::super::victim::Victim::start(move || {
                let bus = create(&dir, is_bounded).unwrap();
                mark();
                drop(bus);
            })?;
            dead.begun()?;
            self.reader = Some(config(&self.dir).connect(NAME).during("connecting to the bus")?);
            dead.kill()?;
        }
        Ok(())
    }

    fn play(&self, round: u64) {
        let words = |number| value(Words { source: round, number });
        match self.part {
            Part::Publish => {
                let bus = create(&self.dir, self.is_bounded).unwrap();
                bus.publish(&words(0));
                let value = words(WITHIN);
                mark();
                bus.publish(&value);
                mark();
            }
            Part::PublishBatch => {
                let bus = create(&self.dir, self.is_bounded).unwrap();
                let values = [0, 1, 2].map(|number| words(WITHIN + number));
                mark();
                bus.publish_batch(&values);
                mark();
            }
            Part::Wait => {
                let bus = create(&self.dir, self.is_bounded).unwrap();
                mark();
                for number in 0..=u64::from(CAPACITY) {
                    bus.publish_with(&words(WITHIN + number), Park).unwrap();
                }
                mark();
            }
            Part::GoOn => {
                mark();
                let bus = create(&self.dir, self.is_bounded).unwrap();
                bus.publish(&words(WITHIN));
                mark();
            }
            Part::Leave => {
                let bus = create(&self.dir, self.is_bounded).unwrap();
                mark();
                drop(bus);
                mark();
            }
            Part::Receive => {
                let mut reader = config(&self.dir).connect::<Value>(NAME).unwrap();
                mark();
                let value = reader.try_recv();
                mark();
                assert!(!matches!(value, Err(TryRecvError::Empty)));
            }
            Part::LeaveAsReader => {
                let reader = config(&self.dir).connect::<Value>(NAME).unwrap();
                mark();
                drop(reader);
                mark();
            }
            Part::Connect => {
                mark();
                let reader = config(&self.dir).connect::<Value>(NAME).unwrap();
                mark();
                drop(reader);
            }
        }
    }

    fn begun(&mut self, _round: u64) -> Checked {
        if self.reader.is_none()
            || !matches!(self.part, Part::Receive | Part::Connect | Part::GoOn | Part::LeaveAsReader)
        {
            self.reader = Some(config(&self.dir).connect(NAME).during("connecting to the bus")?);
        }
        if matches!(self.part, Part::Receive) {
            let words = self.say()?;
            expect(&self.hear_until(words)?, &[], &[words])?;
        }
        Ok(())
    }

    fn rouse(&mut self, _round: u64) -> Checked {
        self.hear_what_is_there()
    }

    fn check(&mut self, round: u64) -> Checked {
        let within = match self.part {
            Part::PublishBatch => 3,
            Part::Wait => u64::from(CAPACITY) + 1,
            _ => 1,
        };
        let may: Vec<_> =
            (0..within).map(|number| Words { source: round, number: WITHIN + number }).collect();
        let is_new = matches!(self.part, Part::Leave);
        if self.says() {
            self.bus = Some(create(&self.dir, self.is_bounded).during("going on with the bus")?);
        }
        if is_new {
            // Its region went, or not; readers of the new one come anew.
            self.reader = Some(config(&self.dir).connect(NAME).during("connecting to the bus")?);
        }
        let mut newcomer = config(&self.dir).connect::<Value>(NAME).during("connecting to the bus")?;
        self.hear_what_is_there()?;
        let words = self.say()?;
        let mut heard = std::mem::take(&mut self.heard);
        heard.extend(self.hear_until(words)?);
        expect(&heard, &may, &[words])?;
        // A lap and more: a bounded bus waits for nobody who is dead.
        for _ in 0..=CAPACITY {
            let words = self.say()?;
            expect(&self.hear_until(words)?, &[], &[words])?;
            if words.number % 2 == 0 {
                while newcomer.try_recv().is_ok() {}
            }
        }
        let readers = self.bus.as_ref().map_or(0, PodBus::subscriber_count);
        ensure(readers == 2, || format!("{readers} readers live, of whom 2 do"))?;
        drop(newcomer);
        if self.says() {
            (self.reader, self.bus) = (None, None);
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Checked {
        Ok(())
    }
}
