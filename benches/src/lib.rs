//! What the benches share: cores, medians, and the physical limit to compare with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_setaffinity};

/// Pins the calling thread to core `core`, if the machine has it.
pub fn pin(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    if sched_setaffinity(None, &set).is_err() {
        eprintln!("cannot pin to core {core}: figures will scatter");
    }
}

/// Time of `count` calls of `turn`, which gets 1 ..= `count`.
pub fn time(count: u64, mut turn: impl FnMut(u64)) -> Duration {
    let start = Instant::now();
    for n in 1..=count {
        turn(n);
    }
    start.elapsed()
}

/// The median.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct Line(AtomicU64);

/// `turns` round trips of one cache line each way between two cores: two bare atomics, the limit of any ring.
pub fn limit(turns: u64) -> Duration {
    let lines = Arc::new([Line::default(), Line::default()]);
    let theirs = Arc::clone(&lines);
    let answering = thread::spawn(move || {
        pin(1);
        let [ping, pong] = &*theirs;
        let mut last = 0;
        while last != u64::MAX {
            let turn = ping.0.load(Ordering::Acquire);
            if turn != last {
                pong.0.store(turn, Ordering::Release);
                last = turn;
            }
        }
    });
    let [ping, pong] = &*lines;
    let round_trip = |turn| {
        ping.0.store(turn, Ordering::Release);
        while pong.0.load(Ordering::Acquire) != turn {}
    };
    round_trip(u64::MAX - 1); // the other side is there
    let time = time(turns, round_trip);
    round_trip(u64::MAX);
    answering.join().expect("an answer");
    time
}
