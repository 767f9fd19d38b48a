//! The ledger: which blocks a reader holds, in cells of its own record.
//!
//! Hold against reclaim is a store-then-look on both sides:
//!
//! ```text
//! reader      cell <- block;  full fence;  does the slot still name the message?   yes: held
//! publisher   slot marked as overwritten;  full fence;  does any cell name the block?   no: reuse it
//! ```
//!
//! 1. If the reader's fence comes first in the order of full fences, the publisher's look sees the cell: not reused.
//! 2. If the publisher's fence comes first, the reader's second look sees the mark: not held, the cell is cleared.
//!
//! This is reference counting with the count spread over its holders: no two readers write the same line, and the
//! references of a dead holder are dropped by clearing its row.

#![allow(unsafe_code)] // a hold made again from its cell, by its caller's promise

use core::cell::Cell;
use core::fmt;

use xbar_layout::Lent;
use xbar_layout::sync::{AtomicU32, Ordering, claim_then_full_fence};

/// One reader's row of cells, each 0 or a held block's index + 1.
///
/// Any thread may hold and release through a row; a `Ledger` value is one thread's way to it.
pub struct Ledger<K> {
    cells: Lent<[AtomicU32], K>,
    /// Where the last free cell was found; the next one is probably there again.
    hint: Cell<usize>,
}

/// Why a block was not held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldError {
    /// All cells are in use: this many samples are held already.
    Full,
    /// The slot does not name the message any more.
    Gone,
}

impl<K> Ledger<K> {
    /// A way to the row `cells`.
    pub const fn new(cells: Lent<[AtomicU32], K>) -> Self {
        Self { cells, hint: Cell::new(0) }
    }

    /// Holds block `index` if `still_named()` says, after the cell is visible to every reclaimer, that the slot still
    /// names it.
    ///
    /// # Errors
    ///
    /// [`HoldError`]; no cell is taken then.
    #[inline(always)]
    pub fn hold(&self, index: u32, still_named: impl FnOnce() -> bool) -> Result<Held<'_, K>, HoldError> {
        let value = index.wrapping_add(1);
        let mut place = self.hint.get();
        // ORDERING: ledger: the claim makes the cell visible before the full fence; the partner is the full fence in
        // `Limbo::reclaim`.
        if !claim_then_full_fence(&self.cells[place], value) {
            place = self.other_cell(value)?;
        }
        let held = Held { ledger: self, place };
        if still_named() { Ok(held) } else { Err(HoldError::Gone) }
    }

    #[cold]
    fn other_cell(&self, value: u32) -> Result<usize, HoldError> {
        let hint = self.hint.get();
        let cells = self.cells.len();
        let place = (hint + 1..cells).chain(0..hint).find(|&place| {
            // ORDERING: ledger: as in `hold`.
            claim_then_full_fence(&self.cells[place], value)
        });
        let place = place.ok_or(HoldError::Full)?;
        self.hint.set(place);
        Ok(place)
    }

    /// The hold on cell `place`, again.
    ///
    /// # Safety
    ///
    /// `place` must be from [`Held::into_place`] of this ledger, once each time.
    #[inline(always)]
    pub const unsafe fn held(&self, place: usize) -> Held<'_, K> {
        Held { ledger: self, place }
    }

    /// Samples that can be held at once.
    pub fn cells(&self) -> usize {
        self.cells.len()
    }
}

impl<K: Clone> Clone for Ledger<K> {
    fn clone(&self) -> Self {
        Self { cells: self.cells.clone(), hint: Cell::new(0) }
    }
}

impl<K> fmt::Debug for Ledger<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("cells", &self.cells()).finish_non_exhaustive()
    }
}

/// A hold on one block; ends when dropped.
pub struct Held<'l, K> {
    ledger: &'l Ledger<K>,
    place: usize,
}

impl<K> Held<'_, K> {
    /// The hold's cell; it stays held, for [`Ledger::held`].
    #[inline(always)]
    pub fn into_place(self) -> usize {
        let place = self.place;
        core::mem::forget(self);
        place
    }

    /// The same hold, free to go to another thread and to outlive the ledger.
    pub fn into_owned(self) -> OwnedHeld<K>
    where
        K: Clone,
    {
        let owned = OwnedHeld { cell: self.ledger.cells.part(|cells| &cells[self.place]) };
        core::mem::forget(self);
        owned
    }
}

impl<K> Drop for Held<'_, K> {
    #[inline(always)]
    fn drop(&mut self) {
        release(&self.ledger.cells[self.place]);
    }
}

impl<K> fmt::Debug for Held<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}

/// A [`Held`] that keeps its memory itself.
pub struct OwnedHeld<K> {
    cell: Lent<AtomicU32, K>,
}

impl<K> Drop for OwnedHeld<K> {
    fn drop(&mut self) {
        release(&self.cell);
    }
}

impl<K> fmt::Debug for OwnedHeld<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedHeld").finish_non_exhaustive()
    }
}

#[inline(always)]
fn release(cell: &AtomicU32) {
    // ORDERING: ledger: release pairs with the acquire of `Limbo::reclaim`: all reads of the block end before its reuse.
    // A later claim of this cell is a read-modify-write and hides nothing: it continues this release.
    cell.store(0, Ordering::Release);
}

/// Every reader's row, as a reclaimer sees them: `cells` words from word `first`, again every `stride` words.
pub struct Ledgers<K> {
    words: Lent<[AtomicU32], K>,
    first: usize,
    stride: usize,
    cells: usize,
}

impl<K> Ledgers<K> {
    /// The rows in `words`.
    pub const fn new(words: Lent<[AtomicU32], K>, first: usize, stride: usize, cells: usize) -> Self {
        Self { words, first, stride, cells }
    }

    /// True when one of the first `readers` rows names block `index`.
    pub(crate) fn name(&self, index: u32, readers: usize) -> bool {
        (0..readers).flat_map(|reader| self.row(reader)).any(|cell| {
            // ORDERING: ledger: acquire pairs with the release that cleared the cell, as in `Limbo::reclaim`.
            cell.load(Ordering::Acquire) == index.wrapping_add(1)
        })
    }

    /// Row `reader`; empty when the memory has none.
    #[inline]
    pub fn row(&self, reader: usize) -> &[AtomicU32] {
        let start = self.first + reader * self.stride;
        self.words.get(start..start + self.cells).unwrap_or(&[])
    }
}

impl<K: Clone> Clone for Ledgers<K> {
    fn clone(&self) -> Self {
        Self { words: self.words.clone(), ..*self }
    }
}

impl<K> fmt::Debug for Ledgers<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledgers").field("cells", &self.cells).finish_non_exhaustive()
    }
}
