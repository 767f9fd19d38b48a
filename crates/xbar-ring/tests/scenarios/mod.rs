//! Scenarios written once and run twice: as stress by `tests/stress.rs`, as models by `tests/loom.rs`.
#![allow(dead_code)] // each test binary uses its part

use xbar_ring::bytes::{ByteSubscriber, ByteWriter};
use xbar_ring::{Reader, Received, TryRecvError, Writer};

/// The words of message `sequence`: each tells the sequence and its place, so a torn copy shows.
pub fn message(sequence: u64) -> [u64; 2] {
    [sequence * 10 + 1, sequence * 10 + 2]
}

/// Publishes the next `count` messages.
///
/// The writer is made before the threads are: it looks at every stamp when it takes a ring over, and the model checker,
/// which remembers one last access per word, would take such a look for the access that matters.
pub fn write<K>(writer: &mut Writer<K>, count: u64) {
    for _ in 0..count {
        let sequence = writer.next();
        writer.publish(&message(sequence));
    }
}

/// What a reader has seen: received + missed = the sequence number it waits for.
#[derive(Debug, Default)]
pub struct Account {
    pub received: u64,
    pub missed: u64,
}

/// One receive, with every promise checked.
pub fn read_one<K>(reader: &mut Reader<K>, start: u64, account: &mut Account) -> Received {
    let mut words = [0; 2];
    let received = reader.receive(&mut words);
    match received {
        Received::Message { sequence } => {
            assert_eq!(words, message(sequence), "a torn or foreign message");
            assert_eq!(sequence, start + account.received + account.missed, "out of order");
            account.received += 1;
        }
        Received::Lagged { missed } => {
            assert!(missed > 0, "a lag of nothing");
            account.missed += missed;
        }
        Received::Empty | Received::Ended => {}
    }
    assert_eq!(reader.next(), start + account.received + account.missed);
    received
}

/// The bytes of message `sequence` of a byte ring, `longest` at most: each tells the sequence and its place, and so does the
/// length.
pub fn bytes(sequence: u64, longest: usize) -> Vec<u8> {
    let length = (sequence as usize * 7 + 5) % (longest + 1);
    (0..length).map(|place| (sequence as usize * 31 + place) as u8).collect()
}

/// What its writer calls message `sequence`.
pub fn kind(sequence: u64) -> u16 {
    (sequence % 3) as u16
}

/// Sends the next `count` messages of up to `longest` bytes.
pub fn send<K>(writer: &mut ByteWriter<K>, count: u64, longest: usize) {
    for _ in 0..count {
        let sequence = writer.sent();
        writer.send(kind(sequence), &bytes(sequence, longest)).expect("short enough");
    }
}

/// One receive from a byte ring by a subscriber that began at `start`, with every promise checked; false when there is nothing.
pub fn receive_one<K>(subscriber: &mut ByteSubscriber<K>, start: u64, longest: usize) -> bool {
    let (before, mut place) = (subscriber.cursor(), [0; 4096]);
    match subscriber.try_recv(&mut place) {
        Ok(message) => {
            assert_eq!(message.sequence, before, "out of order");
            assert_eq!(message.bytes, bytes(before, longest), "a torn or foreign message");
            assert_eq!(message.kind, kind(before));
            assert_eq!(subscriber.cursor(), before + 1);
        }
        Err(TryRecvError::Lagged { missed }) => {
            assert!(missed > 0, "a lag of nothing");
            assert_eq!(subscriber.cursor(), before + missed);
        }
        Err(TryRecvError::Empty | TryRecvError::Disconnected) => return false,
        Err(error) => panic!("{error}"),
    }
    assert_eq!(subscriber.total_received() + subscriber.total_missed(), subscriber.cursor() - start);
    true
}
