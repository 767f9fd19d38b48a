//! Rings on the heap: the same code in one process, and under the model checker.

#![allow(unsafe_code)] // lines seen as words, and memory lent with its Arc

use alloc::sync::Arc;
use core::fmt;
use core::ptr::NonNull;

use xbar_layout::Lent;
use xbar_layout::sync::{AtomicU64, ReadU64};

use crate::broadcast::{Reader, Writer};
use crate::line::Line;
use crate::slots::{Backing, Slots};
use crate::stride::LINE_WORDS;

/// Zeroed cache lines, lent together with the `Arc` that keeps them.
pub struct HeapLines(Slots<Line>);

impl HeapLines {
    /// `count` lines.
    ///
    /// # Panics
    ///
    /// When there is not so much memory; `what` says what for.
    pub fn new(count: usize, what: &str) -> Arc<Self> {
        Self::new_in(count, what, None)
    }

    /// `count` lines in `backing`.
    ///
    /// # Panics
    ///
    /// When there is not so much memory; `what` says what for.
    pub fn new_in(count: usize, what: &str, backing: Backing) -> Arc<Self> {
        Arc::new(Self(Slots::new(count, backing, what, |_| Line::zeroed())))
    }

    /// The words of the lines from `first` on.
    ///
    /// # Panics
    ///
    /// When there are fewer lines.
    pub fn from(self: &Arc<Self>, first: usize) -> Lent<[AtomicU64], Arc<Self>> {
        let lines = &self.0[first..];
        let place = NonNull::slice_from_raw_parts(NonNull::from(lines).cast(), lines.len() * LINE_WORDS);
        // SAFETY: a line is its words without padding, the slots never move, and the Arc keeps it.
        unsafe { Lent::new(place, Arc::clone(self)) }
    }

    /// The first word of a line.
    ///
    /// # Panics
    ///
    /// When there is no such line.
    pub fn first_of(self: &Arc<Self>, line: usize) -> Lent<AtomicU64, Arc<Self>> {
        self.from(line).part(|words| &words[0])
    }
}

impl fmt::Debug for HeapLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeapLines").field("lines", &self.0.len()).finish()
    }
}

/// Who keeps a ring on the heap: every end of it.
pub type Heap = Arc<HeapLines>;

/// Memory of a ring of `capacity` values of type `T`, each in a slot of `slot_words`, with `head` lines in front.
///
/// # Panics
///
/// When `capacity < 2`, or when there is not so much memory.
pub(crate) fn ring_lines<T>(capacity: usize, slot_words: usize, head: usize, backing: Backing) -> Heap {
    assert!(capacity >= 2, "a channel needs a capacity >= 2, not {capacity}");
    let count = capacity.saturating_mul(slot_words).div_ceil(LINE_WORDS).saturating_add(head);
    let what = alloc::format!("a channel of {capacity} values of {} bytes", size_of::<T>());
    HeapLines::new_in(count, &what, backing)
}

/// The memory of a broadcast ring of words, and the place where its ends come from.
pub struct HeapRing {
    lines: Arc<HeapLines>,
    slot_words: usize,
}

impl HeapRing {
    /// Room for `capacity` messages (one less is readable at any time) of `message_words` 64-bit words each.
    ///
    /// # Panics
    ///
    /// When `capacity < 2` or `message_words < 1`, or when there is not so much memory.
    pub fn new(capacity: usize, message_words: usize) -> Self {
        assert!(capacity >= 2, "a ring needs a capacity >= 2, not {capacity}");
        assert!(message_words >= 1, "a message needs at least 1 word, not {message_words}");
        let slot_lines = message_words.saturating_add(1).div_ceil(LINE_WORDS);
        let lines = capacity.saturating_mul(slot_lines).saturating_add(1);
        let what = format_args!("a ring of {capacity} messages of {message_words} words");
        Self { lines: HeapLines::new(lines, &alloc::format!("{what}")), slot_words: slot_lines * LINE_WORDS }
    }

    /// The writing end, continuing where an earlier one stopped. Use one at a time: two would write into one
    /// another's messages (never unsound: all words are atomic).
    pub fn writer(&self) -> Writer<Arc<HeapLines>> {
        let (head, words) = (self.lines.first_of(0), self.lines.from(1));
        Writer::resume(words, head, self.slot_words).unwrap_or_else(|error| panic!("{error}"))
    }

    /// A reading end for what is published from now on.
    pub fn reader(&self) -> Reader<Arc<HeapLines>> {
        let words = self.lines.from(1).part(|words| ReadU64::of_slice(words));
        let head = self.lines.first_of(0).part(ReadU64::of);
        Reader::join(words, head, self.slot_words).unwrap_or_else(|error| panic!("{error}"))
    }
}

impl fmt::Debug for HeapRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeapRing").field("slot_words", &self.slot_words).finish_non_exhaustive()
    }
}
