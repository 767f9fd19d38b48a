//! Whether a core is one's own, or somebody else runs on its other hardware thread.
//!
//! On a rented machine that is another tenant, whom nothing else tells of. Code that is bound by how many instructions a core
//! takes in a cycle is then slower by 1.5 to 2, code that waits for its own locked instructions hardly: a ratio of the two says
//! more about the neighbour than about either.
#![allow(unsafe_code)] // additions that no compiler folds

/// Whether this thread has its core to itself, as far as additions tell. True where there are none to ask.
pub fn is_whole() -> bool {
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
