//! A lossless topic: whoever reads gets all of it, in slots and in blocks.

use loom::thread;
use xbar_layout::sync::Ordering;
use xbar_pool::Ledger;
use xbar_topic::gate::{Gate, Pass};
use xbar_topic::{Reader, Writer};

use crate::memory::{
    Blocks, Keep, Memory, Seen, Sizes, gate, join, ledger, look, look_and, reader, reader_of_many,
    send_in_block, send_inline, supply, writer, writer_of_many,
};

const SLOTS: usize = 2;
/// As rings.rs: the writer keeps one slot marked ahead.
const ROOM: u64 = SLOTS as u64 - 1;

/// A publisher that never waits.
struct Sender {
    memory: Keep,
    writer: Writer<Keep>,
    supply: Blocks,
    gate: Gate<Keep>,
    limit: u64,
}

impl Sender {
    fn new(memory: &Keep) -> Self {
        let (supply, gate) = (supply(memory, 0), gate(memory, ROOM));
        Self { memory: memory.clone(), writer: writer(memory), supply, gate, limit: 0 }
    }

    /// Publishes the number of the next message as that message, if there is room: every second one in a block.
    fn attempt(&mut self) {
        let next = self.writer.next();
        if next >= self.limit {
            self.limit = self.gate.widen(self.limit, next, || self.memory.readers());
        }
        let ends = (&mut self.writer, &mut self.supply);
        let send = if next % 2 == 0 { send_in_block } else { send_inline };
        let sent = send(&self.memory, ends, self.limit, next);
        assert_eq!(sent.is_ok(), next < self.limit);
    }
}

/// A reader with its place.
struct Receiver {
    memory: Keep,
    reader: Reader<Keep>,
    pass: Pass<Keep>,
    ledger: Ledger<Keep>,
    /// The first message that it is to get.
    first: u64,
    received: u64,
}

impl Receiver {
    /// Joins as stream.rs does.
    fn join(memory: &Keep, mut reader: Reader<Keep>) -> Self {
        memory.joined.fetch_max(1, Ordering::Relaxed);
        let pass = join(memory, 0, ROOM, reader.next());
        reader.skip_to(pass.position());
        let first = reader.next();
        Self { memory: memory.clone(), reader, pass, ledger: ledger(memory, 0), first, received: 0 }
    }

    /// One look; true when there was a message. The place is given up while the message is held, before it is read.
    fn look(&mut self) -> bool {
        let Self { pass, memory, .. } = self;
        let passed = |sequence| pass.move_to(sequence + 1);
        let seen = look_and(memory, &mut self.reader, &self.ledger, passed);
        match seen {
            Seen::Message { sequence, value } => {
                assert_eq!(
                    (sequence, value),
                    (self.first + self.received, sequence),
                    "lost, or out of order"
                );
                self.received += 1;
                true
            }
            Seen::Missed(missed) => panic!("{missed} messages lost"),
            Seen::Empty => false,
        }
    }
}

fn memory() -> Keep {
    // Ring, limbo, the loan, the held one, and one at hand.
    Memory::new(&Sizes { slots: SLOTS, blocks: SLOTS + 3, publishers: 1, readers: 1 })
}

/// Proves: between its first message and the end, a reader that is there gets everything, whole; and a block that it has
/// passed, but holds, is not reused. Bound: a ring of 2, 4 attempts to publish, 2 looks beside them.
#[test]
fn everything_arrives_and_what_is_held_is_not_reused() {
    loom::model(|| {
        let memory = memory();
        let mut sender = Sender::new(&memory);
        let mut receiver = Receiver::join(&memory, reader(&memory, true));
        sender.attempt();
        let other = thread::spawn(move || {
            (0..2).for_each(|_| _ = receiver.look());
            receiver
        });
        (0..4).for_each(|_| sender.attempt());
        let mut receiver = other.join().unwrap();
        while receiver.look() {}
        assert_eq!(receiver.first + receiver.received, sender.writer.next());
    });
}

/// Proves: a reader that joins at any moment gets everything from its first message on. Bound: a ring of 2, a message before,
/// 3 attempts to publish beside the join and one look.
#[test]
fn a_joiner_gets_everything_from_its_first_message_on() {
    loom::model(|| {
        let memory = memory();
        let mut sender = Sender::new(&memory);
        sender.attempt();
        let mut reader = reader(&memory, true);
        reader.rewind(1);
        let theirs = memory.clone();
        let other = thread::spawn(move || {
            let mut receiver = Receiver::join(&theirs, reader);
            receiver.look();
            receiver
        });
        (0..3).for_each(|_| sender.attempt());
        let mut receiver = other.join().unwrap();
        while receiver.look() {}
        sender.attempt();
        while receiver.look() {}
        assert_eq!(receiver.first + receiver.received, sender.writer.next());
    });
}

/// Proves: a reader that leaves lets the publisher go on, and what it held until then is not reused before. Bound: as above,
/// one look and the leaving.
#[test]
fn a_reader_that_leaves_is_not_waited_for() {
    loom::model(|| {
        let memory = memory();
        let mut sender = Sender::new(&memory);
        let mut receiver = Receiver::join(&memory, reader(&memory, true));
        sender.attempt();
        let other = thread::spawn(move || {
            receiver.look();
            receiver.pass.leave();
        });
        (0..2).for_each(|_| sender.attempt());
        other.join().unwrap();
        let before = sender.writer.next();
        (0..2).for_each(|_| sender.attempt());
        assert_eq!(sender.writer.next(), before + 2, "nobody is waited for");
    });
}

/// Proves: with two publishers as well, a reader gets everything that was published, each publisher's messages in order.
/// Bound: a ring of 2, 2 + 1 attempts, 1 look beside them.
#[test]
fn two_publishers_lose_nothing() {
    loom::model(|| {
        let memory = Memory::new(&Sizes { slots: SLOTS, blocks: 1, publishers: 2, readers: 1 });
        memory.joined.store(1, Ordering::Relaxed);
        let mut reader = reader_of_many(&memory, true);
        let mut pass = join(&memory, 0, ROOM, reader.next());
        let sender = |owner: u32| {
            let (memory, writer, supply) =
                (memory.clone(), writer_of_many(&memory, owner), supply(&memory, owner as usize));
            let gate = gate(&memory, ROOM);
            (memory, writer, supply, gate, owner)
        };
        // Values 10, 11 and 20.
        let run =
            |(memory, mut writer, mut supply, gate, owner): (Keep, Writer<Keep>, Blocks, Gate<Keep>, u32),
             count| {
                let (mut limit, mut sent) = (0, 0);
                for _ in 0..count {
                    if writer.next() >= limit {
                        limit = gate.widen(limit, writer.next(), || memory.readers());
                    }
                    let value = u64::from(owner + 1) * 10 + sent;
                    sent += u64::from(send_inline(&memory, (&mut writer, &mut supply), limit, value).is_ok());
                }
                sent
            };
        let (one, two) = (sender(0), sender(1));
        let ledger = ledger(&memory, 0);
        let other = thread::spawn(move || run(two, 1));
        let third = thread::spawn(move || run(one, 2));
        let mut values = Vec::new();
        let mut look = || match look(&memory, &mut reader, &ledger) {
            Seen::Message { value, .. } => {
                values.push(value);
                pass.move_to(reader.next());
                true
            }
            Seen::Missed(missed) => panic!("{missed} messages lost"),
            Seen::Empty => false,
        };
        look();
        let (of_two, of_one) = (other.join().unwrap(), third.join().unwrap());
        while look() {}
        for (owner, sent) in [(1, of_one), (2, of_two)] {
            let got: Vec<_> = values.iter().copied().filter(|value| value / 10 == owner).collect();
            assert_eq!(got, (0..sent).map(|n| owner * 10 + n).collect::<Vec<_>>());
        }
        assert_eq!(values.len() as u64, of_one + of_two);
    });
}
