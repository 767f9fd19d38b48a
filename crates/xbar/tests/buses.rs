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

#[test]
fn topics_do_not_mix_and_every_subscriber_gets_everything() {
    let bus = Bus::<u64>::new(7);
    let topics = ["/a", "/a/b", "/b"];
    let mut subscribers = topics.map(|topic| [(); 2].map(|()| bus.subscribe(topic).unwrap()));
    let mut publishers = topics.map(|topic| bus.clone().publisher(topic).unwrap());
    for round in 0..10 {
        for (topic, publisher) in (0..).zip(&mut publishers) {
            publisher.publish_batch(&[10 * round + topic, topic]);
        }
        for (topic, subscribers) in (0..).zip(&mut subscribers) {
            for subscriber in subscribers {
                let received: Vec<_> = subscriber.drain().map(Result::unwrap).collect();
                assert_eq!(received, [10 * round + topic, topic]);
            }
        }
    }
}

#[test]
fn topics_of_a_typed_bus_have_types_beside_one_another() {
    let bus = TypedBus::new(8);
    let (mut prices, mut volumes) =
        (bus.subscribe::<f64>("/price").unwrap(), bus.subscribe::<u32>("/volume").unwrap());
    bus.publisher::<f64>("/price").unwrap().publish(42.5);
    bus.publisher::<u32>("/volume").unwrap().publish(1000);
    assert_eq!((prices.try_recv(), volumes.try_recv()), (Ok(42.5), Ok(1000)));
    assert_eq!((prices.try_recv(), volumes.try_recv()), (Err(TryRecvError::Empty), Err(TryRecvError::Empty)));
    let error = bus.declare::<u64>("/price", Writers::One).unwrap_err();
    assert!(matches!(error, BusError::WrongType { has: "f64", asked: "u64", .. }), "{error}");
}

#[test]
fn a_late_subscriber_of_a_topic_can_have_what_is_still_there() {
    for writers in [Writers::One, Writers::Many] {
        let bus = Bus::<u64>::new(4).writers(writers);
        bus.publisher("/a").unwrap().publish_batch(&[0, 1]);
        let mut new = bus.subscribe("/a").unwrap();
        let mut late = bus.subscribe_from_oldest("/a").unwrap();
        bus.publisher("/a").unwrap().publish(2);
        assert_eq!(late.drain().map(Result::unwrap).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(new.drain().map(Result::unwrap).collect::<Vec<_>>(), [2]);
        assert_eq!(new.cursor(), late.cursor(), "a value has one number for all");
    }
}

/// Everybody asks at once for a topic that nobody has used yet.
#[test]
fn one_of_many_threads_gets_the_publisher_of_a_new_topic() {
    for round in 0..20 {
        let bus = Bus::<u64>::new(8);
        let ready = std::sync::Barrier::new(4);
        thread::scope(|scope| {
            let asking = [(); 4].map(|()| {
                scope.spawn(|| {
                    ready.wait();
                    (bus.publisher("/a").ok(), bus.subscribe_from_oldest("/a").unwrap())
                })
            });
            let ends = asking.map(|thread| thread.join().unwrap());
            let (publishers, subscribers): (Vec<_>, Vec<_>) = ends.into_iter().unzip();
            let mut publishers: Vec<_> = publishers.into_iter().flatten().collect();
            assert_eq!(publishers.len(), 1);
            publishers[0].publish(round);
            for mut subscriber in subscribers {
                assert_eq!(subscriber.try_recv(), Ok(round), "all have the same topic");
            }
        });
    }
}

#[test]
#[should_panic(expected = "a bus needs a capacity >= 2, not 1")]
fn a_bus_of_one_value_is_refused() {
    let _ = Bus::<u64>::new(1);
}
