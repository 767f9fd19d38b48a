//! Regions of several block sizes, huge messages, many topics, history: what a configuration promises is there.

mod support;

use std::time::{Duration, Instant};

use support::{Dir, Other, line, part, pattern, stay, tell};
use xbar::{Config, PublishError, Publisher, RegionError, SizeClass, TopicConfig, TryRecvError};

const MB: u32 = 1 << 20;

fn of(bytes: u32) -> TopicConfig {
    TopicConfig::new().max_bytes(bytes)
}

/// Small messages, and those of a megabyte: one topic of four of them, one loan, one sample.
fn small_and_huge(dir: &Dir) -> Config {
    dir.config().block_bytes(256).size_class(SizeClass::new(MB))
}

#[test]
fn small_and_huge_messages_serve_side_by_side() {
    let dir = Dir::new();
    let config = small_and_huge(&dir).size_class(SizeClass::new(10_000).topics(1, 4));
    let publisher = Publisher::create("r", &config).unwrap();
    let subscriber = dir.subscriber("r");
    let topics = [100, 10_000, MB].map(|bytes| {
        let uri = format!("/{bytes}");
        (publisher.register_with(&uri, &of(bytes).depth(4)).unwrap(), subscriber.subscribe(&uri).unwrap())
    });
    for round in 0..50 {
        for ((topic, stream), most) in topics.iter().zip([256, 10_000, MB as usize]) {
            for size in [most, 1, 60] {
                let bytes = pattern(round, size);
                publisher.send(topic, &bytes).unwrap();
                assert!(*stream.recv().unwrap() == bytes[..], "{size} bytes");
            }
            let error = publisher.send(topic, &vec![0; most + 1]).unwrap_err();
            assert!(matches!(error, PublishError::TooLarge { most: said, .. } if said == most), "{error}");
            line(&error);
        }
    }
}

#[test]
fn a_class_that_is_used_up_takes_nothing_from_another() {
    let dir = Dir::new();
    let publisher = Publisher::create("r", &small_and_huge(&dir)).unwrap();
    let small = publisher.register("/small").unwrap();
    let huge = publisher.register_with("/huge", &of(MB).depth(4)).unwrap();
    let subscriber = dir.subscriber("r");
    let (smalls, huges) = (subscriber.subscribe("/small").unwrap(), subscriber.subscribe("/huge").unwrap());
    (0..2).for_each(|_| publisher.loan(&huge, 1000).map(|loan| _ = loan.publish()).unwrap());

    // All loans and all samples of the huge ones.
    let loan = publisher.loan(&huge, 1000).unwrap();
    let error = publisher.loan(&huge, 1000).unwrap_err();
    assert!(matches!(error, PublishError::TooManyLoans { limit: 1 }), "{error}");
    line(&error);
    let sample = huges.recv().unwrap();
    let error = huges.try_recv().unwrap_err();
    assert_eq!(error, TryRecvError::TooManySamples { limit: 1 });
    line(&error);

    let loans: Vec<_> = (0..16).map(|_| publisher.loan(&small, 100).unwrap()).collect();
    loans.into_iter().for_each(|loan| _ = loan.publish());
    let samples: Vec<_> = (0..16).map(|_| smalls.recv().unwrap()).collect();
    for number in 0..1000 {
        publisher.send(&small, &pattern(number, 200)).unwrap();
    }
    drop((samples, sample, loan));
    // All of the small ones, and the huge ones go on.
    let loans: Vec<_> = (0..16).map(|_| publisher.loan(&small, 100).unwrap()).collect();
    publisher.send(&huge, &pattern(1, MB as usize)).unwrap();
    assert_eq!(huges.recv().unwrap().sequence(), 1);
    assert!(*huges.recv().unwrap() == pattern(1, MB as usize)[..]);
    drop(loans);
}

#[test]
fn blocks_of_every_size_come_back_from_a_killed_publisher() {
    if let Some((_, dir)) = part() {
        let publisher = Publisher::open_in(dir, "r").unwrap();
        let small = publisher.register("/small-b").unwrap();
        let huge = publisher.register_with("/huge-b", &of(MB).depth(1)).unwrap();
        let loans = [publisher.loan(&small, 100).unwrap(), publisher.loan(&huge, 100).unwrap()];
        (0..50).for_each(|number| _ = publisher.send(&small, &pattern(number, 100)).unwrap());
        tell("holding");
        stay();
        drop(loans);
        return;
    }
    let dir = Dir::new();
    let config = dir.config().block_bytes(256).loans(4).depth(8).publishers(2);
    let config = config.size_class(SizeClass::new(MB).topics(2, 1));
    let publisher = Publisher::create("r", &config).unwrap();
    let small = publisher.register("/small").unwrap();
    let huge = publisher.register_with("/huge", &of(MB).depth(1)).unwrap();
    for _ in 0..5 {
        let mut other = Other::start("blocks_of_every_size_come_back_from_a_killed_publisher", "loan", &dir);
        other.expect("holding");
        other.kill();
        for _ in 0..20 {
            drop((0..4).map(|_| publisher.loan(&small, 100).unwrap()).collect::<Vec<_>>());
            publisher.loan(&huge, 100).unwrap().publish();
            publisher.send(&small, &[0; 100]).unwrap();
        }
    }
}

#[test]
fn what_a_region_has_no_room_for_is_refused_with_what_to_do() {
    let dir = Dir::new();
    let config = dir.config().topics(4).depth(4).block_bytes(256).size_class(SizeClass::new(MB));
    let publisher = Publisher::create("r", &config).unwrap();
    let register = |uri: &str, config: TopicConfig| publisher.register_with(uri, &config);

    for depth in [0, 1 << 20, u32::MAX] {
        let error = register("/depth", TopicConfig::new().depth(depth)).unwrap_err();
        assert!(matches!(error, RegionError::Depth { .. }), "{error}");
        assert!(line(&error).contains("1 to 1048575"), "{error}");
    }
    let error = register("/pool", of(MB + 1)).unwrap_err();
    assert!(matches!(error, RegionError::NoPool { most: MB, .. }), "{error}");
    assert!(line(&error).contains("block_bytes"), "{error}");
    let error = register("/ring", TopicConfig::new().depth(1000)).unwrap_err();
    assert!(matches!(error, RegionError::NoRoomForRing { needed: 1002, left: 29, .. }), "{error}");
    assert!(line(&error).contains("smaller depth"), "{error}");

    let _topics = ["/a", "/b"].map(|uri| register(uri, TopicConfig::new().depth(8)).unwrap());
    let error = register("/c", TopicConfig::new().depth(4)).unwrap_err();
    assert!(
        matches!(error, RegionError::BlocksPromised { slots: 5, left: 2, block_bytes: 256, .. }),
        "{error}"
    );
    assert!(line(&error).contains("max_bytes"), "{error}");
    // Nothing that was refused has taken anything.
    register("/huge", of(MB).depth(4)).unwrap();
    register("/rest", TopicConfig::new().depth(1)).unwrap();

    // The same topic in another shape.
    drop(_topics);
    for (other, said) in [(TopicConfig::new().depth(5), "a depth of 5"), (of(MB), "blocks of pool")] {
        let error = register("/a", other).unwrap_err();
        assert!(matches!(error, RegionError::Differs { .. }), "{error}");
        assert!(line(&error).contains(said), "{error}");
    }
    register("/a", TopicConfig::new()).unwrap();
}

#[test]
fn size_classes_that_cannot_work_are_refused() {
    let dir = Dir::new();
    let class = SizeClass::new;
    let nine = (1..=8).fold(dir.config(), |config, size| config.size_class(class(size * 5000)));
    for (config, said) in [
        (nine, "size classes is 9, but may be at most 8"),
        (dir.config().size_class(class(4096)), "two pools of blocks of 4096 bytes"),
        (dir.config().size_class(class((1 << 30) + 1)), "may be at most 1073741824"),
        (dir.config().size_class(class(8192).samples(0)), "samples is 0"),
        (dir.config().size_class(class(8192).loans(5000)), "loans is 5000"),
        (dir.config().size_class(class(8192).blocks(3)), "use at least"),
        (dir.config().size_class(class(0)), "0"),
        (dir.config().budget_bytes(4096), "budget bytes is 4096, but must be at least"),
    ] {
        let error = Publisher::create("r", &config).unwrap_err();
        assert!(matches!(error, RegionError::Config(_)), "{error}");
        assert!(line(&error).contains(said), "{error}");
    }
    assert!(dir.contents().is_empty(), "{:?}", dir.contents());
}

#[test]
fn a_region_takes_exactly_the_memory_that_was_said_before() {
    let dir = Dir::new();
    let configs = [
        dir.config(),
        small_and_huge(&dir),
        dir.config().publishers(100).subscribers(7).samples(3).lossless_streams(0),
        dir.config().budget_bytes(32 << 20),
    ];
    for config in configs {
        let publisher = Publisher::create("r", &config).unwrap();
        let topics = publisher.register("/a").unwrap();
        let _reader = dir.subscriber("r").subscribe("/a").unwrap();
        let files = ["data", "peers"].map(|file| dir.path().join("r").join(file));
        let bytes: u64 = files.iter().map(|file| file.metadata().unwrap().len()).sum();
        assert_eq!(bytes, config.footprint_bytes().unwrap() as u64);
        drop((topics, publisher));
    }
}

#[test]
fn a_budget_serves_messages_of_all_sizes() {
    let dir = Dir::new();
    let publisher = Publisher::create("r", &dir.config().budget_bytes(64 << 20)).unwrap();
    let subscriber = dir.subscriber("r");
    for bytes in [10, 1000, 50_000] {
        let uri = format!("/{bytes}");
        let topic = publisher.register_with(&uri, &of(bytes).depth(2)).unwrap();
        let stream = subscriber.subscribe(&uri).unwrap();
        for number in 0..10 {
            publisher.send(&topic, &pattern(number, bytes as usize)).unwrap();
            assert!(*stream.recv().unwrap() == pattern(number, bytes as usize)[..]);
        }
    }
}

#[test]
fn a_message_of_a_gigabyte_crosses_without_being_touched_in_between() {
    const BYTES: usize = 1 << 30;
    let dir = Dir::new();
    let config = Config::new().dir(dir.path()).topics(1).depth(1).block_bytes(BYTES as u32);
    let config = config.publishers(1).subscribers(1).samples(1).loans(1);
    let publisher = match Publisher::create("r", &config) {
        Ok(publisher) => publisher,
        Err(error @ RegionError::Open(_)) => {
            eprintln!(
                "skipped: there is no room for {} bytes here: {error}",
                config.footprint_bytes().unwrap()
            );
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let topic = publisher.register("/a").unwrap();
    let stream = dir.subscriber("r").subscribe("/a").unwrap();
    for number in 0..3_u8 {
        let mut loan = publisher.loan(&topic, BYTES).unwrap();
        (loan[0], loan[BYTES - 1]) = (number, !number);
        loan.publish();
        let sample = stream.recv().unwrap();
        assert_eq!((sample.len(), sample[0], sample[BYTES - 1]), (BYTES, number, !number));
    }
    let error = publisher.loan(&topic, BYTES + 1).unwrap_err();
    assert!(matches!(error, PublishError::TooLarge { .. }), "{error}");
}

#[test]
fn a_hundred_thousand_topics_are_registered_and_found() {
    const TOPICS: u32 = 100_000;
    let dir = Dir::new();
    let config = Config::new().dir(dir.path()).topics(TOPICS).depth(1).block_bytes(64);
    let publisher = Publisher::create("r", &config.publishers(1).subscribers(1)).unwrap();
    let start = Instant::now();
    let topics: Vec<_> =
        (0..TOPICS).map(|number| publisher.register(&format!("/{}/{number}", number % 7)).unwrap()).collect();
    let subscriber = dir.subscriber("r");
    for number in (0..TOPICS).step_by(997).chain([TOPICS - 1]) {
        let stream = subscriber.subscribe(&format!("/{}/{number}", number % 7)).unwrap();
        publisher.send(&topics[number as usize], &pattern(number.into(), 60)).unwrap();
        assert_eq!(&*stream.recv().unwrap(), &pattern(number.into(), 60)[..]);
    }
    assert_eq!(subscriber.topics().len(), TOPICS as usize);
    let error = publisher.register("/one-more").unwrap_err();
    assert!(matches!(error, RegionError::TooManyTopics { limit: TOPICS, .. }), "{error}");
    assert!(matches!(subscriber.subscribe("/0/1"), Err(RegionError::NoTopic { .. })));
    drop(topics);
    drop(publisher);
    // Quadratic work would take hours.
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

#[test]
fn a_stream_begins_with_as_much_history_as_it_asked_for() {
    const DEPTH: u64 = 10;
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let subscriber = dir.subscriber("r");
    let kinds = [TopicConfig::new(), TopicConfig::new().lossless(), TopicConfig::new().many_publishers()];
    for (kind, config) in kinds.into_iter().enumerate() {
        let uri = format!("/{kind}");
        let topic = publisher.register_with(&uri, &config.depth(DEPTH as u32)).unwrap();
        for published in [0, 1, 3, 9, 10, 11, 35] {
            let sent =
                subscriber.subscribe_last(&uri, 1).unwrap().try_recv().map_or(0, |last| last.sequence() + 1);
            (sent..published).for_each(|number| _ = publisher.send(&topic, &pattern(number, 100)).unwrap());
            for asked in [0, 1, 2, 5, 10, u64::MAX] {
                let stream = subscriber.subscribe_last(&uri, asked).unwrap();
                // With many publishers no slot is kept marked ahead, so there is one more.
                let most = published.min(asked).min(if kind == 2 { DEPTH + 1 } else { DEPTH });
                // What publishers of a lossless topic have announced to overwrite is not there any more: at least one is.
                let there = if kind == 1 { stream.pending() } else { most };
                assert_eq!(stream.pending(), there, "{kind}: the last {asked} of {published}");
                assert!(there <= most && there >= most.min(1), "{kind}: {there} of {published}");
                for number in published - there..published {
                    let sample = stream.try_recv().unwrap();
                    assert_eq!((sample.sequence(), &*sample), (number, &pattern(number, 100)[..]));
                }
                assert_eq!(stream.try_recv().unwrap_err(), TryRecvError::Empty);
                assert_eq!(stream.missed(), 0);
            }
        }
    }
}
