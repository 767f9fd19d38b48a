//! Limbo: blocks that no slot names any more and that readers may still hold.

use xbar_layout::sync::{Ordering, full_fence};

use crate::ledger::Ledgers;

/// A publisher's evicted blocks, in memory that the caller lends.
///
/// Invariant 1: `length <= storage.len()`; the blocks are `storage[..length]`.
/// Invariant 2: after a reclaim at most one block per ledger cell remains, so room for the cells of all readers plus a
/// batch is always enough.
#[derive(Debug)]
pub struct Limbo<S> {
    storage: S,
    length: usize,
}

impl<S: AsRef<[u32]> + AsMut<[u32]>> Limbo<S> {
    /// An empty limbo over `storage`.
    pub const fn new(storage: S) -> Self {
        Self { storage, length: 0 }
    }

    /// Blocks inside.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// True when nothing is inside.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Adds an evicted block; false when the storage is full.
    #[inline(always)]
    pub fn push(&mut self, index: u32) -> bool {
        match self.storage.as_mut().get_mut(self.length) {
            Some(place) => {
                *place = index;
                self.length += 1;
                true
            }
            None => false,
        }
    }

    /// Frees every block that no cell of the first `readers` rows names; says how many remain.
    ///
    /// The slots that named these blocks must have been marked as overwritten by the calling thread. `readers` is read
    /// by the closure behind the full fence, so a reader that made itself known before its first hold is counted.
    pub fn reclaim<K>(
        &mut self,
        ledgers: &Ledgers<K>,
        readers: impl FnOnce() -> usize,
        mut free: impl FnMut(u32),
    ) -> usize {
        // ORDERING: ledger: the partner is the full fence in `Ledger::hold`; see ledger.rs for the two cases. The marks
        // of the evicted slots stand before it, the looks at the cells behind it.
        full_fence();
        let blocks = &mut self.storage.as_mut()[..self.length];
        let mut held = 0;
        for reader in 0..readers() {
            for cell in ledgers.row(reader) {
                // ORDERING: ledger: acquire pairs with the release in `ledger::release`: a cell that no longer names the
                // block was cleared after the last read of it.
                let value = cell.load(Ordering::Acquire);
                if value == 0 {
                    continue;
                }
                if let Some(place) = blocks[held..].iter().position(|&block| block == value - 1) {
                    blocks.swap(held, held + place);
                    held += 1;
                }
            }
        }
        for &block in &blocks[held..] {
            free(block);
        }
        self.length = held;
        held
    }

    pub(crate) fn contents(&self) -> &[u32] {
        &self.storage.as_ref()[..self.length]
    }
}
