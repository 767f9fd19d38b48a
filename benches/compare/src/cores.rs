//! Whether cores are one's own, or somebody else runs on their other hardware threads.
//!
//! On a rented machine that is another tenant, whom nothing else tells of. Code that is bound by how many instructions a core
//! takes in a cycle is then slower by 1.5 to 2, code that waits for its own locked instructions hardly: a ratio of the two says
//! more about the neighbour than about either. And two cores that the machine shows may be the two hardware threads of one,
//! for minutes: then nothing that is said of two cores is true.
#![allow(unsafe_code)] // additions that no compiler folds

use std::hint::spin_loop;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::pin;

/// Whether `count` cores, the first of the harness, are what they seem. One: nobody else is on it. Two: they are not the two hardware
/// threads of one. The caller is on the first.
pub fn are_whole(count: usize) -> bool {
    if count < 2 || pin::cores().len() < 2 {
        return is_whole();
    }
    // Of two threads of one core, each has it to itself as long as the other is idle. A core that is shared in any case has
    // no room for the other.
    if !is_whole() {
        return true;
    }
    let other = other();
    other.state.store(WANTED, Ordering::Release);
    other.thread.unpark();
    let is_whole = other.has_started() && is_whole();
    other.state.store(IDLE, Ordering::Release);
    is_whole
}

/// The other thread sleeps.
const IDLE: u32 = 0;
/// It is to do additions until it is idle again.
const WANTED: u32 = 1;
/// It does them.
const STARTED: u32 = 2;

/// A thread on the second core.
struct Other {
    thread: Thread,
    state: &'static AtomicU32,
}

impl Other {
    /// Waits until it does its additions; not for long.
    fn has_started(&self) -> bool {
        let start = Instant::now();
        while self.state.load(Ordering::Acquire) != STARTED {
            if start.elapsed() > Duration::from_millis(5) {
                return false;
            }
            spin_loop();
        }
        true
    }
}

fn other() -> &'static Other {
    static OTHER: OnceLock<Other> = OnceLock::new();
    static STATE: AtomicU32 = AtomicU32::new(IDLE);
    OTHER.get_or_init(|| {
        let work = || {
            pin::pin(1);
            loop {
                let _ = STATE.compare_exchange(WANTED, STARTED, Ordering::AcqRel, Ordering::Relaxed);
                match STATE.load(Ordering::Acquire) {
                    STARTED => _ = is_whole(),
                    _ => thread::park(),
                }
            }
        };
        Other { thread: thread::spawn(work).thread().clone(), state: &STATE }
    })
}

/// Whether this thread has its core to itself. True where there are no additions to ask.
fn is_whole() -> bool {
    #[cfg(target_arch = "x86_64")]
    return additions::one_chain() / additions::four_chains() > ALONE;
    #[cfg(not(target_arch = "x86_64"))]
    true
}

/// Four chains take as long as one on a core that does four additions a cycle and has nobody else; 1.3 times as long and more
/// beside somebody. One chain takes a cycle for each addition in any case, so that the clock does not matter.
#[cfg(target_arch = "x86_64")]
const ALONE: f64 = 0.9;

#[cfg(target_arch = "x86_64")]
mod additions {
    use std::arch::asm;
    use std::time::Instant;

    /// Rounds of 32 additions in a chain: some 10 us.
    const ROUNDS: u64 = 1000;

    /// ns of one chain, each addition waiting for the one before.
    pub fn one_chain() -> f64 {
        // SAFETY: registers of its own, and nothing else.
        time(|| unsafe {
            asm!(
                "2:", ".rept 32", "add {a}, 1", ".endr", "dec {rounds}", "jnz 2b",
                a = inout(reg) 0_u64 => _, rounds = inout(reg) ROUNDS => _,
                options(nomem, nostack),
            );
        })
    }

    /// ns of four chains side by side.
    pub fn four_chains() -> f64 {
        // SAFETY: as above.
        time(|| unsafe {
            asm!(
                "2:", ".rept 32", "add {a}, 1", "add {b}, 1", "add {c}, 1", "add {d}, 1", ".endr", "dec {rounds}", "jnz 2b",
                a = inout(reg) 0_u64 => _, b = inout(reg) 0_u64 => _,
                c = inout(reg) 0_u64 => _, d = inout(reg) 0_u64 => _, rounds = inout(reg) ROUNDS => _,
                options(nomem, nostack),
            );
        })
    }

    /// The faster of two times: one of them may be interrupted.
    fn time(work: impl Fn()) -> f64 {
        let once = || {
            let start = Instant::now();
            work();
            start.elapsed().as_nanos() as f64
        };
        once().min(once())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_core_is_asked_again_and_again() {
        // What it says is the machine's matter; that it comes to an end is not.
        for _ in 0..20 {
            are_whole(2);
        }
    }
}
