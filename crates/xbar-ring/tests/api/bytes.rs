//! The byte ring.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use xbar_layout::Lent;
use xbar_layout::sync::{AtomicU64, Ordering, ReadU64};
use xbar_ring::bytes::{
    BytePoll, ByteReader, ByteSubscriber, ByteWriter, FixedByteRing, LEAST_BYTES, channel, channel_bytes,
    channel_in, ring_words,
};
use xbar_ring::{BusySpin, RecvError, TryRecvError};

use crate::scenarios::{bytes, receive_one, send};

/// Zeroed words that live for ever.
fn words(capacity_bytes: usize) -> &'static [AtomicU64] {
    (0..ring_words(capacity_bytes)).map(|_| AtomicU64::new(0)).collect::<Vec<_>>().leak()
}

fn writer(words: &'static [AtomicU64]) -> ByteWriter<()> {
    ByteWriter::resume(&Lent::from_static(words)).unwrap()
}

fn subscriber(words: &'static [AtomicU64]) -> ByteSubscriber<()> {
    ByteSubscriber::new(reader(words))
}

fn reader(words: &'static [AtomicU64]) -> ByteReader<()> {
    ByteReader::join(&Lent::from_static(ReadU64::of_slice(words))).unwrap()
}

#[test]
fn messages_of_every_length_arrive_whole_wherever_they_lie() {
    for capacity in [64, 256, 4096] {
        let (mut publisher, subscribers) = channel(capacity);
        let (mut subscriber, mut place) = (subscribers.subscribe(), vec![0; capacity]);
        let most = publisher.most_bytes();
        for turn in 0..40 {
            for length in 0..=most {
                let message: Vec<u8> = (0..length).map(|i| (i * 7 + turn) as u8).collect();
                publisher.send_as(length as u16, &message).unwrap();
                let received = subscriber.try_recv(&mut place).unwrap();
                assert_eq!((received.bytes, received.kind), (&message[..], length as u16));
                assert_eq!(subscriber.try_recv(&mut place), Err(TryRecvError::Empty));
                assert_eq!(subscriber.pending_bytes(), 0);
            }
        }
        assert_eq!(subscriber.total_received(), publisher.sent());
    }
}

#[test]
fn the_longest_message_is_a_quarter_of_the_ring_and_a_longer_one_says_so() {
    let (mut publisher, subscribers) = channel(1024);
    let mut subscriber = subscribers.subscribe();
    assert_eq!(publisher.most_bytes(), 248);
    assert_eq!(publisher.send(&[1; 248]), Ok(0));
    let error = publisher.send(&[1; 249]).unwrap_err();
    assert_eq!((error.bytes(), error.most()), (249, 248));
    assert_eq!(
        error.to_string(),
        "a message of 249 bytes is too long for this byte ring, which takes up to 248: use a larger capacity"
    );
    assert!(publisher.claim(249).is_err());
    // What is in front of it was sent, nothing else.
    let long = [2; 300];
    let batch = [(1, &[1; 8][..]), (2, &long), (3, &[3; 8])];
    assert_eq!(publisher.send_batch(batch), Err(publisher.claim(300).unwrap_err()));
    let kinds = std::iter::from_fn(|| subscriber.try_recv(&mut [0; 248]).ok().map(|message| message.kind));
    assert_eq!(kinds.collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn the_newest_message_is_readable_while_the_next_is_written() {
    for capacity in [LEAST_BYTES, 128, 1024] {
        let (mut publisher, subscribers) = channel(capacity);
        let most = publisher.most_bytes();
        for length in 0..most * 4 {
            publisher.send(&vec![1; length % (most + 1)]).unwrap();
            let mut subscriber = subscribers.subscribe();
            publisher.send(&vec![2; (length * 5 + 3) % (most + 1)]).unwrap();
            let sent = publisher.sent() - 1;
            publisher.claim(most).unwrap().write(0, &vec![3; most]);
            assert_eq!(subscriber.try_recv(&mut vec![0; most]).map(|message| message.sequence), Ok(sent));
        }
    }
}

#[test]
fn a_place_that_is_too_small_loses_nothing() {
    let (mut publisher, subscribers) = channel(1024);
    let mut subscriber = subscribers.subscribe();
    publisher.send(b"eleven char").unwrap();
    for _ in 0..2 {
        let error = subscriber.try_recv(&mut [0; 10]).unwrap_err();
        assert_eq!(error, TryRecvError::TooSmall { needed_bytes: 11 });
        assert!(error.to_string().contains("takes 11 bytes"), "{error}");
    }
    assert_eq!(subscriber.recv(&mut [0; 10]).unwrap_err(), RecvError::TooSmall { needed_bytes: 11 });
    assert_eq!(subscriber.bulk(&mut [0; 23]).unwrap_err(), TryRecvError::TooSmall { needed_bytes: 24 });
    assert_eq!(subscriber.try_recv(&mut [0; 11]).unwrap().bytes, b"eleven char");
    publisher.send(b"and more").unwrap();
    let mut place = Vec::new();
    assert_eq!(subscriber.try_recv_vec(&mut place).unwrap().bytes, b"and more");
    assert_eq!(place, b"and more");
}

#[test]
fn a_claim_is_sent_when_it_is_committed_and_not_before() {
    let (mut publisher, subscribers) = channel(256);
    let mut subscriber = subscribers.subscribe();
    for turn in 0..100_u64 {
        publisher.claim(32).unwrap().write(0, &[9; 32]);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let mut claim = publisher.claim(16).unwrap();
            claim.write(0, &[8; 16]);
            panic!("half-written");
        }));
        assert!(panicked.is_err());
        assert_eq!(subscriber.try_recv(&mut [0; 64]), Err(TryRecvError::Empty));
        let mut claim = publisher.claim(40).unwrap();
        assert_eq!((claim.len(), claim.sequence()), (40, turn));
        claim.write(0, &[1; 5]);
        claim.write(5, &[2; 20]);
        claim.truncate(25);
        assert_eq!(claim.commit(3), turn);
        let mut place = [0; 64];
        let message = subscriber.try_recv(&mut place).unwrap();
        assert_eq!((&message.bytes[..5], &message.bytes[5..]), (&[1; 5][..], &[2; 20][..]));
    }
    assert_eq!(publisher.sent(), 100);
}

#[test]
#[should_panic(expected = "a part of 2 bytes at offset 7 reaches beyond a value of 8")]
fn a_part_beyond_a_claim_is_refused() {
    channel(64).0.claim(8).unwrap().write(7, &[1, 2]);
}

#[test]
fn a_batch_is_found_at_once_and_ends_where_it_ended_when_it_began() {
    let (mut publisher, subscribers) = channel(4096);
    let (mut subscriber, mut place) = (subscribers.subscribe(), [0; 64]);
    for turn in 0..50_u16 {
        let messages: Vec<_> = (0..20_u8).map(|n| vec![n; usize::from(n)]).collect();
        let batch = messages.iter().map(|message| (turn, &message[..]));
        assert_eq!(publisher.send_batch(batch), Ok(20));
        let mut batch = subscriber.batch();
        publisher.send(b"later").unwrap();
        for sent in &messages {
            let message = batch.next(&mut place).unwrap().unwrap();
            assert_eq!((message.bytes, message.kind), (&sent[..], turn));
        }
        assert!(batch.next(&mut place).is_none());
        assert_eq!(subscriber.try_recv(&mut place).unwrap().bytes, b"later");
    }
}

#[test]
fn a_batch_longer_than_the_ring_is_sent_in_parts_that_can_be_read() {
    let (mut publisher, subscribers) = channel(1024);
    let subscriber = subscribers.subscribe();
    let message = [7; 40];
    assert_eq!(publisher.send_batch((0..1000).map(|kind| (kind, &message[..]))), Ok(1000));
    let mut newest = subscribers.subscribe_from_oldest();
    let mut last = None;
    while let Ok(message) = newest.try_recv(&mut [0; 40]) {
        assert_eq!(u64::from(message.kind), message.sequence);
        last = Some(message.sequence);
    }
    assert_eq!(last, Some(999));
    drop(subscriber);
}

#[test]
fn a_window_is_copied_once_and_what_is_not_read_of_it_comes_again() {
    let (mut publisher, subscribers) = channel(4096);
    let (mut subscriber, mut place) = (subscribers.subscribe(), vec![0; 4096]);
    let mut sent = 0;
    let mut received = 0;
    for turn in 0..200 {
        for _ in 0..turn % 20 {
            publisher.send(&bytes(sent, 40)).unwrap();
            sent += 1;
        }
        while let Ok(window) = subscriber.bulk(&mut place) {
            // All but the last of each window, so that it is the first of the next.
            for message in window.take(5) {
                assert_eq!(message.sequence, received);
                assert_eq!(message.bytes, bytes(received, 40));
                received += 1;
            }
        }
        assert_eq!(received, sent);
    }
    // A place for two and a half.
    for _ in 0..3 {
        publisher.send(&[1; 16]).unwrap();
    }
    assert_eq!(subscriber.bulk(&mut place[..60]).unwrap().count(), 2);
    assert_eq!(subscriber.bulk(&mut place[..60]).unwrap().count(), 1);
    assert_eq!(subscriber.bulk(&mut place[..60]).unwrap_err(), TryRecvError::Empty);
}

#[test]
fn what_a_filter_passes_over_is_skipped_and_not_missed() {
    let (mut publisher, subscribers) = channel(1024);
    let mut subscriber = subscribers.subscribe();
    for kind in 0..9 {
        publisher.send_as(kind % 3, &[1; 200][..usize::from(kind) * 4]).unwrap();
    }
    // Messages that are not wanted need no place.
    for sequence in [2, 5, 8] {
        let message = subscriber.try_recv_where(&mut [0; 32], |kind| kind == 2).map(|found| found.sequence);
        assert_eq!(message, Ok(sequence));
    }
    publisher.send_as(1, &[]).unwrap();
    assert_eq!(subscriber.try_recv_where(&mut [], |kind| kind == 2), Err(TryRecvError::Empty));
    let totals = (subscriber.total_received(), subscriber.total_skipped(), subscriber.total_missed());
    assert_eq!(totals, (3, 7, 0));
}

#[test]
fn lag_is_exact_told_once_and_leaves_a_margin() {
    for capacity in [64, 256, 1024, 65536] {
        for laps in [1, 2, 5] {
            let words = words(capacity);
            let (mut writer, mut subscriber) = (writer(words), subscriber(words));
            let longest = (capacity / 4 - 8).min(100);
            while writer.position() < (laps * capacity + capacity / 2) as u64 {
                send(&mut writer, 1, longest);
            }
            let sent = writer.sent();
            let Err(TryRecvError::Lagged { missed }) = subscriber.try_recv(&mut [0; 4096]) else {
                panic!("not overtaken after {laps} laps")
            };
            // An eighth of the ring may be sent before it lags again, less a message and what is padding.
            let most = (capacity / 8).saturating_sub(2 * (longest + 16)) as u64;
            let end = writer.position() + most;
            while writer.position() < end {
                send(&mut writer, 1, longest);
            }
            let first = subscriber.try_recv(&mut [0; 4096]).map(|message| message.sequence);
            assert_eq!(first, Ok(missed), "capacity {capacity}");
            while receive_one(&mut subscriber, 0, longest) {}
            assert_eq!(subscriber.total_received() + missed, writer.sent());
            assert!(missed < sent && subscriber.total_missed() == missed);
        }
    }
}

#[test]
fn a_late_joiner_begins_now_or_about_a_lap_back() {
    let words = words(1024);
    let mut writer = writer(words);
    for round in 0..300 {
        let longest = 1 + round % 60;
        let mut newest = subscriber(words);
        assert_eq!((newest.cursor(), newest.pending_bytes()), (writer.sent(), 0));
        let mut oldest = reader(words);
        oldest.rewind();
        // A section may be claimed ahead and one not noted, beside a frame and padding.
        let back = writer.position() - oldest.position();
        assert!(back + 1024 / 4 + 2 * (longest as u64 + 16) >= 1024.min(writer.position()), "{back}");
        let mut oldest = ByteSubscriber::new(oldest);
        let mut count = oldest.cursor();
        while let Ok(message) = oldest.try_recv(&mut [0; 256]) {
            assert_eq!(message.sequence, count);
            count += 1;
        }
        assert_eq!(count, writer.sent());
        writer.send(0, &vec![1; longest]).unwrap();
        assert_eq!(newest.try_recv(&mut [0; 256]).map(|message| message.sequence), Ok(count));
    }
}

#[test]
fn a_wait_ends_with_a_message_a_timeout_or_the_writer() {
    let (mut publisher, subscribers) = channel(1024);
    let mut subscriber = subscribers.subscribe();
    let mut place = [0; 64];
    assert_eq!(subscriber.recv_timeout(&mut place, Duration::ZERO), Err(RecvError::Timeout));
    let timeout = Duration::from_millis(1);
    assert_eq!(subscriber.recv_timeout_with(BusySpin, &mut place, timeout), Err(RecvError::Timeout));
    let sending = thread::spawn(move || {
        publisher.send(b"last words").unwrap();
    });
    assert_eq!(subscriber.recv(&mut place).unwrap().bytes, b"last words");
    sending.join().unwrap();
    assert_eq!(subscriber.recv_with(BusySpin, &mut place), Err(RecvError::Disconnected));
    assert_eq!(subscriber.bulk(&mut place).unwrap_err(), TryRecvError::Disconnected);
    assert!(subscriber.batch().next(&mut place).is_none());
}

#[test]
fn a_writer_that_takes_over_goes_on_where_the_last_one_stopped() {
    let words = words(256);
    let mut listening = subscriber(words);
    for turn in 0..200 {
        let mut writer = writer(words);
        assert_eq!(writer.sent(), turn);
        // Dies with a claim that it wrote in.
        send(&mut writer, 1, 56);
        writer.claim(50).unwrap().write(0, &[0xff; 50]);
        assert!(receive_one(&mut listening, 0, 56));
        assert!(!receive_one(&mut listening, 0, 56));
        if turn % 2 == 0 {
            writer.end();
            assert_eq!(listening.try_recv(&mut []), Err(TryRecvError::Disconnected));
        }
        assert_eq!(subscriber(words).cursor(), turn + 1);
    }
    assert_eq!(listening.total_missed(), 0);
}

#[test]
fn a_fixed_ring_is_split_once_and_works_between_threads() {
    static RING: FixedByteRing<4> = FixedByteRing::new();
    let (mut publisher, subscribers) = RING.split().unwrap();
    assert!(RING.split().is_none());
    assert_eq!((publisher.capacity_bytes(), publisher.most_bytes()), (256, 56));
    assert_eq!(size_of::<FixedByteRing<4>>(), (4 + 5) * 64);
    let mut subscriber = subscribers.subscribe();
    let sending = thread::spawn(move || {
        for sequence in 0..1000 {
            publisher.send_as((sequence % 3) as u16, &bytes(sequence, 56)).unwrap();
        }
    });
    loop {
        let found = receive_one(&mut subscriber, 0, 56);
        if !found && subscriber.try_recv(&mut [0; 64]) == Err(TryRecvError::Disconnected) {
            break;
        }
    }
    sending.join().unwrap();
    assert_eq!(subscriber.total_received() + subscriber.total_missed(), 1000);
}

#[test]
fn memory_that_is_no_ring_is_refused() {
    for count in [0, 32, 39, 41, 63, ring_words(4096) - 1] {
        let words: &'static [AtomicU64] = (0..count).map(|_| AtomicU64::new(0)).collect::<Vec<_>>().leak();
        let error = ByteWriter::resume(&Lent::from_static(words)).unwrap_err();
        assert!(error.to_string().starts_with(&format!("{count} words cannot be a byte ring")), "{error}");
    }
}

#[test]
#[should_panic(expected = "a byte ring needs a power of two of bytes from 64 to 8589934592, not 100")]
fn a_capacity_that_is_no_power_of_two_is_refused() {
    channel(100);
}

#[test]
fn a_ring_lives_in_memory_that_somebody_lends() {
    struct Pages(Vec<u8>);
    // SAFETY: the vector is nobody else's, and does not move as long as this is not dropped.
    #[allow(unsafe_code)]
    unsafe impl xbar_layout::Space for Pages {
        fn bytes(&self) -> std::ptr::NonNull<[u8]> {
            let first = self.0.as_ptr().cast_mut();
            std::ptr::NonNull::slice_from_raw_parts(std::ptr::NonNull::new(first).unwrap(), self.0.len())
        }
    }
    let pages = Pages(vec![0; channel_bytes(1024)]);
    let (mut publisher, subscribers) = channel_in(1024, Some(Box::new(pages)));
    let mut subscriber = subscribers.subscribe();
    publisher.send(b"here").unwrap();
    assert_eq!(subscriber.try_recv(&mut [0; 8]).unwrap().bytes, b"here");
}

/// Every word that a peer could have written is put to every kind of wrong value: no panic, no access outside, no wait without
/// end.
#[test]
fn damage_is_an_error_or_a_lag_and_never_more() {
    let wrong =
        [0, 1, 7, u64::MAX, 1 << 63, 1 << 32, 2 << 32, 4 << 32, (1 << 32) | 0xffff_ffff, 0x1_0000_0038];
    for count in [0, 3, 40] {
        for place in 0..ring_words(256) {
            for value in wrong {
                let words = words(256);
                let mut sending = writer(words);
                let mut listening = subscriber(words);
                send(&mut sending, count, 56);
                words[place].store(value, Ordering::Relaxed);
                for turn in 0..20 {
                    let mut buffer = [0; 300];
                    let _ = match turn % 4 {
                        0 => listening.try_recv(&mut buffer).map(drop),
                        1 => listening.try_recv_where(&mut buffer, |kind| kind == 1).map(drop),
                        2 => listening.try_recv_vec(&mut Vec::new()).map(drop),
                        _ => listening.bulk(&mut buffer).map(|window| window.for_each(drop)),
                    };
                }
                let mut joining = reader(words);
                joining.rewind();
                let _ = joining.pending_bytes();
                let _ = matches!(joining.poll(), BytePoll::Ready(_));
                let mut next = writer(words);
                next.send(0, &[1; 56]).unwrap();
                next.send_batch([(0, &[1; 20][..]); 30]).unwrap();
                let mut batch = listening.batch();
                for _ in 0..100 {
                    if batch.next(&mut [0; 300]).is_none() {
                        break;
                    }
                }
            }
        }
    }
}
