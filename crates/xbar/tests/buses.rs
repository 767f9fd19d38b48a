//! Buses: ends that come and go, types, names.

use std::thread;

use xbar::ring::TryRecvError;
use xbar::{Bus, BusError, Pattern, Shutdown, TypedBus, Writers};

#[test]
fn a_publisher_comes_back_when_it_is_dropped_and_the_stream_goes_on() {
    let bus = Bus::<u64>::new(8);
    let mut subscriber = bus.subscribe("/a").unwrap();
    for round in 0..3 {
        let mut publisher = bus.publisher("/a").unwrap();
        assert!(matches!(bus.publisher("/a"), Err(BusError::Taken { .. })));
        publisher.publish(round);
        drop(publisher);
        assert_eq!(subscriber.try_recv(), Ok(round));
        assert_eq!(subscriber.try_recv(), Err(TryRecvError::Empty), "nobody publishes, but somebody may");
    }
    assert_eq!(bus.publisher("/a").unwrap().published(), 3);
}

#[test]
fn a_topic_with_many_writers_has_publishers_for_all() {
    let bus = Bus::<u64>::new(64).writers(Writers::Many);
    let mut subscriber = bus.subscribe("/a").unwrap();
    let threads: Vec<_> = (0..3)
        .map(|thread| {
            let mut publisher = bus.publisher("/a").unwrap();
            thread::spawn(move || publisher.publish_batch(&[thread, thread]))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let mut received: Vec<u64> = subscriber.drain().map(Result::unwrap).collect();
    received.sort_unstable();
    assert_eq!(received, [0, 0, 1, 1, 2, 2]);
}

#[test]
fn writers_are_declared_before_the_first_use() {
    let bus = Bus::<u64>::new(8);
    bus.declare("/many", Writers::Many).unwrap();
    let _two = [bus.publisher("/many").unwrap(), bus.publisher("/many").unwrap()];
    bus.declare("/many", Writers::Many).unwrap();
    assert!(matches!(
        bus.declare("/many", Writers::One),
        Err(BusError::WrongWriters { has: Writers::Many, .. })
    ));
}

#[test]
fn a_wrong_type_is_an_error_that_names_both() {
    let bus = TypedBus::new(8);
    let _publisher = bus.publisher::<u64>("/a").unwrap();
    let error = bus.subscribe::<f32>("/a").unwrap_err().to_string();
    assert!(error.contains("/a") && error.contains("u64") && error.contains("f32"), "{error}");
    assert!(bus.publisher::<[u64; 1]>("/a").is_err(), "of the same size is not the same");
    assert!(bus.subscribe::<u64>("/a").is_ok());
}

#[test]
fn what_is_no_name_is_an_error() {
    let bus = Bus::<u64>::new(8);
    for name in ["", "a", "/", "/a//b", "/a b"] {
        assert!(matches!(bus.subscribe(name), Err(BusError::Uri(_))), "{name:?}");
    }
}

#[test]
fn topics_are_listed_matched_and_removed() {
    let bus = TypedBus::new(8);
    bus.declare::<u64>("/tick/AAPL", Writers::One).unwrap();
    bus.declare::<u64>("/tick/MSFT", Writers::Many).unwrap();
    bus.declare::<f64>("/temperature/seattle", Writers::One).unwrap();
    let names: Vec<_> = bus.topics().iter().map(|topic| topic.uri.as_str().to_owned()).collect();
    assert_eq!(names, ["/temperature/seattle", "/tick/AAPL", "/tick/MSFT"]);
    let pattern = Pattern::new("/*/*").unwrap();
    let ticks = bus.subscribe_matching::<u64>(&pattern);
    assert_eq!(ticks.iter().map(|(uri, _)| uri.as_str()).collect::<Vec<_>>(), ["/tick/AAPL", "/tick/MSFT"]);
    assert!(bus.remove("/tick/AAPL") && !bus.remove("/tick/AAPL"));
    assert_eq!(bus.topics().len(), 2);
}

#[test]
fn a_topic_that_is_removed_ends_behind_its_last_publisher() {
    let bus = Bus::<u64>::new(8);
    let mut subscriber = bus.subscribe("/a").unwrap();
    let mut publisher = bus.publisher("/a").unwrap();
    bus.remove("/a");
    publisher.publish(7);
    let waiting = thread::spawn(move || (subscriber.recv(), subscriber.recv()));
    drop(publisher);
    let (value, end) = waiting.join().unwrap();
    assert_eq!((value, end), (Ok(7), Err(xbar::RingRecvError::Disconnected)));
    assert_eq!(bus.subscribe("/a").unwrap().pending(), 0, "its name is free");
}

#[test]
fn who_lags_is_told_how_much() {
    let bus = Bus::<u64>::new(4);
    let mut subscriber = bus.subscribe("/a").unwrap();
    bus.publisher("/a").unwrap().publish_batch(&(0..10).collect::<Vec<_>>());
    assert_eq!(subscriber.try_recv(), Err(TryRecvError::Lagged { missed: 7 }));
    assert_eq!(subscriber.drain().count(), 3);
    assert_eq!(subscriber.latest(), Err(TryRecvError::Empty));
}

#[test]
fn a_token_ends_a_wait_for_a_topic() {
    let (bus, shutdown) = (Bus::<u64>::new(8), Shutdown::new());
    let mut subscriber = bus.subscribe("/a").unwrap();
    let until = shutdown.waiting();
    let waiting = thread::spawn(move || subscriber.recv_with(until));
    shutdown.stop();
    assert_eq!(waiting.join().unwrap(), Err(xbar::RingRecvError::Stopped));
}
