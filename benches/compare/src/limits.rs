//! What no library can beat: bare atomics, a bare store, a bare copy.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, LazyLock};
use std::thread;

use crate::bus::first;
use crate::clock::{Plan, Round, time};
use crate::pin::pin;

#[derive(Debug, Default)]
#[repr(align(128))]
struct Line(AtomicU64);

/// Lines that round trips may take: more pages than one part of a cache looks after.
const LINES: usize = 4096;

fn lines() -> Box<[Line]> {
    (0..LINES).map(|_| Line::default()).collect()
}

/// Two of them, in other places each time. How far it is from one core to another by way of a line depends on which part of the third cache
/// looks after that line: one pair took 105 ns where the next took 135. A ring has lines in all of them.
fn places(lines: &[Line]) -> [&Line; 2] {
    static ROUNDS: AtomicUsize = AtomicUsize::new(0);
    let round = ROUNDS.fetch_add(1, Ordering::Relaxed);
    // Steps without a common factor with the half: all lines of both come before one comes again.
    const HALF: usize = LINES / 2;
    [round * 809 % HALF, HALF + round * 1301 % HALF].map(|place| &lines[place])
}

/// Round trips of one cache line each way between two cores: two bare atomics.
pub fn round_trip(plan: &Plan) -> Round {
    static MEMORY: LazyLock<Box<[Line]>> = LazyLock::new(lines);
    let [ping, pong] = places(&MEMORY);
    for line in [ping, pong] {
        line.0.store(0, Ordering::Relaxed);
    }
    let ready = Arc::new(Barrier::new(2));
    let there = Arc::clone(&ready);
    let answering = thread::spawn(move || {
        pin(1);
        there.wait();
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
        word.store(black_box(n), Ordering::Release);
        black_box(word.load(Ordering::Acquire));
    })
}

/// A whole payload of `bytes` copied and read.
pub fn copy(plan: &Plan, bytes: usize) -> Round {
    let (source, mut target) = (Pages::new(bytes, 7), Pages::new(bytes, 0));
    time(plan, |_| {
        black_box(target.bytes()).copy_from_slice(black_box(source.as_ref()));
        black_box(read(black_box(target.as_ref())));
    })
}

/// Reads a payload: one word of each of its cache lines.
#[inline(always)]
pub fn read(bytes: &[u8]) -> u64 {
    // The shortest way for the shortest messages: what is measured is not this.
    if let Ok(word) = bytes.try_into() {
        return u64::from_le_bytes(word);
    }
    if bytes.len() <= 64 {
        return first(bytes);
    }
    // Lines of a length that the compiler knows: a load and an addition each, without asking how long each one is.
    let (lines, rest) = bytes.as_chunks::<64>();
    let word = |line: &[u8; 64]| line.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    lines.iter().fold(first(rest), |sum, line| sum.wrapping_add(word(line)))
}

/// Memory that begins at a page. How fast a copy is depends on where its ends lie within theirs; nobody's may differ.
#[derive(Debug)]
pub struct Pages {
    memory: Vec<u8>,
    start: usize,
    bytes: usize,
}

impl Pages {
    /// `bytes` of `value`.
    pub fn new(bytes: usize, value: u8) -> Self {
        const PAGE: usize = 4096;
        let memory = vec![value; bytes + PAGE];
        let start = memory.as_ptr().align_offset(PAGE).min(PAGE);
        Self { memory, start, bytes }
    }

    /// To be written.
    #[inline(always)]
    pub fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.bytes]
    }
}

impl AsRef<[u8]> for Pages {
    #[inline(always)]
    fn as_ref(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.bytes]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_trip_has_two_lines_of_its_own() {
        let lines = lines();
        let address = |line: &Line| std::ptr::from_ref(line).addr();
        let mut taken: Vec<_> = (0..LINES / 2).flat_map(|_| places(&lines).map(address)).collect();
        taken.sort_unstable();
        taken.dedup();
        // Another test may have taken a pair in between.
        assert!(taken.len() >= LINES - 8, "{}", taken.len());
    }

    #[test]
    fn pages_begin_at_a_page_and_hold_what_was_asked_for() {
        for bytes in [1, 8, 4096, 5000] {
            let mut pages = Pages::new(bytes, 7);
            assert_eq!(pages.as_ref().as_ptr() as usize % 4096, 0);
            assert_eq!(pages.bytes(), vec![7; bytes]);
        }
    }

    #[test]
    fn reading_looks_into_every_line() {
        let mut pages = Pages::new(200, 0);
        for line in 0..4 {
            pages.bytes()[line * 64] = 1;
        }
        assert_eq!(read(pages.as_ref()), 4);
    }
}
