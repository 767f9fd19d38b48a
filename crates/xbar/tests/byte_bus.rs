//! Byte buses: what one process sees of them, and what is refused.
#![cfg(not(miri))]

mod support;

use std::time::Duration;

use support::{Dir, line, pattern};
use xbar::ring::bytes::ByteAccount;
use xbar::{
    ByteBus, ByteBusConfig, ByteBusSubscriber, Park, PodBus, Publisher, RegionError, RingRecvError,
    RingTryRecvError, audit_in, discover_in,
};

/// Longer than any machine needs; only a failing test waits that long.
const LONG: Duration = Duration::from_secs(60);

fn config(dir: &Dir) -> ByteBusConfig {
    ByteBusConfig::new().dir(dir.path())
}

fn create(dir: &Dir, capacity_bytes: usize) -> ByteBus {
    ByteBus::create_with("b", capacity_bytes, &config(dir)).unwrap()
}

fn connect(dir: &Dir) -> ByteBusSubscriber {
    config(dir).connect("b").unwrap()
}

/// The error's one line, which must say all of `words`.
fn says(error: &dyn std::error::Error, words: &[&str]) {
    let line = line(error);
    assert!(words.iter().all(|word| line.contains(word)), "{line} does not say {words:?}");
}

#[test]
fn every_way_to_send_is_received_in_every_way() {
    let dir = Dir::new();
    let (mut bus, mut reader) = (create(&dir, 1 << 16), connect(&dir));
    let (mut place, mut whole) = ([0; 4096], Vec::new());
    for number in 0..200_u64 {
        let message = pattern(number, number as usize * 7 % 1000);
        let kind = number as u16 % 5;
        match number % 4 {
            0 => assert_eq!(bus.send(&message), Ok(number)),
            1 => assert_eq!(bus.send_as(kind, &message), Ok(number)),
            2 => {
                bus.claim(message.len()).unwrap().write(0, &message); // dropped: no trace
                let mut claim = bus.claim(message.len() + 5).unwrap();
                assert_eq!((claim.len(), claim.sequence()), (message.len() + 5, number));
                let half = message.len() / 2;
                claim.write(half, &message[half..]);
                claim.write(0, &message[..half]);
                claim.truncate(message.len());
                assert_eq!(claim.commit(kind), number);
            }
            _ => assert_eq!(bus.send_batch([(kind, &message[..])]), Ok(1)),
        }
        assert_eq!(bus.sent(), number + 1);
        let kind = if number % 4 == 0 { 0 } else { kind };
        let received = match number % 9 {
            0 => reader.try_recv(&mut place).unwrap(),
            1 => reader.recv(&mut place).unwrap(),
            2 => reader.recv_timeout(&mut place, LONG).unwrap(),
            3 => reader.try_recv_vec(&mut whole).unwrap(),
            4 => reader.recv_vec(&mut whole).unwrap(),
            5 => reader.recv_vec_timeout(&mut whole, LONG).unwrap(),
            6 => reader.recv_where(&mut place, |found| found == kind).unwrap(),
            7 => reader.latest(&mut place).unwrap(),
            _ => reader.receive(Park, Some(LONG), |_| true, &mut whole).unwrap(),
        };
        assert_eq!((received.sequence, received.kind, received.bytes), (number, kind, &message[..]));
        assert_eq!(reader.try_recv(&mut place), Err(RingTryRecvError::Empty));
    }
    assert_eq!(reader.account(), ByteAccount { received: 200, skipped: 0, missed: 0 });
    assert_eq!(reader.recv_timeout(&mut place, Duration::from_millis(1)), Err(RingRecvError::Timeout));
}

#[test]
fn several_at_once_are_received_one_by_one_or_copied_once() {
    let dir = Dir::new();
    let (mut bus, mut reader) = (create(&dir, 1 << 16), connect(&dir));
    let messages: Vec<_> = (0..50).map(|number| pattern(number, number as usize * 3)).collect();
    let batch = || messages.iter().map(|message| (9, &message[..]));
    assert_eq!(bus.send_batch(batch()), Ok(50));
    let (mut next, mut place, mut window) = (messages.iter(), [0; 200], vec![0; 1 << 14]);
    let mut found = reader.batch();
    while let Some(message) = found.next(&mut place) {
        assert_eq!(message.unwrap().bytes, next.next().unwrap());
    }
    assert_eq!(bus.send_batch(batch()), Ok(50));
    let found: Vec<_> = reader.bulk(&mut window).unwrap().map(|message| message.bytes.to_vec()).collect();
    assert_eq!(found, messages);
    assert_eq!(reader.account(), ByteAccount { received: 100, skipped: 0, missed: 0 });
    drop(bus);
    assert_eq!(reader.bulk(&mut window).unwrap_err(), RingTryRecvError::Disconnected);
    assert!(reader.batch().next(&mut place).is_none());
}

#[test]
fn a_reader_that_is_overtaken_is_told_exactly_what_it_missed() {
    let dir = Dir::new();
    let (mut bus, mut reader) = (create(&dir, 1024), connect(&dir));
    let mut place = [0; 248];
    let mut next = 0;
    for burst in [1_u64, 5, 100, 3, 1000, 0, 40] {
        for _ in 0..burst {
            let number = bus.sent();
            bus.send(&pattern(number, number as usize * 11 % 249)).unwrap();
        }
        loop {
            match reader.try_recv(&mut place) {
                Ok(message) => {
                    assert_eq!(message.sequence, next);
                    assert_eq!(message.bytes, pattern(next, next as usize * 11 % 249));
                    next += 1;
                }
                Err(RingTryRecvError::Lagged { missed }) => next += missed,
                Err(error) => break assert_eq!(error, RingTryRecvError::Empty),
            }
        }
        assert_eq!(next, bus.sent());
    }
    let ByteAccount { received, skipped, missed } = reader.account();
    assert!(received > 0 && missed > 1000 && received + missed == bus.sent() && skipped == 0);
}

#[test]
fn a_late_reader_begins_now_or_as_far_back_as_it_asks_for() {
    let dir = Dir::new();
    let mut bus = create(&dir, 1 << 12);
    let (mut place, first_of) = ([0; 64], |mut reader: ByteBusSubscriber| {
        reader.try_recv(&mut [0; 64]).map(|message| message.sequence)
    });
    assert_eq!(first_of(config(&dir).connect_from_oldest("b").unwrap()), Err(RingTryRecvError::Empty));
    (0..10).for_each(|_| bus.send(b"12345678").map(drop).unwrap());
    assert_eq!(first_of(config(&dir).connect_from_oldest("b").unwrap()), Ok(0));
    assert_eq!(first_of(config(&dir).connect_last("b", 3).unwrap()), Ok(7));
    assert_eq!(first_of(config(&dir).connect_last("b", 99).unwrap()), Ok(0));
    for none in [config(&dir).connect_last("b", 0), config(&dir).connect("b")] {
        assert_eq!(first_of(none.unwrap()), Err(RingTryRecvError::Empty));
    }
    (0..1000).for_each(|_| bus.send(b"12345678").map(drop).unwrap());
    let mut oldest = config(&dir).connect_from_oldest("b").unwrap();
    let first = oldest.try_recv(&mut place).unwrap().sequence;
    // 256 frames are a lap, of which three quarters stay readable.
    assert!((1010 - 256..1010 - 128).contains(&first), "{first}");
    while oldest.try_recv(&mut place).is_ok() {}
    assert_eq!(oldest.account(), ByteAccount { received: 1010 - first, skipped: 0, missed: 0 });
}

#[test]
fn a_message_that_is_too_long_is_handed_back_with_what_would_do() {
    let dir = Dir::new();
    let (mut bus, mut reader) = (create(&dir, 1024), connect(&dir));
    assert_eq!((bus.capacity_bytes(), bus.most_bytes()), (1024, 248));
    let error = bus.send(&[1; 249]).unwrap_err();
    assert_eq!((error.bytes(), error.most()), (249, 248));
    says(&error, &["249", "248", "larger capacity"]);
    assert!(bus.claim(249).is_err());
    assert_eq!(bus.send_batch([(0, &[1; 8][..]), (0, &[1; 249]), (0, &[1; 8])]), Err(error));
    assert_eq!(bus.send(&[2; 248]), Ok(1));
    assert_eq!(reader.try_recv(&mut [0; 248]).unwrap().bytes, [1; 8]);
    assert_eq!(reader.try_recv(&mut [0; 247]), Err(RingTryRecvError::TooSmall { needed_bytes: 248 }));
    assert_eq!(reader.try_recv(&mut [0; 248]).unwrap().bytes, [2; 248]);
}

#[test]
fn a_writer_that_is_dropped_removes_its_bus_and_its_readers_receive_the_rest_first() {
    let dir = Dir::new();
    let (mut bus, mut reader) = (create(&dir, 1024), connect(&dir));
    assert_eq!(bus.subscriber_count(), 1);
    assert!(reader.lookout().is_connected());
    bus.send(b"last words").unwrap();
    let epoch = bus.epoch();
    drop(bus);
    assert!(dir.contents().is_empty());
    let mut place = [0; 64];
    assert_eq!(reader.recv(&mut place).unwrap().bytes, b"last words");
    assert_eq!(reader.recv(&mut place), Err(RingRecvError::Disconnected));
    assert_eq!(reader.recv_timeout(&mut place, LONG), Err(RingRecvError::Disconnected));
    assert_eq!(reader.latest(&mut place), Err(RingTryRecvError::Disconnected));
    assert!(!reader.lookout().is_connected());
    let again = create(&dir, 1024);
    assert!(again.epoch() > epoch);
    assert_eq!(again.sent(), 0, "a bus that was removed begins anew");
}

#[test]
fn names_and_capacities_that_cannot_be_are_refused_in_one_line() {
    let dir = Dir::new();
    for name in ["", ".hidden", "a/b", "a b"] {
        says(&ByteBus::create_with(name, 1024, &config(&dir)).unwrap_err(), &["name"]);
        says(&config(&dir).connect(name).unwrap_err(), &["name"]);
    }
    for (bytes, possible) in [
        (0, "64"),
        (63, "64"),
        (65, "128"),
        (100, "128"),
        (96 << 10, "131072"),
        ((1 << 33) + 64, "8589934592"),
        (1 << 34, "8589934592"),
        (usize::MAX, "8589934592"),
    ] {
        let error = ByteBus::create_with("b", bytes, &config(&dir)).unwrap_err();
        says(&error, &["byte bus b", &bytes.to_string(), "power of two", &format!("such as {possible}")]);
    }
    for subscribers in [0, 4097] {
        let error = ByteBus::create_with("b", 1024, &config(&dir).subscribers(subscribers)).unwrap_err();
        says(&error, &["subscribers", &subscribers.to_string()]);
    }
    assert!(dir.contents().is_empty(), "nothing is left of what was refused");
    assert_eq!(create(&dir, 64).most_bytes(), 8);
}

#[test]
fn a_living_writer_is_the_only_one() {
    let dir = Dir::new();
    let (mut bus, mut reader) = (create(&dir, 1024), connect(&dir));
    let pid = std::process::id().to_string();
    for second in [
        ByteBus::create_with("b", 1024, &config(&dir)),
        ByteBus::create_with("b", 2048, &config(&dir)),
        ByteBus::open_with("b", &config(&dir)),
    ] {
        says(&second.unwrap_err(), &["b", &pid]);
    }
    bus.send(b"still here").unwrap();
    assert_eq!(reader.try_recv(&mut [0; 64]).unwrap().bytes, b"still here");
}

#[test]
fn what_is_something_else_is_refused_with_both_in_the_message() {
    let dir = Dir::new();
    let pods = xbar::BusConfig::new().dir(dir.path());
    let _bytes = create(&dir, 1024);
    let _values = PodBus::<u64>::create_with("p", 8, &pods).unwrap();
    let publisher = dir.publisher("r");
    let _topic = publisher.register("/a").unwrap();

    let (is_bytes, is_values) = ("a byte bus of 1024 bytes", "a lossy bus of values of 8 bytes");
    says(&config(&dir).connect("p").unwrap_err(), &[is_values, "asked for as a byte bus"]);
    says(&ByteBus::open_with("p", &config(&dir)).unwrap_err(), &[is_values, "asked for as a byte bus"]);
    says(&pods.connect::<u64>("b").unwrap_err(), &[is_bytes, "asked for as a bus of values of 8 bytes"]);
    says(&PodBus::<u64>::open_with("b", &pods).unwrap_err(), &[is_bytes, "ask for what it is"]);
    says(&dir.subscriber("b").subscribe("/bus").unwrap_err(), &[is_bytes, "a topic of messages"]);
    says(&dir.subscriber("p").subscribe("/bus").unwrap_err(), &[is_values, "a topic of messages"]);
    says(&config(&dir).connect("r").unwrap_err(), &["region r", "/bus"]);
    says(&ByteBus::open_with("r", &config(&dir)).unwrap_err(), &["a region of topics", "use another"]);
    says(&config(&dir).connect("nobody").unwrap_err(), &["nobody"]);
    says(&ByteBus::open_with("nobody", &config(&dir)).unwrap_err(), &["nobody"]);
    for name in ["p", "r"] {
        says(&ByteBus::create_with(name, 1024, &config(&dir)).unwrap_err(), &[name]);
    }
    assert!(PodBus::<u64>::create_with("b", 8, &pods).is_err());
    assert!(Publisher::create("b", &dir.config()).is_err());
}

#[test]
fn both_ends_move_between_threads() {
    let dir = Dir::new();
    let (mut bus, mut reader) = (create(&dir, 1024), connect(&dir));
    let sending = std::thread::spawn(move || bus.send(b"from there").map(|_| bus));
    let received =
        std::thread::spawn(move || reader.recv_vec(&mut Vec::new()).map(|found| found.bytes.to_vec()));
    let bus = sending.join().unwrap().unwrap();
    assert_eq!(received.join().unwrap().unwrap(), b"from there");
    assert_eq!(bus.subscriber_count(), 0, "it left with its thread");
}

#[test]
fn there_are_as_many_readers_as_it_has_room_for() {
    let dir = Dir::new();
    let bus = ByteBus::create_with("b", 1024, &config(&dir).subscribers(2)).unwrap();
    let (first, _second) = (connect(&dir), connect(&dir));
    says(&config(&dir).connect("b").unwrap_err(), &["2 subscribers", "larger `subscribers`"]);
    drop(first);
    let _third = connect(&dir);
    assert_eq!(bus.subscriber_count(), 2);
}

#[test]
fn waiting_for_a_bus_ends_when_it_is_there_or_the_time_is_over() {
    let dir = Dir::new();
    let error = config(&dir).connect_timeout("b", Duration::from_millis(1)).unwrap_err();
    assert!(matches!(error, RegionError::TimedOut { .. }), "{error}");
    let waiting = config(&dir);
    let reader = std::thread::spawn(move || waiting.connect_timeout("b", LONG).map(drop));
    let _bus = create(&dir, 1024);
    reader.join().unwrap().unwrap();
}

#[test]
fn whoever_looks_is_told_what_it_is_and_what_happened_on_it() {
    let dir = Dir::new();
    let (mut bus, mut reader) = (create(&dir, 1 << 16), connect(&dir));
    (0..100_u16).for_each(|kind| bus.send_as(kind, b"12345678").map(drop).unwrap());
    let mut place = [0; 64];
    assert_eq!(reader.try_recv_where(&mut place, |kind| kind == 9).unwrap().sequence, 9);
    assert_eq!(reader.latest(&mut place).unwrap().sequence, 99);
    assert_eq!(reader.try_recv(&mut place), Err(RingTryRecvError::Empty));

    let regions = discover_in(dir.path(), "/**").unwrap();
    let [region] = &regions[..] else { panic!("{regions:?}") };
    let [topic] = &region.topics[..] else { panic!("{region:?}") };
    assert_eq!((region.name.as_str(), region.publishers, region.subscribers), ("b", 1, 1));
    assert_eq!((topic.published, topic.publishers, topic.depth), (100, 1, 0));
    assert_eq!((topic.capacity_bytes, topic.block_bytes, &topic.value_type), (Some(1 << 16), None, &None));
    assert!(region.footprint_bytes > 1 << 16);
    let account = audit_in(dir.path(), "b").unwrap();
    assert!(account.is_clean() && account.pools.is_empty() && account.holders.len() == 2);

    drop(reader);
    let mut reader = connect(&dir);
    bus.send(b"x").unwrap();
    assert_eq!(reader.try_recv(&mut place).unwrap().sequence, 100);
    // Told in full by whoever finds nothing for a while.
    (0..64).for_each(|_| assert!(reader.try_recv(&mut place).is_err()));
    let regions = discover_in(dir.path(), "/**").unwrap();
    let found: Vec<_> = regions[0].participants.iter().map(|one| (one.published, one.received)).collect();
    assert_eq!(found[1], (0, 1));
}

#[test]
fn readers_change_no_byte_of_the_ring() {
    let dir = Dir::new();
    let mut bus = create(&dir, 1 << 12);
    (0..500_u16).for_each(|kind| bus.send_as(kind, b"12345678").map(drop).unwrap());
    let data = || std::fs::read(dir.path().join("b/data")).unwrap();
    let before = data();
    for start in 0..3 {
        let mut reader = match start {
            0 => config(&dir).connect("b"),
            1 => config(&dir).connect_from_oldest("b"),
            _ => config(&dir).connect_last("b", 7),
        };
        let reader = reader.as_mut().unwrap();
        let mut place = [0; 512];
        let _ = reader.try_recv_where(&mut place, |kind| kind % 7 == 0);
        let _ = reader.bulk(&mut place).map(|window| window.take(2).count());
        let _ = reader.latest(&mut place);
        assert_eq!(
            reader.receive(Park, Some(Duration::from_millis(1)), |_| true, &mut place[..]),
            Err(RingRecvError::Timeout)
        );
    }
    assert!(before == data(), "a reader wrote into the ring");
}
