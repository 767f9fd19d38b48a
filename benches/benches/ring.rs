//! The rings of one process: what they cost on one thread, and what a message costs between two cores.

use std::hint::black_box;
use std::thread;
use std::time::Duration;

use criterion::{Criterion, criterion_main};
use xbar_benches::{limit, pin, time};
use xbar_ring::{
    BusySpin, Pod, Source, Subscriber, TryRecvError, channel, channel_bounded, channel_bounded_mpmc,
    channel_mpmc,
};

const SLOTS: usize = 1024;

/// The next message, which must be `expected`.
#[inline(always)]
fn take<S: Source<Value: PartialEq + std::fmt::Debug>>(subscriber: &mut Subscriber<S>, expected: S::Value) {
    assert_eq!(subscriber.try_recv(), Ok(expected));
}

fn one_thread(criterion: &mut Criterion) {
    pin(0);
    let mut group = criterion.benchmark_group("ring, one thread");
    // Timed as plain loops: criterion's own loop takes as long as a message.
    macro_rules! publish_and_receive {
        ($name:literal, $publisher:ident, $subscriber:expr, $publish:expr) => {
            group.bench_function($name, |bencher| {
                bencher.iter_custom(|count| {
                    let mut subscriber = $subscriber;
                    time(count, |n| {
                        let n = black_box(n);
                        $publish(n);
                        take(&mut subscriber, n);
                    })
                });
            });
        };
    }
    let (mut publisher, subscribers) = channel::<u64>(SLOTS);
    publish_and_receive!("8 B", publisher, subscribers.subscribe(), |n| publisher.publish(n));
    let (mut many, many_subscribers) = channel_mpmc::<u64>(SLOTS);
    publish_and_receive!("8 B, many writers", many, many_subscribers.subscribe(), |n| many.publish(n));
    let (mut bounded, readers) = channel_bounded::<u64>(SLOTS);
    publish_and_receive!("8 B, lossless", bounded, readers.subscribe().expect("room"), |n| {
        bounded.try_publish(n).expect("room");
    });
    let (mut shared, readers) = channel_bounded_mpmc::<u64>(SLOTS);
    publish_and_receive!("8 B, lossless, many writers", shared, readers.subscribe().expect("room"), |n| {
        shared.try_publish(n).expect("room");
    });
    group.bench_function("publish alone, 8 B", |bencher| {
        bencher.iter_custom(|count| time(count, |n| publisher.publish(black_box(n))));
    });
    group.bench_function("receive, empty", |bencher| {
        let mut subscriber = subscribers.subscribe();
        let mut empty = |_| assert_eq!(subscriber.try_recv(), Err(TryRecvError::Empty));
        bencher.iter_custom(|count| time(count, &mut empty));
    });
    group.bench_function("fan-out to 10, 8 B", |bencher| {
        let mut all: [_; 10] = std::array::from_fn(|_| subscribers.subscribe());
        bencher.iter_custom(|count| {
            time(count, |n| {
                publisher.publish(black_box(n));
                all.iter_mut().for_each(|subscriber| take(subscriber, n));
            })
        });
    });
    group.bench_function("batch of 64, 8 B", |bencher| {
        let mut subscriber = subscribers.subscribe();
        let (values, mut into) = ([7; 64], [0; 64]);
        bencher.iter_custom(|count| {
            time(count, |_| {
                publisher.publish_batch(black_box(&values));
                assert_eq!(subscriber.recv_batch(&mut into), Ok(64));
                black_box(&into);
            })
        });
    });
    large::<[u64; 32]>(&mut group, "256 B", [7; 32]);
    large::<[u64; 128]>(&mut group, "1 KB", [7; 128]);
    group.finish();
}

/// Published from a place and received into a place, whole.
fn large<T: Pod + PartialEq>(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    name: &str,
    value: T,
) {
    let (mut publisher, subscribers) = channel::<T>(SLOTS);
    let mut subscriber = subscribers.subscribe();
    let mut place = T::zeroed();
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|count| {
            time(count, |_| {
                publisher.publish_from(black_box(&value));
                assert_eq!(subscriber.try_recv_into(&mut place), Ok(()));
                black_box(&place);
            })
        });
    });
    assert!(place == value);
}

/// `turns` round trips of a `T` between two cores; every answer is compared.
fn round_trips<T: Pod + PartialEq>(turns: u64, make: impl Fn(u64) -> T) -> Duration {
    let (mut ping, pings) = channel::<T>(SLOTS);
    let (mut pong, pongs) = channel::<T>(SLOTS);
    let (mut question, mut answer) = (pings.subscribe(), pongs.subscribe());
    let answering = thread::spawn(move || {
        pin(1);
        while let Ok(value) = question.recv_with(BusySpin) {
            pong.publish(value);
        }
    });
    let mut round_trip = |turn| {
        ping.publish(make(turn));
        assert!(answer.recv_with(BusySpin) == Ok(make(turn)), "another message came back");
    };
    round_trip(0);
    let time = time(turns, round_trip);
    drop(ping);
    answering.join().expect("an answer without complaints");
    time
}

fn two_cores(criterion: &mut Criterion) {
    pin(0);
    let mut group = criterion.benchmark_group("ring, round trip between two cores");
    group.sample_size(10);
    group.bench_function("two bare atomics", |bencher| bencher.iter_custom(limit));
    group.bench_function("8 B", |bencher| bencher.iter_custom(|turns| round_trips(turns, |turn| turn)));
    group.bench_function("56 B", |bencher| bencher.iter_custom(|turns| round_trips(turns, |turn| [turn; 7])));
    group.finish();
}

mod groups {
    #![allow(missing_docs)] // criterion's macro documents nothing
    criterion::criterion_group!(benches, super::one_thread, super::two_cores);
}
criterion_main!(groups::benches);
