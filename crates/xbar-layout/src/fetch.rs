//! Lines fetched for writing before they are written: hints to the processor, which change nothing else.

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
