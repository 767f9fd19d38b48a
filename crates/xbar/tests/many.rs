//! Many publishers of one topic, in threads and processes: one order for all readers, every publisher's messages in its own,
//! and nobody who is stopped for good by one that dies.

mod support;

use std::path::Path;
use std::thread;
use std::time::Duration;

use support::{Dir, Other, hear, line, part, pattern, tell};
use xbar::{PublishError, Publisher, RecvError, RegionError, Stream, TopicConfig};

const LONG: Duration = Duration::from_secs(60);
const EACH: u64 = 3_000;
/// Publishers: two processes with two threads each.
const PUBLISHERS: u64 = 4;

fn many() -> TopicConfig {
    TopicConfig::new().many_publishers()
}

/// Message `number` of `publisher`: in the slot, or in a block.
fn message(publisher: u64, number: u64) -> Vec<u8> {
    let mut bytes = [publisher, number].map(u64::to_le_bytes).concat();
    bytes.extend(pattern(number, if number % 2 == 0 { 10 } else { 100 }));
    bytes
}

/// Publisher and number of a message, of which every byte is checked.
fn read(bytes: &[u8]) -> (u64, u64) {
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let (publisher, number) = (word(0), word(8));
    assert_eq!(bytes, &message(publisher, number)[..], "a torn message");
    (publisher, number)
}

/// Two threads publish as `first` and `first + 1`, each with a handle of its own.
fn publish_in_two_threads(dir: &Path, first: u64, config: TopicConfig) {
    let threads = [first, first + 1].map(|number| {
        let publisher = Publisher::open_in(dir, "r").unwrap();
        thread::spawn(move || {
            let topic = publisher.register_with("/a", &config).unwrap();
            (0..EACH).for_each(|n| _ = publisher.send(&topic, &message(number, n)).unwrap());
        })
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// What a reader got up to the end: sequence number, publisher and number; and how many it missed.
type Account = (Vec<(u64, u64, u64)>, u64);

/// Receives up to the end.
fn receive_all(stream: &Stream) -> Account {
    let mut messages = Vec::new();
    let mut last = None;
    loop {
        match stream.recv_timeout(LONG) {
            Ok(sample) => {
                assert!(last < Some(sample.sequence()), "out of order");
                last = Some(sample.sequence());
                let (publisher, number) = read(&sample);
                messages.push((sample.sequence(), publisher, number));
            }
            Err(RecvError::Lagged { missed }) => assert!(missed > 0),
            Err(RecvError::Disconnected) => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(stream.received(), messages.len() as u64);
    for publisher in 0..PUBLISHERS {
        let numbers: Vec<_> = messages.iter().filter(|m| m.1 == publisher).map(|m| m.2).collect();
        assert!(numbers.is_sorted_by(|one, two| one < two), "a publisher's messages out of order, or twice");
    }
    (messages, stream.missed())
}

/// Four publishers and two readers; what the readers got.
fn run(test: &str, config: TopicConfig) -> [Account; 2] {
    let dir = Dir::new();
    let publisher = Publisher::create("r", &dir.config().publishers(8)).unwrap();
    // Not before it is there: readers come first.
    let topic = publisher.register_with("/a", &config).unwrap();
    let readers = [0, 1].map(|_| {
        let stream = dir.subscriber("r").subscribe("/a").unwrap();
        thread::spawn(move || receive_all(&stream))
    });
    let mut other = Other::start(test, "publish", &dir);
    other.expect("ready");
    other.say("go");
    publish_in_two_threads(dir.path(), 0, config);
    other.expect("done");
    other.finish();
    drop(topic);
    readers.map(|reader| reader.join().unwrap())
}

fn publish_in_a_child(dir: &Path, config: TopicConfig) {
    tell("ready");
    hear("go");
    publish_in_two_threads(dir, 2, config);
    tell("done");
}

#[test]
fn all_readers_see_one_order_and_with_room_nothing_is_missed() {
    // Whatever is published fits.
    let config = many().depth((PUBLISHERS * EACH) as u32).max_bytes(200);
    if let Some((_, dir)) = part() {
        return publish_in_a_child(&dir, config);
    }
    let dir_config = |dir: &Dir| {
        let class = xbar::SizeClass::new(200).topics(1, (PUBLISHERS * EACH) as u32).samples(4);
        dir.config().publishers(8).size_class(class)
    };
    let dir = Dir::new();
    let publisher = Publisher::create("r", &dir_config(&dir)).unwrap();
    let topic = publisher.register_with("/a", &config).unwrap();
    let streams = [0, 1].map(|_| dir.subscriber("r").subscribe("/a").unwrap());
    let mut other =
        Other::start("all_readers_see_one_order_and_with_room_nothing_is_missed", "publish", &dir);
    other.expect("ready");
    other.say("go");
    publish_in_two_threads(dir.path(), 0, config);
    other.expect("done");
    other.finish();
    drop(topic);
    let [one, two] = streams.map(|stream| receive_all(&stream));
    assert_eq!((one.0.len() as u64, one.1), (PUBLISHERS * EACH, 0));
    assert_eq!(one, two);
}

#[test]
fn readers_that_are_lapped_agree_on_what_they_got_and_count_the_rest() {
    let config = many().depth(16);
    if let Some((_, dir)) = part() {
        return publish_in_a_child(&dir, config);
    }
    let [one, two] = run("readers_that_are_lapped_agree_on_what_they_got_and_count_the_rest", config);
    let total = |(messages, missed): &(Vec<_>, u64)| messages.len() as u64 + missed;
    // A publisher that is held up in the middle of a message for longer than a lap costs a number that counts as missed.
    assert!(total(&one) >= PUBLISHERS * EACH);
    assert_eq!(total(&one), total(&two));
    let of_two: std::collections::HashMap<_, _> = two.0.iter().map(|m| (m.0, (m.1, m.2))).collect();
    for (sequence, publisher, number) in one.0 {
        let other = of_two.get(&sequence);
        assert!(other.is_none_or(|other| *other == (publisher, number)), "two orders");
    }
}

#[test]
fn lossless_readers_get_everything_of_everybody_in_one_order() {
    let config = many().lossless().depth(8);
    if let Some((_, dir)) = part() {
        return publish_in_a_child(&dir, config);
    }
    let [one, two] = run("lossless_readers_get_everything_of_everybody_in_one_order", config);
    assert_eq!((one.0.len() as u64, one.1), (PUBLISHERS * EACH, 0), "lost");
    assert_eq!(one, two, "two orders");
}

/// Publishers killed in the middle of what they do, again and again, beside one that lives.
fn kill_beside_the_living(test: &str, config: TopicConfig, lossless: bool) {
    if let Some((_, dir)) = part() {
        let publisher = Publisher::open_in(dir, "r").unwrap();
        let topic = publisher.register_with("/a", &config).unwrap();
        tell("ready");
        for n in 0.. {
            publisher.send(&topic, &message(1, n)).unwrap();
        }
    }
    let dir = Dir::new();
    let publisher = Publisher::create("r", &dir.config().publishers(2)).unwrap();
    let topic = publisher.register_with("/a", &config).unwrap();
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    let reader = thread::spawn(move || {
        let mut next = 0;
        loop {
            match stream.recv_timeout(LONG) {
                Ok(sample) => match read(&sample) {
                    (0, number) => {
                        assert!(if lossless { number == next } else { number >= next }, "{number}, {next}");
                        next = number + 1;
                    }
                    (publisher, _) => assert_eq!(publisher, 1),
                },
                Err(RecvError::Lagged { .. }) if !lossless => {}
                Err(RecvError::Disconnected) => break,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(!lossless || stream.missed() == 0);
        next
    });
    let mut sent = 0;
    // There are two seats: every dead publisher's is free again, with its blocks.
    for _ in 0..6 {
        let mut other = Other::start(test, "publish", &dir);
        other.expect("ready");
        for _ in 0..300 {
            publisher.send(&topic, &message(0, sent)).unwrap();
            sent += 1;
        }
        other.kill();
        for _ in 0..300 {
            publisher.send(&topic, &message(0, sent)).unwrap();
            sent += 1;
        }
    }
    drop(topic);
    assert_eq!(reader.join().unwrap(), sent, "what came last was received");
    // No block is gone: as many loans as ever.
    let topic = publisher.register_with("/a", &config).unwrap();
    let loans: Vec<_> = (0..16).map(|_| publisher.loan(&topic, 100).unwrap()).collect();
    drop(loans);
}

#[test]
fn publishers_killed_in_mid_stream_stop_nobody() {
    kill_beside_the_living("publishers_killed_in_mid_stream_stop_nobody", many().depth(8), false);
}

#[test]
fn publishers_killed_in_mid_stream_stop_nobody_and_cost_the_living_no_message() {
    kill_beside_the_living(
        "publishers_killed_in_mid_stream_stop_nobody_and_cost_the_living_no_message",
        many().lossless().depth(8),
        true,
    );
}

#[test]
fn a_stream_ends_when_the_last_of_its_publishers_has_left() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let second = Publisher::open_in(dir.path(), "r").unwrap();
    let (one, two) =
        (publisher.register_with("/a", &many()).unwrap(), second.register_with("/a", &many()).unwrap());
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    publisher.send(&one, &message(0, 0)).unwrap();
    drop(one);
    assert!(stream.is_connected());
    second.send(&two, &message(1, 0)).unwrap();
    drop(two);
    assert_eq!([read(&stream.recv().unwrap()), read(&stream.recv().unwrap())], [(0, 0), (1, 0)]);
    assert_eq!(stream.recv().unwrap_err(), RecvError::Disconnected);
    // And goes on when somebody comes again.
    let again = second.register_with("/a", &many()).unwrap();
    assert_eq!(second.send(&again, &message(1, 1)).unwrap(), 2);
    assert_eq!(read(&stream.recv().unwrap()), (1, 1));
}

#[test]
fn messages_of_every_size_arrive_whole() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register_with("/a", &many()).unwrap();
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    for size in [0, 1, 8, 39, 40, 41, 47, 48, 49, 1000, 4096] {
        publisher.send(&topic, &pattern(1, size)).unwrap();
        assert_eq!(&*stream.recv().unwrap(), &pattern(1, size)[..], "{size} bytes");
    }
    let error = publisher.send(&topic, &pattern(1, 4097)).unwrap_err();
    assert!(matches!(error, PublishError::TooLarge { most: 4096, .. }));
    line(&error);
}

#[test]
fn who_may_publish_is_said_when_the_topic_is_registered() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let second = Publisher::open_in(dir.path(), "r").unwrap();
    let pid = std::process::id().to_string();

    // One and the same handle twice.
    let shared = publisher.register_with("/shared", &many()).unwrap();
    let error = publisher.register_with("/shared", &many()).unwrap_err();
    assert!(matches!(error, RegionError::TopicTaken { .. }), "{error}");
    line(&error);

    // One publisher where there are many, and the other way round.
    let error = second.register("/shared").unwrap_err();
    assert!(matches!(error, RegionError::Differs { .. }), "{error}");
    let text = line(&error);
    assert!(text.contains("many publishers") && text.contains("one publisher"), "{text}");
    let alone = publisher.register("/alone").unwrap();
    let error = second.register_with("/alone", &many()).unwrap_err();
    assert!(matches!(error, RegionError::Differs { .. }), "{error}");
    let error = second.register("/alone").unwrap_err();
    let text = line(&error);
    assert!(
        text.contains(&pid) && text.contains("many publishers") && text.contains("another uri"),
        "{text}"
    );

    // Lossy is not lossless.
    let error = second.register_with("/shared", &many().lossless()).unwrap_err();
    let text = line(&error);
    assert!(text.contains("lossy") && text.contains("lossless"), "{text}");

    // A pinned topic has one publisher.
    let error = second.register_with("/pinned", &many().pinned()).unwrap_err();
    assert!(matches!(error, RegionError::OnePublisher { .. }), "{error}");
    line(&error);

    // Another handle's topic.
    let error = second.send(&shared, b"x").unwrap_err();
    assert!(matches!(error, PublishError::ForeignTopic { .. }), "{error}");
    line(&error);
    drop((shared, alone));
    second.register("/alone").unwrap();
}
