//! The lossy channel of one writer, case by case; what holds for every schedule is in `model/` and `loom/`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use xbar_ring::{Pod, TryRecvError, channel};

/// `T` arrives as it was sent, byte by byte, in a ring that wraps.
fn arrives_whole<T: Pod + PartialEq + std::fmt::Debug>(make: impl Fn(u8) -> T) {
    for capacity in [2, 3, 8] {
        let (mut publisher, subscribers) = channel::<T>(capacity);
        let mut subscriber = subscribers.subscribe();
        for n in 0..20 {
            publisher.publish(make(n));
            assert_eq!(subscriber.try_recv(), Ok(make(n)));
            let mut slot = publisher.reserve();
            slot.write(make(n + 100));
            slot.commit();
            let mut place = make(0);
            assert_eq!(subscriber.try_recv_into(&mut place), Ok(()));
            assert_eq!(place, make(n + 100));
        }
    }
}

#[test]
fn values_of_every_size_and_tail_arrive_whole() {
    macro_rules! sizes {
        ($($size:literal)*) => {$( arrives_whole(|n| std::array::from_fn::<u8, $size, _>(|i| n ^ i as u8)); )*};
    }
    sizes!(1 2 3 4 5 7 8 9 15 16 17 31 32 33 47 48 49 55 56 57 63 64 65 72 100 120 121 127 128 129 184 185 255 256 1000 1024);
    arrives_whole(|n| n as u128 * 0x0101_0101_0101_0101_0101);
    arrives_whole(f32::from);
}

/// A value that takes no room still counts.
#[test]
fn values_without_a_size_are_counted() {
    let (mut publisher, subscribers) = channel::<()>(4);
    let mut subscriber = subscribers.subscribe();
    (0..3).for_each(|_| publisher.publish(()));
    assert_eq!(subscriber.drain().count(), 3);
    (0..9).for_each(|_| publisher.publish(()));
    assert!(matches!(subscriber.try_recv(), Err(TryRecvError::Lagged { missed: 6 })));
}

#[derive(Clone, Copy, PartialEq, Debug, Pod, xbar_ring::Zeroable)]
#[bytemuck(crate = "xbar_ring::bytemuck")]
#[repr(C, align(128))]
struct OverAligned([u64; 16]);

#[test]
fn values_of_any_alignment_arrive_aligned() {
    arrives_whole(|n| OverAligned([u64::from(n); 16]));
}

#[test]
fn a_subscriber_sees_the_future_or_the_past_as_it_likes() {
    let (mut publisher, subscribers) = channel::<u64>(8);
    (0..20).for_each(|n| publisher.publish(n));
    let (mut future, mut past) = (subscribers.subscribe(), subscribers.subscribe_from_oldest());
    assert_eq!(future.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(past.drain().map(Result::unwrap).collect::<Vec<_>>(), (13..20).collect::<Vec<_>>());
    publisher.publish(20);
    assert_eq!((future.try_recv(), past.try_recv()), (Ok(20), Ok(20)));
    // Also when the publisher is gone.
    drop(publisher);
    assert_eq!(subscribers.subscribe_from_oldest().drain().count(), 7);
    assert_eq!(subscribers.subscribe().try_recv(), Err(TryRecvError::Disconnected));
}

/// The margin: after a lag, an eighth of the ring can be published before the subscriber lags again.
#[test]
fn a_subscriber_that_lagged_does_not_lag_again_at_once() {
    let (mut publisher, subscribers) = channel::<u64>(64);
    let mut subscriber = subscribers.subscribe();
    (0..1000).for_each(|n| publisher.publish(n));
    assert_eq!(subscriber.try_recv(), Err(TryRecvError::Lagged { missed: 1000 - 63 + 8 }));
    (0..8).for_each(|n| publisher.publish(1000 + n));
    assert_eq!(subscriber.try_recv(), Ok(945));
    assert_eq!(subscriber.receive_ratio(), 1.0 / 946.0);
}

/// Each form of receiving tells the same lag, once.
#[test]
fn every_form_of_receiving_tells_a_lag_once() {
    let (mut publisher, subscribers) = channel::<u64>(4);
    let lagged = |publisher: &mut xbar_ring::channel::Publisher<u64>| {
        let subscriber = subscribers.subscribe();
        (0..10).for_each(|n| publisher.publish(n));
        subscriber
    };
    const LAG: TryRecvError = TryRecvError::Lagged { missed: 7 };
    let mut by_try = lagged(&mut publisher);
    assert_eq!((by_try.try_recv(), by_try.try_recv()), (Err(LAG), Ok(7)));
    let mut by_recv = lagged(&mut publisher);
    assert_eq!(by_recv.recv(), Err(xbar_ring::RecvError::Lagged { missed: 7 }));
    assert_eq!(by_recv.recv(), Ok(7));
    let mut by_latest = lagged(&mut publisher);
    assert_eq!((by_latest.latest(), by_latest.latest()), (Err(LAG), Ok(9)));
    assert_eq!((by_latest.total_missed(), by_latest.total_skipped()), (9, 2));
    let mut by_batch = lagged(&mut publisher);
    let mut batch = [0; 8];
    assert_eq!((by_batch.recv_batch(&mut batch), by_batch.recv_batch(&mut batch)), (Err(LAG), Ok(3)));
    let mut by_drain = lagged(&mut publisher);
    assert_eq!(by_drain.drain().collect::<Vec<_>>(), [Err(LAG), Ok(7), Ok(8), Ok(9)]);
    let mut by_group = lagged(&mut publisher).into_group::<3>();
    assert_eq!((by_group.try_recv(), by_group.try_recv()), (Err(LAG), Ok(7)));
    let mut by_stage = lagged(&mut publisher).into_stage([]);
    assert_eq!((by_stage.try_handle(|n| n), by_stage.try_handle(|n| n)), (Err(LAG), Ok(7)));
}

/// A lag in the middle of a batch is told by the next receive, and what came before it is not lost.
#[test]
fn what_stops_a_batch_is_told_next() {
    let (mut publisher, subscribers) = channel::<u64>(4);
    let mut subscriber = subscribers.subscribe();
    (0..2).for_each(|n| publisher.publish(n));
    let mut batch = [0; 8];
    assert_eq!(subscriber.recv_batch(&mut batch), Ok(2));
    assert_eq!(subscriber.recv_batch(&mut batch), Err(TryRecvError::Empty));
    assert_eq!(subscriber.recv_batch(&mut []), Ok(0));
    drop(publisher);
    assert_eq!(subscriber.recv_batch(&mut batch), Err(TryRecvError::Disconnected));
}

#[test]
fn a_closure_that_panics_publishes_nothing() {
    let (mut publisher, subscribers) = channel::<u64>(4);
    let mut subscriber = subscribers.subscribe();
    let panicked = catch_unwind(AssertUnwindSafe(|| publisher.publish_with(|_| panic!("on purpose"))));
    assert!(panicked.is_err());
    assert_eq!(subscriber.try_recv(), Err(TryRecvError::Empty));
    publisher.publish_with(|value| *value += 7);
    assert_eq!((subscriber.try_recv(), publisher.published()), (Ok(7), 1));
}

#[test]
fn a_reservation_that_is_dropped_leaves_no_trace() {
    let (mut publisher, subscribers) = channel::<u64>(4);
    let mut subscriber = subscribers.subscribe();
    publisher.reserve().write(1);
    assert_eq!((subscriber.try_recv(), publisher.published()), (Err(TryRecvError::Empty), 0));
    publisher.publish(2);
    assert_eq!(subscriber.try_recv(), Ok(2));
}

/// Draining ends at what was there when it began.
#[test]
fn draining_ends_though_more_is_published() {
    let (mut publisher, subscribers) = channel::<u64>(8);
    let mut subscriber = subscribers.subscribe();
    (0..3).for_each(|n| publisher.publish(n));
    let mut drained = Vec::new();
    for value in subscriber.drain() {
        drained.push(value.unwrap());
        publisher.publish(100);
    }
    assert_eq!(drained, [0, 1, 2]);
    assert_eq!(subscriber.pending(), 3);
}

#[test]
#[should_panic(expected = "a channel needs a capacity >= 2, not 1")]
fn a_channel_of_one_slot_is_refused() {
    let _ = channel::<u64>(1);
}

#[test]
#[should_panic(expected = "a channel of 9223372036854775807 values of 8 bytes needs")]
fn a_channel_that_is_too_large_is_refused() {
    let _ = channel::<u64>(usize::MAX / 2);
}

#[test]
#[should_panic(expected = "a channel of 18446744073709551615 values of 1024 bytes needs")]
fn a_channel_whose_size_overflows_is_refused() {
    let _ = channel::<[u8; 1024]>(usize::MAX);
}
