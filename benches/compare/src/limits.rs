//! What no library can beat: bare atomics, a bare store, a bare copy.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use crate::clock::{Plan, Round, time};
use crate::pin::pin;

#[derive(Debug, Default)]
#[repr(align(128))]
struct Line(AtomicU64);

/// Round trips of one cache line each way between two cores: two bare atomics.
pub fn round_trip(plan: &Plan) -> Round {
    let lines = Arc::new([Line::default(), Line::default()]);
    let (theirs, ready) = (Arc::clone(&lines), Arc::new(Barrier::new(2)));
    let there = Arc::clone(&ready);
    let answering = thread::spawn(move || {
        pin(1);
        there.wait();
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
    ready.wait();
    let [ping, pong] = &*lines;
    let trip = |turn| {
        ping.0.store(turn, Ordering::Release);
        while pong.0.load(Ordering::Acquire) != turn {}
    };
    let round = time(plan, trip);
    trip(u64::MAX);
    answering.join().expect("the answering thread ends");
    round
}

/// One value stored and loaded again by the same thread.
pub fn store(plan: &Plan) -> Round {
    let word = AtomicU64::new(0);
    time(plan, |n| {
        word.store(*black_box(&n), Ordering::Release);
        black_box(&word.load(Ordering::Acquire));
    })
}

/// A whole payload of `bytes` copied and read.
pub fn copy(plan: &Plan, bytes: usize) -> Round {
    let source = vec![7_u8; bytes];
    let mut target = vec![0_u8; bytes];
    time(plan, |_| {
        black_box(&mut target).copy_from_slice(black_box(&source));
        black_box(read(black_box(&target)));
    })
}

/// Reads every byte: the sum of a payload's words.
#[inline]
pub fn read(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words.iter().fold(0_u64, |sum, word| sum.wrapping_add(u64::from_le_bytes(*word)));
    rest.iter().fold(words, |sum, byte| sum.wrapping_add(u64::from(*byte)))
}
