//! Channels, events and tokens between threads that sleep: no wake-up is lost, whoever sleeps.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use xbar::memory::{Memory, Pages};
use xbar::{Handlers, Park, RingPublishError, RingRecvError, Shutdown, ThreadChannel};

/// Long enough that nobody waits for it: a lost wake-up is a test that hangs for that long, and fails.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn both_sides_of_a_lossless_channel_sleep_and_are_woken() {
    let (mut publisher, subscribers) = ThreadChannel::new(2).lossless::<u64>().unwrap();
    let mut subscriber = subscribers.subscribe().unwrap();
    let receiving = thread::spawn(move || {
        for n in 0..20_000 {
            assert_eq!(subscriber.recv_with(Park), Ok(n));
        }
        subscriber
    });
    (0..20_000).for_each(|n| publisher.publish_waiting(n, Park).unwrap());
    let mut subscriber = receiving.join().unwrap();
    let waiting = thread::spawn(move || subscriber.recv_with(Park));
    drop(publisher);
    assert_eq!(waiting.join().unwrap(), Err(RingRecvError::Disconnected));
}

#[test]
fn many_writers_and_readers_sleep_and_are_woken() {
    let (publisher, subscribers) = ThreadChannel::new(4).subscribers(2).lossless_many::<u64>().unwrap();
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let mut subscriber = subscribers.subscribe().unwrap();
            thread::spawn(move || {
                let mut sum = 0;
                while let Ok(value) = subscriber.recv_with(Park) {
                    sum += value;
                }
                sum
            })
        })
        .collect();
    let writers: Vec<_> = (0..2)
        .map(|_| {
            let mut publisher = publisher.clone();
            thread::spawn(move || (0..5_000).for_each(|n| publisher.publish_waiting(n, Park).unwrap()))
        })
        .collect();
    drop(publisher);
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    for reader in readers {
        assert_eq!(reader.join().unwrap(), 2 * (0..5_000).sum::<u64>());
    }
}

#[test]
fn a_lossy_channel_wakes_its_readers_also_by_its_end() {
    let (mut publisher, subscribers) = ThreadChannel::new(1 << 16).lossy::<u64>().unwrap();
    let mut subscriber = subscribers.subscribe();
    let receiving = thread::spawn(move || {
        let mut received = 0;
        while subscriber.recv_with(Park).is_ok() {
            received += 1;
        }
        received + subscriber.total_missed()
    });
    (0..20_000).for_each(|n| publisher.publish(n));
    drop(publisher);
    assert_eq!(receiving.join().unwrap(), 20_000);
}

#[test]
fn a_publisher_that_sleeps_learns_that_its_readers_are_gone() {
    let (mut publisher, subscribers) = ThreadChannel::new(2).lossless::<u64>().unwrap();
    let subscriber = subscribers.subscribe().unwrap();
    drop(subscribers);
    publisher.publish_batch(&[0, 1]).unwrap();
    let publishing = thread::spawn(move || publisher.publish_waiting(2, Park));
    drop(subscriber);
    assert!(matches!(publishing.join().unwrap(), Err(RingPublishError::Disconnected(2)) | Ok(())));
}

/// Early, late, and in the middle: whoever waits is told, and no other message is lost by it.
#[test]
fn a_token_ends_every_wait_whenever_it_comes() {
    for round in 0..200 {
        let shutdown = Shutdown::new();
        let (mut publisher, subscribers) = ThreadChannel::new(2).lossless::<u64>().unwrap();
        let mut subscriber = subscribers.subscribe().unwrap();
        let mut full = ThreadChannel::new(2).lossless::<u64>().unwrap();
        let _stays = full.1.subscribe().unwrap();
        full.0.publish_batch(&[0, 1]).unwrap();
        let ready = Barrier::new(3);
        thread::scope(|scope| {
            let (until, other) = (shutdown.waiting_as(Park), shutdown.waiting());
            let ready = &ready;
            let receiving = scope.spawn(move || {
                ready.wait();
                let first = subscriber.recv_with(until.clone());
                (first, subscriber.recv_with(until), subscriber)
            });
            let publishing = scope.spawn(move || {
                ready.wait();
                full.0.publish_waiting(2, other)
            });
            ready.wait();
            if round % 2 == 0 {
                publisher.publish(7).unwrap();
            }
            shutdown.stop();
            let (first, second, mut subscriber) = receiving.join().unwrap();
            assert_eq!(second, Err(RingRecvError::Stopped));
            if round % 2 == 0 && first.is_err() {
                assert_eq!(subscriber.try_recv(), Ok(7), "what was there still is");
            }
            assert!(matches!(publishing.join().unwrap(), Err(RingPublishError::Stopped(2))));
        });
    }
}

#[test]
fn a_timeout_ends_a_sleep() {
    let (publisher, subscribers) = ThreadChannel::new(2).lossless::<u64>().unwrap();
    let mut subscriber = subscribers.subscribe().unwrap();
    assert_eq!(subscriber.recv_timeout(Duration::from_millis(1)), Err(RingRecvError::Timeout));
    drop(publisher);
    assert_eq!(subscriber.recv_timeout(LONG), Err(RingRecvError::Disconnected));
}

#[test]
fn rings_lie_in_memory_as_wished() {
    let memory = Memory::new().pages(Pages::HugeIfPossible).prefault();
    let channel = ThreadChannel::new(100).memory(memory);
    let (mut publisher, subscribers) = channel.lossless::<[u64; 3]>().unwrap();
    let mut subscriber = subscribers.subscribe().unwrap();
    let (mut newest, readers) = channel.lossy_many::<[u64; 9]>().unwrap();
    let mut reader = readers.subscribe();
    for n in 0..1000 {
        publisher.publish([n; 3]).unwrap();
        assert_eq!(subscriber.try_recv(), Ok([n; 3]));
        newest.publish([n; 9]);
        assert_eq!(reader.try_recv(), Ok([n; 9]));
    }
    let mut events = channel.events(String::new).unwrap();
    let mut stage = events.reader([]);
    let mut producer = events.build();
    for n in 0..1000 {
        producer.publish(|text| *text = n.to_string()).unwrap();
        assert_eq!(stage.try_handle(|text| text.parse()), Ok(Ok(n)));
    }
}

/// Slow stages, a branch, a join, many producers: everything once, in an order that the graph allows.
#[test]
fn handlers_of_a_diamond_sleep_and_lose_nothing() {
    const EACH: u64 = 5_000;
    static LEFT: AtomicU64 = AtomicU64::new(0);
    static RIGHT: AtomicU64 = AtomicU64::new(0);
    static JOINED: AtomicU64 = AtomicU64::new(0);
    let mut events = ThreadChannel::new(8).events_many(|| 0_u64).unwrap();
    let first = events.changer([]);
    let left = events.reader([first.place()]);
    let right = events.reader([first.place()]);
    let join = events.reader([left.place(), right.place()]);
    let producer = events.build();
    let mut handlers = Handlers::new();
    handlers.waiting(Park);
    handlers.start("first", first, |event, _| *event += 1).unwrap();
    handlers
        .start("left", left, |event, _| {
            LEFT.fetch_add(*event, Ordering::Relaxed);
        })
        .unwrap();
    handlers
        .start("right", right, |event, _| {
            RIGHT.fetch_add(*event, Ordering::Relaxed);
        })
        .unwrap();
    handlers
        .start("join", join, |event, _| {
            let joined = JOINED.fetch_add(*event, Ordering::Relaxed) + *event;
            assert!(LEFT.load(Ordering::Relaxed) >= joined && RIGHT.load(Ordering::Relaxed) >= joined);
        })
        .unwrap();
    let producing: Vec<_> = (0..2)
        .map(|_| {
            let mut producer = producer.clone();
            thread::spawn(move || {
                for n in 0..EACH {
                    assert!(producer.publish_waiting(Park, |event| *event = n).is_ok());
                }
            })
        })
        .collect();
    drop(producer);
    producing.into_iter().for_each(|thread| thread.join().unwrap());
    handlers.join().unwrap();
    assert_eq!(JOINED.load(Ordering::Relaxed), 2 * (0..EACH).map(|n| n + 1).sum::<u64>());
}

#[test]
fn a_handler_that_panics_is_told_and_the_others_go_on() {
    let mut events = ThreadChannel::new(4).events(|| 0_u64).unwrap();
    let (bad, good) = (events.reader([]), events.reader([]));
    let mut producer = events.build();
    let mut handlers = Handlers::new();
    handlers.start("bad", bad, |event, _| assert_ne!(*event, 3, "a bad event")).unwrap();
    let (told, sums) = std::sync::mpsc::channel();
    handlers
        .start_with(
            "good",
            good,
            || 0,
            move |sum, event, _| {
                *sum += *event;
                _ = told.send(*sum);
            },
        )
        .unwrap();
    (0..100).for_each(|n| producer.publish(|event| *event = n).unwrap());
    drop(producer);
    let panic = handlers.join().unwrap_err();
    assert_eq!(panic.stage, "bad");
    assert!(panic.message.contains("a bad event"), "{panic}");
    assert_eq!(sums.iter().last(), Some((0..100).sum()));
}

#[test]
fn handlers_stop_at_once_though_producers_live() {
    let mut events = ThreadChannel::new(4).events(|| 0_u64).unwrap();
    let reader = events.reader([]);
    let mut producer = events.build();
    let mut handlers = Handlers::new();
    handlers.start("asleep", reader, |_, _| ()).unwrap();
    producer.publish(|event| *event = 1).unwrap();
    handlers.stop().unwrap();
    while producer.try_publish(|_| ()).is_ok() {}
    assert!(matches!(producer.publish(|_| ()), Err(RingPublishError::Disconnected(_))));
}
