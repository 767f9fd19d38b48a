//! Regions and topics: how they come, who may join, what is refused and what is left behind.

mod support;

use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use support::Dir;
use xbar::doctor::{Treatment, Verdict, examine_in};
use xbar::{Config, Publisher, RecvError, RegionError, SharedWith, Subscriber, TryRecvError, discover_in};

/// The error's one line.
fn line(error: &RegionError) -> String {
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    assert!(!text.starts_with(char::is_uppercase), "{text}");
    text
}

#[test]
fn a_region_is_gone_when_its_last_publisher_is() {
    let dir = Dir::new();
    let first = dir.publisher("r");
    let second = Publisher::open_in(dir.path(), "r").unwrap();
    let subscriber = dir.subscriber("r");
    assert_eq!((first.subscriber_count(), second.subscriber_count()), (1, 1));
    drop(first);
    assert_eq!(dir.contents(), ["r"]);
    drop(second);
    assert!(dir.contents().is_empty(), "{:?}", dir.contents());
    drop(subscriber);
    assert!(dir.contents().is_empty());
}

#[test]
fn bad_names_are_refused_with_one_clear_line() {
    let dir = Dir::new();
    let long = "x".repeat(101);
    for name in ["", "../x", "a/b", ".hidden", "caf\u{e9}", "a b", "a\0b", long.as_str()] {
        let error = Publisher::create(name, &dir.config()).unwrap_err();
        assert!(matches!(error, RegionError::Name(_)), "{name:?}");
        line(&error);
        assert!(Subscriber::connect_in(dir.path(), name).is_err());
    }
    assert!(dir.contents().is_empty());
    let publisher = dir.publisher("r");
    let long = format!("/{}", "x".repeat(255));
    for uri in ["", "a", "../x", "/", "//", "/a//b", "/a/", "/..", "/caf\u{e9}", "/a b", "/*", long.as_str()]
    {
        let error = publisher.register(uri).unwrap_err();
        assert!(matches!(error, RegionError::Uri(_)), "{uri:?}");
        line(&error);
        assert!(matches!(dir.subscriber("r").subscribe(uri), Err(RegionError::Uri(_))));
    }
}

#[test]
fn configurations_that_cannot_work_are_refused_with_what_would() {
    let dir = Dir::new();
    let base = || Config::new().dir(dir.path());
    let cases = [
        (base().topics(0), "topics is 0, but must be at least 1"),
        (base().depth(0), "depth is 0, but must be at least 1"),
        (base().block_bytes(0), "block bytes is 0"),
        (base().block_bytes(u32::MAX), "may be at most 1073741824"),
        (base().depth(u32::MAX), "depth is 4294967295, but may be at most 1048575"),
        (base().blocks(10), "use at least"),
        (base().subscribers(0), "subscribers is 0"),
        (base().topics(1 << 20).depth((1 << 20) - 1), "topics times depth is"),
    ];
    for (config, hint) in cases {
        let error = Publisher::create("r", &config).unwrap_err();
        assert!(line(&error).contains(hint), "{error}");
        assert!(config.footprint_bytes().is_err());
    }
    assert!(dir.contents().is_empty());
}

#[test]
fn more_memory_than_there_is_is_an_error_at_creation_and_leaves_nothing() {
    let dir = Dir::new();
    let config = dir.config().topics(1).depth(1000).block_bytes(1 << 30);
    let error = Publisher::create("r", &config).unwrap_err();
    assert!(matches!(error, RegionError::Open(_)), "{error}");
    line(&error);
    assert!(dir.contents().is_empty(), "{:?}", dir.contents());
}

#[test]
fn a_living_name_is_refused_and_says_who_has_it() {
    let dir = Dir::new();
    let _publisher = dir.publisher("r");
    let error = Publisher::create("r", &dir.config()).unwrap_err();
    assert!(line(&error).contains(&std::process::id().to_string()), "{error}");
    assert_eq!(dir.contents(), ["r"]);
}

#[test]
fn a_region_that_is_not_there_is_waited_for_or_refused() {
    let dir = Dir::new();
    let error = Subscriber::connect_in(dir.path(), "r").unwrap_err();
    assert!(line(&error).contains('r'), "{error}");
    let error = Subscriber::connect_timeout_in(dir.path(), "r", Duration::from_millis(5)).unwrap_err();
    assert!(matches!(error, RegionError::TimedOut { .. }), "{error}");
    line(&error);
    let waiting = {
        let path = dir.path().to_owned();
        std::thread::spawn(move || {
            let subscriber = Subscriber::connect_timeout_in(path, "r", Duration::from_secs(60)).unwrap();
            subscriber.subscribe_timeout("/late", Duration::from_secs(60)).unwrap()
        })
    };
    let publisher = dir.publisher("r");
    let topic = publisher.register("/late").unwrap();
    let stream = waiting.join().unwrap();
    publisher.send(&topic, b"x").unwrap();
    assert_eq!(&*stream.recv().unwrap(), b"x");
}

#[test]
fn every_seat_can_be_taken_once_and_again_after_it_was_left() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let mut others: Vec<_> = (0..3).map(|_| Publisher::open_in(dir.path(), "r").unwrap()).collect();
    let error = Publisher::open_in(dir.path(), "r").unwrap_err();
    assert!(matches!(error, RegionError::TooManyPublishers { limit: 4, .. }), "{error}");
    others.pop();
    others.push(Publisher::open_in(dir.path(), "r").unwrap());

    let mut subscribers: Vec<_> = (0..4).map(|_| dir.subscriber("r")).collect();
    let error = Subscriber::connect_in(dir.path(), "r").unwrap_err();
    assert!(matches!(error, RegionError::TooManySubscribers { limit: 4, .. }), "{error}");
    assert_eq!(publisher.subscriber_count(), 4);
    subscribers.pop();
    assert_eq!(publisher.subscriber_count(), 3);
    subscribers.push(dir.subscriber("r"));

    let _topics: Vec<_> = (0..4).map(|n| publisher.register(&format!("/{n}")).unwrap()).collect();
    let error = publisher.register("/one-too-many").unwrap_err();
    assert!(matches!(error, RegionError::TooManyTopics { limit: 4, .. }), "{error}");
    line(&error);
}

#[test]
fn a_topic_has_one_publisher_and_changes_hands() {
    let dir = Dir::new();
    let (first, second) = (dir.publisher("r"), Publisher::open_in(dir.path(), "r").unwrap());
    let topic = first.register("/a").unwrap();
    assert!(matches!(second.register("/a"), Err(RegionError::TopicTaken { .. })));
    assert!(matches!(first.register("/a"), Err(RegionError::TopicTaken { .. })));
    assert!(second.send(&topic, b"x").is_err(), "a foreign topic");

    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    for _ in 0..3 {
        first.send(&topic, &[1; 100]).unwrap();
    }
    drop(topic);
    let topic = second.register("/a").unwrap();
    assert_eq!(second.send(&topic, &[2; 100]).unwrap(), 3, "sequence numbers go on");
    let bytes: Vec<_> = (0..4).map(|_| stream.recv().unwrap()[0]).collect();
    assert_eq!(bytes, [1, 1, 1, 2]);
}

#[test]
fn disconnected_comes_behind_the_last_message() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let topic = publisher.register("/a").unwrap();
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    publisher.send(&topic, b"last").unwrap();
    drop(publisher);
    assert_eq!(&*stream.recv().unwrap(), b"last");
    assert_eq!(stream.try_recv().unwrap_err(), TryRecvError::Disconnected);
    assert_eq!(stream.recv().unwrap_err(), RecvError::Disconnected);
    assert_eq!(stream.recv_timeout(Duration::from_secs(60)).unwrap_err(), RecvError::Disconnected);
}

#[test]
fn handles_may_be_dropped_in_any_order() {
    for order in 0..24 {
        let dir = Dir::new();
        let publisher = dir.publisher("r");
        let topic = publisher.register("/a").unwrap();
        let subscriber = dir.subscriber("r");
        let stream = subscriber.subscribe("/a").unwrap();
        publisher.send(&topic, &[7; 100]).unwrap();
        let sample = stream.recv().unwrap().into_owned();
        let mut handles: Vec<Box<dyn std::any::Any>> =
            vec![Box::new(publisher), Box::new(topic), Box::new(subscriber), Box::new(stream)];
        let mut rest = order;
        for left in (1..=4).rev() {
            drop(handles.swap_remove(rest % left));
            rest /= left;
            assert_eq!(&*sample, &[7; 100]);
        }
        assert!(dir.contents().is_empty(), "{:?}", dir.contents());
    }
}

#[test]
fn a_new_region_of_the_same_name_has_a_higher_epoch() {
    let dir = Dir::new();
    let first = dir.publisher("r").epoch();
    let second = dir.publisher("r");
    assert!(second.epoch() > first);
    assert_eq!(dir.subscriber("r").epoch(), second.epoch());
}

#[test]
fn discovery_shows_what_is_there() {
    let dir = Dir::new();
    assert!(discover_in(dir.path(), "/**").unwrap().is_empty());
    let publisher = dir.publisher("market");
    let (apple, _) = (publisher.register("/tick/AAPL").unwrap(), publisher.register("/sensor/temp").unwrap());
    let _weather = dir.publisher("weather");
    let _subscriber = dir.subscriber("market");
    publisher.send(&apple, b"1").unwrap();

    let all = discover_in(dir.path(), "/**").unwrap();
    assert_eq!(all.iter().map(|region| region.name.as_str()).collect::<Vec<_>>(), ["market", "weather"]);
    let ticks = discover_in(dir.path(), "/tick/*").unwrap();
    assert_eq!(ticks.len(), 1);
    assert_eq!((ticks[0].publishers, ticks[0].subscribers), (1, 1));
    assert_eq!(ticks[0].topics.len(), 1);
    let topic = &ticks[0].topics[0];
    assert_eq!((topic.uri.as_str(), topic.published, topic.has_publisher), ("/tick/AAPL", 1, true));
    // The other topic was dropped at once.
    assert!(!discover_in(dir.path(), "/sensor/**").unwrap()[0].topics[0].has_publisher);
    assert!(matches!(discover_in(dir.path(), "/tick/A*"), Err(RegionError::Pattern(_))));
}

/// Everything that can be wrong with the files of a region, each an error of one line, and nothing is deleted.
#[test]
fn damaged_and_foreign_files_are_refused() {
    let dir = Dir::new();
    let region = dir.path().join("r");
    let data = region.join("data");
    type Damage = Box<dyn Fn(&std::path::Path)>;
    let patch = |offset: usize, value: &[u8]| -> Damage {
        let (value, data) = (value.to_vec(), data.clone());
        Box::new(move |_| {
            let mut bytes = std::fs::read(&data).unwrap();
            bytes[offset..offset + value.len()].copy_from_slice(&value);
            // In place: the lock is on the directory's files.
            std::fs::write(&data, bytes).unwrap();
        })
    };
    let resize = |file: &'static str, bytes: u64| -> Damage {
        Box::new(move |region| {
            std::fs::File::options().write(true).open(region.join(file)).unwrap().set_len(bytes).unwrap();
        })
    };
    let replace = |file: &'static str| -> Damage {
        Box::new(move |region| {
            let (from, to) = (region.join(file), region.join("moved"));
            std::fs::rename(&from, &to).unwrap();
            symlink(&to, &from).unwrap();
        })
    };
    let cases: Vec<(&str, Damage)> = vec![
        ("bytes", resize("data", 0)),
        ("bytes", resize("data", 100)),
        ("bytes", resize("data", 8192)),
        ("bytes", resize("peers", 0)),
        ("bytes", resize("peers", 1 << 20)),
        ("something else", patch(0, b"nonsense")),
        ("format 7", patch(8, &7_u32.to_ne_bytes())),
        ("byte order", patch(12, &0x0102_0304_u32.swap_bytes().to_ne_bytes())),
        ("topics is 0", patch(64, &0_u32.to_ne_bytes())),
        ("damaged", patch(64, &100_u32.to_ne_bytes())),
        ("at most", patch(68, &u32::MAX.to_ne_bytes())),
        ("default_slots", patch(88, &1_u32.to_ne_bytes())),
        ("default_pool", patch(92, &1000_u32.to_ne_bytes())),
        ("data", replace("data")),
        ("peers", replace("peers")),
    ];
    for (hint, damage) in cases {
        let publisher = dir.publisher("r");
        damage(&region);
        let error = Subscriber::connect_in(dir.path(), "r").unwrap_err();
        assert!(line(&error).contains(hint), "{hint}: {error}");
        assert!(Publisher::open_in(dir.path(), "r").is_err());
        assert!(discover_in(dir.path(), "/**").unwrap().is_empty());
        assert!(region.exists());
        // The handle's own mapping may have lost its file; forget it rather than touch it.
        std::mem::forget(publisher);
        std::fs::remove_dir_all(&region).unwrap();
    }
}

#[test]
fn a_symlink_or_a_file_in_the_place_of_a_region_is_refused_and_left_alone() {
    let dir = Dir::new();
    let elsewhere = dir.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, dir.path().join("link")).unwrap();
    std::fs::write(dir.path().join("file"), b"precious").unwrap();
    for name in ["link", "file"] {
        line(&Subscriber::connect_in(dir.path(), name).unwrap_err());
        line(&Publisher::create(name, &dir.config()).unwrap_err());
    }
    assert_eq!(std::fs::read(dir.path().join("file")).unwrap(), b"precious");
    assert!(dir.path().join("link").is_symlink());
}

#[test]
fn a_region_that_others_may_write_is_refused() {
    let dir = Dir::new();
    let _publisher = dir.publisher("r");
    let region = dir.path().join("r");
    std::fs::set_permissions(&region, std::fs::Permissions::from_mode(0o777)).unwrap();
    let error = Subscriber::connect_in(dir.path(), "r").unwrap_err();
    line(&error);
    std::fs::set_permissions(&region, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert!(Subscriber::connect_in(dir.path(), "r").is_ok());
}

#[test]
fn the_doctor_knows_a_region_that_is_shared_from_one_that_is_open() {
    let dir = Dir::new();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o750)).unwrap();
    let _publisher = Publisher::create("r", &dir.config().shared_with(SharedWith::Group)).unwrap();
    let _subscriber = dir.subscriber("r");
    let of_region = || {
        let findings = examine_in(dir.path(), Treatment::Look).into_iter();
        findings.filter(|finding| finding.about == "region r").collect::<Vec<_>>()
    };
    let findings = of_region();
    assert!(findings.iter().all(|finding| finding.verdict < Verdict::Wrong), "{findings:?}");
    assert!(findings.iter().any(|finding| finding.what.contains("shared with its group")), "{findings:?}");
    let data = dir.path().join("r/data");
    std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o666)).unwrap();
    let wrong = of_region().into_iter().find(|finding| finding.verdict == Verdict::Wrong).unwrap();
    assert_eq!(wrong.advice, "chmod it to 640");
}

#[test]
fn two_names_share_nothing() {
    let dir = Dir::new();
    let names = ["a", "a.b", "a.c", "pod-x", "registry", "data", "peers", "publisher.0", "a.lock"];
    let publishers: Vec<_> = names.iter().map(|name| dir.publisher(name)).collect();
    assert_eq!(discover_in(dir.path(), "/**").unwrap().len(), names.len());
    drop(publishers);
    assert!(dir.contents().is_empty());
}

#[test]
fn a_late_subscriber_can_have_what_is_still_there() {
    let dir = Dir::new();
    let publisher = Publisher::create("r", &dir.config().depth(4)).unwrap();
    let topic = publisher.register("/a").unwrap();
    for n in 0..10_u8 {
        publisher.send(&topic, &[n; 60]).unwrap();
    }
    let subscriber = dir.subscriber("r");
    let stream = subscriber.subscribe_from_oldest("/a").unwrap();
    let bytes: Vec<_> = (0..4).map(|_| stream.recv().unwrap()[0]).collect();
    assert_eq!(bytes, [6, 7, 8, 9]);
    assert_eq!(stream.try_recv().unwrap_err(), TryRecvError::Empty);
    assert_eq!(subscriber.publisher_count(), 1);
}

#[test]
fn a_topic_is_never_seen_without_its_publisher() {
    let dir = Dir::new();
    let publisher = Publisher::create("r", &dir.config().topics(300)).unwrap();
    let subscriber = dir.subscriber("r");
    let looking = std::thread::spawn(move || {
        for n in 0..300 {
            let stream = subscriber.subscribe_timeout(&format!("/{n}"), Duration::from_secs(60)).unwrap();
            assert_eq!(stream.try_recv().unwrap_err(), TryRecvError::Empty, "topic {n}");
        }
    });
    let _topics: Vec<_> = (0..300).map(|n| publisher.register(&format!("/{n}")).unwrap()).collect();
    looking.join().unwrap();
}
