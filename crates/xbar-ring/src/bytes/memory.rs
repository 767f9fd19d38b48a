//! The words of a byte ring: where a position lies among them, and which of them are still what they were.
//!
//! Everything that is read here may have been written by somebody else: places are bounded where they are used.

#![allow(unsafe_code)] // words found without a second check of what the invariant says

use core::marker::PhantomData;
use core::ptr::NonNull;

use xbar_layout::sync::{AtomicU64, Ordering, ReadU64, fence};
use xbar_layout::{Lent, fetch};

use crate::bytes::ByteRingError;
use crate::bytes::frame::{Head, WORD, frame_bytes};
use crate::stride::LINE_WORDS;

/// Bytes of a cache line.
const LINE_BYTES: u64 = LINE_WORDS as u64 * WORD;

/// Parts of a ring that the writer claims, and notes the beginning of, one by one.
pub(crate) const SECTIONS: u64 = 8;

/// The smallest capacity: a word a section.
pub const LEAST_BYTES: usize = 64;

/// The largest capacity: lengths are 32 bits.
pub const MOST_BYTES: usize = 1 << if usize::BITS > 33 { 33 } else { 30 };

/// The word behind which the ring begins; what is in front is told in the [module's documentation](crate::bytes).
pub const RING_WORD: usize = 4 * LINE_WORDS;

const CLAIMED: usize = 0;
const COMMITTED: usize = LINE_WORDS;
const NOTES: usize = 2 * LINE_WORDS;
const NOTE_WORDS: usize = 2;

/// On a note's position: there is one.
const NOTED: u64 = 1;

/// Times that a look is repeated which the writer's claims overtake.
const TRIES: u32 = 16;

/// Words of a ring of `capacity_bytes`.
pub const fn ring_words(capacity_bytes: usize) -> usize {
    RING_WORD + capacity_bytes.div_ceil(WORD as usize)
}

/// True when a ring can have `capacity_bytes`.
pub(crate) const fn is_capacity(capacity_bytes: usize) -> bool {
    capacity_bytes.is_power_of_two() && capacity_bytes >= LEAST_BYTES && capacity_bytes <= MOST_BYTES
}

/// A place in the stream, where a frame begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// In bytes from the stream's beginning, a multiple of eight.
    pub(crate) position: u64,
    /// The number of the message there, from 0.
    pub(crate) sequence: u64,
}

impl Place {
    /// The place behind a message of `bytes`.
    #[inline(always)]
    pub(crate) const fn behind(self, bytes: u64) -> Self {
        // Wrapping: in damaged memory a place may be anything.
        let Self { position, sequence } = self;
        Self { position: position.wrapping_add(frame_bytes(bytes)), sequence: sequence.wrapping_add(1) }
    }
}

/// The memory of a ring, lent.
///
/// Invariant 1: `words` are [`RING_WORD`] and a power of two, at least eight.
/// Invariant 2: `mask` is one word less than the bytes of the latter.
pub(crate) struct Memory<W, K> {
    words: Lent<[W], K>,
    mask: u64,
}

impl<W, K> Memory<W, K> {
    /// The ring in `words`.
    pub(crate) fn new(words: Lent<[W], K>) -> Result<Self, ByteRingError> {
        let bytes = words.len().checked_sub(RING_WORD).and_then(|words| words.checked_mul(WORD as usize));
        match bytes {
            Some(bytes) if is_capacity(bytes) => Ok(Self { words, mask: bytes as u64 - WORD }),
            _ => Err(ByteRingError { words: words.len() }),
        }
    }

    /// What there is to see, by value: so nothing that is rare keeps the ends of a ring out of registers.
    #[inline(always)]
    pub(crate) fn view(&self) -> View<'_, W> {
        View { start: NonNull::from(&*self.words).cast(), mask: self.mask, words: PhantomData }
    }
}

impl<W, K: Clone> Clone for Memory<W, K> {
    fn clone(&self) -> Self {
        Self { words: self.words.clone(), mask: self.mask }
    }
}

/// The words of a ring, as two words that go in registers.
///
/// Invariant 1: at `start` are [`RING_WORD`] words, and behind them `mask` bytes and a word, a power of two, shared as long as `'m`.
/// Invariant 2: a position that is masked is a multiple of a word and less than the ring's bytes.
pub(crate) struct View<'m, W> {
    start: NonNull<W>,
    mask: u64,
    words: PhantomData<&'m [W]>,
}

impl<W> Clone for View<'_, W> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for View<'_, W> {}

impl<'m, W> View<'m, W> {
    /// A word.
    ///
    /// # Safety
    ///
    /// `index` must be less than [`RING_WORD`] and the ring's words.
    #[inline(always)]
    unsafe fn at(self, index: usize) -> &'m W {
        // SAFETY: within the memory (invariant 1), as the caller promises.
        let place = unsafe { self.start.add(index) };
        // SAFETY: as above, and shared.
        unsafe { place.as_ref() }
    }

    /// So many words from one on.
    ///
    /// # Safety
    ///
    /// The last one's `index` must be less than [`RING_WORD`] and the ring's words.
    #[inline(always)]
    unsafe fn words(self, index: usize, count: usize) -> &'m [W] {
        // SAFETY: within the memory (invariant 1), as the caller promises.
        let place = unsafe { self.start.add(index) };
        // SAFETY: as above, and shared.
        unsafe { core::slice::from_raw_parts(place.as_ptr(), count) }
    }

    /// The word so many bytes from the ring's beginning.
    ///
    /// # Safety
    ///
    /// `at` must be a multiple of a word, and less than the ring's bytes.
    #[inline(always)]
    unsafe fn ring(self, at: u64) -> NonNull<W> {
        // Less than 2^33 where a `usize` has more bits, and less than 2^30 elsewhere.
        let at = RING_WORD * WORD as usize + at as usize;
        // SAFETY: within the memory (invariant 1), as the caller promises.
        unsafe { self.start.byte_add(at) }
    }

    /// Words of the ring.
    #[inline(always)]
    pub(crate) const fn ring_words(self) -> usize {
        (self.capacity() / WORD) as usize
    }

    /// In bytes, a multiple of a section; raised by the writer before it overwrites, read stale by everybody.
    #[inline(always)]
    pub(crate) fn claimed(self) -> &'m W {
        // SAFETY: in front of the ring (invariant 1).
        unsafe { self.at(CLAIMED) }
    }

    /// In bytes; the writer's position behind the last message, read stale by joiners, batches and windows.
    #[inline(always)]
    pub(crate) fn committed(self) -> &'m W {
        // SAFETY: in front of the ring (invariant 1).
        unsafe { self.at(COMMITTED) }
    }

    /// Bytes of the ring.
    #[inline(always)]
    pub(crate) const fn capacity(self) -> u64 {
        self.mask + WORD
    }

    /// Bytes of a section.
    #[inline(always)]
    pub(crate) const fn section_bytes(self) -> u64 {
        self.capacity() / SECTIONS
    }

    /// The longest frame.
    #[inline(always)]
    pub(crate) const fn most_bytes(self) -> u64 {
        self.capacity() / 4
    }

    /// The section that a position lies in, counted from the stream's beginning.
    #[inline(always)]
    pub(crate) const fn section(self, position: u64) -> u64 {
        // A power of two: no division.
        position >> (self.section_bytes().trailing_zeros())
    }

    /// Bytes from a position to where the ring ends: a word at least.
    #[inline(always)]
    pub(crate) const fn left(self, position: u64) -> u64 {
        self.capacity() - (position & self.mask)
    }

    /// The word at a position, whatever that is.
    #[inline(always)]
    pub(crate) fn word(self, position: u64) -> &'m W {
        // SAFETY: masked (invariant 2).
        let place = unsafe { self.ring(position & self.mask) };
        // SAFETY: within the memory, and shared.
        unsafe { place.as_ref() }
    }

    /// The words of the message of `bytes` whose frame begins at a position, if the ring does not end before.
    #[inline(always)]
    pub(crate) fn message(self, position: u64, bytes: u64) -> Option<&'m [W]> {
        let (at, message_bytes) = (position & self.mask, frame_bytes(bytes) - WORD);
        // A word less on both sides: the head.
        if at + message_bytes > self.mask {
            return None;
        }
        // SAFETY: masked (invariant 2).
        let head = unsafe { self.ring(at) };
        // SAFETY: the frame goes on, or ends, behind its head, which lies in the ring.
        let message = unsafe { head.add(1) };
        // SAFETY: so many words lie there, shared: the frame ends where the ring does, or before.
        Some(unsafe { core::slice::from_raw_parts(message.as_ptr(), (message_bytes / WORD) as usize) })
    }

    /// Has the line behind the one at a position fetched for writing, before it is written: readers' caches may still have it from a
    /// lap ago, and no reader looks at it meanwhile.
    #[inline(always)]
    pub(crate) fn fetch_ahead(self, position: u64) {
        fetch::line_for_writing(core::ptr::from_ref(self.word(position.wrapping_add(LINE_BYTES))).cast());
    }

    /// The words from a position to `end`, or to where the ring ends if that comes before.
    #[inline]
    pub(crate) fn span(self, position: u64, end: u64) -> &'m [W] {
        let first = ((position & self.mask) / WORD) as usize;
        // Wrapping: in damaged memory a position may be anything.
        let words = usize::try_from(end.wrapping_sub(position) / WORD).unwrap_or(usize::MAX);
        // SAFETY: less than the ring's words, and no more than there are behind.
        unsafe { self.words(RING_WORD + first, words.min(self.ring_words() - first)) }
    }

    /// The note of a section.
    #[inline(always)]
    fn note(self, section: u64) -> &'m [W] {
        // SAFETY: the notes are in front of the ring.
        unsafe { self.words(NOTES + (section % SECTIONS) as usize * NOTE_WORDS, NOTE_WORDS) }
    }
}

impl<'m> View<'m, AtomicU64> {
    /// The same, to be looked at.
    pub(crate) fn read(self) -> View<'m, ReadU64> {
        // SAFETY: all that the view promises (invariant 1).
        let words = unsafe { self.words(0, RING_WORD + self.ring_words()) };
        View { start: NonNull::from(ReadU64::of_slice(words)).cast(), mask: self.mask, words: PhantomData }
    }

    /// Raises what is claimed to `end`, a section's.
    #[cold]
    #[inline(never)]
    pub(crate) fn claim(self, end: u64) {
        // ORDERING: bytes-ahead: release pairs with the acquire in `find`: a laggard that sees this claim sees the notes of
        // what was sent before. The fence of the claim before brings those that it needs; this one, all of them.
        self.claimed().store(end, Ordering::Release);
        // ORDERING: bytes-claim: every word that this claim covers is stored behind this fence, so whoever read one of them
        // sees the claim in `is_whole`. Without it the words could come first.
        fence(Ordering::Release);
    }

    /// Notes where the first frame of its section begins.
    #[cold]
    #[inline(never)]
    pub(crate) fn put_note(self, first: Place) {
        let note = self.note(self.section(first.position));
        // ORDERING: none; released with the position, and covered by the claim of the section.
        note[1].store(first.sequence, Ordering::Relaxed);
        // ORDERING: bytes-note: release pairs with the acquire in `noted`: the number, and the mark at the position, are there.
        note[0].store(first.position | NOTED, Ordering::Release);
    }
}

impl View<'_, ReadU64> {
    /// True when nothing from `position` on was overwritten, so that every word loaded so far from there is what belongs there.
    #[inline(always)]
    pub(crate) fn is_whole(self, position: u64) -> bool {
        // ORDERING: bytes-claim: pairs with the fence in `claim`: a word of a later lap brings its claim along.
        fence(Ordering::Acquire);
        // Wrapping: what damaged memory claims may be anything.
        self.claimed().load_relaxed().wrapping_sub(position) <= self.capacity()
    }

    /// Where the first frame of a section begins, if one does and is still there.
    fn noted(self, section: u64) -> Option<Place> {
        let note = self.note(section);
        // ORDERING: bytes-note: pairs with the release in `put_note`: the number is of the same note, or a later one, and the
        // frame's mark is there.
        let noted = note[0].load_acquire();
        let place = Place { position: noted & !(WORD - 1), sequence: note[1].load_relaxed() };
        let is_there = noted & NOTED != 0 && self.section(place.position) == section;
        (is_there && self.is_whole(section.wrapping_mul(self.section_bytes()))).then_some(place)
    }

    /// The first noted place that is still there, `margin` sections behind the oldest one, and in section `least` or a later
    /// one.
    #[cold]
    #[inline(never)]
    pub(crate) fn find(self, least: u64, margin: u64) -> Result<Place, Missing> {
        for _ in 0..TRIES {
            // ORDERING: bytes-ahead: pairs with the release in `claim`: the notes of what was sent before are there.
            let claimed = self.claimed().load_acquire();
            let last = self.section(claimed);
            let first = last.saturating_sub(SECTIONS).saturating_add(margin).max(least);
            let found = (first..=last).take(SECTIONS as usize + 1).find_map(|section| self.noted(section));
            if let Some(place) = found {
                return Ok(place);
            }
            if self.claimed().load_relaxed() == claimed {
                return Err(Missing::Damaged);
            }
        }
        Err(Missing::Outrun)
    }

    /// Where the stream ends: at the position `until`, or where a frame is not there yet. `from` is a place that was known
    /// before.
    #[cold]
    #[inline(never)]
    pub(crate) fn front(self, from: Place, until: u64) -> Option<Place> {
        // ORDERING: none; a note that is not there yet makes the walk longer.
        let last = self.section(self.claimed().load_relaxed());
        let mut noted =
            (last.saturating_sub(SECTIONS)..=last).rev().filter_map(|section| self.noted(section));
        let newest = noted.find(|place| place.position <= until);
        let mut place = newest.filter(|place| place.position > from.position).unwrap_or(from);
        // No more frames than words, whatever they say.
        for _ in 0..self.ring_words() {
            if place.position >= until {
                break;
            }
            let Some(next) = self.behind(place)? else { break };
            place = next;
        }
        Some(place)
    }

    /// The place behind the frame at `place`: `None` when that was overwritten, nothing in it when it is not there.
    fn behind(self, place: Place) -> Option<Option<Place>> {
        // ORDERING: bytes-frame: pairs with the release of the head: the mark behind it is there. The fence of the look below
        // acquires.
        let head = Head::of(self.word(place.position).load_relaxed());
        if !self.is_whole(place.position) {
            return None;
        }
        Some(match head {
            Head::Padding => Some(self.behind_padding(place)),
            Head::Message { bytes, .. } => {
                self.message(place.position, bytes.into()).map(|_| place.behind(bytes.into()))
            }
            Head::Mark | Head::End | Head::Other => None,
        })
    }

    /// The place behind padding: where the ring begins again.
    #[inline(always)]
    pub(crate) const fn behind_padding(self, place: Place) -> Place {
        Place { position: place.position.wrapping_add(self.left(place.position)), ..place }
    }

    /// The last place that was noted, by position; for a writer that takes over, when nobody writes.
    pub(crate) fn last_noted(self) -> Option<Place> {
        // Half of all positions, so that damage does not let numbers wrap.
        let places = (0..SECTIONS).filter_map(|slot| {
            let note = self.note(slot);
            // ORDERING: none; whatever hands the ring from one writer to the next orders all that the one did before all that
            // the other does.
            let noted = note[0].load_relaxed();
            let place = Place { position: noted & !(WORD - 1), sequence: note[1].load_relaxed() };
            let is_there = noted & NOTED != 0 && self.section(place.position) % SECTIONS == slot;
            (is_there && noted < 1 << 63).then_some(place)
        });
        places.max_by_key(|place| place.position)
    }
}

/// Why there is no place to go on at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// There is none: the memory is damaged.
    Damaged,
    /// The writer was faster than the look.
    Outrun,
}
