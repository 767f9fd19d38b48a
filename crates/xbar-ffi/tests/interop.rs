//! C in one process, Rust in another: every byte arrives, every loss is counted, every death is noticed.

mod support;

use std::time::Duration;

use support::{Build, Dir, LENGTHS, Other, command, pattern, program};
use xbar::bytemuck::{Pod, Zeroable, bytes_of, pod_read_unaligned};
use xbar::{
    BusConfig, ByteBusConfig, Client, Config, PodBus, Publisher, RecvError, RingRecvError, Subscriber,
};

#[test]
fn what_c_publishes_rust_receives_whole_and_hears_of_its_death() {
    let dir = Dir::new();
    let mut other = Other::run(command(&program("publish.c", &dir, Build::Plain), &dir));
    other.expect_next("ready");
    let subscriber = Subscriber::connect_in(dir.regions(), "r").unwrap();
    let streams = ["/lossy", "/lossless", "/many"].map(|uri| subscriber.subscribe(uri).unwrap());
    let mut bus = ByteBusConfig::new().dir(dir.regions()).connect("bytes").unwrap();
    other.say("go");
    other.expect_next("sent");
    let mut place = Vec::new();
    for (number, &length) in LENGTHS.iter().enumerate() {
        let message = bus.recv_vec(&mut place).unwrap();
        assert_eq!((message.kind as usize, message.bytes), (number, &*pattern(number as u64, length)));
    }
    for stream in &streams {
        for number in 0..2 * LENGTHS.len() as u64 {
            let length = LENGTHS[number as usize / 2];
            assert_eq!(*stream.recv().unwrap(), pattern(number, length), "{number} of {}", stream.uri());
        }
    }
    other.kill();
    for stream in &streams {
        assert_eq!(stream.recv().unwrap_err(), RecvError::Disconnected);
    }
    assert_eq!(bus.recv_vec(&mut place).unwrap_err(), RingRecvError::Disconnected);
}

#[test]
fn a_c_publisher_that_ends_leaves_nothing() {
    let dir = Dir::new();
    let mut other = Other::run(command(&program("publish.c", &dir, Build::Plain), &dir));
    other.expect_next("ready");
    other.say("go");
    other.expect_next("sent");
    assert_eq!(dir.left_behind(), ["bytes", "r"]);
    other.say("end");
    other.finish();
    assert!(dir.left_behind().is_empty(), "{:?}", dir.left_behind());
}

#[test]
fn what_rust_publishes_c_receives_whole_and_counts_what_it_missed() {
    let dir = Dir::new();
    let program = program("receive.c", &dir, Build::Plain);
    let publisher = Publisher::create("r", &Config::new().dir(dir.regions()).depth(16)).unwrap();
    let topic = publisher.register("/a").unwrap();
    let mut other = Other::run(command(&program, &dir));
    other.expect_next("ready");
    for number in 0..100 {
        let message = pattern(number, LENGTHS[number as usize % LENGTHS.len()]);
        assert_eq!(publisher.send(&topic, &message).unwrap(), number);
    }
    other.say("sent");
    other.expect_next("lagged");
    drop((topic, publisher));
    other.expect_next("100");
    other.finish();
}

#[test]
fn c_hears_of_a_killed_publisher() {
    let dir = Dir::new();
    let mut publisher = Other::run(command(&program("publish.c", &dir, Build::Plain), &dir));
    publisher.expect_next("ready");
    let waits = program("disconnected.c", &dir, Build::Plain);
    let mut reader = Other::run(command(&waits, &dir));
    reader.expect_next("waiting");
    publisher.kill();
    reader.expect_next("disconnected");
    reader.finish();
}

#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
#[bytemuck(crate = "xbar::bytemuck")]
#[repr(C)]
struct Quote {
    bid: f64,
    ask: f64,
    shares: i64,
}

#[test]
fn values_of_cpp_are_values_of_rust() {
    let dir = Dir::new();
    let config = BusConfig::new().dir(dir.regions());
    let back = PodBus::<Quote>::create_with("rust-bus", 1024, &config).unwrap();
    let mut other = Other::run(command(&program("values.cpp", &dir, Build::Plain), &dir));
    other.expect_next("ready");
    let subscriber = Subscriber::connect_in(dir.regions(), "cpp").unwrap();
    let topic = subscriber.subscribe_named::<Quote>("/quotes", "quote").unwrap();
    assert!(subscriber.subscribe_typed::<[u32; 6]>("/quotes").is_err(), "another alignment");
    let mut bus = config.connect::<Quote>("cpp-bus").unwrap();
    other.say("go");
    for shares in 0..50 {
        let quote = Quote { bid: 1.5, ask: 2.5, shares };
        assert_eq!(*topic.recv().unwrap(), quote);
        assert_eq!(bus.recv().unwrap(), quote);
        back.publish(&quote);
    }
    let client = Client::connect_in(dir.regions(), "cpp-server").unwrap();
    let asked = Quote { bid: 1.5, ask: 2.5, shares: 0 };
    let reply = client.call(bytes_of(&asked), Duration::from_secs(60)).unwrap();
    assert_eq!(pod_read_unaligned::<Quote>(&reply), Quote { bid: 2.5, ask: 1.5, shares: (0..50).sum() });
    other.say("end");
    other.finish();
}
