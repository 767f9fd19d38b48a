//! Scenarios written once and run twice: as stress by `tests/stress.rs`, as models by `tests/loom.rs`.
#![allow(dead_code)] // each test binary uses its part

use xbar_ring::{Reader, Received, Writer};

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
