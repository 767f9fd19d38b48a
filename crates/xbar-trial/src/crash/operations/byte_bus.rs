//! Victims at a byte bus.

use std::path::{Path, PathBuf};
use std::time::Instant;

use xbar::{ByteBus, ByteBusConfig, ByteBusSubscriber};
use xbar::{RingRecvError as RecvError, RingTryRecvError as TryRecvError};

use super::super::ear::{PATIENCE, expect};
use super::super::fault::{Checked, During, ensure};
use super::super::region::{NAME, SURVIVOR};
use super::super::victim::{Victim, mark};
use super::super::words::Words;
use super::topics::WITHIN;
use super::{Operation, Scene};

/// Bytes of the ring: a lap is a few messages, so that deaths fall on all of its edges.
const CAPACITY: usize = 1024;

/// Bytes of a message; three do not fit into an eighth of the ring.
const LENGTH: usize = 100;

/// More than a lap.
const LAP: u64 = 12;

/// What a victim does.
#[derive(Clone, Copy)]
enum Part {
    Send,
    /// Three at once.
    SendBatch,
    /// Written in two parts, shortened.
    Claim,
    Receive,
    /// The newest of three.
    Latest,
    Connect,
    GoOn,
    Leave,
}

pub fn operations() -> Vec<Operation> {
    let operation = |name, part| Operation {
        name,
        scene: Box::new(move |dir: &Path| Ok(Box::new(Riding::new(dir, part)) as Box<dyn Scene>)),
    };
    vec![
        operation("byte bus: go on after a death", Part::GoOn),
        operation("byte bus: connect from the oldest", Part::Connect),
        operation("byte bus: leave", Part::Leave),
        operation("byte bus: send", Part::Send),
        operation("byte bus: send a batch", Part::SendBatch),
        operation("byte bus: claim, write, commit", Part::Claim),
        operation("byte bus: receive", Part::Receive),
        operation("byte bus: receive the latest", Part::Latest),
    ]
}

/// A byte bus and a reader that stays.
struct Riding {
    dir: PathBuf,
    part: Part,
    /// Absent while a victim sends.
    bus: Option<ByteBus>,
    reader: Option<ByteBusSubscriber>,
    said: u64,
}

fn config(dir: &Path) -> ByteBusConfig {
    ByteBusConfig::new().subscribers(4).dir(dir)
}

fn create(dir: &Path) -> Result<ByteBus, xbar::RegionError> {
    ByteBus::create_with(NAME, CAPACITY, &config(dir))
}

/// Everything up to `last`, which is the last, without a gap.
fn hear_until(reader: &mut ByteBusSubscriber, last: Words) -> Checked<Vec<Words>> {
    let start = Instant::now();
    let (mut heard, mut message) = (Vec::new(), Vec::new());
    while heard.last() != Some(&last) {
        let expected = reader.cursor();
        match reader.recv_vec_timeout(&mut message, PATIENCE) {
            Ok(found) => {
                ensure(found.sequence == expected && usize::from(found.kind) == found.bytes.len(), || {
                    format!("message {} of kind {}, not {expected}", found.sequence, found.kind)
                })?;
                heard.push(Words::read(found.bytes)?);
            }
            Err(RecvError::Disconnected) if start.elapsed() < PATIENCE => std::thread::yield_now(),
            Err(error) => return Err(format!("receiving from the byte bus: {error}, after {heard:?}")),
        }
    }
    let behind = reader.try_recv_vec(&mut message).map(|found| found.sequence);
    ensure(behind == Err(TryRecvError::Empty), || format!("{behind:?} behind {last}, the last"))?;
    Ok(heard)
}

impl Riding {
    fn new(dir: &Path, part: Part) -> Self {
        Self { dir: dir.to_owned(), part, bus: None, reader: None, said: 0 }
    }

    /// Whether the victim is the writer.
    fn sends(&self) -> bool {
        matches!(self.part, Part::Send | Part::SendBatch | Part::Claim | Part::GoOn | Part::Leave)
    }

    fn say(&mut self) -> Checked<Words> {
        let bus = self.bus.as_mut().ok_or("no bus")?;
        let words = Words { source: SURVIVOR, number: self.said };
        self.said += 1;
        // Other lengths each time: the ring's end falls elsewhere in each lap.
        let length = LENGTH + self.said as usize % 90;
        bus.send_as(length as u16, &words.bytes(length)).during("sending on the byte bus")?;
        Ok(words)
    }

    fn hear_until(&mut self, last: Words) -> Checked<Vec<Words>> {
        hear_until(self.reader.as_mut().ok_or("no reader")?, last)
    }

    fn connect(&mut self) -> Checked {
        self.reader = Some(config(&self.dir).connect(NAME).during("connecting to the byte bus")?);
        Ok(())
    }
}

impl Scene for Riding {
    fn ready(&mut self, _round: u64) -> Checked {
        if self.sends() {
            // Left to die out, for the victim: the reader stays.
            self.bus = None;
        } else if self.bus.is_none() {
            self.bus = Some(create(&self.dir).during("creating the byte bus")?);
        }
        if matches!(self.part, Part::GoOn) {
            let dir = self.dir.clone();
            let mut dead = Victim::start(move || {
                let mut bus = create(&dir).unwrap();
                // Dies with a claim that it wrote in.
                let mut claim = bus.claim(LENGTH).unwrap();
                claim.write(0, &[0xff; LENGTH]);
                mark();
                drop(claim);
            })?;
            dead.begun()?;
            self.connect()?;
            dead.kill()?;
        }
        Ok(())
    }

    fn play(&self, round: u64) {
        let words = |number| Words { source: round, number: WITHIN + number }.bytes(LENGTH);
        let (kind, mut place) = (LENGTH as u16, [0; 200]);
        match self.part {
            Part::Send => {
                let (mut bus, message) = (create(&self.dir).unwrap(), words(0));
                mark();
                bus.send_as(kind, &message).unwrap();
                mark();
            }
            Part::SendBatch => {
                let (mut bus, messages) = (create(&self.dir).unwrap(), [0, 1, 2].map(words));
                mark();
                bus.send_batch(messages.iter().map(|message| (kind, &message[..]))).unwrap();
                mark();
            }
            Part::Claim => {
                let (mut bus, message) = (create(&self.dir).unwrap(), words(0));
                mark();
                let mut claim = bus.claim(LENGTH + 50).unwrap();
                claim.write(LENGTH / 2, &message[LENGTH / 2..]);
                claim.write(0, &message[..LENGTH / 2]);
                claim.truncate(LENGTH);
                claim.commit(kind);
                mark();
            }
            Part::GoOn => {
                let message = words(0);
                mark();
                let mut bus = create(&self.dir).unwrap();
                bus.send_as(kind, &message).unwrap();
                mark();
            }
            Part::Leave => {
                let bus = create(&self.dir).unwrap();
                mark();
                drop(bus);
                mark();
            }
            Part::Receive | Part::Latest => {
                let mut reader = config(&self.dir).connect(NAME).unwrap();
                mark();
                let found = match self.part {
                    Part::Receive => reader.try_recv(&mut place).map(|message| message.sequence),
                    _ => reader.latest(&mut place).map(|message| message.sequence),
                };
                mark();
                assert!(!matches!(found, Err(TryRecvError::Empty)));
            }
            Part::Connect => {
                mark();
                let reader = config(&self.dir).connect_from_oldest(NAME).unwrap();
                mark();
                drop(reader);
            }
        }
    }

    fn begun(&mut self, _round: u64) -> Checked {
        if self.reader.is_none()
            || matches!(self.part, Part::Send | Part::SendBatch | Part::Claim | Part::Leave)
        {
            self.connect()?;
        }
        if matches!(self.part, Part::Receive | Part::Latest) {
            for _ in 0..3 {
                let words = self.say()?;
                expect(&self.hear_until(words)?, &[], &[words])?;
            }
        }
        Ok(())
    }

    fn check(&mut self, round: u64) -> Checked {
        let within = if matches!(self.part, Part::SendBatch) { 3 } else { 1 };
        let may: Vec<_> =
            (0..within).map(|number| Words { source: round, number: WITHIN + number }).collect();
        if self.sends() {
            self.bus = Some(create(&self.dir).during("going on with the byte bus")?);
        }
        if matches!(self.part, Part::Leave) {
            // Its region went, or not; readers of the new one come anew.
            self.connect()?;
        }
        let newcomer = config(&self.dir).connect(NAME);
        let mut newcomer = newcomer.during("connecting to the byte bus")?;
        let words = self.say()?;
        expect(&self.hear_until(words)?, &may, &[words])?;
        expect(&hear_until(&mut newcomer, words)?, &[], &[words])
            .map_err(|error| format!("a newcomer: {error}"))?;
        for _ in 0..LAP {
            let words = self.say()?;
            expect(&self.hear_until(words)?, &[], &[words])?;
        }
        let bus = self.bus.as_ref().ok_or("no bus")?;
        let (readers, sent) = (bus.subscriber_count(), bus.sent());
        ensure(readers == 2, || format!("{readers} readers live, of whom 2 do"))?;
        let cursor = self.reader.as_ref().map(ByteBusSubscriber::cursor);
        ensure(cursor == Some(sent), || format!("{cursor:?} were passed of {sent} that were sent"))?;
        drop(newcomer);
        if self.sends() {
            (self.reader, self.bus) = (None, None);
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Checked {
        Ok(())
    }
}
