//! Race-free copies between private bytes and shared words.
//!
//! A seqlock's reader may copy while the writer overwrites, so both sides copy with atomic accesses: relaxed words
//! up to [`WORDS_UP_TO`] bytes, above that a vector loop in assembly, which stands for a sequence of relaxed atomic
//! accesses (the compiler may not vectorise those itself). Under the model checker, Miri and on other machines
//! everything goes by words.
//!
//! Nothing here orders anything: stamps and fences around the copy do.

#![allow(unsafe_code)] // the vector loops

use xbar_layout::sync::{AtomicU64, Ordering, ReadU64};

/// Bytes up to which words are at least as fast as the vector loop.
pub const WORDS_UP_TO: usize = 64;

const WORD: usize = 8;

/// Copies `from` into `to`, in memory order; the last word's missing bytes become zero.
///
/// # Panics
///
/// When `to` has fewer than `from.len() / 8` words, rounded up.
#[inline(always)]
pub fn store_bytes(to: &[AtomicU64], from: &[u8]) {
    let to = &to[..from.len().div_ceil(WORD)];
    let done = if from.len() > WORDS_UP_TO { vector::store(to, from) } else { 0 };
    let (to, from) = (&to[done / WORD..], &from[done..]);
    let (words, rest) = from.split_at(from.len() / WORD * WORD);
    for (word, bytes) in to.iter().zip(words.chunks_exact(WORD)) {
        let value = u64::from_ne_bytes(bytes.try_into().unwrap_or([0; WORD])); // always eight bytes
        // ORDERING: none; the slot's stamp publishes the copy.
        word.store(value, Ordering::Relaxed);
    }
    if !rest.is_empty() {
        let mut last = [0; WORD];
        last[..rest.len()].copy_from_slice(rest);
        // ORDERING: none; as above.
        to[words.len() / WORD].store(u64::from_ne_bytes(last), Ordering::Relaxed);
    }
}

/// Copies `from` into `to`, in memory order.
///
/// # Panics
///
/// When `from` has fewer than `to.len() / 8` words, rounded up.
#[inline(always)]
pub fn load_bytes(to: &mut [u8], from: &[ReadU64]) {
    let from = &from[..to.len().div_ceil(WORD)];
    let done = if to.len() > WORDS_UP_TO { vector::load(to, from) } else { 0 };
    let (to, from) = (&mut to[done..], &from[done / WORD..]);
    for (bytes, word) in to.chunks_mut(WORD).zip(from) {
        bytes.copy_from_slice(&word.load_relaxed().to_ne_bytes()[..bytes.len()]);
    }
}

#[cfg(all(target_arch = "x86_64", not(any(xbar_loom, xbar_tsan, miri))))]
mod vector {
    use super::{AtomicU64, ReadU64};

    /// Bytes that one turn of the loop moves.
    const TURN: usize = 64;

    /// Copies `bytes` (a multiple of [`TURN`], not 0) with four vector moves a turn.
    ///
    /// # Safety
    ///
    /// Both places must be valid for `bytes` bytes. The shared one may be accessed by others at the same time,
    /// through atomics or through this loop alone.
    #[inline(always)]
    unsafe fn copy(from: *const u8, to: *mut u8, bytes: usize) {
        // SAFETY: moves `bytes` bytes from `from` to `to`, both valid for that; unaligned moves need no alignment.
        // An aligned eight-byte part of a vector move is one access on x86_64, so this is what relaxed stores and
        // loads of the words would be.
        unsafe {
            core::arch::asm!(
                "2:",
                "movups {a}, [{from} + {i}]",
                "movups {b}, [{from} + {i} + 16]",
                "movups {c}, [{from} + {i} + 32]",
                "movups {d}, [{from} + {i} + 48]",
                "movups [{to} + {i}], {a}",
                "movups [{to} + {i} + 16], {b}",
                "movups [{to} + {i} + 32], {c}",
                "movups [{to} + {i} + 48], {d}",
                "add {i}, 64",
                "cmp {i}, {bytes}",
                "jb 2b",
                from = in(reg) from,
                to = in(reg) to,
                bytes = in(reg) bytes,
                i = inout(reg) 0_usize => _,
                a = out(xmm_reg) _,
                b = out(xmm_reg) _,
                c = out(xmm_reg) _,
                d = out(xmm_reg) _,
                options(nostack),
            );
        }
    }

    /// Stores as many whole turns as fit; says how many bytes that were.
    #[inline(always)]
    pub(super) fn store(to: &[AtomicU64], from: &[u8]) -> usize {
        let bytes = from.len() / TURN * TURN;
        // SAFETY: `from` has `bytes` bytes, `to` the words for them (the caller cut it so), and more than 64.
        unsafe { copy(from.as_ptr(), to.as_ptr().cast::<u8>().cast_mut(), bytes) };
        bytes
    }

    /// Loads as many whole turns as fit; says how many bytes that were.
    #[inline(always)]
    pub(super) fn load(to: &mut [u8], from: &[ReadU64]) -> usize {
        let bytes = to.len() / TURN * TURN;
        // SAFETY: `to` has `bytes` bytes, `from` the words for them (the caller cut it so), and more than 64.
        unsafe { copy(from.as_ptr().cast(), to.as_mut_ptr(), bytes) };
        bytes
    }
}

#[cfg(not(all(target_arch = "x86_64", not(any(xbar_loom, xbar_tsan, miri)))))]
mod vector {
    use super::{AtomicU64, ReadU64};

    /// No vector loop here: everything by words.
    pub(super) fn store(_to: &[AtomicU64], _from: &[u8]) -> usize {
        0
    }

    /// As above.
    pub(super) fn load(_to: &mut [u8], _from: &[ReadU64]) -> usize {
        0
    }
}

#[cfg(all(test, not(xbar_loom)))]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn every_length_arrives_whole_and_nothing_beside_it_changes() {
        for length in (0..300_usize).chain([511, 512, 513, 4096]) {
            let from: Vec<u8> = (0..length).map(|i| (i * 7 + 1) as u8).collect();
            let words: Vec<AtomicU64> = (0..length / 8 + 3).map(|_| AtomicU64::new(u64::MAX)).collect();
            store_bytes(&words, &from);
            let used = length.div_ceil(8);
            assert!(words[used..].iter().all(|w| ReadU64::of(w).load_relaxed() == u64::MAX), "{length}");
            let mut to = std::vec![0xee; length];
            load_bytes(&mut to, ReadU64::of_slice(&words));
            assert_eq!(to, from);
        }
    }
}
