//! Lossless topics: the publisher waits for the slowest reader, as long as it lives; nothing is lost.

mod support;

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use support::{Dir, Other, hear, line, part, pattern, stay, tell};
use xbar::{
    NoRoom, Park, PublishError, Publisher, RecvError, RegionError, Shutdown, Stream, Subscriber, TopicConfig,
};

const DEPTH: u32 = 8;
/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

fn lossless() -> TopicConfig {
    TopicConfig::new().lossless().depth(DEPTH)
}

/// Message `number`: in the slot, or in a block.
fn message(number: u64) -> Vec<u8> {
    pattern(number, if number % 3 == 0 { 20 } else { 200 })
}

/// Receives up to the end; every message from `first` on must be there. Every fifth is held for a while. Says how many.
fn receive_all(stream: &Stream, first: Option<u64>) -> u64 {
    let mut next = first;
    let mut held = Vec::new();
    loop {
        match stream.recv_timeout(LONG) {
            Ok(sample) => {
                let number = sample.sequence();
                assert_eq!(number, next.unwrap_or(number), "lost, or out of order");
                assert_eq!(&*sample, &message(number)[..]);
                next = Some(number + 1);
                if number % 5 == 0 {
                    held.push((number, sample.into_owned()));
                }
                if held.len() > 3 {
                    let (number, sample) = held.remove(0);
                    assert_eq!(&*sample, &message(number)[..], "a held message changed");
                }
            }
            Err(RecvError::Disconnected) => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(stream.missed(), 0);
    stream.received()
}

/// Fills the topic; says how many messages that took, and the error that said that it is full.
fn fill(publisher: &Publisher, topic: &xbar::Topic) -> (u64, PublishError) {
    let mut sent = 0;
    loop {
        match publisher.try_send(topic, &message(sent)) {
            Ok(_) => sent += 1,
            Err(error) => return (sent, error),
        }
    }
}

#[test]
fn a_slow_reader_in_another_process_gets_everything_in_order() {
    const MESSAGES: u64 = 5_000;
    if let Some((_, dir)) = part() {
        let stream = Subscriber::connect_in(dir, "r").unwrap().subscribe("/a").unwrap();
        tell("ready");
        hear("go");
        assert_eq!(receive_all(&stream, Some(0)), MESSAGES);
        tell("counted");
        return;
    }
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register_with("/a", &lossless()).unwrap();
    let mut other =
        Other::start("a_slow_reader_in_another_process_gets_everything_in_order", "receive", &dir);
    other.expect("ready");
    assert_eq!(publisher.reader_count(&topic), 1);
    let (sent, error) = fill(&publisher, &topic);
    assert_eq!(sent, u64::from(DEPTH));
    assert!(matches!(error, PublishError::Full { pid, .. } if pid == other.pid()), "{error}");
    assert!(line(&error).contains(&other.pid().to_string()), "{error}");
    other.say("go");
    for number in sent..MESSAGES {
        assert_eq!(publisher.send(&topic, &message(number)).unwrap(), number);
    }
    drop(topic);
    other.expect("counted");
    other.finish();
}

#[test]
fn what_finds_no_room_comes_back_in_time_and_as_it_was() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register_with("/a", &lossless()).unwrap();
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    let (sent, error) = fill(&publisher, &topic);
    assert!(matches!(error, PublishError::Full { pid, .. } if pid == std::process::id()), "{error}");

    let mut loan = publisher.loan(&topic, 200).unwrap();
    loan.copy_from_slice(&message(sent));
    let NoRoom(loan) = loan.try_publish().unwrap_err();
    line(&NoRoom(()));
    let short = Duration::from_millis(20);
    let start = Instant::now();
    let NoRoom(loan) = loan.publish_timeout(short).unwrap_err();
    assert!(start.elapsed() >= short);
    let error = publisher.send_timeout(&topic, b"late", short).unwrap_err();
    assert!(matches!(error, PublishError::Full { .. }), "{error}");
    assert_eq!(publisher.send_timeout(&topic, &pattern(0, 1000), Duration::ZERO).unwrap_err(), error);

    assert_eq!(&*stream.recv().unwrap(), &message(0)[..]);
    assert_eq!(loan.try_publish().unwrap(), sent, "the loan, with room for one");
    assert!(publisher.try_send(&topic, b"x").is_err());
    drop(topic);
    for number in 1..=sent {
        let sample = stream.recv().unwrap();
        assert_eq!((sample.sequence(), &*sample), (number, &message(number)[..]));
    }
    assert_eq!(stream.recv().unwrap_err(), RecvError::Disconnected);
    assert_eq!((stream.received(), stream.missed()), (sent + 1, 0));
}

#[test]
fn without_readers_nobody_is_waited_for_and_late_ones_get_the_last() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register_with("/a", &lossless()).unwrap();
    for number in 0..1000 {
        assert_eq!(publisher.try_send(&topic, &message(number)).unwrap(), number);
    }
    let subscriber = dir.subscriber("r");
    let now = subscriber.subscribe("/a").unwrap();
    let three = subscriber.subscribe_last("/a", 3).unwrap();
    let oldest = subscriber.subscribe_from_oldest("/a").unwrap();
    assert_eq!(publisher.reader_count(&topic), 3);
    assert_eq!((now.pending(), three.pending(), oldest.pending()), (0, 3, u64::from(DEPTH)));
    assert!(publisher.try_send(&topic, b"x").is_err(), "the oldest is promised");
    let first = oldest.recv().unwrap();
    assert_eq!(first.sequence(), 1000 - u64::from(DEPTH));
    drop(first);
    publisher.try_send(&topic, &message(1000)).unwrap();
    drop(topic);
    assert_eq!(receive_all(&now, Some(1000)), 1);
    assert_eq!(receive_all(&three, Some(997)), 4);
    assert_eq!(receive_all(&oldest, Some(1001 - u64::from(DEPTH))), u64::from(DEPTH) + 1);
}

/// A child that joins topics and never reads, until it is killed.
fn join_and_stay(dir: std::path::PathBuf, uris: &[&str]) {
    let subscriber = Subscriber::connect_in(dir, "r").unwrap();
    let streams: Vec<_> = uris.iter().map(|uri| subscriber.subscribe(uri).unwrap()).collect();
    tell("ready");
    stay();
    drop(streams);
}

#[test]
fn a_killed_reader_stops_no_publisher_however_it_sends() {
    const URIS: [&str; 4] = ["/send", "/try", "/timeout", "/loan"];
    if let Some((_, dir)) = part() {
        return join_and_stay(dir, &URIS);
    }
    let dir = Dir::new();
    let publisher = Publisher::create("r", &dir.config().subscribers(1)).unwrap();
    let topics = URIS.map(|uri| publisher.register_with(uri, &lossless()).unwrap());
    // More often than there are seats: the dead one's is free again.
    for _ in 0..3 {
        let mut other = Other::start("a_killed_reader_stops_no_publisher_however_it_sends", "join", &dir);
        other.expect("ready");
        for topic in &topics {
            assert_eq!(fill(&publisher, topic).0, u64::from(DEPTH));
        }
        other.kill();
        let [send, tried, timeout, loan] = &topics;
        let deadline = Instant::now() + LONG;
        let until = |mut done: Box<dyn FnMut() -> bool + '_>| {
            while !done() {
                assert!(Instant::now() < deadline, "stopped for ever by a dead reader");
                thread::yield_now();
            }
        };
        publisher.send(send, b"x").unwrap();
        until(Box::new(|| publisher.try_send(tried, b"x").is_ok()));
        until(Box::new(|| publisher.send_timeout(timeout, b"x", Duration::from_millis(1)).is_ok()));
        publisher.loan(loan, 100).unwrap().publish();
        for topic in &topics {
            assert_eq!(publisher.reader_count(topic), 0);
        }
    }
}

#[test]
fn a_publisher_that_sleeps_hears_of_its_readers_death() {
    if let Some((_, dir)) = part() {
        return join_and_stay(dir, &["/a"]);
    }
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let mut other = {
        let topic = publisher.register_with("/a", &lossless()).unwrap();
        let mut other = Other::start("a_publisher_that_sleeps_hears_of_its_readers_death", "join", &dir);
        other.expect("ready");
        fill(&publisher, &topic);
        other
    };
    let sleeping = thread::spawn(move || {
        let topic = publisher.register_with("/a", &lossless()).unwrap();
        publisher.send(&topic, b"x").unwrap()
    });
    other.kill();
    assert_eq!(sleeping.join().unwrap(), u64::from(DEPTH));
}

#[test]
fn a_stopped_reader_is_waited_for_because_slow_is_not_dead() {
    const MESSAGES: u64 = 500;
    if let Some((_, dir)) = part() {
        let stream = Subscriber::connect_in(dir, "r").unwrap().subscribe("/a").unwrap();
        tell("ready");
        assert_eq!(receive_all(&stream, Some(0)), MESSAGES);
        tell("counted");
        return;
    }
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register_with("/a", &lossless()).unwrap();
    let mut other = Other::start("a_stopped_reader_is_waited_for_because_slow_is_not_dead", "receive", &dir);
    other.expect("ready");
    other.stop();
    // What it read before it was stopped makes room for no more than that.
    let (sent, _) = fill(&publisher, &topic);
    assert_eq!(sent, u64::from(DEPTH));
    // Longer than a publisher waits before it asks the kernel.
    for _ in 0..2 {
        let error = publisher.send_timeout(&topic, &message(sent), Duration::from_millis(250)).unwrap_err();
        assert!(matches!(error, PublishError::Full { pid, .. } if pid == other.pid()), "{error}");
    }
    other.go_on();
    for number in sent..MESSAGES {
        assert_eq!(publisher.send(&topic, &message(number)).unwrap(), number);
    }
    drop(topic);
    other.expect("counted");
    other.finish();
}

#[test]
fn readers_that_join_and_leave_lose_nothing_in_between() {
    const MESSAGES: u64 = 20_000;
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register_with("/a", &lossless()).unwrap();
    let subscriber = dir.subscriber("r");
    let always = subscriber.subscribe("/a").unwrap();
    let always = thread::spawn(move || receive_all(&always, Some(0)));
    let coming_and_going = thread::spawn(move || {
        let mut rounds = 0;
        loop {
            let stream = match rounds % 2 {
                0 => subscriber.subscribe("/a").unwrap(),
                _ => subscriber.subscribe_last("/a", 5).unwrap(),
            };
            let mut next = None;
            for _ in 0..7 {
                match stream.recv_timeout(LONG) {
                    Ok(sample) => {
                        let number = sample.sequence();
                        assert_eq!(next.unwrap_or(number), number);
                        assert_eq!(&*sample, &message(number)[..]);
                        next = Some(number + 1);
                    }
                    Err(RecvError::Disconnected) => return rounds,
                    Err(error) => panic!("{error}"),
                }
            }
            assert_eq!(stream.missed(), 0);
            rounds += 1;
        }
    });
    for number in 0..MESSAGES {
        assert_eq!(publisher.send(&topic, &message(number)).unwrap(), number);
    }
    drop(topic);
    assert_eq!(always.join().unwrap(), MESSAGES);
    coming_and_going.join().unwrap();
}

#[test]
fn a_reader_that_leaves_lets_a_waiting_publisher_go_on() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let subscriber = dir.subscriber("r");
    let (is_full, full) = mpsc::channel();
    let (has_stream, stream) = mpsc::channel();
    let waiting = thread::spawn(move || {
        let topic = publisher.register_with("/a", &lossless()).unwrap();
        has_stream.send(subscriber.subscribe("/a").unwrap()).unwrap();
        while publisher.reader_count(&topic) == 0 {}
        let (sent, _) = fill(&publisher, &topic);
        is_full.send(()).unwrap();
        assert_eq!(publisher.send(&topic, b"x").unwrap(), sent);
        assert_eq!(publisher.reader_count(&topic), 0);
    });
    let stream: Stream = stream.recv().unwrap();
    full.recv().unwrap();
    drop(stream);
    waiting.join().unwrap();
}

#[test]
fn one_subscriber_has_as_many_lossless_streams_as_the_region_says() {
    let dir = Dir::new();
    let publisher = Publisher::create("r", &dir.config().lossless_streams(2)).unwrap();
    let _topic = publisher.register_with("/a", &lossless()).unwrap();
    let _lossy = publisher.register("/b").unwrap();
    let subscriber = dir.subscriber("r");
    let mut streams: Vec<_> = (0..2).map(|_| subscriber.subscribe("/a").unwrap()).collect();
    let error = subscriber.subscribe("/a").unwrap_err();
    assert!(matches!(error, RegionError::TooManyStreams { limit: 2, .. }), "{error}");
    assert!(line(&error).contains("lossless_streams"), "{error}");
    subscriber.subscribe("/b").unwrap();
    dir.subscriber("r").subscribe("/a").unwrap();
    streams.pop();
    subscriber.subscribe("/a").unwrap();

    let none = Publisher::create("none", &dir.config().lossless_streams(0)).unwrap();
    let topic = none.register_with("/a", &lossless()).unwrap();
    assert!(dir.subscriber("none").subscribe("/a").is_err());
    none.try_send(&topic, b"x").unwrap();
}

#[test]
fn a_token_ends_a_wait_for_room() {
    let dir = Dir::new();
    let publisher = Publisher::create("desk", &dir.config()).unwrap();
    let topic = publisher.register_with("/orders", &lossless()).unwrap();
    let stream = Subscriber::connect_in(dir.path(), "desk").unwrap().subscribe("/orders").unwrap();
    let (sent, _) = fill(&publisher, &topic);
    let shutdown = Shutdown::new();
    let (spinning, sleeping) = (shutdown.waiting_as(xbar::BusySpin), shutdown.waiting_as(Park));
    thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            let loan = publisher.loan(&topic, 200).unwrap();
            // A reader that lives is waited for, however long: only the token ends this.
            let NoRoom(loan) = loan.publish_with(sleeping).unwrap_err();
            drop(loan);
            let stopped = publisher.send_with(&topic, b"late", spinning).unwrap_err();
            assert!(matches!(stopped, PublishError::Stopped { .. }), "{stopped}");
            assert!(matches!(publisher.try_send(&topic, b"late"), Err(PublishError::Full { .. })));
            (publisher, topic)
        });
        shutdown.stop();
        let (publisher, topic) = waiting.join().unwrap();
        for number in 0..sent {
            assert_eq!(&*stream.recv_timeout(LONG).unwrap(), &message(number)[..]);
        }
        // Stopped or not, where there is room nobody waits.
        assert_eq!(publisher.send_with(&topic, b"now", shutdown.waiting()).unwrap(), sent);
        assert_eq!(&*stream.recv_timeout(LONG).unwrap(), b"now");
        assert_eq!(stream.missed(), 0);
    });
}
