//! A topic on one thread: what publishing and receiving cost when no line moves.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_main};
use xbar::{Config, Publisher, Stream, Subscriber, Topic};
use xbar_benches::{pin, time};

/// A region of one topic, both ends in this thread.
struct Pair {
    publisher: Publisher,
    topic: Topic,
    stream: Stream,
}

impl Pair {
    fn new(name: &str, config: Config) -> Self {
        let name = format!("bench-{name}-{}", std::process::id());
        let publisher = Publisher::create(&name, &config.topics(1)).expect("a region");
        let topic = publisher.register("/bench").expect("a topic");
        let stream = Subscriber::connect(&name).and_then(|s| s.subscribe("/bench")).expect("a stream");
        let pair = Self { publisher, topic, stream };
        pair.check();
        pair
    }

    /// What arrives is what was sent, before anything is timed.
    fn check(&self) {
        for size in [1, 8, 48, 49, 256] {
            let bytes: Vec<u8> = (0..=255).take(size).collect();
            self.publisher.send(&self.topic, &bytes).expect("sent");
            assert_eq!(&*self.stream.try_recv().expect("a sample"), &bytes[..]);
        }
    }

    /// Loan, write, publish, receive, read, drop.
    fn by_loan(&self, value: u64) -> u64 {
        let mut loan = self.publisher.loan(&self.topic, 8).expect("a loan");
        loan.copy_from_slice(&value.to_le_bytes());
        loan.publish();
        self.receive()
    }

    /// Send by copy, receive, read, drop.
    fn by_copy(&self, value: u64) -> u64 {
        self.publisher.send(&self.topic, &value.to_le_bytes()).expect("sent");
        self.receive()
    }

    fn receive(&self) -> u64 {
        let sample = self.stream.try_recv().expect("a sample");
        u64::from_le_bytes((*sample).try_into().expect("eight bytes"))
    }
}

fn small(criterion: &mut Criterion) {
    pin(0);
    let pair = Pair::new("small", Config::new());
    let timed = Pair::new("timed", Config::new().publish_times(true));
    let mut group = criterion.benchmark_group("one thread, 8 B");
    // Timed as plain loops: criterion's own loop takes as long as a message.
    group.bench_function("loan + write + publish + receive + drop", |bencher| {
        bencher.iter_custom(|count| time(count, |n| assert_eq!(pair.by_loan(black_box(n)), n)));
    });
    group.bench_function("send by copy + receive + drop", |bencher| {
        bencher.iter_custom(|count| time(count, |n| assert_eq!(pair.by_copy(black_box(n)), n)));
    });
    group.bench_function("the same with publish times", |bencher| {
        bencher.iter_custom(|count| time(count, |n| assert_eq!(timed.by_copy(black_box(n)), n)));
    });
    group.bench_function("publish alone, by copy", |bencher| {
        let publish = |n: u64| assert!(pair.publisher.send(&pair.topic, &black_box(n).to_le_bytes()).is_ok());
        bencher.iter_custom(|count| time(count, publish));
    });
    while pair.stream.try_recv().is_ok() || pair.stream.pending() > 0 {}
    group.bench_function("receive, empty", |bencher| {
        bencher.iter_custom(|count| time(count, |_| assert!(pair.stream.try_recv().is_err())));
    });
    group.finish();
}

/// Written as a whole and received, beside a copy of the same size: the limit of what the memory can do.
fn large(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("one thread, written whole");
    for size in [256, 1024, 64 * 1024, 1024 * 1024] {
        let config =
            Config::new().block_bytes(size as u32).depth(2).samples(2).loans(2).subscribers(1).publishers(1);
        let pair = Pair::new(&format!("size-{size}"), config);
        // Not at the same place in a page: cores take such addresses for one another.
        let (bytes, mut memory) = (vec![7_u8; size], vec![0_u8; size + 2112]);
        let copy = &mut memory[2112..];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_with_input(BenchmarkId::new("topic", size), &bytes, |bencher, bytes| {
            bencher.iter(|| {
                let mut loan = pair.publisher.loan(&pair.topic, bytes.len()).expect("a loan");
                loan.copy_from_slice(black_box(bytes));
                loan.publish();
                black_box(pair.stream.try_recv().expect("a sample")[0])
            });
        });
        group.bench_with_input(BenchmarkId::new("memcpy", size), &bytes, |bencher, bytes| {
            bencher.iter(|| black_box(&mut *copy).copy_from_slice(black_box(bytes)));
        });
    }
    group.finish();
}

mod groups {
    #![allow(missing_docs)] // criterion's macro documents nothing
    criterion::criterion_group!(benches, super::small, super::large);
}
criterion_main!(groups::benches);
