//! Receipts: what a stream notes of each message that it gave out, and the bytes of those that rode in a slot.
//!
//! A sample is a pointer to its receipt. One that carried all this itself would take it along whenever it moves, and a move that
//! follows the stores too closely waits for them, longer than all the rest of a receive takes.

#![allow(unsafe_code)] // words that are written while no sample points at them

use std::cell::{Cell, UnsafeCell};
use std::ptr;

use xbar_layout::Descriptor;
use xbar_layout::ring::INLINE_WORDS;
use xbar_layout::sync::ReadU64;
use xbar_pool::Held;

use crate::Keep;
use crate::sample::Sample;
use crate::spares::{Spare, Spares};
use crate::stream::Stream;

/// Words that are always copied: the rest takes as long again, and most messages that ride in a slot are short.
const FIRST: usize = 2;

/// [`Receipt::cell`] of none: no sample has the receipt.
const BLANK: usize = usize::MAX;

/// [`Receipt::cell`] of a message that was copied.
const COPY: usize = usize::MAX - 1;

/// What is known of one message. The words first, on a cache line of their own.
///
/// Invariant 1: while it is not blank it is one sample's, and nobody writes it.
#[repr(C, align(64))]
pub(crate) struct Receipt {
    words: UnsafeCell<[u64; INLINE_WORDS]>,
    /// The ledger cell that holds the message's block, or [`COPY`], or [`BLANK`].
    cell: Cell<usize>,
    /// Who received it. Where that is may change between two samples.
    pub(crate) stream: Cell<*const Stream>,
    /// Where the bytes are, `length` of them: in `words`, or in the block.
    pub(crate) bytes: Cell<*const u8>,
    pub(crate) length: Cell<usize>,
    pub(crate) sequence: Cell<u64>,
    /// Publish time in ns since the region was created, 0 = none; of a copy, the descriptor that has it.
    time: Cell<u64>,
}

// SAFETY: what it points to is looked at by the sample that it is out for, and none is left when its stream moves.
unsafe impl Send for Receipt {}

/// A receipt that is not out.
pub(crate) struct Blank<'s>(&'s Receipt);

impl Spare for Receipt {
    fn new() -> Self {
        Self {
            words: UnsafeCell::new([0; INLINE_WORDS]),
            cell: Cell::new(BLANK),
            stream: Cell::new(ptr::null()),
            bytes: Cell::new(ptr::null()),
            length: Cell::new(0),
            sequence: Cell::new(0),
            time: Cell::new(0),
        }
    }

    #[inline(always)]
    fn is_free(&self) -> bool {
        self.cell.get() == BLANK
    }
}

impl Receipt {
    /// The ledger cell that holds the message's block, if it is in one.
    #[inline(always)]
    pub(crate) fn cell(&self) -> Option<usize> {
        let cell = self.cell.get();
        (cell != COPY).then_some(cell)
    }

    /// Publish time in ns since the region was created; 0 = none.
    #[inline(always)]
    pub(crate) fn time(&self) -> u64 {
        let time = self.time.get();
        if self.cell.get() == COPY { Descriptor(time).inline_time() } else { time }
    }

    /// The sample is no more.
    #[inline(always)]
    pub(crate) fn come_back(&self) {
        self.cell.set(BLANK);
    }
}

impl<'s> Blank<'s> {
    /// One of a stream's.
    ///
    /// # Safety
    ///
    /// One at a time: the one before was given out, or will not be used again.
    #[inline(always)]
    pub(crate) unsafe fn of(receipts: &'s Spares<Receipt>) -> Self {
        Self(receipts.free())
    }

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
    pub(crate) fn for_copy(
        self,
        stream: &'s Stream,
        (sequence, descriptor): (u64, Descriptor),
        length: usize,
    ) -> Sample<'s> {
        let bytes = self.0.words.get().cast();
        self.give_out(stream, (sequence, descriptor.0), (bytes, length), COPY)
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
        receipt.cell.set(cell);
        // Hardly ever another one: a look is cheaper than a store.
        if !ptr::eq(receipt.stream.get(), stream) {
            receipt.stream.set(stream);
        }
        receipt.bytes.set(bytes);
        receipt.length.set(length);
        receipt.sequence.set(sequence);
        receipt.time.set(time);
        Sample::new(receipt)
    }
}
