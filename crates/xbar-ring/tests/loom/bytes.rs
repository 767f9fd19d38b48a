//! The byte ring: one writer, lossy.

use loom::sync::atomic::AtomicU64;
use loom::sync::atomic::Ordering::Relaxed;
use loom::thread;
use std::sync::Arc;
use xbar_layout::sync::ReadU64;
use xbar_ring::TryRecvError;
use xbar_ring::bytes::{ByteReader, ByteSubscriber, ByteWriter, LEAST_BYTES, ring_words};
use xbar_ring::heap::{Heap, HeapLines};

use crate::scenarios::{bytes, kind, receive_one, send};

/// Every message of up to so many bytes takes two of the ring's eight words.
const LONGEST: usize = 8;

/// The smallest ring.
fn ring() -> Heap {
    HeapLines::new(ring_words(LEAST_BYTES) / 8, "a model")
}

fn writer(ring: &Heap) -> ByteWriter<Heap> {
    ByteWriter::resume(&ring.from(0)).unwrap()
}

fn reader(ring: &Heap) -> ByteReader<Heap> {
    ByteReader::join(&ring.from(0).part(|words| ReadU64::of_slice(words))).unwrap()
}

fn subscriber(ring: &Heap) -> ByteSubscriber<Heap> {
    ByteSubscriber::new(reader(ring))
}

/// Proves: no torn or reordered message, none twice, and received + missed = sent, while a writer that was about to lap a
/// reader does. Bound: 3 messages before, 2 beside it, 3 looks.
#[test]
fn a_lapped_reader_sees_whole_messages_or_says_what_it_missed() {
    loom::model(|| {
        let ring = ring();
        let (mut writer, mut subscriber) = (writer(&ring), subscriber(&ring));
        send(&mut writer, 3, LONGEST);
        let sending = thread::spawn(move || send(&mut writer, 2, LONGEST));
        for _ in 0..3 {
            receive_one(&mut subscriber, 0, LONGEST);
        }
        sending.join().unwrap();
        while receive_one(&mut subscriber, 0, LONGEST) {}
        assert_eq!(subscriber.total_received() + subscriber.total_missed(), 5);
    });
}

/// Proves: a reader whose message is overwritten by nothing but the mark of another knows. Bound: messages of no bytes, a word
/// each, but the second: 6 before, the last of the lap beside it, 2 looks.
#[test]
fn a_mark_overwrites_a_message_that_is_claimed() {
    loom::model(|| {
        let ring = ring();
        let (mut writer, mut subscriber) = (writer(&ring), subscriber(&ring));
        let second = [7; 8];
        for sequence in 0..6 {
            writer.send(0, if sequence == 1 { &second } else { &[] }).unwrap();
        }
        let sending = thread::spawn(move || {
            writer.send(0, &[]).unwrap();
            assert_eq!(writer.position(), 64);
        });
        let mut receive = || match subscriber.try_recv(&mut [0; 8]) {
            Ok(message) => assert_eq!(message.bytes.len(), if message.sequence == 1 { 8 } else { 0 }),
            Err(error) => assert!(matches!(error, TryRecvError::Lagged { .. }), "there is more: {error}"),
        };
        receive();
        receive();
        sending.join().unwrap();
        let mut place = [0; 8];
        while subscriber.try_recv(&mut place).is_ok() {}
        while !matches!(subscriber.try_recv(&mut place), Err(TryRecvError::Empty)) {}
        assert_eq!(subscriber.total_received() + subscriber.total_missed(), 7);
    });
}

/// Proves: a reader that was lapped finds where to go on, and how many it missed, also when more is overwritten while it looks.
/// Bound: 4 messages before, 3 beside it, one look.
#[test]
fn a_laggard_finds_the_notes_of_what_was_claimed() {
    loom::model(|| {
        let ring = ring();
        let (mut writer, mut subscriber) = (writer(&ring), subscriber(&ring));
        send(&mut writer, 4, LONGEST);
        let sending = thread::spawn(move || send(&mut writer, 3, LONGEST));
        receive_one(&mut subscriber, 0, LONGEST);
        sending.join().unwrap();
        while receive_one(&mut subscriber, 0, LONGEST) {}
        assert_eq!(subscriber.total_received() + subscriber.total_missed(), 7);
    });
}

/// Proves: a reader that keeps up misses nothing, and what it waits for is never what lay there a lap ago. Bound: a lap before,
/// 2 messages beside it, 3 looks.
#[test]
fn a_reader_that_keeps_up_misses_nothing() {
    loom::model(|| {
        let ring = ring();
        let mut writer = writer(&ring);
        send(&mut writer, 5, LONGEST);
        let mut subscriber = subscriber(&ring);
        assert_eq!(subscriber.cursor(), 5);
        let sending = thread::spawn(move || send(&mut writer, 2, LONGEST));
        for _ in 0..3 {
            receive_one(&mut subscriber, 5, LONGEST);
        }
        sending.join().unwrap();
        while receive_one(&mut subscriber, 5, LONGEST) {}
        assert_eq!((subscriber.total_received(), subscriber.total_missed()), (2, 0));
    });
}

/// Proves: padding at the ring's end is followed to a message that is there. Bound: messages of 5, 8, 6, 0 and 8 bytes, the
/// last of which does not fit behind the others; 2 looks.
#[test]
fn padding_leads_to_a_whole_message() {
    loom::model(|| {
        let ring = ring();
        let mut writer = writer(&ring);
        send(&mut writer, 3, LONGEST);
        writer.send(0, &[]).unwrap();
        let mut subscriber = subscriber(&ring);
        let sending = thread::spawn(move || {
            writer.send(7, &[9; 8]).unwrap();
            assert_eq!(writer.position(), 64 + 16);
        });
        let mut receive = || {
            let mut place = [0; 8];
            match subscriber.try_recv(&mut place) {
                Ok(message) => {
                    assert_eq!((message.sequence, message.kind, message.bytes), (4, 7, &[9; 8][..]));
                    true
                }
                Err(error) => {
                    assert_eq!(error, TryRecvError::Empty);
                    false
                }
            }
        };
        let received = receive() || receive();
        sending.join().unwrap();
        assert!(received || receive());
        assert!(!receive());
    });
}

/// Proves: everything in a window is whole, also what was sent behind the message that the reader saw. Bound: a lap before, 2
/// messages beside it, one window.
#[test]
fn a_window_holds_whole_messages() {
    loom::model(|| {
        let ring = ring();
        let mut writer = writer(&ring);
        send(&mut writer, 4, LONGEST);
        let mut subscriber = subscriber(&ring);
        let sending = thread::spawn(move || send(&mut writer, 2, LONGEST));
        let mut place = [0; LEAST_BYTES];
        if let Ok(window) = subscriber.bulk(&mut place) {
            let mut count = 0;
            for message in window {
                assert_eq!(message.bytes, bytes(message.sequence, LONGEST), "torn");
                assert_eq!(message.kind, kind(message.sequence));
                count += 1;
            }
            assert!(count > 0);
        }
        sending.join().unwrap();
        while receive_one(&mut subscriber, 4, LONGEST) {}
        assert_eq!((subscriber.total_received(), subscriber.total_missed()), (2, 0));
    });
}

/// Proves: a window that a writer laps while it is copied is thrown away. Bound: 3 messages before, 2 beside it, one window.
#[test]
fn a_window_that_is_lapped_is_not_read() {
    loom::model(|| {
        let ring = ring();
        let (mut writer, mut subscriber) = (writer(&ring), subscriber(&ring));
        send(&mut writer, 3, LONGEST);
        let sending = thread::spawn(move || send(&mut writer, 2, LONGEST));
        let mut place = [0; LEAST_BYTES];
        match subscriber.bulk(&mut place) {
            Ok(window) => {
                for message in window {
                    assert_eq!(message.bytes, bytes(message.sequence, LONGEST), "torn");
                }
            }
            Err(error) => assert!(matches!(error, TryRecvError::Lagged { .. }), "{error}"),
        }
        sending.join().unwrap();
        while receive_one(&mut subscriber, 0, LONGEST) {}
        assert_eq!(subscriber.total_received() + subscriber.total_missed(), 5);
    });
}

/// Proves: whoever joins beside a writer, from now or from the oldest message, knows which message it begins with, and gets all
/// from there. Bound: 3 messages before, 2 beside it.
#[test]
fn a_joiner_knows_which_message_it_begins_with() {
    for rewinds in [false, true] {
        loom::model(move || {
            let ring = ring();
            let mut writer = writer(&ring);
            let mut reader = reader(&ring);
            send(&mut writer, 3, LONGEST);
            let sending = thread::spawn(move || send(&mut writer, 2, LONGEST));
            if rewinds {
                reader.rewind();
            } else {
                reader.skip_all();
            }
            let start = reader.next();
            assert!(rewinds || start == 0 || start >= 3, "from now, or lapped");
            let mut subscriber = ByteSubscriber::new(reader);
            receive_one(&mut subscriber, start, LONGEST);
            sending.join().unwrap();
            while receive_one(&mut subscriber, start, LONGEST) {}
            assert_eq!(start + subscriber.total_received() + subscriber.total_missed(), 5);
        });
    }
}

/// Proves: whoever finds a batch's first message finds the second. Bound: a ring of 512 bytes, an eighth of which holds both; a
/// lap before, one look.
#[test]
fn a_batch_is_found_at_once() {
    loom::model(|| {
        let ring = HeapLines::new(ring_words(512) / 8, "a model");
        let mut writer = writer(&ring);
        while writer.position() < 512 + 64 {
            send(&mut writer, 1, LONGEST);
        }
        let mut subscriber = subscriber(&ring);
        let sent = writer.sent();
        let sending = thread::spawn(move || writer.send_batch([(1, &b"a"[..]), (2, b"b")]).unwrap());
        let mut receive = |kind: u16| match subscriber.try_recv(&mut [0; 8]) {
            Ok(message) => {
                assert_eq!((message.kind, message.bytes), (kind, &[b'a' + kind as u8 - 1][..]));
                assert_eq!(message.sequence, sent + u64::from(kind) - 1);
                true
            }
            Err(error) => {
                assert_eq!(error, TryRecvError::Empty);
                false
            }
        };
        let found = receive(1);
        assert!(!found || receive(2), "the second comes with the first");
        sending.join().unwrap();
        assert!(found || receive(1) && receive(2));
    });
}

/// Proves: a writer that takes over from one that stopped continues its numbers, and a reader notices nothing. Bound: 1 + 1
/// messages.
#[test]
fn a_reader_does_not_notice_a_new_writer() {
    loom::model(|| {
        let ring = ring();
        send(&mut writer(&ring), 1, LONGEST);
        let mut subscriber = subscriber(&ring);
        let mut next = writer(&ring);
        let sending = thread::spawn(move || send(&mut next, 1, LONGEST));
        receive_one(&mut subscriber, 1, LONGEST);
        sending.join().unwrap();
        while receive_one(&mut subscriber, 1, LONGEST) {}
        assert_eq!((subscriber.total_received(), subscriber.total_missed()), (1, 0));
    });
}

/// Proves: what a thread did before it ended the stream is visible to whoever finds the end. Bound: one look.
#[test]
fn what_was_done_before_the_end_is_visible_behind_it() {
    loom::model(|| {
        let ring = ring();
        let (mut writer, mut subscriber) = (writer(&ring), subscriber(&ring));
        let work = Arc::new(AtomicU64::new(0));
        let theirs = Arc::clone(&work);
        let ending = thread::spawn(move || {
            theirs.store(1, Relaxed);
            writer.end();
        });
        let asked = subscriber.reader().is_ended();
        if asked || subscriber.try_recv(&mut []) == Err(TryRecvError::Disconnected) {
            assert_eq!(work.load(Relaxed), 1);
        }
        ending.join().unwrap();
        assert!(subscriber.reader().is_ended());
        assert_eq!(subscriber.try_recv(&mut []), Err(TryRecvError::Disconnected));
    });
}
