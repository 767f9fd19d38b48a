//! Lines fetched before they are written or read: hints to the processor, which change nothing else.

#![allow(unsafe_code)] // hints, which no address makes fail

use crate::pad::LINE_BYTES;

/// Has the processor fetch the line at `place` for writing.
#[inline(always)]
pub fn line_for_writing(place: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a hint, which no address makes fail, and which processors that do not know it pass over.
    unsafe {
        core::arch::asm!(
            "prefetchw byte ptr [{place}]",
            place = in(reg) place,
            options(nostack, preserves_flags, readonly),
        );
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = place;
}

/// Has the processor fetch eight lines for writing, from `place` on: with one address for all of them.
#[inline(always)]
pub fn eight_lines_for_writing(place: *const u8) {
    const { assert!(LINE_BYTES == 64) };
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: as above.
    unsafe {
        core::arch::asm!(
            "prefetchw byte ptr [{place}]",
            "prefetchw byte ptr [{place} + 64]",
            "prefetchw byte ptr [{place} + 128]",
            "prefetchw byte ptr [{place} + 192]",
            "prefetchw byte ptr [{place} + 256]",
            "prefetchw byte ptr [{place} + 320]",
            "prefetchw byte ptr [{place} + 384]",
            "prefetchw byte ptr [{place} + 448]",
            place = in(reg) place,
            options(nostack, preserves_flags, readonly),
        );
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = place;
}

/// Bytes of a message that are fetched at once, at most; what is behind, the processor fetches by itself when it is read in order.
const AT_ONCE_BYTES: usize = 1024;

/// A longer message is not fetched: it may be wanted for a few of its bytes, and its writer would have to take all those lines back.
const SHORT_BYTES: usize = 4096;

/// Has the processor fetch a message of so many bytes for reading, all its lines at once, if it is a short one.
#[inline(always)]
pub fn short_message(place: *const u8, bytes: usize) {
    if bytes <= SHORT_BYTES {
        for at in (0..bytes.min(AT_ONCE_BYTES)).step_by(LINE_BYTES) {
            line(place.wrapping_add(at));
        }
    }
}

/// Has the processor fetch the line at `place` for reading.
#[inline(always)]
pub fn line(place: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a hint, which no address makes fail.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(place.cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = place;
}
