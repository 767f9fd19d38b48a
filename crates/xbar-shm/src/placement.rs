//! Where a file goes that this process maps already: to an address that the caches take for the first one's.
//!
//! A publisher maps a region writable, a subscriber read-only; both in one process map the same pages twice. Some processors
//! (AMD's since Zen) look a line up in their first cache by a hash of its *linear* address. A line that was written through
//! one mapping is then not found through the other, and is fetched again from the second cache, with every change of sides.
//! Addresses that differ only in bits which the hash leaves out have no such trouble. Which these are was measured
//! (docs/benchmarks.md); where it is wrong, or there is nothing free, nothing is lost but that.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Which file: device and number.
pub(crate) type FileId = (u64, u64);

/// Distances that the hash does not see, and their sums. The first one is all that most processes ever need.
const DISTANCES: [usize; 7] = [
    1 << 36,
    1 << 32,
    1 << 29,
    (1 << 36) + (1 << 32),
    (1 << 36) + (1 << 29),
    (1 << 32) + (1 << 29),
    (1 << 36) + (1 << 32) + (1 << 29),
];

/// What is mapped: the file, and the address that its first byte has, or would have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Placed {
    file: FileId,
    start: usize,
}

static PLACED: Mutex<Vec<Placed>> = Mutex::new(Vec::new());

fn placed() -> MutexGuard<'static, Vec<Placed>> {
    PLACED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Addresses for the byte at `offset` of `file`, the best first; none when no part of it is mapped.
pub(crate) fn candidates(file: FileId, offset: usize) -> impl Iterator<Item = usize> {
    let first = placed().iter().find(|placed| placed.file == file).copied();
    first.into_iter().flat_map(move |first| {
        let below = DISTANCES.iter().map(move |distance| first.start.wrapping_sub(*distance));
        let above = DISTANCES.iter().map(move |distance| first.start.wrapping_add(*distance));
        below.chain(above).map(move |start| start.wrapping_add(offset))
    })
}

/// The byte at `offset` of `file` is mapped at `address` from now on.
pub(crate) fn enter(file: FileId, offset: usize, address: usize) {
    placed().push(Placed { file, start: address.wrapping_sub(offset) });
}

/// One mapping of it goes.
pub(crate) fn leave(file: FileId, offset: usize, address: usize) {
    let gone = Placed { file, start: address.wrapping_sub(offset) };
    let mut placed = placed();
    if let Some(index) = placed.iter().position(|placed| *placed == gone) {
        placed.swap_remove(index);
    }
}

#[cfg(all(test, not(xbar_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_candidates_as_long_as_it_is_mapped() {
        let file = (u64::MAX, 1);
        assert_eq!(candidates(file, 0).next(), None);
        enter(file, 0x1000, 0x7000_0000_1000);
        let all: Vec<_> = candidates(file, 0x3000).collect();
        assert_eq!(all[0], 0x7000_0000_3000 - (1 << 36));
        assert!(all.iter().all(|address| address % (1 << 28) == 0x3000), "{all:x?}");
        leave(file, 0x1000, 0x7000_0000_1000);
        assert_eq!(candidates(file, 0).next(), None);
    }
}
