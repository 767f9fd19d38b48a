//! Copies of messages that rode in a slot, kept beside the stream for the samples that show them.
//!
//! A sample that carried its copy itself would take it along whenever it moves, and a move that follows the stores of the
//! words too closely waits for them, longer than all the rest of a receive takes. So a sample only points.

#![allow(unsafe_code)] // lines that are written while nobody points at them

use std::cell::{Cell, RefCell, UnsafeCell};
use std::fmt;
use std::mem;
use std::ptr::NonNull;

use xbar_layout::ring::INLINE_WORDS;
use xbar_layout::sync::ReadU64;

/// Lines of a shelf: more samples than most users ever hold of one stream.
const LINES: usize = 16;

/// Words that are always copied: the rest takes as long again, and most messages that ride in a slot are short.
const FIRST: usize = 2;

/// On the place of a copy that is not on the first shelf.
const ELSEWHERE: usize = 1 << 32;

/// Room for the words of one message, on a cache line of its own.
#[repr(align(64))]
struct Line(UnsafeCell<[u64; INLINE_WORDS]>);

/// Some lines, and a bit for each that is free.
struct Shelf {
    lines: Box<[Line; LINES]>,
    free: Cell<u32>,
}

/// Lines for copies: as many as there are samples.
///
/// Invariant 1: a line whose bit is not set in `free` of its shelf is one [`Copied`]'s, and nobody writes it.
pub(crate) struct Copies {
    first: Shelf,
    /// For those who hold more samples than the first has lines.
    more: RefCell<Vec<Shelf>>,
}

/// The copy of one message; its line is free again when this is dropped.
pub(crate) struct Copied<'c> {
    copies: &'c Copies,
    /// The line's bit in the first shelf, or [`ELSEWHERE`] and the line's number, counted through the shelves behind.
    place: usize,
    words: NonNull<u64>,
}

impl Shelf {
    fn new() -> Self {
        let lines = std::array::from_fn(|_| Line(UnsafeCell::new([0; INLINE_WORDS])));
        Self { lines: Box::new(lines), free: Cell::new((1 << LINES) - 1) }
    }

    /// Copies the first `length` bytes of `words` into a free line; says which by its bit, or `None` when there is none.
    #[inline(always)]
    fn copy(&self, words: &[ReadU64], length: usize) -> Option<(u32, NonNull<u64>)> {
        let free = self.free.get();
        let index = free.trailing_zeros() as usize;
        let line = self.lines.get(index)?.0.get();
        // SAFETY: the line is free: nobody has a reference to it (invariant 1), and only this thread uses the shelf.
        let line = unsafe { &mut *line };
        let (first, rest) = words.split_at(FIRST.min(words.len()));
        for (place, word) in line.iter_mut().zip(first) {
            *place = word.load_relaxed();
        }
        if length > FIRST * 8 {
            for (place, word) in line[FIRST..].iter_mut().zip(rest) {
                *place = word.load_relaxed();
            }
        }
        let rest = free & free.wrapping_sub(1);
        self.free.set(rest);
        Some((free ^ rest, NonNull::from(line).cast()))
    }

    #[inline(always)]
    fn give_back(&self, bit: u32) {
        self.free.set(self.free.get() | bit);
    }
}

impl Copies {
    pub(crate) fn new() -> Self {
        Self { first: Shelf::new(), more: RefCell::new(Vec::new()) }
    }

    /// Copies the first `length` bytes of a message, which may be overwritten meanwhile: ask the slot afterwards.
    #[inline(always)]
    pub(crate) fn copy(&self, words: &[ReadU64], length: usize) -> Copied<'_> {
        match self.first.copy(words, length) {
            Some((bit, words)) => Copied { copies: self, place: bit as usize, words },
            None => {
                let (place, words) = self.copy_elsewhere(words, length);
                Copied { copies: self, place, words }
            }
        }
    }

    /// Two words, which are returned in registers: so is then what this is the rare case of.
    #[cold]
    #[inline(never)]
    fn copy_elsewhere(&self, words: &[ReadU64], length: usize) -> (usize, NonNull<u64>) {
        let mut more = self.more.borrow_mut();
        let found =
            more.iter().enumerate().find_map(|(number, shelf)| Some((number, shelf.copy(words, length)?)));
        let (number, (bit, words)) = match found {
            Some(found) => found,
            None => {
                let shelf = Shelf::new();
                let copy = shelf.copy(words, length).expect("a new shelf is free");
                more.push(shelf);
                (more.len() - 1, copy)
            }
        };
        (ELSEWHERE | (number * LINES + bit.trailing_zeros() as usize), words)
    }

    #[cold]
    #[inline(never)]
    fn give_back_elsewhere(&self, line: usize) {
        if let Some(shelf) = self.more.borrow().get(line / LINES) {
            shelf.give_back(1 << (line % LINES));
        }
    }

    /// The copy at `place`, again.
    ///
    /// # Safety
    ///
    /// `place` and `words` must be from [`Copied::into_place`] of a copy here, once each time.
    #[inline(always)]
    pub(crate) const unsafe fn copied(&self, place: usize, words: NonNull<u64>) -> Copied<'_> {
        Copied { copies: self, place, words }
    }
}

impl Copied<'_> {
    /// Where the copy is, and where its bytes are, as many as were copied; they stay as they are until
    /// [`Copies::copied`] is dropped.
    #[inline(always)]
    pub(crate) fn into_place(self) -> (usize, NonNull<u64>) {
        let place = (self.place, self.words);
        mem::forget(self);
        place
    }
}

impl Drop for Copied<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.place & ELSEWHERE == 0 {
            self.copies.first.give_back(self.place as u32);
        } else {
            self.copies.give_back_elsewhere(self.place & !ELSEWHERE);
        }
    }
}

impl fmt::Debug for Copies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = LINES - self.first.free.get().count_ones() as usize;
        f.debug_struct("Copies").field("held", &held).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(xbar_loom)))]
mod tests {
    use super::*;
    use xbar_layout::sync::AtomicU64;

    fn words(value: u64) -> [AtomicU64; INLINE_WORDS] {
        std::array::from_fn(|place| AtomicU64::new(value * 10 + place as u64))
    }

    fn shows(copied: &Copied<'_>, value: u64) -> bool {
        // SAFETY: the words of a copy, which lives.
        let seen = unsafe { std::slice::from_raw_parts(copied.words.as_ptr(), INLINE_WORDS) };
        seen.iter().enumerate().all(|(place, word)| *word == value * 10 + place as u64)
    }

    #[test]
    fn copies_stay_as_they_are_however_many_there_are() {
        let copies = Copies::new();
        let take = |value| copies.copy(ReadU64::of_slice(&words(value)), 8 * INLINE_WORDS);
        let mut held: Vec<_> = (0..100).map(|value| (value, take(value))).collect();
        held.retain(|(value, _)| value % 3 != 0);
        held.extend((200..260).map(|value| (value, take(value))));
        assert!(held.iter().all(|(value, copied)| shows(copied, *value)));
        let shelves = copies.more.borrow().len();
        drop(held);
        let _again: Vec<_> = (0..100).map(take).collect();
        assert_eq!(copies.more.borrow().len(), shelves, "lines that were given back are used again");
    }
}
