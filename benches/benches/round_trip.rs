//! Round trips between two cores: two threads and two processes, beside two bare atomics in the same run.
//!
//! Criterion gets each case as a benchmark. The table behind them has the ratios: rounds of ours and of the limit
//! alternate, so that a machine that changes its speed changes it for both, and the medians of the rounds are compared.

use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use criterion::Criterion;
use xbar::{BusySpin, Config, Publisher, RecvError, Subscriber};
use xbar_benches::{limit, median, pin, time};

const SIZES: [usize; 3] = [8, 40, 1024];
const ROUNDS: usize = 15;
const TURNS: u64 = 20_000;
/// Tells this program, started again, to answer in a region.
const PART: &str = "XBAR_BENCH_ANSWER";
const PATIENCE: Duration = Duration::from_secs(10);

/// Who answers.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Threads,
    Processes,
}

enum Other {
    Thread(JoinHandle<()>),
    Process(Child),
}

impl Other {
    fn start(kind: Kind, region: &str) -> Self {
        match kind {
            Kind::Threads => {
                let region = region.to_owned();
                Self::Thread(thread::spawn(move || answer(&region)))
            }
            Kind::Processes => {
                let program = std::env::current_exe().expect("this program");
                let child = Command::new(program).env(PART, region).stdout(Stdio::null()).spawn();
                Self::Process(child.expect("a process"))
            }
        }
    }

    fn finish(self) {
        match self {
            Self::Thread(thread) => thread.join().expect("an answer without complaints"),
            Self::Process(mut child) => assert!(child.wait().expect("an end").success()),
        }
    }
}

/// Sends back what comes, until the other side is gone.
fn answer(region: &str) {
    pin(1);
    let publisher = Publisher::open(region).expect("the region");
    let ping = Subscriber::connect(region).and_then(|s| s.subscribe("/ping")).expect("a stream");
    let pong = publisher.register("/pong").expect("a topic");
    loop {
        match ping.recv_with(BusySpin) {
            Ok(sample) => publisher.send(&pong, &sample).expect("sent"),
            Err(RecvError::Disconnected) => return,
            Err(error) => panic!("{error}"),
        };
    }
}

/// `turns` round trips of `size` bytes through a region of its own; every answer is checked.
fn round_trips(kind: Kind, size: usize, turns: u64) -> Duration {
    let region = format!("bench-round-trip-{}", std::process::id());
    let config = Config::new().topics(2).subscribers(2).publishers(2);
    let publisher = Publisher::create(&region, &config).expect("a region");
    let ping = publisher.register("/ping").expect("a topic");
    let other = Other::start(kind, &region);
    let subscriber = Subscriber::connect(&region).expect("a subscriber");
    // The other side listens before it registers.
    let pong = subscriber.subscribe_timeout("/pong", PATIENCE).expect("a stream");
    let mut bytes = vec![7; size];
    let round_trip = |turn: u64| {
        bytes[..8].copy_from_slice(&turn.to_le_bytes());
        publisher.send(&ping, &bytes).expect("sent");
        let sample = pong.recv_with(BusySpin).expect("an answer");
        assert_eq!(*sample, *bytes, "another message came back");
    };
    let time = time(turns, round_trip);
    drop((ping, publisher));
    other.finish();
    time
}

fn main() {
    if let Ok(region) = std::env::var(PART) {
        return answer(&region);
    }
    pin(0);
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let mut group = criterion.benchmark_group("round trip");
    group.bench_function("two bare atomics", |bencher| bencher.iter_custom(limit));
    for (kind, name) in [(Kind::Threads, "threads"), (Kind::Processes, "processes")] {
        for size in SIZES {
            group.bench_function(format!("two {name}, {size} B"), |bencher| {
                bencher.iter_custom(|turns| round_trips(kind, size, turns));
            });
        }
    }
    group.finish();
    criterion.final_summary();

    println!("\n{:24}{:>10}{:>12}{:>8}", "round trip", "ours ns", "limit ns", "ratio");
    let ns = |time: Duration| time.as_nanos() as f64 / TURNS as f64;
    for (kind, name) in [(Kind::Threads, "threads"), (Kind::Processes, "processes")] {
        for size in SIZES {
            let rounds: Vec<(f64, f64)> =
                (0..ROUNDS).map(|_| (ns(round_trips(kind, size, TURNS)), ns(limit(TURNS)))).collect();
            let (ours, bare): (Vec<_>, Vec<_>) = rounds.into_iter().unzip();
            let (ours, bare) = (median(ours), median(bare));
            println!("{:24}{ours:>10.1}{bare:>12.1}{:>8.2}", format!("two {name}, {size} B"), ours / bare);
        }
    }
}
