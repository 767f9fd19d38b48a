//! A ring on the heap: the same code in one process, and under the model checker.

#![allow(unsafe_code)] // lines seen as words, and memory lent with its Arc

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ptr::NonNull;

use xbar_layout::Lent;
use xbar_layout::sync::{AtomicU64, ReadU64};

use crate::broadcast::{Reader, Writer};

const LINE_WORDS: usize = 8;

/// Words that begin on a cache line.
#[repr(align(64))]
struct Line([AtomicU64; LINE_WORDS]);

impl Line {
    fn zeroed() -> Self {
        Self(core::array::from_fn(|_| AtomicU64::new(0)))
    }
}

/// The memory of a broadcast ring, and the place where its ends come from.
pub struct HeapRing {
    head: Line,
    lines: Vec<Line>,
    slot_words: usize,
}

impl HeapRing {
    /// Room for `capacity` messages (one less is readable at any time) of `message_words` 64-bit words each.
    ///
    /// # Panics
    ///
    /// When `capacity < 2` or `message_words < 1`.
    pub fn new(capacity: usize, message_words: usize) -> Arc<Self> {
        assert!(capacity >= 2, "a ring needs at least 2 slots, not {capacity}");
        assert!(message_words >= 1, "a message needs at least 1 word, not {message_words}");
        let slot_lines = (message_words + 1).div_ceil(LINE_WORDS);
        let lines = (0..capacity * slot_lines).map(|_| Line::zeroed()).collect();
        Arc::new(Self { head: Line::zeroed(), lines, slot_words: slot_lines * LINE_WORDS })
    }

    /// The writing end, continuing where an earlier one stopped. Use one at a time: two would write into one
    /// another's messages (never unsound: all words are atomic).
    pub fn writer(self: &Arc<Self>) -> Writer<Arc<Self>> {
        Writer::resume(self.words(), self.head(), self.slot_words).unwrap_or_else(|error| panic!("{error}"))
    }

    /// A reading end for what is published from now on.
    pub fn reader(self: &Arc<Self>) -> Reader<Arc<Self>> {
        let words = self.words().part(|words| ReadU64::of_slice(words));
        let head = self.head().part(ReadU64::of);
        Reader::join(words, head, self.slot_words).unwrap_or_else(|error| panic!("{error}"))
    }

    fn words(self: &Arc<Self>) -> Lent<[AtomicU64], Arc<Self>> {
        let words = self.lines.len() * LINE_WORDS;
        let place = NonNull::slice_from_raw_parts(NonNull::from(self.lines.as_slice()).cast(), words);
        // SAFETY: a line is its eight words without padding (eight times the word is a multiple of its alignment),
        // the vector is never touched again, and the Arc keeps it.
        unsafe { Lent::new(place, Arc::clone(self)) }
    }

    fn head(self: &Arc<Self>) -> Lent<AtomicU64, Arc<Self>> {
        // SAFETY: a field of what the Arc keeps.
        unsafe { Lent::new(NonNull::from(&self.head.0[0]), Arc::clone(self)) }
    }
}

impl fmt::Debug for HeapRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeapRing").field("slot_words", &self.slot_words).finish_non_exhaustive()
    }
}

const _: () = assert!(size_of::<Line>() == LINE_WORDS * size_of::<AtomicU64>());
