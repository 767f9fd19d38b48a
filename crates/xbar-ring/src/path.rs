//! Where message n lies in a ring: the one place where a sequence number becomes an address.
//!
//! A path counts on from slot to slot, so any capacity costs the same: a number is divided only when a path jumps.

#![allow(unsafe_code)] // slots found without a second check of what the invariants say

use core::{fmt, ptr};

use xbar_layout::{Lent, fetch};

use crate::stride::Stride;

/// Why memory cannot be a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingError {
    words: usize,
    slot_words: usize,
    least: usize,
}

impl fmt::Display for RingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { words, slot_words, least } = self;
        write!(
            f,
            "{words} words cannot be a ring of slots of {slot_words} words: a slot needs at least {least} words, \
             and a ring at least two whole slots"
        )
    }
}

impl core::error::Error for RingError {}

/// The slots of a ring, and a place among them: that of the message `next`.
///
/// Invariant 1: `capacity` slots of `stride` words are exactly `words`, and at least two.
/// Invariant 2: `place` is the first word of a slot; of that of `next`, as long as numbers do not wrap.
pub(crate) struct Path<W, K, S> {
    words: Lent<[W], K>,
    stride: S,
    capacity: u64,
    next: u64,
    place: usize,
}

impl<W, K, S: Stride> Path<W, K, S> {
    /// A path that begins at message 0, in slots of at least `least` words.
    pub(crate) fn new(words: Lent<[W], K>, stride: S, least: usize) -> Result<Self, RingError> {
        let (count, slot_words) = (words.len(), stride.words());
        if slot_words < least || count % slot_words != 0 || count / slot_words < 2 {
            return Err(RingError { words: count, slot_words, least });
        }
        Ok(Self { capacity: (count / slot_words) as u64, words, stride, next: 0, place: 0 })
    }

    /// Slots.
    #[inline(always)]
    pub(crate) const fn capacity(&self) -> u64 {
        self.capacity
    }

    /// The message at whose slot the path is.
    #[inline(always)]
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// The slots, for what looks at them without this path.
    #[inline(always)]
    pub(crate) fn ring(&self) -> Ring<'_, W, S> {
        Ring { words: &self.words, stride: self.stride, capacity: self.capacity }
    }

    /// All words, slot by slot.
    pub(crate) fn slots(&self) -> impl Iterator<Item = &[W]> {
        self.words.chunks_exact(self.stride.words())
    }

    /// Which slot that of `next` is, from 0.
    #[inline(always)]
    pub(crate) fn index(&self) -> usize {
        self.place / self.stride.words()
    }

    /// The words of the slot of `next`.
    #[inline(always)]
    pub(crate) fn slot(&self) -> &[W] {
        // SAFETY: invariant 2.
        unsafe { slot(&self.words, self.stride, self.place) }
    }

    /// The words of the slot of `next`, and the way to the slot behind it.
    #[inline(always)]
    pub(crate) fn split(&mut self) -> (&[W], Step<'_, W, S>) {
        let words = &*self.words;
        // SAFETY: invariant 2.
        let here = unsafe { slot(words, self.stride, self.place) };
        let behind = self.place + self.stride.words();
        let behind = if behind == words.len() { first_place() } else { behind };
        let (sequence, stride) = (self.next, self.stride);
        let step = Step { words, stride, sequence, behind, next: &mut self.next, place: &mut self.place };
        (here, step)
    }

    /// Moves to the next message.
    #[inline(always)]
    pub(crate) fn step(&mut self) {
        self.split().1.take();
    }

    /// Moves to the message before.
    #[inline(always)]
    pub(crate) fn step_back(&mut self) {
        let here = if self.place == 0 { self.words.len() } else { self.place };
        self.place = here - self.stride.words();
        self.next = self.next.wrapping_sub(1);
    }

    /// Moves to any message.
    #[inline(always)]
    pub(crate) fn go_to(&mut self, sequence: u64) {
        self.place = self.ring().place_of(sequence);
        self.next = sequence;
    }

    /// Moves to a later message; cheap for the next one.
    #[inline(always)]
    pub(crate) fn forward(&mut self, sequence: u64) {
        if sequence == self.next.wrapping_add(1) { self.step() } else { self.go_to(sequence) }
    }
}

/// The slots of a ring, without a place among them. Passed by value to what is rare, so that no path has to be in memory for
/// it.
pub(crate) struct Ring<'p, W, S> {
    words: &'p [W],
    stride: S,
    capacity: u64,
}

impl<'p, W, S: Stride> Ring<'p, W, S> {
    /// Slots.
    pub(crate) const fn capacity(&self) -> u64 {
        self.capacity
    }

    /// The words of the slot of any message.
    pub(crate) fn slot_of(&self, sequence: u64) -> &'p [W] {
        // SAFETY: the place of a slot.
        unsafe { slot(self.words, self.stride, self.place_of(sequence)) }
    }

    #[inline(always)]
    fn place_of(&self, sequence: u64) -> usize {
        (sequence % self.capacity) as usize * self.stride.words()
    }
}

impl<W, K: Clone, S: Copy> Clone for Path<W, K, S> {
    fn clone(&self) -> Self {
        let Self { ref words, stride, capacity, next, place } = *self;
        Self { words: words.clone(), stride, capacity, next, place }
    }
}

/// The words of the slot at `place`.
///
/// # Safety
///
/// `place` must be the first word of a slot of `words`, which are whole slots.
#[inline(always)]
unsafe fn slot<W, S: Stride>(words: &[W], stride: S, place: usize) -> &[W] {
    debug_assert!(place + stride.words() <= words.len() && place % stride.words() == 0);
    // SAFETY: a slot's words lie within the words (the caller's promise, and invariant 1 of the path).
    unsafe { words.get_unchecked(place..place + stride.words()) }
}

/// Where a lap begins: once a lap, so that the compiler branches over it. It would select otherwise, and the place of each
/// message would wait for a comparison with the place of the one before.
#[cold]
const fn first_place() -> usize {
    0
}

/// The step from a message to the next one: everything it takes was read before, so that the fences around a message do not
/// make the compiler read it again.
pub(crate) struct Step<'p, W, S> {
    words: &'p [W],
    stride: S,
    sequence: u64,
    behind: usize,
    next: &'p mut u64,
    place: &'p mut usize,
}

impl<'p, W, S: Stride> Step<'p, W, S> {
    /// The message that the step leaves.
    #[inline(always)]
    pub(crate) const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The words of the slot that it leads to.
    #[inline(always)]
    pub(crate) fn slot_behind(&self) -> &'p [W] {
        // SAFETY: the slot behind a slot, or the first.
        unsafe { slot(self.words, self.stride, self.behind) }
    }

    /// Has a line ahead fetched for writing, if the stride says so. Not where the ring ends before: what lies behind it is somebody
    /// else's.
    #[inline(always)]
    pub(crate) fn fetch_ahead(&self) {
        if S::FETCHED_AHEAD > 0 {
            let ahead = self.behind + S::FETCHED_AHEAD * self.stride.words();
            if let Some(word) = self.words.get(ahead) {
                fetch::line_for_writing(ptr::from_ref(word).cast());
            }
        }
    }

    /// Takes it.
    #[inline(always)]
    pub(crate) fn take(self) {
        *self.next = self.sequence.wrapping_add(1);
        *self.place = self.behind;
    }
}

#[cfg(all(test, not(xbar_loom)))]
mod tests {
    use super::*;
    use std::string::ToString;
    use std::vec::Vec;

    /// A path over `capacity` slots of two words that say their index.
    fn with_path(capacity: u64, test: impl FnOnce(Path<u64, (), usize>)) {
        let words: Vec<u64> = (0..capacity).flat_map(|index| [index, index]).collect();
        let place = core::ptr::NonNull::from(&words[..]);
        // SAFETY: the words outlive the test that uses the path.
        let words_lent = unsafe { Lent::new(place, ()) };
        test(Path::new(words_lent, 2, 2).expect("a ring"));
    }

    #[test]
    fn every_message_lies_in_its_slot() {
        for capacity in 2..9 {
            with_path(capacity, |mut path| {
                for sequence in 0..40 {
                    let (slot, step) = path.split();
                    let behind = step.slot_behind();
                    assert_eq!((slot[0], slot.len()), (sequence % capacity, 2));
                    assert_eq!((behind[1], behind.len()), ((sequence + 1) % capacity, 2));
                    assert_eq!(step.sequence(), sequence);
                    step.take();
                }
                for sequence in [7, 0, 1, 100, 101, 1 << 60] {
                    path.go_to(sequence);
                    assert_eq!((path.next(), path.slot()[0]), (sequence, sequence % capacity));
                    assert_eq!(path.index() as u64, sequence % capacity);
                    assert_eq!(path.ring().slot_of(sequence + 3)[0], (sequence + 3) % capacity);
                    path.forward(sequence + 1);
                    assert_eq!((path.next(), path.slot()[0]), (sequence + 1, (sequence + 1) % capacity));
                }
            });
        }
    }

    /// Numbers come from shared memory, where a peer may have put anything.
    #[test]
    fn no_number_leads_out_of_the_ring() {
        for capacity in 2..9 {
            with_path(capacity, |mut path| {
                for sequence in [40, 5, 1] {
                    path.go_to(sequence);
                    path.step_back();
                    assert_eq!((path.next(), path.slot()[0]), (sequence - 1, (sequence - 1) % capacity));
                }
                for start in [u64::MAX, u64::MAX - 1, u64::MAX - 5, 1 << 63] {
                    path.go_to(start);
                    for _ in 0..20 {
                        assert!(path.slot()[0] < capacity);
                        path.step();
                    }
                }
            });
        }
    }

    #[test]
    fn memory_that_is_no_ring_is_refused() {
        let lend = |words: &'static [u64]| Lent::from_static(words);
        assert!(Path::new(lend(&[0; 4]), 2, 2).is_ok());
        for (words, stride, least) in [(&[0_u64; 4][..], 1, 2), (&[0; 3], 2, 2), (&[0; 2], 2, 2), (&[], 2, 2)]
        {
            let error = Path::new(lend(words.to_vec().leak()), stride, least).err().expect("no ring");
            assert!(error.to_string().contains("cannot be a ring"), "{error}");
        }
    }
}
