//! A lossy topic of one publisher: blocks that are read are not reused, and every message is accounted for.

use loom::thread;
use xbar_layout::sync::Ordering;
use xbar_pool::Ledger;
use xbar_topic::{Reader, Writer};

use crate::memory::{Blocks, Keep, Memory, Seen, Sizes, ledger, look, reader, send_in_block, supply, writer};

const SIZES: Sizes = Sizes { slots: 2, blocks: 4, publishers: 1, readers: 1 };

/// Publishes `count` messages in blocks: message n is the number n.
fn publish(memory: &Keep, writer: &mut Writer<Keep>, supply: &mut Blocks, count: u64) {
    for _ in 0..count {
        let sequence = writer.next();
        assert_eq!(send_in_block(memory, (writer, supply), u64::MAX, sequence), Ok(sequence));
    }
}

/// One look; says how many messages it accounts for.
fn account(memory: &Keep, reader: &mut Reader<Keep>, ledger: &Ledger<Keep>) -> u64 {
    match look(memory, reader, ledger) {
        Seen::Message { sequence, value } => {
            assert_eq!(sequence, value, "the message of another slot");
            1
        }
        Seen::Missed(missed) => missed,
        Seen::Empty => 0,
    }
}

/// Proves: a block that is read is not written, whatever the order of hold, eviction, reclaim and reuse; and received +
/// missed = published. Bound: a ring of two slots, three messages after the first, two looks.
#[test]
fn a_block_that_is_read_is_not_reused() {
    loom::model(|| {
        let memory = Memory::new(&SIZES);
        memory.joined.store(1, Ordering::Relaxed);
        let (mut writer, mut supply) = (writer(&memory), supply(&memory, 0));
        let mut reader = reader(&memory, false);
        publish(&memory, &mut writer, &mut supply, 1);
        let theirs = memory.clone();
        let other = thread::spawn(move || {
            let ledger = ledger(&theirs, 0);
            let accounted: u64 = (0..2).map(|_| account(&theirs, &mut reader, &ledger)).sum();
            (reader, accounted)
        });
        publish(&memory, &mut writer, &mut supply, 3);
        let (mut reader, mut accounted) = other.join().unwrap();
        let ledger = ledger(&memory, 0);
        loop {
            match account(&memory, &mut reader, &ledger) {
                0 => break,
                more => accounted += more,
            }
        }
        assert_eq!(accounted, 4);
    });
}

/// Proves: a reader that joins while blocks are being reclaimed is counted before its first hold could be missed.
/// Bound: as above, three messages.
#[test]
fn a_reader_that_joins_is_counted_before_it_holds() {
    loom::model(|| {
        let memory = Memory::new(&SIZES);
        let (mut writer, mut supply) = (writer(&memory), supply(&memory, 0));
        publish(&memory, &mut writer, &mut supply, 1);
        let mut reader = reader(&memory, false);
        reader.rewind(u64::MAX);
        let theirs = memory.clone();
        let other = thread::spawn(move || {
            theirs.joined.fetch_max(1, Ordering::Relaxed);
            account(&theirs, &mut reader, &ledger(&theirs, 0));
        });
        publish(&memory, &mut writer, &mut supply, 3);
        other.join().unwrap();
    });
}
