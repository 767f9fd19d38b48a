//! The lossless channels, case by case.

use std::thread;
use std::time::Duration;

use xbar_ring::channel::Bounded;
use xbar_ring::{BusySpin, PublishError, RecvError, channel_bounded, channel_bounded_mpmc};

#[test]
fn a_full_ring_gives_the_value_back_until_there_is_room() {
    let (mut publisher, subscribers) = channel_bounded::<char>(3);
    let mut subscriber = subscribers.subscribe().unwrap();
    ['a', 'b', 'c'].iter().for_each(|c| publisher.try_publish(*c).unwrap());
    assert_eq!(publisher.try_publish('d'), Err(PublishError::Full('d')));
    assert_eq!(publisher.publish_timeout('d', Duration::ZERO), Err(PublishError::Full('d')));
    assert_eq!(subscriber.try_recv(), Ok('a'));
    publisher.try_publish('d').unwrap();
    assert_eq!(publisher.try_publish('e').map_err(PublishError::into_inner), Err('e'));
    assert_eq!(subscriber.drain().map(Result::unwrap).collect::<String>(), "bcd");
}

#[test]
fn the_watermark_keeps_slots_free() {
    let (mut publisher, subscribers) = Bounded::new(8).watermark(3).build::<u64>();
    let mut subscriber = subscribers.subscribe().unwrap();
    assert_eq!(publisher.try_publish_batch(&[0; 8]), Ok(5));
    assert!(publisher.try_publish(0).is_err());
    subscriber.try_recv().unwrap();
    assert!(publisher.try_publish(0).is_ok() && publisher.try_publish(0).is_err());
}

#[test]
fn the_slowest_subscriber_counts_and_leaving_makes_room() {
    let (mut publisher, subscribers) = channel_bounded::<u64>(4);
    let (mut fast, slow) = (subscribers.subscribe().unwrap(), subscribers.subscribe().unwrap());
    (0..4).for_each(|n| publisher.try_publish(n).unwrap());
    assert_eq!(fast.drain().count(), 4);
    assert!(publisher.try_publish(4).is_err(), "the slow one has read nothing");
    drop(slow);
    publisher.try_publish(4).unwrap();
    assert_eq!(fast.try_recv(), Ok(4));
}

/// Without a subscriber nothing is lost: the ring keeps what it has room for, and is full then.
#[test]
fn without_a_subscriber_the_ring_keeps_what_fits() {
    let (mut publisher, subscribers) = channel_bounded::<u64>(4);
    (0..4).for_each(|n| publisher.try_publish(n).unwrap());
    assert_eq!(publisher.try_publish(4), Err(PublishError::Full(4)));
    let mut first = subscribers.subscribe_from_oldest().unwrap();
    assert_eq!(first.drain().map(Result::unwrap).collect::<Vec<_>>(), [0, 1, 2, 3]);
    publisher.try_publish(4).unwrap();
    drop(first);
    // What it had read makes room, and what it had not is still there for the next.
    (5..8).for_each(|n| publisher.try_publish(n).unwrap());
    assert_eq!(publisher.try_publish(8), Err(PublishError::Full(8)));
    let mut second = subscribers.subscribe_from_oldest().unwrap();
    assert_eq!(second.drain().map(Result::unwrap).collect::<Vec<_>>(), [4, 5, 6, 7]);
    // One that begins with the future gives up the past.
    (8..12).for_each(|n| publisher.try_publish(n).unwrap());
    drop(second);
    let mut third = subscribers.subscribe().unwrap();
    (12..16).for_each(|n| publisher.try_publish(n).unwrap());
    assert_eq!(third.drain().map(Result::unwrap).collect::<Vec<_>>(), [12, 13, 14, 15]);
}

#[test]
fn with_nobody_left_to_receive_the_publisher_is_told() {
    let (mut publisher, subscribers) = channel_bounded::<u64>(2);
    let subscriber = subscribers.subscribe().unwrap();
    drop(subscribers);
    (0..2).for_each(|n| publisher.publish(n).unwrap());
    assert_eq!(publisher.try_publish(2), Err(PublishError::Full(2)), "somebody is there");
    drop(subscriber);
    // What was unread makes room for two; then nobody ever will.
    assert_eq!(publisher.publish_batch(&[2, 3, 4, 5]), Err(PublishError::Disconnected(0)));
    assert_eq!(publisher.publish(2), Err(PublishError::Disconnected(2)));
    assert_eq!(publisher.publish_waiting(3, BusySpin), Err(PublishError::Disconnected(3)));
    assert_eq!(publisher.publish_timeout(4, Duration::MAX), Err(PublishError::Disconnected(4)));
}

/// A publisher that waits goes on when the subscriber has made room, and when it leaves.
#[test]
fn a_waiting_publisher_is_let_go() {
    let (mut publisher, subscribers) = channel_bounded::<u64>(2);
    let mut subscriber = subscribers.subscribe().unwrap();
    let publishing = thread::spawn(move || {
        (0..100).for_each(|n| publisher.publish(n).unwrap());
        publisher.publish_batch(&[100; 50]).unwrap();
        publisher
    });
    for n in 0..100 {
        assert_eq!(subscriber.recv(), Ok(n));
    }
    (0..50).for_each(|_| assert_eq!(subscriber.recv(), Ok(100)));
    let mut publisher = publishing.join().unwrap();
    drop((subscriber, subscribers));
    let refused = thread::spawn(move || (0..3).map(|n| publisher.publish(n).is_ok()).collect::<Vec<_>>());
    assert_eq!(refused.join().unwrap(), [true, true, false]);
}

#[test]
fn many_publishers_share_the_room() {
    let (mut first, subscribers) = channel_bounded_mpmc::<u64>(4);
    let mut second = first.clone();
    let mut subscriber = subscribers.subscribe().unwrap();
    first.try_publish(1).unwrap();
    assert_eq!(second.try_publish_batch(&[2, 3, 4, 5]), Ok(3));
    assert_eq!(first.try_publish(5), Err(PublishError::Full(5)));
    assert_eq!(subscriber.drain().map(Result::unwrap).collect::<Vec<_>>(), [1, 2, 3, 4]);
    drop(first);
    assert_eq!(subscriber.recv_timeout(Duration::from_millis(1)), Err(RecvError::Timeout));
    drop(second);
    assert_eq!(subscriber.recv(), Err(RecvError::Disconnected));
}

/// Values are carried, not interpreted: anything that is `Copy`.
#[test]
fn any_copy_type_is_carried() {
    #[derive(Clone, Copy, PartialEq, Debug)]
    enum Order {
        Buy { price: f64 },
        Cancel(&'static str),
        Nothing,
    }
    let (mut publisher, subscribers) = channel_bounded::<Order>(4);
    let mut subscriber = subscribers.subscribe().unwrap();
    let orders = [Order::Buy { price: 1.5 }, Order::Cancel("x"), Order::Nothing];
    orders.iter().for_each(|order| publisher.publish(*order).unwrap());
    assert_eq!(orders.map(|_| subscriber.recv().unwrap()), orders);
    let (mut publisher, subscribers) = channel_bounded::<()>(2);
    let mut subscriber = subscribers.subscribe().unwrap();
    assert_eq!(publisher.try_publish_batch(&[(); 3]), Ok(2));
    assert_eq!(subscriber.drain().count(), 2);
}

#[test]
#[should_panic(expected = "a channel needs a capacity >= 2, not 0")]
fn a_lossless_channel_of_no_slots_is_refused() {
    let _ = channel_bounded::<u64>(0);
}

#[test]
#[should_panic(expected = "a watermark must be < the capacity 8, not 8")]
fn a_watermark_that_leaves_no_room_is_refused() {
    let _ = Bounded::new(8).watermark(8).build::<u64>();
}

#[test]
#[should_panic(expected = "a lossless channel needs room for >= 1 subscriber, not 0")]
fn a_lossless_channel_for_nobody_is_refused() {
    let _ = Bounded::new(8).subscribers(0).build_mpmc::<u64>();
}

#[test]
#[should_panic(expected = "values of 8 bytes needs more memory than there is")]
fn a_lossless_channel_that_is_too_large_is_refused() {
    let _ = channel_bounded::<u64>(usize::MAX / 2);
}

#[test]
fn each_goes_on_at_the_beginning_of_the_ring() {
    let (mut publisher, subscribers) = channel_bounded::<u64>(4);
    let mut subscriber = subscribers.subscribe().unwrap();
    let mut next = 0;
    for count in [3, 4, 2, 4, 4, 1, 4, 3, 4] {
        let values: Vec<u64> = (next..).take(count).collect();
        publisher.publish_batch(&values).unwrap();
        let mut seen = Vec::new();
        assert_eq!(subscriber.try_recv_each(9, |value| seen.push(value)), Ok(count));
        assert_eq!(seen, values);
        next += count as u64;
    }
    assert_eq!(subscriber.try_recv_each(0, |_| panic!("not asked for")), Ok(0));
    assert_eq!(subscriber.total_received(), next);
}
