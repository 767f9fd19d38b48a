//! The lossy channel of many writers, case by case.

use std::panic::{AssertUnwindSafe, catch_unwind};

use xbar_layout::Lent;
use xbar_layout::sync::{AtomicU64, Ordering};
use xbar_ring::channel::MpPublisher;
use xbar_ring::mpmc::{Refused, Writer};
use xbar_ring::{TryRecvError, channel_mpmc};

fn is_send_sync_clone<T: Send + Sync + Clone>() {}

#[test]
fn publishers_go_everywhere() {
    is_send_sync_clone::<MpPublisher<u64>>();
}

/// A claim holds its readers' place, and nobody else.
#[test]
fn a_claim_keeps_its_place_in_the_order() {
    let (mut slow, subscribers) = channel_mpmc::<u64>(4);
    let mut fast = slow.clone();
    let mut subscriber = subscribers.subscribe();
    let mut claim = slow.reserve();
    fast.publish(2);
    assert_eq!(subscriber.try_recv(), Err(TryRecvError::Empty), "the order is kept");
    claim.write(1);
    claim.commit();
    assert_eq!((subscriber.try_recv(), subscriber.try_recv()), (Ok(1), Ok(2)));
}

#[test]
fn a_claim_that_is_dropped_is_missed_once() {
    let (mut publisher, subscribers) = channel_mpmc::<u64>(4);
    let mut subscriber = subscribers.subscribe();
    publisher.publish(1);
    drop(publisher.reserve());
    publisher.publish(2);
    assert_eq!(subscriber.try_recv(), Ok(1));
    assert_eq!(subscriber.try_recv(), Err(TryRecvError::Lagged { missed: 1 }));
    assert_eq!(subscriber.try_recv(), Ok(2));
    assert_eq!(publisher.published(), 3);
}

#[test]
fn a_panic_between_claim_and_commit_wedges_nobody() {
    let (mut publisher, subscribers) = channel_mpmc::<u64>(2);
    let mut subscriber = subscribers.subscribe();
    for turn in 0..10 {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let mut claim = publisher.reserve();
            claim.write(99);
            panic!("on purpose");
        }));
        assert!(panicked.is_err());
        publisher.publish(turn);
        assert_eq!(subscriber.try_recv(), Err(TryRecvError::Lagged { missed: 1 }));
        assert_eq!(subscriber.try_recv(), Ok(turn));
    }
    assert!(catch_unwind(AssertUnwindSafe(|| publisher.publish_with(|_| panic!("on purpose")))).is_err());
    assert_eq!(subscriber.try_recv(), Err(TryRecvError::Empty));
}

/// A claim that is held while the others fill the ring is bypassed: each lap costs one number, and nobody waits.
#[test]
fn a_claim_that_is_held_stops_nobody_for_longer_than_a_lap() {
    let (mut slow, subscribers) = channel_mpmc::<u64>(4);
    let mut fast = slow.clone();
    let mut subscriber = subscribers.subscribe();
    let mut claim = slow.reserve();
    claim.write(1000);
    let mut seen = Vec::new();
    for n in 0..30 {
        fast.publish(n);
        while let Ok(value) | Err(TryRecvError::Lagged { missed: value }) = subscriber.try_recv() {
            seen.push(value);
        }
    }
    assert_eq!(fast.published(), 1 + 30 + 9, "the claim, the messages, and one bypassed number a lap");
    assert_eq!(subscriber.total_received() + subscriber.total_missed(), fast.published());
    assert_eq!(subscriber.total_received(), 29, "one was overwritten while it waited behind the claim");
    claim.commit();
    fast.publish(30);
    assert_eq!(subscriber.drain().last(), Some(Ok(30)));
}

/// Every slot claimed: the next writer has to wait for one of them, and takes no numbers meanwhile.
#[test]
fn with_every_slot_claimed_a_writer_waits_for_one() {
    let (first, subscribers) = channel_mpmc::<u64>(2);
    let (mut first, mut second, mut third) = (first.clone(), first.clone(), first);
    let mut subscriber = subscribers.subscribe();
    let (one, two) = (first.reserve(), second.reserve());
    let waiting = std::thread::spawn(move || {
        third.publish(3);
        third.published()
    });
    // However long that takes: the third writer cannot finish before one of these goes.
    while subscriber.pending() < 4 {
        std::thread::yield_now();
    }
    drop(one);
    let published = waiting.join().unwrap();
    drop(two);
    assert_eq!(published, 5, "two claims, a ring of bypassed numbers, one message");
    assert_eq!(subscriber.drain().last(), Some(Ok(3)));
}

/// The end of the stream costs no message.
#[test]
fn everything_that_is_readable_can_be_read_to_the_end() {
    let (mut publisher, subscribers) = channel_mpmc::<u64>(4);
    let mut subscriber = subscribers.subscribe();
    (0..4).for_each(|n| publisher.publish(n));
    drop(publisher);
    assert_eq!(subscriber.drain().map(Result::unwrap).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(subscriber.try_recv(), Err(TryRecvError::Disconnected));
}

#[test]
fn the_stream_ends_with_the_last_publisher() {
    let (publisher, subscribers) = channel_mpmc::<u64>(4);
    let mut other = publisher.clone();
    let mut subscriber = subscribers.subscribe();
    drop(publisher);
    other.publish(1);
    assert_eq!(subscriber.try_recv(), Ok(1));
    assert_eq!(subscriber.try_recv(), Err(TryRecvError::Empty));
    let third = other.clone();
    drop(other);
    assert_eq!(subscriber.try_recv(), Err(TryRecvError::Empty));
    drop(third);
    assert_eq!(subscriber.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(subscriber.recv(), Err(xbar_ring::RecvError::Disconnected));
}

/// A writer of two slots of four words, over memory in which `damage` was done.
fn damaged(damage: impl FnOnce(&[AtomicU64], &AtomicU64)) -> Writer<()> {
    let words: &'static [AtomicU64] = (0..8).map(|_| AtomicU64::new(0)).collect::<Vec<_>>().leak();
    let head: &'static AtomicU64 = Box::leak(Box::new(AtomicU64::new(0)));
    damage(words, head);
    Writer::join(Lent::from_static(words), Lent::from_static(head), 4_usize, 1).unwrap()
}

/// Found by random bytes: it went on to the last of 2^64 numbers.
#[test]
fn a_ring_that_says_that_every_number_is_taken_is_damaged_and_not_searched_for_ever() {
    let mut writer = damaged(|words, _| {
        for bypass in [1, 5] {
            words[bypass].store(u64::MAX, Ordering::Relaxed);
        }
    });
    for limit in [u64::MAX, 1 << 40] {
        assert_eq!(writer.try_claim(limit).err(), Some(Refused::Damaged));
    }
}

/// What waits for room would wait for ever.
#[test]
fn a_ring_without_a_number_left_is_damaged_and_not_full() {
    let mut writer = damaged(|_, head| head.store(u64::MAX, Ordering::Relaxed));
    assert_eq!(writer.try_claim(u64::MAX).err(), Some(Refused::Damaged));
    assert_eq!(writer.try_claim(5).err(), Some(Refused::Limit));
}
