//! Vector moves in assembly, each of which means what relaxed accesses of its words mean.

#![allow(unsafe_code)] // the moves

use core::arch::asm;
use core::arch::x86_64::__cpuid;

use xbar_layout::sync::Ordering;
use xbar_layout::sync::unmodelled::AtomicI32;

/// Bytes that one turn of a loop moves.
pub(super) const TURN: usize = 64;

/// Bytes from which on [`copy_words`] copies: two words.
pub(super) const PAIR: usize = 16;

/// Copies `bytes`, whole words, [`PAIR`] at least. The last ones are copied from the end, so that a word may be copied twice.
///
/// # Safety
///
/// As [`copy`].
#[inline(always)]
pub(super) unsafe fn copy_words(from: *const u8, to: *mut u8, bytes: usize) {
    if bytes <= TURN {
        // SAFETY: the caller's promise.
        return unsafe { copy_few(from, to, bytes) };
    }
    let turns = bytes / TURN * TURN;
    // SAFETY: the caller's promise.
    unsafe { copy(from, to, turns) };
    if turns < bytes {
        let last = bytes - TURN;
        // SAFETY: within the bytes.
        unsafe { copy_few(from.wrapping_add(last), to.wrapping_add(last), TURN) };
    }
}

/// Copies `bytes`, whole words from [`PAIR`] to [`TURN`], without a loop.
///
/// # Safety
///
/// As [`copy`].
#[inline(always)]
unsafe fn copy_few(from: *const u8, to: *mut u8, bytes: usize) {
    if bytes > 2 * PAIR {
        // SAFETY: moves the first two pairs and the last two from `from` to `to`, both valid for that; otherwise as in `copy_by_16`.
        unsafe {
            asm!(
                "movups {a}, [{from}]",
                "movups {b}, [{from} + 16]",
                "movups {c}, [{from} + {bytes} - 32]",
                "movups {d}, [{from} + {bytes} - 16]",
                "movups [{to}], {a}",
                "movups [{to} + 16], {b}",
                "movups [{to} + {bytes} - 32], {c}",
                "movups [{to} + {bytes} - 16], {d}",
                from = in(reg) from,
                to = in(reg) to,
                bytes = in(reg) bytes,
                a = out(xmm_reg) _,
                b = out(xmm_reg) _,
                c = out(xmm_reg) _,
                d = out(xmm_reg) _,
                options(nostack, preserves_flags),
            );
        }
    } else {
        // SAFETY: as above, the first pair and the last.
        unsafe {
            asm!(
                "movups {a}, [{from}]",
                "movups {b}, [{from} + {bytes} - 16]",
                "movups [{to}], {a}",
                "movups [{to} + {bytes} - 16], {b}",
                from = in(reg) from,
                to = in(reg) to,
                bytes = in(reg) bytes,
                a = out(xmm_reg) _,
                b = out(xmm_reg) _,
                options(nostack, preserves_flags),
            );
        }
    }
}

/// Copies `bytes` (a multiple of [`TURN`], not 0), with the widest vectors that the processor has.
///
/// # Safety
///
/// Both places must be valid for `bytes` bytes. The shared one may be accessed by others at the same time,
/// through atomics or through these loops alone.
#[inline(always)]
pub(super) unsafe fn copy(from: *const u8, to: *mut u8, bytes: usize) {
    if has_avx() {
        // SAFETY: the caller's promise, and the processor has the instructions.
        unsafe { copy_by_32(from, to, bytes) }
    } else {
        // SAFETY: the caller's promise.
        unsafe { copy_by_16(from, to, bytes) }
    }
}

/// # Safety
///
/// As [`copy`].
#[inline(always)]
unsafe fn copy_by_16(from: *const u8, to: *mut u8, bytes: usize) {
    // SAFETY: moves `bytes` bytes from `from` to `to`, both valid for that; unaligned moves need no alignment.
    // An aligned eight-byte part of a vector move is one access on x86_64, so this is what relaxed stores and
    // loads of the words would be.
    unsafe {
        asm!(
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

/// # Safety
///
/// As [`copy`], and [`has_avx`] must be true.
#[inline(always)]
unsafe fn copy_by_32(from: *const u8, to: *mut u8, bytes: usize) {
    // SAFETY: as in `copy_by_16`. The upper halves that it clears are nobody's: they are clobbered with the registers.
    unsafe {
        asm!(
            "2:",
            "vmovups ymm0, [{from} + {i}]",
            "vmovups ymm1, [{from} + {i} + 32]",
            "vmovups [{to} + {i}], ymm0",
            "vmovups [{to} + {i} + 32], ymm1",
            "add {i}, 64",
            "cmp {i}, {bytes}",
            "jb 2b",
            "vzeroupper",
            from = in(reg) from,
            to = in(reg) to,
            bytes = in(reg) bytes,
            i = inout(reg) 0_usize => _,
            out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _,
            out("xmm4") _, out("xmm5") _, out("xmm6") _, out("xmm7") _,
            out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
            out("xmm12") _, out("xmm13") _, out("xmm14") _, out("xmm15") _,
            options(nostack),
        );
    }
}

/// What [`has_avx`] found: 0 = not asked yet.
static AVX: AtomicI32 = AtomicI32::new(0);
const YES: i32 = 1;
const NO: i32 = 2;

/// True when the processor has 32-byte vectors, and the operating system saves them.
#[inline(always)]
fn has_avx() -> bool {
    if cfg!(target_feature = "avx") {
        return true;
    }
    // ORDERING: none; a fact that everybody finds for themselves.
    match AVX.load(Ordering::Relaxed) {
        0 => ask(),
        answer => answer == YES,
    }
}

#[cold]
fn ask() -> bool {
    const OSXSAVE_AND_AVX: u32 = 1 << 27 | 1 << 28;
    const XMM_AND_YMM_STATE: u32 = 0b110;
    #[allow(unused_unsafe)] // safe since Rust 1.92
    // SAFETY: every x86_64 processor has the instruction.
    let features = unsafe { __cpuid(1) }.ecx;
    let mut yes = features & OSXSAVE_AND_AVX == OSXSAVE_AND_AVX;
    if yes {
        let state: u32;
        // SAFETY: OSXSAVE says that the instruction may be used; it reads register 0 into edx:eax.
        unsafe {
            asm!("xgetbv", in("ecx") 0, out("eax") state, out("edx") _, options(nomem, nostack, preserves_flags));
        }
        yes = state & XMM_AND_YMM_STATE == XMM_AND_YMM_STATE;
    }
    // ORDERING: none; as above.
    AVX.store(if yes { YES } else { NO }, Ordering::Relaxed);
    yes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// The tests above went the way that this processor offers; both must do the same.
    #[test]
    fn both_widths_copy_alike() {
        let from: Vec<u8> = (0..1024_u32).map(|i| (i * 13 + 5) as u8).collect();
        assert_eq!(has_avx(), std::is_x86_feature_detected!("avx"));
        for (offset, turns) in [(0, 1), (0, 15), (3, 7), (8, 15)] {
            let bytes = turns * TURN;
            let mut to = [std::vec![0; bytes], std::vec![0; bytes]];
            // SAFETY: both have so many bytes.
            unsafe { copy_by_16(from[offset..].as_ptr(), to[0].as_mut_ptr(), bytes) };
            if has_avx() {
                // SAFETY: as above.
                unsafe { copy_by_32(from[offset..].as_ptr(), to[1].as_mut_ptr(), bytes) };
            } else {
                to[1].copy_from_slice(&from[offset..offset + bytes]);
            }
            assert_eq!([&to[0][..], &to[1]], [&from[offset..offset + bytes]; 2]);
        }
    }
}
