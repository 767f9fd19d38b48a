//! Waiting receives: every strategy, every end.

use std::thread;
use std::time::{Duration, Instant};

use xbar_ring::event::Events;
use xbar_ring::{
    Adaptive, BackoffSpin, BusySpin, Park, RecvError, Step, TryRecvError, WaitStrategy, YieldSpin, channel,
    channel_bounded,
};

#[test]
fn every_strategy_gets_what_is_published_later_and_the_end() {
    fn receives(strategy: impl WaitStrategy + Copy + Send + 'static) {
        let (mut publisher, subscribers) = channel::<u64>(8);
        let mut subscriber = subscribers.subscribe();
        let receiving = thread::spawn(move || {
            let first = subscriber.recv_with(strategy);
            (first, subscriber.recv_with(strategy))
        });
        publisher.publish(7);
        drop(publisher);
        assert_eq!(receiving.join().unwrap(), (Ok(7), Err(RecvError::Disconnected)));
    }
    receives(BusySpin);
    receives(YieldSpin);
    receives(BackoffSpin);
    receives(Adaptive);
    receives(Park);
}

/// Both sides wait all the time: the ring has room for two.
#[test]
fn every_strategy_waits_for_events_and_for_room() {
    const COUNT: u64 = 50;
    fn waits(strategy: impl WaitStrategy + Copy + Send + 'static) {
        let mut events = Events::one_producer(2, || 0_u64);
        let mut reader = events.reader([]);
        let mut producer = events.build();
        let handling = thread::spawn(move || {
            (0..COUNT).for_each(|n| assert_eq!(reader.handle_with(strategy, |event| *event), Ok(n)));
            reader.handle_with(strategy, |event| *event)
        });
        (0..COUNT).for_each(|n| assert!(producer.publish_waiting(strategy, |event| *event = n).is_ok()));
        drop(producer);
        assert_eq!(handling.join().unwrap(), Err(RecvError::Disconnected));

        let (mut publisher, subscribers) = channel_bounded::<u64>(2);
        let mut subscriber = subscribers.subscribe().unwrap();
        let receiving = thread::spawn(move || {
            (0..COUNT).for_each(|n| assert_eq!(subscriber.recv_with(strategy), Ok(n)));
            subscriber.recv_with(strategy)
        });
        (0..COUNT).for_each(|n| publisher.publish_waiting(n, strategy).unwrap());
        drop(publisher);
        assert_eq!(receiving.join().unwrap(), Err(RecvError::Disconnected));
    }
    waits(BusySpin);
    waits(YieldSpin);
    waits(BackoffSpin);
    waits(Adaptive);
    waits(Park);
}

/// A strategy of one's own decides, and can give up by panicking no one else.
#[test]
fn a_strategy_of_ones_own_is_asked_after_every_empty_look() {
    struct Publishing<'p>(&'p mut xbar_ring::channel::Publisher<u64>, u32);
    impl WaitStrategy for Publishing<'_> {
        fn step(&mut self, looks: u32) -> Step {
            self.1 = looks;
            if looks == 5 {
                self.0.publish(9);
            }
            if looks % 2 == 0 { Step::Sleep } else { Step::Look }
        }
    }
    let (mut publisher, subscribers) = channel::<u64>(8);
    let mut subscriber = subscribers.subscribe();
    let mut strategy = Publishing(&mut publisher, 0);
    assert_eq!(subscriber.recv_with(&mut strategy), Ok(9));
    assert_eq!(strategy.1, 5);
}

#[test]
fn a_timeout_ends_a_wait_and_not_before() {
    let (mut publisher, subscribers) = channel::<u64>(8);
    let mut subscriber = subscribers.subscribe();
    let timeout = Duration::from_millis(5);
    let start = Instant::now();
    assert_eq!(subscriber.recv_timeout(timeout), Err(RecvError::Timeout));
    assert!(start.elapsed() >= timeout);
    assert_eq!(subscriber.recv_timeout_with(BusySpin, timeout), Err(RecvError::Timeout));
    assert_eq!(subscriber.recv_timeout(Duration::ZERO), Err(RecvError::Timeout));
    publisher.publish(1);
    assert_eq!(subscriber.recv_timeout(Duration::ZERO), Ok(1));
    publisher.publish(2);
    assert_eq!(subscriber.recv_timeout(Duration::MAX), Ok(2));
    drop(publisher);
    assert_eq!(subscriber.recv_timeout(Duration::MAX), Err(RecvError::Disconnected));
    assert_eq!(subscriber.try_recv(), Err(TryRecvError::Disconnected));
}

#[test]
fn errors_say_what_to_do() {
    let texts = [
        (TryRecvError::Empty.to_string(), "no message yet"),
        (TryRecvError::Lagged { missed: 3 }.to_string(), "3 messages were lost"),
        (TryRecvError::Disconnected.to_string(), "all publishers are gone"),
        (RecvError::Timeout.to_string(), "no message came in time"),
        (xbar_ring::PublishError::Full(1).to_string(), "the ring is full: wait"),
        (xbar_ring::PublishError::Disconnected(1).to_string(), "all subscribers are gone"),
    ];
    for (text, part) in texts {
        assert!(text.contains(part) && !text.contains('\n'), "{text}");
        assert!(text.starts_with(|c: char| c.is_lowercase() || c.is_ascii_digit()), "{text}");
    }
}
