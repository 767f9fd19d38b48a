//! The broadcast ring: one writer, lossy.

use loom::sync::atomic::AtomicU64;
use loom::sync::atomic::Ordering::Relaxed;
use loom::thread;
use std::sync::Arc;
use xbar_ring::{HeapRing, Poll, Received, TryRecvError, channel};

use crate::scenarios::{Account, read_one, write};

/// Proves: no torn or reordered message, and received + missed = position, while a writer laps a reader on the
/// smallest ring. Bound: 3 messages, 3 looks.
#[test]
fn a_lapped_reader_sees_whole_messages_or_says_what_it_missed() {
    loom::model(|| {
        let ring = HeapRing::new(2, 2);
        let mut reader = ring.reader();
        let mut writer = ring.writer();
        let writer = thread::spawn(move || write(&mut writer, 3));
        let mut account = Account::default();
        for _ in 0..3 {
            read_one(&mut reader, 0, &mut account);
        }
        writer.join().unwrap();
        // What is there at the end can be had, and nothing is unaccounted for.
        while read_one(&mut reader, 0, &mut account) != Received::Empty {}
        assert_eq!(account.received + account.missed, 3);
    });
}

/// Proves: a reader that keeps up misses nothing, and joining in the middle begins at a message that comes whole.
/// Bound: 2 messages, a ring of 4.
#[test]
fn a_reader_that_joins_in_the_middle_gets_all_from_there() {
    loom::model(|| {
        let ring = HeapRing::new(4, 2);
        let mut writer = ring.writer();
        let writer = thread::spawn(move || write(&mut writer, 2));
        let mut reader = ring.reader();
        let start = reader.next();
        let mut account = Account::default();
        read_one(&mut reader, start, &mut account);
        writer.join().unwrap();
        while read_one(&mut reader, start, &mut account) != Received::Empty {}
        assert_eq!(start + account.received, 2);
        assert_eq!(account.missed, 0);
    });
}

/// Proves: a writer that takes over from one that stopped continues its numbers, and a reader notices nothing.
/// Bound: 1 + 1 messages.
#[test]
fn a_reader_does_not_notice_a_new_writer() {
    loom::model(|| {
        let ring = HeapRing::new(4, 2);
        write(&mut ring.writer(), 1);
        let mut reader = ring.reader();
        let mut next = ring.writer();
        let writer = thread::spawn(move || write(&mut next, 1));
        let mut account = Account::default();
        read_one(&mut reader, 1, &mut account);
        writer.join().unwrap();
        while read_one(&mut reader, 1, &mut account) != Received::Empty {}
        assert_eq!((account.received, account.missed), (1, 0));
    });
}

/// Proves: messages that the head promises are there, for a reader that rewinds and for one that lagged. Bound: a ring of
/// 2, 1 and 3 messages.
#[test]
fn what_the_head_promises_is_there() {
    loom::model(|| {
        let ring = HeapRing::new(2, 2);
        let (mut writer, mut reader) = (ring.writer(), ring.reader());
        let writer = thread::spawn(move || write(&mut writer, 1));
        if reader.rewind() == 1 {
            assert_eq!(reader.receive(&mut [0; 2]), Received::Message { sequence: 0 });
        }
        writer.join().unwrap();
    });
    loom::model(|| {
        let ring = HeapRing::new(2, 2);
        let (mut writer, mut reader) = (ring.writer(), ring.reader());
        let writer = thread::spawn(move || write(&mut writer, 3));
        // Two missed: the head said 3, and the writer stops there.
        if reader.receive(&mut [0; 2]) == (Received::Lagged { missed: 2 }) {
            assert_eq!(reader.receive(&mut [0; 2]), Received::Message { sequence: 2 });
        }
        writer.join().unwrap();
    });
}

/// Proves: what a laggard leaps over on its way to the front is there, though head has told of none of it. Bound: a ring of 3, 4
/// messages.
#[test]
fn what_the_walk_to_the_front_leaps_over_is_there() {
    loom::model(|| {
        let (mut publisher, subscribers) = channel::<u64>(3);
        let mut subscriber = subscribers.subscribe();
        let publishing = thread::spawn(move || {
            (0..4).for_each(|n| publisher.publish(n));
            publisher
        });
        // Two missed: the front was 4, the oldest message that it leaves is 2, and nobody overwrites that one.
        if subscriber.try_recv() == Err(TryRecvError::Lagged { missed: 2 }) {
            assert_eq!(subscriber.try_recv(), Ok(2));
        }
        publishing.join().unwrap();
    });
}

/// Proves: what a thread did before it ended the stream is visible to whoever finds the end. Bound: one look.
#[test]
fn what_was_done_before_the_end_is_visible_behind_it() {
    loom::model(|| {
        let ring = HeapRing::new(2, 1);
        let (mut writer, mut reader) = (ring.writer(), ring.reader());
        let work = Arc::new(AtomicU64::new(0));
        let theirs = Arc::clone(&work);
        let writer = thread::spawn(move || {
            theirs.store(1, Relaxed);
            writer.end();
        });
        if matches!(reader.poll(), Poll::Ended) {
            assert_eq!(work.load(Relaxed), 1);
        }
        writer.join().unwrap();
        assert!(matches!(reader.poll(), Poll::Ended));
    });
}

/// Proves: the newest message is never older than one received before, never the same one, never torn, and what was
/// skipped, received and missed adds up. Bound: a ring of 2, 3 messages, 2 looks.
#[test]
fn the_latest_never_goes_backwards() {
    loom::model(|| {
        let (mut publisher, subscribers) = channel::<[u64; 2]>(2);
        let mut subscriber = subscribers.subscribe();
        let publishing = thread::spawn(move || (1..=3).for_each(|n| publisher.publish([n, n * 10])));
        let mut newest = 0;
        let mut look = |last: bool| {
            let skipped = subscriber.total_skipped();
            match subscriber.latest() {
                Ok([n, tens]) => {
                    assert_eq!(tens, n * 10, "torn");
                    assert!(n > newest, "backwards, or the same again");
                    newest = n;
                }
                Err(TryRecvError::Lagged { missed }) => assert!(missed > 0),
                Err(TryRecvError::Disconnected) => {
                    assert_eq!(subscriber.total_received() + subscriber.total_missed(), 3);
                }
                Err(_) => {
                    assert!(!last, "everything is there");
                    assert_eq!(subscriber.total_skipped(), skipped, "what it skipped to is there");
                }
            }
        };
        look(false);
        look(false);
        publishing.join().unwrap();
        (0..4).for_each(|_| look(true));
    });
    // With room for all: no lag hides what the head promised.
    loom::model(|| {
        let (mut publisher, subscribers) = channel::<u64>(4);
        let mut subscriber = subscribers.subscribe();
        let publishing = thread::spawn(move || (1..=3).for_each(|n| publisher.publish(n)));
        let latest = subscriber.latest();
        if subscriber.total_skipped() > 0 {
            assert_eq!(latest, Ok(subscriber.total_skipped() + 1), "what it skipped to is there");
        }
        publishing.join().unwrap();
    });
}
