//! Huge pages under a region: one entry of the address cache for 2 MB, where the system has such pages at hand.
//!
//! A file in memory gets usual pages unless its file system was mounted otherwise, so a region asks for each stretch by itself
//! ([`collapse`]). That is a wish: what is refused has usual pages, and nothing else is different. Who maps the file gets them
//! as such only at an address that lies as the file does ([`alike`]).

#![allow(unsafe_code)] // a piece of address space to find room in, and advice that rustix lacks

use std::ffi::c_void;
use std::ptr;

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

use crate::mapping::Mapping;
use crate::memory::HUGE_PAGE_BYTES;

/// A page that every system has.
const PAGE_BYTES: usize = 4096;

/// An address for `bytes` from `offset` of a file at which its huge pages can be mapped as such, free a moment ago; none for a
/// piece too short to have any.
pub(crate) fn alike(offset: usize, bytes: usize) -> Option<usize> {
    if bytes < HUGE_PAGE_BYTES {
        return None;
    }
    let room = bytes.checked_add(HUGE_PAGE_BYTES)?;
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    // SAFETY: a new mapping at an address that the kernel chooses replaces nothing.
    let base = unsafe { mmap_anonymous(ptr::null_mut(), room, ProtFlags::empty(), flags) }.ok()?;
    // SAFETY: mapped a line above, and nobody knows of it.
    let freed = unsafe { munmap(base, room) };
    let start = base.addr();
    let missing = offset.wrapping_sub(start) % HUGE_PAGE_BYTES;
    freed.ok().map(|()| start + missing)
}

/// Asks for huge pages wherever a whole one fits in `mapping`, of a file that nobody else has yet and that may have holes; ends at
/// the first that is refused.
pub(crate) fn collapse(mapping: &Mapping) {
    let (start, end) = (mapping.base().addr().get(), mapping.base().addr().get() + mapping.len());
    let first = start.next_multiple_of(HUGE_PAGE_BYTES);
    for stretch in (first..end).step_by(HUGE_PAGE_BYTES) {
        if end - stretch < HUGE_PAGE_BYTES || !collapsed(mapping.base().as_ptr().with_addr(stretch).cast()) {
            return;
        }
    }
}

/// Puts a huge page under the 2 MB from `stretch`.
fn collapsed(stretch: *mut c_void) -> bool {
    // What is collapsed is what there is, so one page must be there; a full file system says so here, not by a signal.
    // SAFETY: advice about whole pages of a mapping that the caller keeps; it changes no byte.
    if unsafe { madvise(stretch, PAGE_BYTES, Advice::LinuxPopulateWrite) }.is_err() {
        return false;
    }
    // SAFETY: as above.
    unsafe { libc::madvise(stretch, HUGE_PAGE_BYTES, libc::MADV_COLLAPSE) == 0 }
}
