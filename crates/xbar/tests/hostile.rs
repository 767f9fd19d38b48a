//! Living regions whose files another process damages: errors and wrong bytes, but no panic, no signal, no wait without an end;
//! and a subscriber writes nowhere but into its own record.
#![cfg(not(miri))]

mod support;

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use support::{Dir, Other, hear, part, stay, tell};
use xbar::doctor::{Treatment, examine_in};
use xbar::{
    BusConfig, ByteBus, ByteBusConfig, Config, PodBus, PublishError, Publisher, RecvError, Structured,
    Subscriber, Topic, TopicConfig, TryRecvError, audit_in, discover_in,
};
use xbar_discovery::RegionView;
use xbar_shm::{BaseDir, RegionName};

/// A participant that has not ended by then never will: it ends itself by a signal, and the test with it.
const LONGEST: Duration = Duration::from_secs(100);

/// How long everybody works on one damaged region.
const ROUND: Duration = Duration::from_millis(400);

const TICK: Duration = Duration::from_millis(1);

const URIS: [&str; 4] = ["/lossy", "/lossless", "/many", "/pinned"];

fn topic_config(uri: &str) -> TopicConfig {
    let config = TopicConfig::new().max_bytes(300);
    match uri {
        "/lossy" => config,
        "/lossless" => config.lossless(),
        "/many" => config.many_publishers(),
        _ => config.pinned(),
    }
}

fn config(dir: &Path) -> Config {
    Config::new()
        .topics(5)
        .depth(8)
        .block_bytes(300)
        .publishers(3)
        .subscribers(4)
        .samples(3)
        .loans(3)
        .dir(dir)
}

fn buses(dir: &Path) -> BusConfig {
    BusConfig::new().subscribers(4).dir(dir)
}

fn byte_buses(dir: &Path) -> ByteBusConfig {
    ByteBusConfig::new().subscribers(4).dir(dir)
}

/// Random numbers that a seed repeats.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end
    }
}

/// Works until the round is over; a signal ends whoever does not.
fn for_a_round(mut work: impl FnMut(u64)) {
    std::thread::spawn(|| {
        std::thread::sleep(LONGEST);
        std::process::abort();
    });
    tell("ready");
    hear("go");
    let start = Instant::now();
    let mut turn = 0;
    while start.elapsed() < ROUND {
        work(turn);
        turn += 1;
    }
    assert!(turn > 0);
}

fn publish(dir: &Path) {
    let publisher = Publisher::create("r", &config(dir)).unwrap();
    let bus = PodBus::<[u64; 9]>::create_bounded_with("b", 8, &buses(dir)).unwrap();
    let mut byte_bus = ByteBus::create_with("y", 4096, &byte_buses(dir)).unwrap();
    let register = |uri: &str| publisher.register_with(uri, &topic_config(uri)).unwrap();
    let topics: Vec<Topic> = URIS.iter().map(|uri| register(uri)).collect();
    for_a_round(|turn| {
        let topic = &topics[turn as usize % 4];
        let bytes = [turn as u8; 300];
        let length = turn as usize * 7 % 301;
        byte_bus.send_as(turn as u16, &bytes[..length]).unwrap();
        if turn % 7 == 0 {
            let mut claim = byte_bus.claim(length).unwrap();
            claim.write(0, &bytes[..length]);
            claim.commit(3);
        }
        let _ = match topic.uri() {
            // Waits for nobody, so it may not wait for ever.
            "/lossy" | "/many" | "/pinned" => publisher.send(topic, &bytes[..length]),
            _ if turn % 32 == 1 => publisher.send_timeout(topic, &bytes[..length], TICK),
            _ => publisher.try_send(topic, &bytes[..length]),
        };
        if let Ok(mut loan) = publisher.loan(topic, 0) {
            if loan.write_structured(&[turn], &bytes[..100]).is_ok() && turn % 5 > 0 {
                let _ = loan.try_publish();
            }
        }
        let _ = bus.try_publish(&[turn; 9]);
        let _ = (publisher.subscriber_count(), publisher.reader_count(topic), bus.published());
    });
}

fn subscribe(dir: &Path) {
    let subscriber = Subscriber::connect_in(dir, "r").unwrap();
    let mut streams: Vec<_> = URIS.iter().map(|uri| subscriber.subscribe(uri).ok()).collect();
    let mut bus = buses(dir).connect::<[u64; 9]>("b").unwrap();
    let mut bytes = byte_buses(dir).connect("y").unwrap();
    let (mut buffer, mut whole) = ([0; 2048], Vec::new());
    let mut kept = Vec::new();
    for_a_round(|turn| {
        let place = turn as usize % 4;
        if let Some(stream) = &streams[place] {
            // Now and then asleep; mostly several at once, so that messages lie there for a while and are damaged.
            let waits = turn % 32 < 4;
            for _ in 0..8 {
                let found = match (place, waits) {
                    (3, true) => stream.recv_pinned_timeout(TICK),
                    (_, true) => stream.recv_timeout(TICK),
                    (3, false) => stream.try_recv_pinned().map_err(|_| RecvError::Timeout),
                    (_, false) => stream.try_recv().map_err(|_| RecvError::Timeout),
                };
                let Ok(sample) = found else { break };
                let _ = sample.iter().map(|byte| u64::from(*byte)).sum::<u64>();
                let _ = (sample.read_header::<u64>().is_ok(), sample.read_array::<u8>().map(<[u8]>::len));
                kept.push(sample.into_owned());
                if kept.len() > 2 {
                    kept.clear();
                }
            }
            let _ = (stream.pending(), stream.is_connected(), stream.received(), stream.missed());
        }
        let _ = match turn % 3 {
            0 => bus.latest(),
            _ => bus.try_recv(),
        };
        let _ = (bus.pending(), bus.total_received());
        let _ = match turn % 8 {
            0 => bytes.try_recv(&mut buffer).map(drop),
            1 => bytes.try_recv_vec(&mut whole).map(drop),
            2 => bytes.try_recv_where(&mut buffer, |kind| kind % 3 == 1).map(drop),
            3 => bytes.latest_vec(&mut whole).map(drop),
            4 => bytes.bulk(&mut buffer).map(|window| window.for_each(drop)),
            5 => bytes.recv_where_timeout(&mut buffer, |kind| kind == 7, TICK).map(drop).or(Ok(())),
            _ => bytes.recv_vec_timeout(&mut whole, TICK).map(drop).or(Ok(())),
        };
        let _ = (bytes.account(), bytes.pending_bytes(), bytes.lookout().is_connected());
        if turn % 64 == 0 {
            if let Ok(again) = byte_buses(dir).connect_from_oldest("y") {
                bytes = again;
            }
        }
        // A stream that damage sent far ahead is silent: begin again.
        if turn % 16 == 0 {
            let place = (turn / 16) as usize % 4;
            streams[place] = None;
            streams[place] = subscriber.subscribe_from_oldest(URIS[place]).ok();
        }
    });
}

/// `xbar ls`, `xbar doctor`, and people who come and go.
fn look(dir: &Path) {
    for_a_round(|turn| {
        for region in discover_in(dir, "/**").unwrap() {
            let _ = format!("{region:?}");
        }
        for finding in examine_in(dir, if turn % 2 == 0 { Treatment::Look } else { Treatment::Fix }) {
            assert!(!finding.to_string().contains('\n'), "{finding}");
        }
        let _ = audit_in(dir, "r").map(|account| format!("{account:?}"));
        if let Ok(subscriber) = Subscriber::connect_in(dir, "r") {
            let stream = subscriber.subscribe_last(URIS[turn as usize % 4], 3);
            let _ = stream.map(|stream| stream.recv_timeout(TICK).map(|sample| sample.len()));
        }
        if let Ok(publisher) = Publisher::open_in(dir, "r") {
            let topic = publisher.register_with("/many", &topic_config("/many"));
            let _ = topic.map(|topic| publisher.try_send(&topic, &[1; 200]));
            let _ = publisher.register("/new");
        }
    });
}

/// Damages the files of both regions, a word at a time: mostly a part that `seed` chooses, now and then another, at a rate
/// that leaves time between for the living to mend what they rewrite anyway.
fn damage(dir: &Path, seed: u64) {
    let mut random = Random(seed);
    let open = |file: &str| OpenOptions::new().read(true).write(true).open(dir.join(file)).unwrap();
    let mut parts = Vec::new();
    for name in ["r", "b", "y"] {
        let region = RegionName::new(name).unwrap();
        let geometry = RegionView::open(&BaseDir::at(dir), &region).unwrap().facts().geometry;
        let pools = geometry.pools().first().map_or(geometry.data_bytes, |pool| pool.free_list_offset);
        let blocks = geometry.pools().first().map_or(geometry.data_bytes, |pool| pool.blocks_offset);
        parts.push([
            ("data", geometry.rings_offset..pools),
            ("data", pools..blocks),
            ("data", 0..geometry.rings_offset),
            ("peers", 0..geometry.peers_bytes),
            ("data", 0..geometry.data_bytes),
        ]);
    }
    let files = ["r", "b", "y"].map(|name| ["data", "peers"].map(|file| open(&format!("{name}/{file}"))));
    tell("ready");
    hear("go");
    let chosen = (seed % 5) as usize;
    let pause = 1 << (4 + random.below(12));
    loop {
        // The buses now and then.
        let region = [0, 0, 0, 0, 1, 2][random.below(6) as usize];
        let part = if random.below(50) > 0 { chosen } else { random.below(5) as usize };
        let (file, words) = &parts[region][part];
        let file = &files[region][usize::from(*file == "peers")];
        if !words.is_empty() {
            let place = words.start as u64 + random.below(words.len() as u64 / 8) * 8;
            damage_word(file, place, &mut random);
        }
        for _ in 0..random.below(pause) {
            std::hint::spin_loop();
        }
    }
}

fn damage_word(file: &File, place: u64, random: &mut Random) {
    let mut eight = [0; 8];
    // The region may be going.
    if file.read_exact_at(&mut eight, place).is_err() {
        return;
    }
    let old = u64::from_ne_bytes(eight);
    let new = match random.below(9) {
        0 => 0,
        1 => u64::MAX,
        2 | 6.. => old ^ 1 << random.below(64),
        3 => old.wrapping_add(random.below(64)),
        4 => old.wrapping_sub(random.below(64)),
        _ => random.next(),
    };
    let _ = file.write_all_at(&new.to_ne_bytes(), place);
}

#[test]
fn a_region_that_another_process_damages_ends_nobody_and_holds_nobody_up() {
    const TEST: &str = "a_region_that_another_process_damages_ends_nobody_and_holds_nobody_up";
    if let Some((what, dir)) = part() {
        match what.as_str() {
            "publish" => publish(&dir),
            "subscribe" => subscribe(&dir),
            "look" => look(&dir),
            seed => damage(&dir, seed.parse().unwrap()),
        }
        return;
    }
    let first = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    let seeds = std::env::var("XBAR_HOSTILE_SEED").map_or_else(
        // Each part once, the rings twice.
        |_| (0..6).map(|round| first / 5 * 5 + round).collect(),
        |seed| vec![seed.parse().unwrap()],
    );
    for seed in seeds {
        eprintln!("again with XBAR_HOSTILE_SEED={seed}");
        let dir = Dir::new();
        let start = |part: &str| {
            let mut other = Other::start(TEST, part, &dir);
            other.expect("ready");
            other
        };
        let mut others = ["publish", "subscribe", "look"].map(start);
        let mut damager = start(&seed.to_string());
        damager.say("go");
        others.iter_mut().for_each(|other| other.say("go"));
        // Neither a panic's exit code nor a signal.
        others.into_iter().for_each(Other::finish);
    }
}

/// What of a subscriber's own record, and of what is for all, differs.
fn changed(before: &[u8], after: &[u8]) -> Vec<usize> {
    assert_eq!(before.len(), after.len());
    (0..before.len()).filter(|&place| before[place] != after[place]).collect()
}

#[test]
fn a_subscriber_writes_nowhere_but_into_its_record_and_the_control_lines() {
    const TEST: &str = "a_subscriber_writes_nowhere_but_into_its_record_and_the_control_lines";
    if let Some((_, dir)) = part() {
        let subscriber = Subscriber::connect_in(&dir, "r").unwrap();
        tell("joined");
        hear("go");
        for uri in URIS {
            let stream = subscriber.subscribe_from_oldest(uri).unwrap();
            let kept: Vec<_> =
                std::iter::from_fn(|| stream.try_recv().ok().map(|sample| sample.into_owned()))
                    .take(3)
                    .collect();
            assert!(!kept.is_empty(), "{uri}");
            while stream.recv_timeout(TICK).is_ok() {}
        }
        drop(subscriber);
        tell("left");
        stay();
        return;
    }
    let dir = Dir::new();
    let publisher = Publisher::create("r", &config(dir.path())).unwrap();
    let topics = URIS.map(|uri| publisher.register_with(uri, &topic_config(uri)).unwrap());
    // Somebody else is there, holding.
    let idle = dir.subscriber("r");
    let stream = idle.subscribe("/lossy").unwrap();
    for topic in &topics {
        publisher.send(topic, &[1; 100]).unwrap();
        publisher.send(topic, &[2; 10]).unwrap();
    }
    let _held = stream.recv().unwrap();
    let mut other = Other::start(TEST, "subscribe", &dir);
    other.expect("joined");
    let files = || ["data", "peers"].map(|file| fs::read(dir.path().join("r").join(file)).unwrap());
    let [data, peers] = files();
    other.say("go");
    other.expect("left");
    let [data_after, peers_after] = files();
    assert_eq!(changed(&data, &data_after), [], "data is the publishers'");

    let view = RegionView::open(&BaseDir::at(dir.path()), &RegionName::new("r").unwrap()).unwrap();
    let geometry = view.facts().geometry;
    let record = geometry.records_offset + (3 + 1) * geometry.record_stride;
    let own = record..record + geometry.record_stride;
    let changes = changed(&peers, &peers_after);
    assert!(changes.iter().any(|place| own.contains(place)), "it did something");
    let beyond = |place: &usize| *place >= geometry.records_offset && !own.contains(place);
    assert_eq!(changes.into_iter().find(beyond), None, "another one's record");
}

#[test]
fn a_subscriber_has_data_mapped_read_only_and_no_other_record_at_all() {
    const TEST: &str = "a_subscriber_has_data_mapped_read_only_and_no_other_record_at_all";
    if let Some((_, dir)) = part() {
        let subscriber = Subscriber::connect_in(&dir, "r").unwrap();
        let _streams = URIS.map(|uri| subscriber.subscribe(uri).unwrap());
        let view = RegionView::open(&BaseDir::at(&dir), &RegionName::new("r").unwrap()).unwrap();
        let geometry = view.facts().geometry;
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let of = |file: &str| -> Vec<_> {
            let place = dir.join("r").join(file);
            maps.lines().filter(|line| line.ends_with(place.to_str().unwrap())).collect()
        };
        assert!(!of("data").is_empty());
        assert!(of("data").iter().all(|line| line.contains(" r--s ")), "{maps}");
        let mapped: Vec<_> = of("peers")
            .iter()
            .map(|line| {
                let words: Vec<_> = line.split_whitespace().collect();
                let (from, to) = words[0].split_once('-').unwrap();
                let hex = |text| usize::from_str_radix(text, 16).unwrap();
                (hex(words[2]), hex(to) - hex(from))
            })
            .collect();
        let own = geometry.records_offset + 3 * geometry.record_stride;
        let allowed = [(0, geometry.records_offset), (own, geometry.record_stride)];
        assert!(!mapped.is_empty() && mapped.iter().all(|piece| allowed.contains(piece)), "{mapped:?}");
        return;
    }
    let dir = Dir::new();
    let publisher = Publisher::create("r", &config(dir.path())).unwrap();
    let _topics = URIS.map(|uri| publisher.register_with(uri, &topic_config(uri)).unwrap());
    Other::start(TEST, "subscribe", &dir).finish();
}

/// Found by random bytes: they waited for room that never came.
#[test]
fn a_send_to_a_damaged_ring_of_many_publishers_is_an_error_not_a_wait() {
    for every_slot in [false, true] {
        let dir = Dir::new();
        let publisher = Publisher::create("r", &config(dir.path())).unwrap();
        let view = RegionView::open(&BaseDir::at(dir.path()), &RegionName::new("r").unwrap()).unwrap();
        let topic = publisher.register_with("/many", &topic_config("/many")).unwrap();
        let found = view.topics().next().unwrap();
        let (geometry, facts) = (view.facts().geometry, *found.facts());
        let data = OpenOptions::new().write(true).open(dir.path().join("r/data")).unwrap();
        let put = |word: usize| {
            let place = facts.ring_offset(&geometry) + 8 * word;
            data.write_all_at(&u64::MAX.to_ne_bytes(), place as u64).unwrap();
        };
        let topic = if every_slot {
            // The bypass of every slot.
            (0..facts.shape.slots as usize).for_each(|slot| put(8 + 8 * slot + 1));
            topic
        } else {
            // What says how many there were, to whoever comes next.
            put(0);
            drop(topic);
            publisher.register_with("/many", &topic_config("/many")).unwrap()
        };
        for length in [8, 200] {
            let error = publisher.send(&topic, &vec![1; length]).unwrap_err();
            assert!(matches!(error, PublishError::Damaged { .. }), "{error}");
        }
        publisher.loan(&topic, 8).unwrap().publish();
    }
}

#[test]
fn a_message_that_is_damaged_costs_one_message() {
    let dir = Dir::new();
    let publisher = Publisher::create("r", &config(dir.path())).unwrap();
    let topic = publisher.register_with("/lossless", &topic_config("/lossless")).unwrap();
    let stream = dir.subscriber("r").subscribe("/lossless").unwrap();
    for n in 0..5_u8 {
        publisher.send(&topic, &[n; 100]).unwrap();
    }
    let view = RegionView::open(&BaseDir::at(dir.path()), &RegionName::new("r").unwrap()).unwrap();
    let ring = view.topics().next().unwrap().facts().ring_offset(&view.facts().geometry);
    let data = OpenOptions::new().write(true).open(dir.path().join("r/data")).unwrap();
    // The descriptor of message 2, behind the ring's header and the slot's stamp: a block that there is, and bytes that it has
    // not.
    let descriptor = 1_u64 << 32 | 100_000;
    data.write_all_at(&descriptor.to_ne_bytes(), ring as u64 + 64 + 2 * 64 + 8).unwrap();
    let received: Vec<_> = (0..5).map(|_| stream.try_recv().map(|sample| sample[0])).collect();
    assert_eq!(received, [Ok(0), Ok(1), Err(TryRecvError::Lagged { missed: 1 }), Ok(3), Ok(4)]);
}

#[test]
fn a_message_whose_slot_is_damaged_is_missed_and_counted_once() {
    const MARK: [u8; 8] = *b"_damage_";
    let dir = Dir::new();
    let publisher = Publisher::create("r", &config(dir.path())).unwrap();
    let topic = publisher.register("/lossy").unwrap();
    let stream = dir.subscriber("r").subscribe("/lossy").unwrap();
    for message in [*b"whole   ", MARK, *b"whole   "] {
        publisher.send(&topic, &message).unwrap();
    }
    let data = OpenOptions::new().read(true).write(true).open(dir.path().join("r/data")).unwrap();
    let mut bytes = Vec::new();
    (&data).read_to_end(&mut bytes).unwrap();
    let place = bytes.windows(8).position(|window| window == MARK).expect("the message is in its slot");
    // The descriptor is the word before: an inline message of 63 bytes.
    data.write_at(&[0xff; 8], place as u64 - 8).unwrap();

    assert_eq!(&*stream.try_recv().unwrap(), b"whole   ");
    assert_eq!(stream.try_recv().unwrap_err(), TryRecvError::Lagged { missed: 1 });
    assert_eq!((stream.received(), stream.missed()), (1, 1));
    assert_eq!(stream.recv_timeout(TICK).unwrap().sequence(), 2);
    assert_eq!((stream.received(), stream.missed()), (2, 1));
}
