//! Real processes, killed at any time: nobody else notices, nothing is lost, everything comes back.

mod support;

use std::os::unix::fs::FileExt;
use std::time::Duration;

use support::{Dir, Other, hear, part, stay, tell};
use xbar::{Publisher, RecvError, Subscriber};

#[test]
fn a_killed_publisher_is_disconnected_and_its_name_is_free_at_once() {
    if let Some((_, dir)) = part() {
        let publisher = Publisher::create("r", &xbar::Config::new().topics(1).dir(dir)).unwrap();
        let topic = publisher.register("/a").unwrap();
        tell("ready");
        hear("go");
        for n in 0..10_u64 {
            publisher.send(&topic, &[n as u8; 100]).unwrap();
        }
        tell("sent");
        stay();
        return;
    }
    let dir = Dir::new();
    let mut other =
        Other::start("a_killed_publisher_is_disconnected_and_its_name_is_free_at_once", "publish", &dir);
    other.expect("ready");
    let subscriber = dir.subscriber("r");
    let stream = subscriber.subscribe("/a").unwrap();
    other.say("go");
    other.expect("sent");
    other.kill();

    for n in 0..10_u8 {
        assert_eq!(stream.recv().unwrap()[..], [n; 100]);
    }
    assert_eq!(stream.recv().unwrap_err(), RecvError::Disconnected);
    assert!(Subscriber::connect_in(dir.path(), "r").is_err(), "nobody publishes there");

    let successor = dir.publisher("r");
    assert!(successor.epoch() > subscriber.epoch());
    let topic = successor.register("/a").unwrap();
    let again = dir.subscriber("r").subscribe("/a").unwrap();
    successor.send(&topic, b"new").unwrap();
    assert_eq!(&*again.recv().unwrap(), b"new");
    assert_eq!(stream.recv().unwrap_err(), RecvError::Disconnected, "the old stream is of the old region");
    drop((successor, topic));
    assert!(dir.contents().is_empty(), "{:?}", dir.contents());
}

#[test]
fn a_killed_subscriber_loses_nothing_of_others_and_its_blocks_come_back() {
    if let Some((_, dir)) = part() {
        let stream = Subscriber::connect_in(dir, "r").unwrap().subscribe("/a").unwrap();
        tell("ready");
        let samples: Vec<_> = (0..16).map(|_| stream.recv().unwrap()).collect();
        tell("holding");
        stay();
        drop(samples);
        return;
    }
    let dir = Dir::new();
    // As few blocks as can work: a single one that is lost shows.
    let config = dir.config().topics(1).depth(16).publishers(1).subscribers(2).loans(1);
    let publisher = Publisher::create("r", &config).unwrap();
    let topic = publisher.register("/a").unwrap();
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    // One more kill than there are seats: a dead subscriber's seat is free again.
    for _ in 0..3 {
        let mut other = Other::start(
            "a_killed_subscriber_loses_nothing_of_others_and_its_blocks_come_back",
            "hold",
            &dir,
        );
        other.expect("ready");
        for n in 0..16_u8 {
            publisher.send(&topic, &[n; 100]).unwrap();
        }
        other.expect("holding");
        other.kill();
        for n in 0..16_u8 {
            assert_eq!(stream.recv().unwrap()[..], [n; 100]);
        }
        for _ in 0..1000 {
            publisher.send(&topic, &[0; 100]).unwrap();
            assert_eq!(stream.recv().unwrap().len(), 100);
        }
        assert_eq!(publisher.subscriber_count(), 1);
    }
    assert_eq!(stream.missed(), 0);
}

#[test]
fn blocks_of_a_killed_publisher_come_back_to_the_others() {
    if let Some((_, dir)) = part() {
        let publisher = Publisher::open_in(dir, "r").unwrap();
        let topic = publisher.register("/b").unwrap();
        let loans: Vec<_> = (0..8).map(|_| publisher.loan(&topic, 100).unwrap()).collect();
        for n in 0..100_u64 {
            publisher.send(&topic, &[n as u8; 100]).unwrap();
        }
        tell("holding");
        stay();
        drop(loans);
        return;
    }
    let dir = Dir::new();
    let config = dir.config().topics(2).depth(8).publishers(2).subscribers(1).loans(16);
    let publisher = Publisher::create("r", &config).unwrap();
    let topic = publisher.register("/a").unwrap();
    for _ in 0..5 {
        let mut other = Other::start("blocks_of_a_killed_publisher_come_back_to_the_others", "loan", &dir);
        other.expect("holding");
        other.kill();
        // The pool has no block to spare: every one that a dead publisher kept would be missed here.
        let loans: Vec<_> = (0..16).map(|_| publisher.loan(&topic, 100).unwrap()).collect();
        drop(loans);
        for _ in 0..100 {
            publisher.send(&topic, &[0; 100]).unwrap();
        }
    }
    // Its topic can be taken over, and goes on with its numbers.
    let theirs = publisher.register("/b").unwrap();
    assert_eq!(publisher.send(&theirs, b"x").unwrap(), 500);
}

#[test]
fn messages_cross_processes_whole_and_counted() {
    const MESSAGES: u64 = 50_000;
    if let Some((_, dir)) = part() {
        let stream = Subscriber::connect_in(dir, "r").unwrap().subscribe("/a").unwrap();
        tell("ready");
        loop {
            match stream.recv_timeout(Duration::from_secs(60)) {
                Ok(sample) => {
                    let first = sample.sequence() as u8;
                    assert!(sample.iter().all(|&byte| byte == first), "a torn payload");
                }
                Err(RecvError::Lagged { .. }) => {}
                Err(RecvError::Disconnected) => break,
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(stream.received() + stream.missed(), MESSAGES);
        tell("counted");
        return;
    }
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register("/a").unwrap();
    let mut other = Other::start("messages_cross_processes_whole_and_counted", "receive", &dir);
    other.expect("ready");
    for n in 0..MESSAGES {
        publisher.send(&topic, &vec![n as u8; 1 + (n % 200) as usize]).unwrap();
    }
    drop(topic);
    other.expect("counted");
    other.finish();
}

#[test]
fn a_sleeping_reader_hears_of_its_publishers_death() {
    if let Some((_, dir)) = part() {
        let publisher = Publisher::create("r", &xbar::Config::new().topics(1).dir(dir)).unwrap();
        let _topic = publisher.register("/a").unwrap();
        tell("ready");
        stay();
        return;
    }
    let dir = Dir::new();
    let mut other = Other::start("a_sleeping_reader_hears_of_its_publishers_death", "publish", &dir);
    other.expect("ready");
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    let sleeper = std::thread::spawn(move || stream.recv_with(xbar::Park).map(|_| ()).unwrap_err());
    other.kill();
    assert_eq!(sleeper.join().unwrap(), RecvError::Disconnected);
}

/// While somebody takes the dead publisher's seat, its topics are neither its own nor that one's.
#[test]
fn a_killed_publishers_topic_is_free_while_another_takes_its_seat() {
    const TEST: &str = "a_killed_publishers_topic_is_free_while_another_takes_its_seat";
    if let Some((_, dir)) = part() {
        let publisher = Publisher::open_in(dir, "r").unwrap();
        let _topic = publisher.register("/a").unwrap();
        tell("ready");
        stay();
        return;
    }
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    for _ in 0..40 {
        let mut other = Other::start(TEST, "publish", &dir);
        other.expect("ready");
        other.kill();
        let start = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            let joiner = scope.spawn(|| {
                start.wait();
                Publisher::open_in(dir.path(), "r").unwrap()
            });
            start.wait();
            let mut topic = publisher.register("/a");
            for _ in 0..20 {
                drop(topic.expect("nobody alive publishes it"));
                topic = publisher.register("/a");
            }
            drop(joiner.join().unwrap());
        });
    }
}

#[test]
fn a_topic_whose_registrar_was_killed_before_it_was_counted_is_not_there() {
    if let Some((_, dir)) = part() {
        let publisher = Publisher::open_in(dir, "r").unwrap();
        let _topic = publisher.register("/a").unwrap();
        tell("registered");
        stay();
        return;
    }
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let test = "a_topic_whose_registrar_was_killed_before_it_was_counted_is_not_there";
    let topics_registered = 84; // docs/protocol.md
    let data = std::fs::OpenOptions::new().write(true).open(dir.path().join("r/data")).unwrap();
    // As often as there are slots in the index, and more: none of them stays taken.
    for _ in 0..9 {
        let mut other = Other::start(test, "register", &dir);
        other.expect("registered");
        other.kill();
        // Between the last two stores of a registration.
        data.write_all_at(&0_u32.to_ne_bytes(), topics_registered).unwrap();
        assert!(dir.subscriber("r").subscribe("/a").is_err(), "nobody has registered it");
    }
    // On the dead one's seat, as well as on another.
    let successor = Publisher::open_in(dir.path(), "r").unwrap();
    let b = publisher.register("/b").unwrap();
    let a = successor.register("/a").unwrap();
    let subscriber = dir.subscriber("r");
    assert_eq!(subscriber.topics(), ["/b", "/a"]);
    let (heard_a, heard_b) = (subscriber.subscribe("/a").unwrap(), subscriber.subscribe("/b").unwrap());
    successor.send(&a, b"a").unwrap();
    publisher.send(&b, b"b").unwrap();
    assert_eq!(&*heard_a.recv().unwrap(), b"a");
    assert_eq!(&*heard_b.recv().unwrap(), b"b");
}
