//! Byte buses between processes: every byte of every length, exact counts, and death at any moment.
#![cfg(not(miri))]

mod support;

use std::path::Path;
use std::time::{Duration, SystemTime};

use support::{Dir, Other, hear, part, pattern, stay, tell};
use xbar::{ByteBus, ByteBusConfig, ByteBusSubscriber, Park, RingRecvError, RingTryRecvError, discover_in};

/// Longer than any machine needs; only a failing test waits that long.
const LONG: Duration = Duration::from_secs(60);

fn config(dir: &Path) -> ByteBusConfig {
    ByteBusConfig::new().dir(dir)
}

/// Bytes of message `number`, of `most` at most: all lengths come, in no order.
fn message(number: u64, most: usize) -> Vec<u8> {
    pattern(number, (number * number * 7 + number * 13) as usize % (most + 1))
}

fn kind(number: u64) -> u16 {
    (number % 5) as u16
}

/// Sends the next message, by the way that its number chooses.
fn send(bus: &mut ByteBus) {
    send_up_to(bus, bus.most_bytes());
}

/// The same, of `most` bytes at most.
fn send_up_to(bus: &mut ByteBus, most: usize) {
    let number = bus.sent();
    let message = message(number, most);
    let sent = match number % 3 {
        0 => bus.send_as(kind(number), &message).unwrap(),
        1 => {
            let mut claim = bus.claim(message.len()).unwrap();
            claim.write(0, &message);
            claim.commit(kind(number))
        }
        _ => bus.send_batch([(kind(number), &message[..])]).map(|_| number).unwrap(),
    };
    assert_eq!(sent, number);
}

/// A reader that checks all that it receives: message `next` is the next, unless some were missed.
struct Checked {
    reader: ByteBusSubscriber,
    place: Vec<u8>,
    next: u64,
    most: usize,
}

impl Checked {
    fn new(reader: ByteBusSubscriber) -> Self {
        let most = reader.reader().capacity_bytes() / 4 - 8;
        Self { next: reader.cursor(), reader, place: Vec::new(), most }
    }

    /// Receives a message, or learns what was missed. False at the end.
    fn receive(&mut self) -> bool {
        match self.reader.receive(Park, Some(LONG), |_| true, &mut self.place) {
            Ok(found) => {
                assert_eq!((found.sequence, found.kind), (self.next, kind(self.next)));
                assert!(found.bytes == message(self.next, self.most), "message {} is torn", self.next);
                self.next += 1;
            }
            Err(RingRecvError::Lagged { missed }) => {
                assert!(missed > 0);
                self.next += missed;
            }
            Err(RingRecvError::Disconnected) => return false,
            Err(error) => panic!("{error}, waiting for message {}", self.next),
        }
        true
    }

    fn receive_all(&mut self) {
        while self.receive() {}
    }

    fn missed(&self) -> u64 {
        self.reader.account().missed
    }
}

#[test]
fn messages_of_all_lengths_arrive_whole_and_in_order_in_another_process() {
    const MESSAGES: u64 = 400;
    const CAPACITY: usize = 1 << 20;
    if let Some((_, dir)) = part() {
        let mut bus = ByteBus::create_with("b", CAPACITY, &config(&dir)).unwrap();
        tell("ready");
        hear("go");
        // Not more than fits: nothing is missed, however slow the reader is.
        for number in 0..MESSAGES {
            bus.send_as(kind(number), &message(number, 1500)).unwrap();
        }
        return;
    }
    let dir = Dir::new();
    let test = "messages_of_all_lengths_arrive_whole_and_in_order_in_another_process";
    let mut other = Other::start(test, "send", &dir);
    other.expect("ready");
    let mut reader = Checked::new(config(dir.path()).connect("b").unwrap());
    reader.most = 1500;
    other.say("go");
    reader.receive_all();
    assert_eq!((reader.next, reader.missed()), (MESSAGES, 0));
    other.finish();
}

#[test]
fn received_and_missed_are_all_that_was_sent_in_another_process_under_load() {
    if let Some((what, dir)) = part() {
        let (capacity, many) = what.split_once('x').unwrap();
        let mut bus = ByteBus::create_with("b", capacity.parse().unwrap(), &config(&dir)).unwrap();
        tell("ready");
        hear("go");
        (0..many.parse().unwrap()).for_each(|_| send(&mut bus));
        return;
    }
    for (capacity, many) in [(64, 100_000), (2048, 20_000), (65536, 1000)] {
        let dir = Dir::new();
        let test = "received_and_missed_are_all_that_was_sent_in_another_process_under_load";
        let mut other = Other::start(test, &format!("{capacity}x{many}"), &dir);
        other.expect("ready");
        let mut readers = [0; 2].map(|_| Checked::new(config(dir.path()).connect("b").unwrap()));
        other.say("go");
        std::thread::scope(|scope| {
            for reader in &mut readers {
                scope.spawn(|| reader.receive_all());
            }
        });
        for reader in &readers {
            let account = reader.reader.account();
            assert_eq!((reader.next, account.received + account.missed, account.skipped), (many, many, 0));
        }
        other.finish();
    }
}

#[test]
fn a_slow_reader_of_another_process_is_overtaken_and_goes_on_behind_the_gap() {
    const BURST: u64 = 500;
    if let Some((_, dir)) = part() {
        let mut bus = ByteBus::create_with("b", 4096, &config(&dir)).unwrap();
        tell("ready");
        for _ in 0..3 {
            hear("go");
            (0..BURST).for_each(|_| send(&mut bus));
            tell("sent");
        }
        return stay();
    }
    let dir = Dir::new();
    let test = "a_slow_reader_of_another_process_is_overtaken_and_goes_on_behind_the_gap";
    let mut other = Other::start(test, "send", &dir);
    other.expect("ready");
    let mut reader = Checked::new(config(dir.path()).connect("b").unwrap());
    for burst in 1..=3 {
        other.say("go");
        other.expect("sent");
        let missed = reader.missed();
        while reader.next < burst * BURST {
            assert!(reader.receive());
        }
        assert_eq!(reader.next, burst * BURST);
        assert!(reader.missed() > missed, "the last lap is all that is left");
    }
}

#[test]
fn readers_of_a_killed_writer_receive_all_and_go_on_with_its_successor() {
    let test = "readers_of_a_killed_writer_receive_all_and_go_on_with_its_successor";
    if let Some((what, dir)) = part() {
        let bus = match &*what {
            "create" => ByteBus::create_with("b", 1 << 12, &config(&dir)),
            _ => ByteBus::open_with("b", &config(&dir)),
        };
        let mut bus = bus.unwrap();
        tell("ready");
        hear("go");
        (0..10).for_each(|_| send_up_to(&mut bus, 100));
        // Dies with a claim that it wrote in.
        let most = bus.most_bytes();
        let mut claim = bus.claim(most).unwrap();
        claim.write(0, &vec![0xff; most]);
        tell("sent");
        return stay();
    }
    let dir = Dir::new();
    let mut readers = Vec::new();
    let mut epoch = 0;
    // Created, gone on with by one that creates what is there, and by one that takes it as it is.
    for (turn, how) in (1..).zip(["create", "create", "open"]) {
        let mut other = Other::start(test, how, &dir);
        other.expect("ready");
        if turn == 1 {
            readers.extend([0; 2].map(|_| Checked::new(config(dir.path()).connect("b").unwrap())));
            readers.iter_mut().for_each(|reader| reader.most = 100);
        }
        let now = discover_in(dir.path(), "/bus").unwrap()[0].epoch;
        assert!(now > epoch, "{epoch}, then {now}");
        epoch = now;
        other.say("go");
        other.expect("sent");
        other.kill();
        for reader in &mut readers {
            reader.receive_all();
            assert_eq!((reader.next, reader.missed()), (10 * turn, 0), "numbers go on");
        }
    }
    // Another capacity is another bus, made anew; readers of the old one are told that it ended.
    let mut bus = ByteBus::create_with("b", 1 << 13, &config(dir.path())).unwrap();
    assert_eq!(bus.sent(), 0);
    assert!(bus.epoch() > epoch);
    bus.send(b"anew").unwrap();
    assert!(!readers[0].receive());
}

#[test]
fn a_successor_is_not_taken_for_the_dead_one_on_whose_seat_it_sits() {
    let test = "a_successor_is_not_taken_for_the_dead_one_on_whose_seat_it_sits";
    if let Some((_, dir)) = part() {
        let _bus = ByteBus::create_with("b", 1 << 12, &config(&dir)).unwrap();
        tell("ready");
        return stay();
    }
    let dir = Dir::new();
    let mut other = Other::start(test, "create", &dir);
    other.expect("ready");
    let mut reader = config(dir.path()).connect("b").unwrap();
    other.kill();
    let mut place = [0; 64];
    assert_eq!(reader.recv_timeout(&mut place, LONG), Err(RingRecvError::Disconnected));
    let mut bus = ByteBus::open_with("b", &config(dir.path())).unwrap();
    assert_eq!(reader.try_recv(&mut place), Err(RingTryRecvError::Empty), "somebody is there again");
    bus.send(b"a").unwrap();
    assert_eq!(reader.try_recv(&mut place).unwrap().bytes, b"a");
    assert_eq!(reader.try_recv(&mut place), Err(RingTryRecvError::Empty));
}

/// Random enough for where a kill falls.
fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed >> 11
}

#[test]
fn writers_killed_at_random_lose_nothing_that_is_not_counted_and_tear_nothing() {
    let test = "writers_killed_at_random_lose_nothing_that_is_not_counted_and_tear_nothing";
    if let Some((_, dir)) = part() {
        let mut bus = ByteBus::create_with("b", 1 << 11, &config(&dir)).unwrap();
        tell(&format!("from {}", bus.sent()));
        hear("go");
        loop {
            send(&mut bus);
        }
    }
    let mut seed = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64 | 1;
    eprintln!("seed {seed}");
    let dir = Dir::new();
    let mut reader: Option<Checked> = None;
    for _ in 0..12 {
        let mut other = Other::start(test, "send", &dir);
        let next = reader.as_ref().map_or(0, |reader| reader.next);
        // What the dead sent is what its readers heard of, to the last message.
        other.expect(&format!("from {next}"));
        let reader = reader.get_or_insert_with(|| Checked::new(config(dir.path()).connect("b").unwrap()));
        other.say("go");
        let until = reader.next + random(&mut seed) % 3000;
        while reader.next < until {
            assert!(reader.receive());
        }
        other.kill();
        reader.receive_all();
        let account = reader.reader.account();
        assert_eq!(account.received + account.missed, reader.next);
    }
}

#[test]
fn killed_readers_stop_nobody_and_leave_their_seats() {
    let test = "killed_readers_stop_nobody_and_leave_their_seats";
    if let Some((what, dir)) = part() {
        let mut reader = Checked::new(config(&dir).connect("b").unwrap());
        tell("there");
        if what == "asleep" {
            // Until it is killed: nothing of that kind comes.
            while let Err(RingRecvError::Lagged { .. }) =
                reader.reader.receive(Park, None, |kind| kind == 99, &mut reader.place)
            {}
            panic!("nothing of that kind was sent");
        }
        return reader.receive_all();
    }
    let mut seed = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64 | 1;
    eprintln!("seed {seed}");
    let dir = Dir::new();
    let mut bus = ByteBus::create_with("b", 1 << 11, &config(dir.path()).subscribers(2)).unwrap();
    let mut reader = Checked::new(config(dir.path()).connect("b").unwrap());
    // More kills than there are seats.
    for turn in 0..6 {
        let mut other = Other::start(test, if turn % 2 == 0 { "asleep" } else { "busy" }, &dir);
        other.expect("there");
        assert_eq!(bus.subscriber_count(), 2);
        for _ in 0..random(&mut seed) % 2000 {
            send(&mut bus);
        }
        other.kill();
        assert_eq!(bus.subscriber_count(), 1);
        (0..100).for_each(|_| send(&mut bus));
        while reader.next < bus.sent() {
            assert!(reader.receive());
        }
        assert_eq!(reader.next, bus.sent());
    }
}

#[test]
fn a_reader_that_sleeps_is_woken_by_every_message_and_by_its_writers_death() {
    let test = "a_reader_that_sleeps_is_woken_by_every_message_and_by_its_writers_death";
    if let Some((_, dir)) = part() {
        let mut reader = Checked::new(config(&dir).connect_timeout("b", LONG).unwrap());
        tell("there");
        while reader.receive() {
            tell(&format!("next is {}", reader.next));
        }
        return tell("the end");
    }
    let dir = Dir::new();
    let mut other = Other::start(test, "read", &dir);
    let mut bus = ByteBus::create_with("b", 1 << 12, &config(dir.path())).unwrap();
    other.expect("there");
    for number in 1..=100 {
        send(&mut bus);
        other.expect(&format!("next is {number}"));
    }
    drop(bus);
    other.expect("the end");
    other.finish();
}
