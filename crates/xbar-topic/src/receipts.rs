//! Receipts: what a stream notes of each message that it gave out, and the bytes of those that rode in a slot.
//!
//! A sample is a pointer to its receipt. One that carried all this itself would take it along whenever it moves, and a move that
//! follows the stores too closely waits for them, longer than all the rest of a receive takes.

#![allow(unsafe_code)] // words that are written while no sample points at them

use std::cell::{Cell, RefCell, UnsafeCell};
use std::fmt;
use std::ptr::{self, NonNull};

use xbar_layout::ring::INLINE_WORDS;
use xbar_layout::sync::ReadU64;
use xbar_pool::Held;

use crate::Keep;
use crate::sample::Sample;
use crate::stream::Stream;

/// Words that are always copied: the rest takes as long again, and most messages that ride in a slot are short.
const FIRST: usize = 2;

/// [`Receipt::cell`] of a message that was copied.
pub(crate) const NO_CELL: usize = usize::MAX;

/// What is known of one message. The words first, on a cache line of their own.
///
/// Invariant 1: while it is out it is one sample's, and nobody writes it.
#[repr(C, align(64))]
pub(crate) struct Receipt {
    words: UnsafeCell<[u64; INLINE_WORDS]>,
    pub(crate) is_out: Cell<bool>,
    /// The ledger cell that holds the message's block, or [`NO_CELL`].
    pub(crate) cell: Cell<usize>,
    /// Where the bytes are, `length` of them: in `words`, or in the block.
    pub(crate) bytes: Cell<*const u8>,
    pub(crate) length: Cell<usize>,
    pub(crate) sequence: Cell<u64>,
    /// Publish time in ns since the region was created; 0 = none.
    pub(crate) time: Cell<u64>,
    /// Who received it. Where that is may change between two samples.
    pub(crate) stream: Cell<*const Stream>,
}

/// A stream's receipts: as many as there are samples.
///
/// Invariant 2: all are this one's, from boxes, until it is dropped. Pointers rather than boxes, which may not be moved while a
/// sample points at what is in them.
pub(crate) struct Receipts {
    first: NonNull<Receipt>,
    /// For those who hold several samples; never fewer.
    more: RefCell<Vec<NonNull<Receipt>>>,
}

// SAFETY: it owns its receipts, and no sample is left when the stream that has it moves.
unsafe impl Send for Receipts {}

/// A receipt that is not out.
pub(crate) struct Blank<'s>(&'s Receipt);

impl Receipts {
    pub(crate) fn new() -> Self {
        Self { first: Receipt::new(), more: RefCell::new(Vec::new()) }
    }

    /// A receipt that is not out.
    ///
    /// # Safety
    ///
    /// One at a time: the one before was given out, or will not be used again.
    #[inline(always)]
    pub(crate) unsafe fn blank(&self) -> Blank<'_> {
        // SAFETY: invariant 2.
        let first = unsafe { self.first.as_ref() };
        Blank(if first.is_out.get() { self.another() } else { first })
    }

    #[cold]
    #[inline(never)]
    fn another(&self) -> &Receipt {
        let mut more = self.more.borrow_mut();
        // SAFETY: invariant 2.
        let all = more.iter().map(|receipt| unsafe { receipt.as_ref() });
        if let Some(receipt) = { all }.find(|receipt| !receipt.is_out.get()) {
            return receipt;
        }
        let receipt = Receipt::new();
        more.push(receipt);
        // SAFETY: invariant 2.
        unsafe { receipt.as_ref() }
    }
}

impl Receipt {
    fn new() -> NonNull<Self> {
        NonNull::from(Box::leak(Box::new(Self {
            words: UnsafeCell::new([0; INLINE_WORDS]),
            is_out: Cell::new(false),
            cell: Cell::new(NO_CELL),
            bytes: Cell::new(ptr::null()),
            length: Cell::new(0),
            sequence: Cell::new(0),
            time: Cell::new(0),
            stream: Cell::new(ptr::null()),
        })))
    }
}

impl<'s> Blank<'s> {
    /// Copies the first `length` bytes of a message, which may be overwritten meanwhile: ask the slot afterwards.
    #[inline(always)]
    pub(crate) fn copy(&self, words: &[ReadU64], length: usize) {
        // SAFETY: not out, so no sample shows them (invariant 1), and only this thread uses the receipt.
        let places = unsafe { &mut *self.0.words.get() };
        let (first, rest) = words.split_at(FIRST.min(words.len()));
        for (place, word) in places.iter_mut().zip(first) {
            *place = word.load_relaxed();
        }
        if length > FIRST * 8 {
            for (place, word) in places[FIRST..].iter_mut().zip(rest) {
                *place = word.load_relaxed();
            }
        }
    }

    /// Gives it out for a message of `length` bytes that was copied.
    #[inline(always)]
    pub(crate) fn for_copy(self, stream: &'s Stream, sequence: u64, time: u64, length: usize) -> Sample<'s> {
        let bytes = self.0.words.get().cast();
        self.give_out(stream, (sequence, time), (bytes, length), NO_CELL)
    }

    /// Gives it out for a message in block `index`, which is held.
    #[inline(always)]
    pub(crate) fn for_block(
        self,
        stream: &'s Stream,
        (sequence, time): (u64, u64),
        (index, length): (u32, usize),
        held: Held<'s, Keep>,
    ) -> Sample<'s> {
        // SAFETY: `held` holds block `index`, and stays with the sample, whose bytes are only given out for as long as it is
        // borrowed.
        let bytes = unsafe { stream.payload.bytes(index, length) }.as_ptr();
        self.give_out(stream, (sequence, time), (bytes, length), held.into_place())
    }

    #[inline(always)]
    fn give_out(
        self,
        stream: &'s Stream,
        (sequence, time): (u64, u64),
        (bytes, length): (*const u8, usize),
        cell: usize,
    ) -> Sample<'s> {
        let Self(receipt) = self;
        receipt.is_out.set(true);
        receipt.cell.set(cell);
        receipt.bytes.set(bytes);
        receipt.length.set(length);
        receipt.sequence.set(sequence);
        receipt.time.set(time);
        receipt.stream.set(stream);
        Sample::new(receipt)
    }
}

impl Drop for Receipts {
    fn drop(&mut self) {
        for receipt in self.more.get_mut().drain(..).chain([self.first]) {
            // SAFETY: invariant 2, and once.
            drop(unsafe { Box::from_raw(receipt.as_ptr()) });
        }
    }
}

impl fmt::Debug for Receipts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let receipts = 1 + self.more.borrow().len();
        f.debug_struct("Receipts").field("receipts", &receipts).finish_non_exhaustive()
    }
}
