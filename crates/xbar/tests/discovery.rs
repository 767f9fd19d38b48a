//! What `discover` says: what topics are, who is there and what they did, of regions however many.
#![cfg(not(miri))]

mod support;

use std::time::Duration;

use support::{Dir, Other, part, stay, tell};
use xbar::{BusConfig, Config, Delivery, PodBus, Publisher, Subscriber, TopicConfig, discover_in};

#[test]
fn topics_say_what_they_were_registered_as() {
    let dir = Dir::new();
    let config = dir.config().depth(16).block_bytes(256);
    let publisher = Publisher::create("r", &config).unwrap();
    let second = Publisher::open_in(dir.path(), "r").unwrap();
    let _lossy = publisher.register("/a").unwrap();
    let many = TopicConfig::new().lossless().many_publishers().depth(5);
    let lossless = [&publisher, &second].map(|publisher| publisher.register_with("/b", &many).unwrap());
    let _pinned = publisher.register_typed_with::<[u64; 2]>("/c", &TopicConfig::new().pinned()).unwrap();
    let named = publisher.register_named::<u32>("/d", &TopicConfig::new(), "count").unwrap();

    let regions = discover_in(dir.path(), "/**").unwrap();
    let [a, b, c, d] = &regions[0].topics[..] else { panic!("{regions:?}") };
    assert_eq!((a.delivery, a.many_publishers, a.publishers, a.depth), (Delivery::Lossy, false, 1, 16));
    assert_eq!((a.value_type.as_deref(), a.block_bytes), (None, Some(256)));
    assert_eq!((b.delivery, b.many_publishers, b.publishers, b.depth), (Delivery::Lossless, true, 2, 5));
    assert_eq!((c.delivery, c.depth), (Delivery::Pinned, 1));
    assert_eq!(c.value_type.as_deref(), Some("of 16 bytes aligned to 8"));
    assert_eq!(d.value_type.as_deref(), Some("count of 4 bytes aligned to 4"));

    drop((lossless, named));
    let regions = discover_in(dir.path(), "/**").unwrap();
    let publishers: Vec<_> = regions[0].topics.iter().map(|topic| topic.publishers).collect();
    assert_eq!(publishers, [1, 0, 1, 0]);

    let _bus = PodBus::<u64>::create_with("bus", 8, &BusConfig::new().dir(dir.path())).unwrap();
    let bus = &discover_in(dir.path(), "/bus").unwrap()[0].topics[0];
    assert_eq!((bus.depth, bus.block_bytes, bus.publishers), (8, None, 1));
    assert_eq!(bus.value_type.as_deref(), Some("of 8 bytes aligned to 8"));
}

#[test]
fn participants_say_who_they_are_and_what_they_did() {
    let dir = Dir::new();
    let publisher = Publisher::create("r", &dir.config().depth(8)).unwrap();
    let topic = publisher.register("/a").unwrap();
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    let before = discover_in(dir.path(), "/**").unwrap().remove(0);
    for n in 0..10_000_u64 {
        publisher.send(&topic, &n.to_le_bytes()).unwrap();
    }
    while stream.recv_timeout(Duration::ZERO).is_ok() || stream.pending() > 0 {}
    let region = discover_in(dir.path(), "/**").unwrap().remove(0);
    let [writer, reader] = &region.participants[..] else { panic!("{region:?}") };
    assert!(writer.is_publisher && !reader.is_publisher);
    assert_eq!((writer.pid, reader.pid), (std::process::id(), std::process::id()));
    // Up to 1024 behind while it is busy.
    assert!((8976..=10_000).contains(&writer.published), "{writer:?}");
    assert_eq!(reader.received + reader.missed, 10_000, "an idle reader has told all: {reader:?}");
    assert!(reader.missed >= 9_992 && reader.joined_unix_ns >= region.created_unix_ns);
    let last = region.participants.iter().map(|participant| participant.active_unix_ns).max();
    assert_eq!(region.last_active_unix_ns, last);
    assert!(region.last_active_unix_ns >= before.last_active_unix_ns);
    drop(topic);
    let region = discover_in(dir.path(), "/**").unwrap().remove(0);
    assert_eq!(region.participants[0].published, 10_000, "whoever leaves a topic tells all");
}

#[test]
fn the_killed_are_not_listed() {
    let test = "the_killed_are_not_listed";
    if let Some((_, dir)) = part() {
        let publisher = Publisher::create("r", &Config::new().topics(1).dir(&dir)).unwrap();
        let _topic = publisher.register("/a").unwrap();
        let _stream = Subscriber::connect_in(dir, "r").unwrap().subscribe("/a").unwrap();
        tell("ready");
        stay();
        return;
    }
    let dir = Dir::new();
    let mut other = Other::start(test, "publish", &dir);
    other.expect("ready");
    let region = discover_in(dir.path(), "/**").unwrap().remove(0);
    assert_eq!((region.participants.len(), region.topics[0].publishers), (2, 1));
    assert!(region.participants.iter().all(|participant| participant.pid == region.creator_pid));
    other.kill();
    let region = discover_in(dir.path(), "/**").unwrap().remove(0);
    assert!(region.participants.is_empty() && region.last_active_unix_ns.is_none());
    assert_eq!((region.publishers, region.subscribers, region.topics[0].publishers), (0, 0, 0));
}

#[test]
fn a_thousand_regions_are_all_found_and_their_topics() {
    let dir = Dir::new();
    let config = Config::new().topics(1).depth(1).block_bytes(64).publishers(1).subscribers(1).samples(1);
    let config = config.loans(1).dir(dir.path());
    let publishers: Vec<_> = (0..1000)
        .map(|n| {
            let publisher = Publisher::create(&format!("r{n:03}"), &config).unwrap();
            let topic = publisher.register(&format!("/topic/{n}")).unwrap();
            publisher.send(&topic, b"x").unwrap();
            (publisher, topic)
        })
        .collect();
    let regions = discover_in(dir.path(), "/**").unwrap();
    assert_eq!(regions.len(), 1000);
    for (n, region) in regions.iter().enumerate() {
        assert_eq!(region.name, format!("r{n:03}"));
        assert_eq!((region.topics[0].published, region.publishers), (1, 1));
    }
    let one = discover_in(dir.path(), "/topic/777").unwrap();
    assert_eq!((one.len(), one[0].name.as_str()), (1, "r777"));
    drop(publishers);
    assert!(discover_in(dir.path(), "/**").unwrap().is_empty());
}
