//! The fixed ring's split.

use loom::thread;
use xbar_ring::{FixedRing, TryRecvError};

/// Proves: of two that split a ring at the same time one gets it, and what it publishes arrives. Bound: two attempts, one
/// message.
#[test]
fn one_of_two_gets_the_ring() {
    loom::model(|| {
        let ring: &'static FixedRing<u64, 2> = Box::leak(Box::new(FixedRing::new()));
        let publish = |(mut publisher, subscribers): (xbar_ring::FixedPublisher<'static, u64, 2>, _)| {
            let subscribers: xbar_ring::FixedSubscribers<'static, u64, 2> = subscribers;
            let mut subscriber = subscribers.subscribe();
            publisher.publish(7);
            (publisher, subscriber.try_recv())
        };
        let other = thread::spawn(move || ring.split().map(publish).map(|(_, received)| received));
        let ours = ring.split().map(publish).map(|(_, received)| received);
        let theirs = other.join().unwrap();
        assert!(ours.is_some() != theirs.is_some(), "one of two");
        assert_eq!(ours.or(theirs), Some(Ok(7)));
        assert!(ring.split().is_none());
    });
}

/// Proves: the ends of a fixed ring behave as those of a channel, between threads. Bound: 2 slots, 3 messages, 2 looks.
#[test]
fn a_fixed_ring_is_a_channel() {
    loom::model(|| {
        let ring: &'static FixedRing<[u64; 2], 2> = Box::leak(Box::new(FixedRing::new()));
        let (mut publisher, subscribers) = ring.split().unwrap();
        let mut subscriber = subscribers.subscribe();
        let publishing = thread::spawn(move || (1..=3).for_each(|n| publisher.publish([n, n * 10])));
        let mut look = || match subscriber.try_recv() {
            Ok([n, tens]) => {
                assert_eq!(tens, n * 10);
                true
            }
            Err(TryRecvError::Lagged { .. }) => true,
            Err(_) => false,
        };
        (0..2).for_each(|_| _ = look());
        publishing.join().unwrap();
        while look() {}
        assert_eq!(subscriber.total_received() + subscriber.total_missed(), 3);
    });
}
