//! A pinned topic: the latest value, whole, at any time.

use loom::thread;
use xbar_layout::sync::Ordering;
use xbar_topic::Reader;

use crate::memory::{
    Keep, Memory, Seen, Sizes, ledger, look_at_newest, look_for_news, reader, send_in_block, send_inline,
    supply, writer,
};

/// As options.rs has it: with less, a retry might see the same overwritten message again.
const SLOTS: usize = 4;

/// The newest, which must be there and not older than `least`.
fn newest(memory: &Keep, reader: &mut Reader<Keep>, least: u64) -> u64 {
    match look_at_newest(memory, reader, &ledger(memory, 0)) {
        Seen::Message { sequence, value } => {
            assert_eq!(sequence, value);
            assert!(sequence >= least, "older than one that was read before");
            sequence
        }
        seen => panic!("{seen:?}"),
    }
}

/// Proves: from the first message on there is always one, whole, and never an older one than was read before, while the
/// publisher laps the reader. Bound: the 4 slots of a pinned topic, `count` messages beside two looks.
fn the_latest_is_always_there(in_blocks: bool, count: u64) {
    loom::model(move || {
        let memory = Memory::new(&Sizes { slots: SLOTS, blocks: SLOTS + 4, publishers: 1, readers: 1 });
        memory.joined.store(1, Ordering::Relaxed);
        let (mut writer, mut supply) = (writer(&memory), supply(&memory, 0));
        let mut reader = reader(&memory, false);
        let send = if in_blocks { send_in_block } else { send_inline };
        let mut publish = |from, to| {
            for n in from..to {
                send(&memory, (&mut writer, &mut supply), u64::MAX, n).unwrap();
            }
        };
        publish(0, 1);
        let theirs = memory.clone();
        let other = thread::spawn(move || {
            let first = newest(&theirs, &mut reader, 0);
            let second = newest(&theirs, &mut reader, first);
            (reader, second)
        });
        publish(1, 1 + count);
        let (mut reader, least) = other.join().unwrap();
        assert_eq!(newest(&memory, &mut reader, least), count);
        assert_eq!(newest(&memory, &mut reader, least), count, "again and again");
    });
}

/// Proves: what is received as new is new, also between a message's stamp and the ring's head, where the head still names the message
/// before. Bound: three messages, four looks for news.
#[test]
fn news_comes_once() {
    loom::model(|| {
        let memory = Memory::new(&Sizes { slots: SLOTS, blocks: SLOTS + 4, publishers: 1, readers: 1 });
        memory.joined.store(1, Ordering::Relaxed);
        let (mut writer, mut supply) = (writer(&memory), supply(&memory, 0));
        let mut reader = reader(&memory, false);
        let theirs = memory.clone();
        let other = thread::spawn(move || {
            let mut news = Vec::new();
            for _ in 0..4 {
                if reader.is_empty() {
                    continue;
                }
                match look_for_news(&theirs, &mut reader, &ledger(&theirs, 0)) {
                    Seen::Message { sequence, value } => {
                        assert_eq!(sequence, value);
                        news.push(sequence);
                    }
                    seen => panic!("{seen:?}"),
                }
            }
            assert!(news.is_sorted_by(|a, b| a < b), "again, or older: {news:?}");
        });
        for n in 0..3 {
            send_inline(&memory, (&mut writer, &mut supply), u64::MAX, n).unwrap();
        }
        other.join().unwrap();
    });
}

#[test]
fn the_latest_in_a_slot_is_always_there() {
    the_latest_is_always_there(false, 4);
}

#[test]
fn the_latest_in_a_block_is_always_there() {
    the_latest_is_always_there(true, 4);
}
