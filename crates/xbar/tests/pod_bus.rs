//! Buses of plain values between processes: in order, nothing lost in silence, nobody held up by the dead.
#![cfg(not(miri))]

mod support;

use std::time::Duration;

use support::{Dir, Other, hear, part, stay, tell};
use xbar::bytemuck::Pod;
use xbar::{
    BusConfig, BusSubscriber, PodBus, PublishError, Publisher, RegionError, RingRecvError, RingTryRecvError,
    discover_in,
};

/// Longer than any machine needs; only a failing test waits that long.
const LONG: Duration = Duration::from_secs(60);

fn config(dir: &Dir) -> BusConfig {
    BusConfig::new().dir(dir.path())
}

/// Value `n`: every byte tells whether it is whole.
fn value<const N: usize>(n: u64) -> [u8; N] {
    std::array::from_fn(|byte| (n as u8).wrapping_mul(31).wrapping_add(byte as u8))
}

fn receive_all<T: Pod>(bus: &mut BusSubscriber<T>) -> Vec<T> {
    std::iter::from_fn(|| bus.try_recv().ok()).collect()
}

/// What a reader says when its writer is gone and everything was received.
fn the_end<T: Pod>(bus: &mut BusSubscriber<T>) -> RingRecvError {
    match bus.recv_timeout(LONG) {
        Ok(_) => panic!("there is nothing left"),
        Err(error) => error,
    }
}

const VALUES: u64 = 2000;

fn send_numbered<const N: usize>(dir: &std::path::Path)
where
    [u8; N]: Pod,
{
    let config = BusConfig::new().dir(dir);
    let bus = PodBus::<[u8; N]>::create_bounded_with("b", 64, &config).unwrap();
    tell("ready");
    hear("go");
    (0..VALUES).for_each(|n| bus.publish(&value(n)));
}

fn receive_numbered<const N: usize>(test: &str, part: &str)
where
    [u8; N]: Pod,
{
    let dir = Dir::new();
    let mut other = Other::start(test, part, &dir);
    other.expect("ready");
    let mut bus = config(&dir).connect::<[u8; N]>("b").unwrap();
    other.say("go");
    for n in 0..VALUES {
        assert_eq!(bus.recv_timeout(LONG).unwrap(), value(n), "value {n} of {N} bytes");
    }
    assert_eq!(the_end(&mut bus), RingRecvError::Disconnected);
    other.finish();
}

#[test]
fn values_of_any_size_arrive_whole_and_in_order_in_another_process() {
    let test = "values_of_any_size_arrive_whole_and_in_order_in_another_process";
    if let Some((part, dir)) = part() {
        return match &*part {
            "8" => send_numbered::<8>(&dir),
            "56" => send_numbered::<56>(&dir),
            "57" => send_numbered::<57>(&dir),
            _ => send_numbered::<4096>(&dir),
        };
    }
    receive_numbered::<8>(test, "8");
    receive_numbered::<56>(test, "56");
    receive_numbered::<57>(test, "57");
    receive_numbered::<4096>(test, "4096");
}

#[test]
fn a_lossy_reader_is_told_exactly_what_it_missed() {
    let dir = Dir::new();
    let bus = PodBus::<u64>::create_with("b", 8, &config(&dir)).unwrap();
    let mut reader = config(&dir).connect::<u64>("b").unwrap();
    (0..100).for_each(|n| bus.publish(&n));
    let (mut received, mut missed, mut next) = (0, 0, 0);
    loop {
        match reader.try_recv() {
            Ok(n) => {
                assert_eq!(n, next);
                (received, next) = (received + 1, next + 1);
            }
            Err(RingTryRecvError::Lagged { missed: gap }) => (missed, next) = (missed + gap, next + gap),
            Err(RingTryRecvError::Empty) => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(missed >= 92, "8 are readable at most, {missed} were missed");
    assert!(received > 0);
    assert_eq!(received + missed, bus.published());
    assert_eq!((reader.total_received(), reader.total_missed()), (received, missed));
}

#[test]
fn received_and_missed_are_all_that_was_published_in_another_process_under_load() {
    const MANY: u64 = 200_000;
    if let Some((_, dir)) = part() {
        let bus = PodBus::<[u64; 4]>::create_with("b", 32, &BusConfig::new().dir(dir)).unwrap();
        tell("ready");
        hear("go");
        (0..MANY).for_each(|n| bus.publish(&[n; 4]));
        return;
    }
    let dir = Dir::new();
    let mut other = Other::start(
        "received_and_missed_are_all_that_was_published_in_another_process_under_load",
        "publish",
        &dir,
    );
    other.expect("ready");
    let mut reader = config(&dir).connect::<[u64; 4]>("b").unwrap();
    other.say("go");
    let mut next = 0;
    loop {
        match reader.recv_timeout(LONG) {
            Ok(value) => {
                assert_eq!(value, [next; 4]);
                next += 1;
            }
            Err(RingRecvError::Lagged { missed }) => next += missed,
            Err(RingRecvError::Disconnected) => break,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(next, MANY);
    assert_eq!(reader.total_received() + reader.total_missed(), MANY);
}

#[test]
fn the_latest_value_skips_what_is_older_and_counts_it() {
    let dir = Dir::new();
    let bus = PodBus::<u64>::create_with("b", 8, &config(&dir)).unwrap();
    let mut reader = config(&dir).connect::<u64>("b").unwrap();
    assert_eq!(reader.latest(), Err(RingTryRecvError::Empty));
    (0..5).for_each(|n| bus.publish(&n));
    assert_eq!(reader.latest(), Ok(4));
    assert_eq!(reader.latest(), Err(RingTryRecvError::Empty), "nothing is delivered twice");
    bus.publish(&5);
    assert_eq!(reader.try_recv(), Ok(5));
    assert_eq!(reader.total_received() + reader.total_missed(), bus.published());
}

#[test]
fn a_batch_is_received_in_order_and_as_large_as_asked_for() {
    let dir = Dir::new();
    let bus = PodBus::<u64>::create_bounded_with("b", 16, &config(&dir)).unwrap();
    let mut reader = config(&dir).connect::<u64>("b").unwrap();
    bus.publish_batch(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let mut values = [0; 4];
    let mut all = Vec::new();
    while let Ok(count @ 1..) = reader.recv_batch(&mut values) {
        all.extend_from_slice(&values[..count]);
    }
    assert_eq!(all, (0..10).collect::<Vec<_>>());
}

#[test]
fn a_bounded_bus_waits_for_its_slowest_reader_and_names_it() {
    let dir = Dir::new();
    let bus = PodBus::<u64>::create_bounded_with("b", 4, &config(&dir)).unwrap();
    (100..200).for_each(|n| bus.publish(&n)); // nobody is waited for
    let mut quick = config(&dir).connect::<u64>("b").unwrap();
    let mut slow = config(&dir).connect::<u64>("b").unwrap();
    // Room for at least as many as were asked for.
    let sent = (0..64).take_while(|n| bus.try_publish(n).is_ok()).count() as u64;
    assert!((4..64).contains(&sent), "{sent} of 4");
    assert_eq!(receive_all(&mut quick).len() as u64, sent);
    let full = bus.try_publish(&sent).unwrap_err();
    assert!(matches!(full, PublishError::Full { pid, .. } if pid == std::process::id()), "{full:?}");
    assert!(full.to_string().contains(&std::process::id().to_string()), "{full}");
    assert!(bus.publish_timeout(&sent, Duration::from_millis(1)).is_err());

    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            bus.publish(&sent);
            bus
        });
        for n in 0..=sent {
            assert_eq!(slow.recv_timeout(LONG).unwrap(), n);
        }
        assert_eq!(quick.recv_timeout(LONG).unwrap(), sent);
        let bus = waiting.join().unwrap();
        assert_eq!((slow.total_missed(), quick.total_missed()), (0, 0));
        assert_eq!(bus.published(), 100 + sent + 1);
    });
}

#[test]
fn a_killed_reader_of_a_bounded_bus_stops_nobody() {
    let test = "a_killed_reader_of_a_bounded_bus_stops_nobody";
    if let Some((_, dir)) = part() {
        let _reader = BusConfig::new().dir(dir).connect::<u64>("b").unwrap();
        tell("reading nothing");
        stay();
        return;
    }
    let dir = Dir::new();
    let bus = PodBus::<u64>::create_bounded_with("b", 4, &config(&dir).subscribers(2)).unwrap();
    let mut reader = config(&dir).connect::<u64>("b").unwrap();
    // More kills than there are seats.
    for _ in 0..3 {
        let mut other = Other::start(test, "read", &dir);
        other.expect("reading nothing");
        while bus.try_publish(&1).is_ok() {
            assert_eq!(reader.recv_timeout(LONG).unwrap(), 1);
        }
        let full = bus.try_publish(&1).unwrap_err();
        assert!(!matches!(full, PublishError::Full { pid, .. } if pid == std::process::id()), "{full:?}");
        other.kill();
        bus.publish_timeout(&2, LONG).unwrap();
        assert_eq!(reader.recv_timeout(LONG).unwrap(), 2);
        assert_eq!(bus.subscriber_count(), 1);
    }
}

#[test]
fn readers_of_a_killed_writer_receive_all_and_go_on_with_its_successor() {
    let test = "readers_of_a_killed_writer_receive_all_and_go_on_with_its_successor";
    if let Some((part, dir)) = part() {
        let config = BusConfig::new().dir(dir);
        let bus = match &*part {
            "bounded" => PodBus::<u64>::create_bounded_with("b", 64, &config),
            _ => PodBus::<u64>::create_with("b", 64, &config),
        };
        let bus = bus.unwrap();
        tell("ready");
        hear("go");
        (0..10).for_each(|n| bus.publish(&n));
        tell("sent");
        stay();
        return;
    }
    for kind in ["bounded", "lossy"] {
        let dir = Dir::new();
        let mut other = Other::start(test, kind, &dir);
        other.expect("ready");
        let mut readers = [0, 1].map(|_| config(&dir).connect::<u64>("b").unwrap());
        other.say("go");
        other.expect("sent");
        other.kill();
        for reader in &mut readers {
            assert!((0..10).all(|n| reader.recv_timeout(LONG) == Ok(n)));
            assert_eq!(the_end(reader), RingRecvError::Disconnected);
        }
        // Gone on with by one that creates what is there, then by one that takes it as it is.
        let create = |config: &BusConfig| match kind {
            "bounded" => PodBus::<u64>::create_bounded_with("b", 64, config),
            _ => PodBus::<u64>::create_with("b", 64, config),
        };
        let bus = create(&config(&dir)).unwrap();
        assert_eq!(bus.published(), 10, "sequence numbers go on");
        let epoch = bus.epoch();
        bus.publish(&10);
        for reader in &mut readers {
            assert_eq!(reader.recv_timeout(LONG), Ok(10));
        }
        assert_eq!(bus.subscriber_count(), 2);
        drop(bus); // and with it the bus itself
        assert_eq!(the_end(&mut readers[0]), RingRecvError::Disconnected);
        let again = create(&config(&dir)).unwrap();
        assert!(again.epoch() > epoch);
        assert_eq!(again.published(), 0, "a bus that was removed begins anew");
    }
}

#[test]
fn a_bus_that_is_gone_on_with_has_a_higher_epoch() {
    let test = "a_bus_that_is_gone_on_with_has_a_higher_epoch";
    if let Some((part, dir)) = part() {
        let config = BusConfig::new().dir(dir);
        let bus = match &*part {
            "create" => PodBus::<u64>::create_bounded_with("b", 8, &config).unwrap(),
            _ => PodBus::<u64>::open_with("b", &config).unwrap(),
        };
        bus.publish(&7);
        tell(&format!("epoch {}", bus.epoch()));
        tell("published");
        stay();
        return;
    }
    let dir = Dir::new();
    let mut first = Other::start(test, "create", &dir);
    first.expect("published");
    let mut reader = config(&dir).connect::<u64>("b").unwrap();
    let before = reader_epoch(&dir);
    first.kill();
    let mut second = Other::start(test, "open", &dir);
    second.expect("published");
    assert_eq!(reader.recv_timeout(LONG), Ok(7));
    let between = reader_epoch(&dir);
    assert!(between > before, "{before}, then {between}");
    second.kill();
    let bus = PodBus::<u64>::open_with("b", &config(&dir)).unwrap();
    assert!(bus.epoch() > between);
    // Opened as it is: bounded.
    assert!((0..64).any(|_| bus.try_publish(&8).is_err()));
    assert_eq!(reader.recv_timeout(LONG), Ok(8));
    drop(reader);
    bus.publish_timeout(&9, LONG).unwrap();
}

fn reader_epoch(dir: &Dir) -> u64 {
    xbar::discover_in(dir.path(), "/bus").unwrap()[0].epoch
}

/// One line that says what to do, as every error here.
fn says(error: &RegionError, words: &[&str]) {
    let line = error.to_string();
    assert!(!line.contains('\n'), "{line}");
    assert!(words.iter().all(|word| line.contains(word)), "{line} does not say {words:?}");
}

#[test]
fn a_living_writer_is_the_only_one() {
    let dir = Dir::new();
    let bus = PodBus::<u64>::create_with("b", 8, &config(&dir)).unwrap();
    let pid = std::process::id().to_string();
    for second in [
        PodBus::<u64>::create_with("b", 8, &config(&dir)),
        PodBus::<u64>::create_bounded_with("b", 8, &config(&dir)),
        PodBus::<u64>::create_with("b", 16, &config(&dir)),
        PodBus::<u64>::open_with("b", &config(&dir)),
    ] {
        says(&second.unwrap_err(), &["b", &pid]);
    }
    let mut reader = config(&dir).connect::<u64>("b").unwrap();
    bus.publish(&1);
    assert_eq!(reader.try_recv(), Ok(1), "the attempts changed nothing");
}

#[test]
fn another_type_is_refused_with_both_in_the_message() {
    let dir = Dir::new();
    let named = config(&dir).type_name("quote");
    let bus = PodBus::<[u64; 2]>::create_with("b", 8, &named).unwrap();
    says(&config(&dir).connect::<u32>("b").unwrap_err(), &["4 bytes", "16 bytes", "ask for what it is"]);
    let other = config(&dir).type_name("order");
    says(&other.connect::<[u64; 2]>("b").unwrap_err(), &["order", "quote"]);
    assert!(named.connect::<[u64; 2]>("b").is_ok() && config(&dir).connect::<[u64; 2]>("b").is_ok());
    drop(bus);
    says(&PodBus::<[u8; 0]>::create_with("b", 8, &config(&dir)).unwrap_err(), &["0 bytes"]);
}

#[test]
fn what_a_killed_writer_left_is_not_taken_for_something_else() {
    let test = "what_a_killed_writer_left_is_not_taken_for_something_else";
    if let Some((_, dir)) = part() {
        let _bus = PodBus::<u64>::create_with("b", 8, &BusConfig::new().dir(dir)).unwrap();
        tell("ready");
        stay();
        return;
    }
    let dir = Dir::new();
    let mut other = Other::start(test, "create", &dir);
    other.expect("ready");
    let mut reader = config(&dir).connect::<u64>("b").unwrap();
    other.kill();
    says(&PodBus::<u32>::open_with("b", &config(&dir)).unwrap_err(), &["4 bytes", "8 bytes"]);
    says(&config(&dir).type_name("x").connect::<u64>("b").unwrap_err(), &["start one"]);
    let bus = PodBus::<u64>::open_with("b", &config(&dir)).unwrap();
    bus.publish(&0);
    assert_eq!(reader.recv_timeout(LONG), Ok(0), "what was refused has changed nothing");
    drop(bus);
    // Another capacity is another bus, made anew; readers of the old one are told that it ended.
    let bus = PodBus::<u64>::create_with("b", 64, &config(&dir)).unwrap();
    bus.publish(&1);
    assert_eq!(the_end(&mut reader), RingRecvError::Disconnected);
    assert_eq!(config(&dir).connect_from_oldest::<u64>("b").unwrap().try_recv(), Ok(1));
}

#[test]
fn a_region_of_topics_is_no_bus_and_a_bus_no_region_of_topics() {
    let dir = Dir::new();
    let publisher = dir.publisher("r");
    let _topic = publisher.register("/a").unwrap();
    says(&config(&dir).connect::<u64>("r").unwrap_err(), &["/bus", "register"]);
    says(&PodBus::<u64>::open_with("r", &config(&dir)).unwrap_err(), &["region of topics", "use another"]);
    says(&PodBus::<u64>::create_with("r", 8, &config(&dir)).unwrap_err(), &["r"]);

    let _bus = PodBus::<u64>::create_with("b", 8, &config(&dir)).unwrap();
    says(&dir.subscriber("b").subscribe("/bus").unwrap_err(), &["b"]);
    assert!(Publisher::create("b", &dir.config()).is_err());
}

#[test]
fn waiting_for_a_bus_ends_when_it_is_there_or_the_time_is_over() {
    let dir = Dir::new();
    let error = config(&dir).connect_timeout::<u64>("b", Duration::from_millis(1)).unwrap_err();
    assert!(matches!(error, RegionError::TimedOut { .. }), "{error}");
    let waiting = config(&dir);
    let reader = std::thread::spawn(move || waiting.connect_timeout::<u64>("b", LONG).map(|_| ()));
    let _bus = PodBus::<u64>::create_with("b", 8, &config(&dir)).unwrap();
    reader.join().unwrap().unwrap();
}

#[test]
fn a_batch_that_has_to_wait_is_counted_once() {
    const COUNTED: u64 = 8192;
    // Publishers enter their counts that late while they are busy.
    const LATE: u64 = 1024;
    let dir = Dir::new();
    let bus = PodBus::<u64>::create_bounded_with("b", 4, &config(&dir)).unwrap();
    let mut reader = config(&dir).connect::<u64>("b").unwrap();
    let receiving = std::thread::spawn(move || {
        (0..COUNTED).for_each(|n| assert_eq!(reader.recv_timeout(LONG), Ok(n)));
    });
    bus.publish_batch(&Vec::from_iter(0..COUNTED));
    receiving.join().unwrap();
    let regions = discover_in(dir.path(), "/**").unwrap();
    let counted = regions[0].participants.iter().map(|one| one.published).sum();
    assert!((COUNTED - LATE..=COUNTED).contains(&counted), "{counted}");
}
