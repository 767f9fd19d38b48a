//! Pinned topics: the latest value, at any time, of any size, whatever readers hold and whoever dies.

mod support;

use std::thread;
use std::time::Duration;

use support::{Dir, Other, hear, line, part, pattern, stay, tell};
use xbar::{
    Config, PublishError, Publisher, RecvError, RegionError, SizeClass, Subscriber, TopicConfig, TryRecvError,
};

const LONG: Duration = Duration::from_secs(60);
const MB: usize = 1 << 20;

fn pinned() -> TopicConfig {
    TopicConfig::new().pinned()
}

/// One value of up to 4 MB.
fn large(dir: &Dir) -> Config {
    dir.config().size_class(SizeClass::new(4 << 20).topics(1, 3).samples(2).loans(2))
}

#[test]
fn the_latest_value_of_any_size_is_read_again_and_again_in_another_process() {
    const SIZES: [usize; 9] = [0, 1, 48, 49, 4096, 70_000, MB, 3 * MB + 1, 4 * MB];
    if let Some((_, dir)) = part() {
        let stream = Subscriber::connect_in(dir, "r").unwrap().subscribe("/a").unwrap();
        assert_eq!(stream.try_recv_pinned().unwrap_err(), TryRecvError::Empty);
        for (number, size) in SIZES.into_iter().enumerate() {
            tell("next");
            hear("there");
            for _ in 0..3 {
                let sample = stream.recv_pinned_timeout(LONG).unwrap();
                assert_eq!(sample.sequence(), number as u64);
                assert!(*sample == pattern(number as u64, size)[..], "{size} bytes");
            }
        }
        tell("done");
        return;
    }
    let dir = Dir::new();
    let publisher = Publisher::create("r", &large(&dir)).unwrap();
    let topic = publisher.register_with("/a", &pinned().max_bytes(4 << 20)).unwrap();
    let mut other =
        Other::start("the_latest_value_of_any_size_is_read_again_and_again_in_another_process", "read", &dir);
    for (number, size) in SIZES.into_iter().enumerate() {
        other.expect("next");
        let bytes = pattern(number as u64, size);
        if number % 2 == 0 {
            publisher.send(&topic, &bytes).unwrap();
        } else {
            let mut loan = publisher.loan_pinned(&topic, size).unwrap();
            loan.copy_from_slice(&bytes);
            loan.publish();
        }
        other.say("there");
    }
    other.expect("done");
    other.finish();
}

#[test]
fn held_values_never_make_the_publisher_fail_or_wait_and_never_change() {
    let dir = Dir::new();
    let publisher = Publisher::create("r", &dir.config().samples(3).loans(1)).unwrap();
    let topic = publisher.register_with("/a", &pinned()).unwrap();
    let streams: Vec<_> = (0..4).map(|_| dir.subscriber("r").subscribe("/a").unwrap()).collect();
    let mut held = Vec::new();
    for number in 0..3 {
        publisher.send(&topic, &pattern(number, 1000)).unwrap();
        held.extend(streams.iter().map(|stream| (number, stream.try_recv_pinned().unwrap())));
    }
    for stream in &streams {
        assert_eq!(stream.try_recv_pinned().unwrap_err(), TryRecvError::TooManySamples { limit: 3 });
    }
    for number in 3..1003 {
        assert_eq!(publisher.send(&topic, &pattern(number, 1000)).unwrap(), number);
        publisher.loan_pinned(&topic, 1000).unwrap();
    }
    for (number, sample) in &held {
        assert_eq!((sample.sequence(), &**sample), (*number, &pattern(*number, 1000)[..]));
    }
    drop(held);
    for stream in &streams {
        assert_eq!(&*stream.try_recv_pinned().unwrap(), &pattern(1002, 1000)[..]);
        assert_eq!(stream.missed(), 0, "a pinned topic misses none");
    }
}

#[test]
fn an_abandoned_loan_changes_nothing() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register_with("/a", &pinned()).unwrap();
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    publisher.loan_pinned(&topic, 100).unwrap().fill(9);
    assert_eq!(stream.try_recv_pinned().unwrap_err(), TryRecvError::Empty);
    publisher.send(&topic, &pattern(0, 100)).unwrap();
    for _ in 0..100 {
        publisher.loan_pinned(&topic, 100).unwrap().fill(9);
        let sample = stream.try_recv_pinned().unwrap();
        assert_eq!((sample.sequence(), &*sample), (0, &pattern(0, 100)[..]));
    }
}

#[test]
fn a_late_reader_gets_the_last_value_as_news_and_then_waits_for_the_next() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register_with("/a", &pinned()).unwrap();
    (0..10).for_each(|number| _ = publisher.send(&topic, &pattern(number, 100)).unwrap());
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    assert_eq!(stream.recv().unwrap().sequence(), 9);
    assert_eq!(stream.try_recv().unwrap_err(), TryRecvError::Empty, "received already");
    assert_eq!(stream.recv_timeout(Duration::ZERO).unwrap_err(), RecvError::Timeout);
    assert_eq!(stream.try_recv_pinned().unwrap().sequence(), 9);
    (10..20).for_each(|number| _ = publisher.send(&topic, &pattern(number, 100)).unwrap());
    assert_eq!(stream.try_recv().unwrap().sequence(), 19, "the latest, not the next");
}

#[test]
fn a_value_read_under_load_is_never_torn_nor_older_than_one_before() {
    const MESSAGES: u64 = 30_000;
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register_with("/a", &pinned()).unwrap();
    let subscriber = dir.subscriber("r");
    publisher.send(&topic, &pattern(0, 0)).unwrap();
    let readers = [0, 1].map(|reader| {
        let stream = subscriber.subscribe("/a").unwrap();
        thread::spawn(move || {
            let mut last = 0;
            let mut held = None;
            while last + 1 < MESSAGES {
                // Never empty after the first.
                let sample = stream.try_recv_pinned().unwrap();
                let number = sample.sequence();
                assert!(number >= last, "{number} after {last}");
                assert_eq!(&*sample, &pattern(number, (number % 300) as usize)[..], "torn");
                last = number;
                if reader == 0 && number % 7 == 0 {
                    if let Some((number, sample)) = held.replace((number, sample.into_owned())) {
                        assert_eq!(
                            &*sample,
                            &pattern(number, (number % 300) as usize)[..],
                            "a held value changed"
                        );
                    }
                }
            }
        })
    });
    for number in 1..MESSAGES {
        publisher.send(&topic, &pattern(number, (number % 300) as usize)).unwrap();
    }
    readers.into_iter().for_each(|reader| reader.join().unwrap());
}

#[test]
fn a_value_outlives_its_publisher_and_the_next_one_goes_on_behind_it() {
    if let Some((_, dir)) = part() {
        let publisher = Publisher::open_in(dir, "r").unwrap();
        let topic = publisher.register_with("/a", &pinned()).unwrap();
        (0..7).for_each(|number| _ = publisher.send(&topic, &pattern(number, 1000)).unwrap());
        let mut loan = publisher.loan_pinned(&topic, 1000).unwrap();
        loan.fill(9);
        tell("half-way");
        stay();
        drop(loan);
        return;
    }
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let mut other =
        Other::start("a_value_outlives_its_publisher_and_the_next_one_goes_on_behind_it", "publish", &dir);
    other.expect("half-way");
    let before = dir.subscriber("r").subscribe("/a").unwrap();
    let error = publisher.register_with("/a", &pinned()).unwrap_err();
    assert!(matches!(error, RegionError::TopicTaken { pid, .. } if pid == other.pid()), "{error}");
    other.kill();
    let after = dir.subscriber("r").subscribe("/a").unwrap();
    for stream in [&before, &after] {
        for _ in 0..3 {
            let sample = stream.try_recv_pinned().unwrap();
            assert_eq!((sample.sequence(), &*sample), (6, &pattern(6, 1000)[..]));
        }
    }
    let topic = publisher.register_with("/a", &pinned()).unwrap();
    assert_eq!(before.try_recv_pinned().unwrap().sequence(), 6);
    assert_eq!(publisher.send(&topic, &pattern(7, 1000)).unwrap(), 7);
    for stream in [&before, &after] {
        assert_eq!(&*stream.try_recv_pinned().unwrap(), &pattern(7, 1000)[..]);
    }
}

#[test]
fn only_pinned_topics_are_pinned() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register("/a").unwrap();
    let error = publisher.loan_pinned(&topic, 10).unwrap_err();
    assert!(matches!(error, PublishError::NotPinned { .. }), "{error}");
    assert!(line(&error).contains("pinned"));
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    let error = stream.try_recv_pinned().unwrap_err();
    assert_eq!(error, TryRecvError::NotPinned);
    line(&error);
    assert_eq!(line(&stream.recv_pinned().unwrap_err()), line(&error));
    let error = publisher.register_with("/b", &pinned().depth(10).max_bytes(1 << 20)).unwrap_err();
    assert!(matches!(error, RegionError::NoPool { .. }), "{error}");
    line(&error);
}
