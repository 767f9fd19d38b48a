//! The broadcast ring: one writer, any number of readers, lossy, marked ahead.
//!
//! # Memory
//!
//! A ring is `capacity` slots of `slot_words` 64-bit words, and one more word, `head`. A slot is a *stamp* followed
//! by a message's words. Stamp of sequence number n: `2n + 1` = being written, `2n + 2` = holds n, 0 = never used;
//! with the topmost bit, `2n + 1` = the stream ended before n. Message n lives in slot n % capacity.
//!
//! # Why no reader can see a torn value
//!
//! The writer keeps the slot that it will write *next* marked as being written:
//!
//! ```text
//! publish(n):  words(n)                    relaxed      slot n was marked 2n+1 by publish(n-1)
//!              stamp(n)   <- 2n+2          release
//!              stamp(n+1) <- 2(n+1)+1      relaxed
//!              fence(release)
//!              head       <- n+1           relaxed      now and then: where to begin to look for the front
//!
//! receive(n):  s = stamp(n)                relaxed, fence(acquire)
//!              copy of words(n)            relaxed
//!              fence(acquire)
//!              stamp(n) still 2n+2?        relaxed
//! ```
//!
//! A reader takes a copy only if stamp(n) was 2n+2 before and after. Its words then are those of message n:
//!
//! 1. *Not older.* Reading 2n+2 and the acquire fence behind it synchronise with the release store of 2n+2, so the
//!    copy sees the words that publish(n) stored, or later ones.
//! 2. *Not newer.* Say the copy read a word of message m = n + k * capacity, k >= 1. publish(m-1) marked the slot
//!    2m+1 and then made a release fence; the word was stored behind that fence. The reader's acquire fence stands
//!    behind its load of the word, so the two fences synchronise, and the second look at the stamp must see 2m+1 or
//!    something newer: not 2n+2. The copy is thrown away.
//!
//! The words are copied by relaxed atomic accesses on both sides, so even the copy that is thrown away is no data
//! race.
//!
//! # Why ahead
//!
//! A classic seqlock marks the slot at the moment when the waiting reader polls it, so the line goes to the writer,
//! back to the reader, and to the writer again. Marked ahead, all stores of a message fall into one stay of the line
//! with the writer. The price is one slot of history: `capacity - 1` messages are readable.

use core::fmt;

use xbar_layout::Lent;
use xbar_layout::sync::{AtomicU64, Ordering, ReadU64, fence};

use crate::path::{Path, Ring, RingError, Step};
use crate::stride::Stride;

pub use crate::glimpse::{Glimpse, Poll};

/// Words of a slot in front of the message: the stamp.
pub const HEAD_WORDS: usize = 1;

/// Stamp of a slot that is being written for `sequence`.
const fn writing(sequence: u64) -> u64 {
    sequence.wrapping_mul(2).wrapping_add(1)
}

/// Stamp of a slot that holds `sequence`.
const fn holds(sequence: u64) -> u64 {
    sequence.wrapping_mul(2).wrapping_add(2)
}

/// On the mark of the message that will never come.
const END: u64 = 1 << 63;

/// Stamp of the slot where `sequence` would be, when it will never come.
const fn ended(sequence: u64) -> u64 {
    writing(sequence) | END
}

/// True when `stamp` comes before `other`; the end before n is as old as the mark of n. As a signed distance, so that a wrapped or damaged stamp is one or the other.
const fn is_older(stamp: u64, other: u64) -> bool {
    ((stamp & !END).wrapping_sub(other) as i64) < 0
}

/// The writing end. One per ring: the owner of the memory sees to that.
///
/// Invariant 1: the slot of the next message is marked as being written.
pub struct Writer<K, S = usize> {
    path: Path<AtomicU64, K, S>,
    head: Lent<AtomicU64, K>,
}

impl<K, S: Stride> Writer<K, S> {
    /// Takes the ring over, new (zeroed) or left behind by another writer, alive or killed at any instruction.
    ///
    /// The highest stamp that says "holds" tells what was published last; a message that was being written is not
    /// published. Readers go on as if the writer were the same.
    ///
    /// # Errors
    ///
    /// [`RingError`] when `words` is not at least two slots of at least two words.
    pub fn resume(
        words: Lent<[AtomicU64], K>,
        head: Lent<AtomicU64, K>,
        stride: S,
    ) -> Result<Self, RingError> {
        let mut path = Path::new(words, stride, HEAD_WORDS + 1)?;
        let mut next = 0;
        for (slot, index) in path.slots().zip(0..) {
            // ORDERING: none; whatever hands the ring from one writer to the next (a lock, the end of a thread) orders
            // all that the one did before all that the other does.
            let stamp = ReadU64::of(&slot[0]).load_relaxed();
            if stamp == 0 || stamp % 2 == 1 {
                continue;
            }
            let sequence = stamp / 2 - 1;
            // A stamp of another slot's sequence is damage, not history.
            if sequence % path.capacity() == index {
                next = next.max(sequence + 1);
            }
        }
        path.go_to(next);
        mark(path.slot(), next);
        tell(&head, next);
        Ok(Self { path, head })
    }

    /// The sequence number that the next message will have: how many were published.
    #[inline]
    pub const fn next(&self) -> u64 {
        self.path.next()
    }

    /// Slots; one less is readable.
    pub const fn capacity(&self) -> usize {
        self.path.capacity() as usize
    }

    /// Which slot the next message's is, from 0.
    #[inline(always)]
    pub fn slot_index(&self) -> usize {
        self.path.index()
    }

    /// The words of all messages in the ring, slot by slot, as their slots hold them: also what was being written, or never was.
    pub fn messages(&self) -> impl Iterator<Item = &[AtomicU64]> {
        self.path.slots().map(|slot| &slot[HEAD_WORDS..])
    }

    /// The next message's slot, to be written in place. Nothing is published before [`Claim::commit`]; a claim that
    /// is dropped leaves no trace.
    #[inline(always)]
    pub fn claim(&mut self) -> Claim<'_, S> {
        let (slot, step) = self.path.split();
        Claim { slot, step, head: &self.head }
    }

    /// Publishes the first words of a message; the slot's other words keep what they held.
    ///
    /// # Panics
    ///
    /// When `message` is longer than a slot's words behind the stamp.
    #[inline(always)]
    pub fn publish(&mut self, message: &[u64]) {
        let claim = self.claim();
        for (word, value) in claim.words()[..message.len()].iter().zip(message) {
            // ORDERING: none; `commit` publishes the words.
            word.store(*value, Ordering::Relaxed);
        }
        claim.commit();
    }

    /// Ends the stream: readers that have received everything find [`Poll::Ended`]. A message published later, or a
    /// writer that resumes, takes the end back.
    #[inline]
    pub fn end(&mut self) {
        // ORDERING: ring-stamp: release pairs with the reader's first look, as for a message: what this thread did before
        // it ended the stream is visible to whoever finds the end.
        self.path.slot()[0].store(ended(self.next()), Ordering::Release);
    }
}

/// Marks the slot of `next` (invariant 1 of the writer).
#[inline(always)]
fn mark(slot: &[AtomicU64], next: u64) {
    // ORDERING: ring-mark: ordered by the fence below.
    slot[0].store(writing(next), Ordering::Relaxed);
    // ORDERING: ring-mark: the words of the next message are stored behind this fence, so whoever copies one of them sees
    // the mark at its second look. Without it the words could come first.
    fence(Ordering::Release);
}

/// Tells those who look for the front. Cold, so that the messages between are the straight way through a loop.
#[cold]
#[inline(always)]
fn tell(head: &AtomicU64, next: u64) {
    // ORDERING: ring-head: released by the fence in `mark`; pairs with the acquire in `front`, which then finds the stamps
    // below `next`.
    head.store(next, Ordering::Relaxed);
}

/// The front: how many messages were published, as far as head and the stamps behind it tell, and `from` at least. What
/// lies below is there, or was overwritten.
#[cold]
#[inline(never)]
fn front<S: Stride>(ring: &Ring<'_, ReadU64, S>, head: &ReadU64, from: u64) -> u64 {
    // ORDERING: ring-head: acquired by the fence of the first look below; pairs with the fence in `mark`: the stamps below
    // are there.
    let mut front = head.load_relaxed().max(from);
    // A whole ring at most: more than that is a writer that is faster than this walk, or damage, and no reason to stay.
    for _ in 0..ring.capacity() {
        // ORDERING: ring-stamp: pairs with the release in `commit`, as a reader's first look: when a message is there, so is
        // everything before it, also what this walk leaps over.
        let stamp = ring.slot_of(front)[0].load_acquire() & !END;
        if is_older(stamp, holds(front)) {
            break;
        }
        // It holds a message, and everything before that one is there; or it is being written for one of a later lap, of which
        // a mark proves nothing more than that `front` is overwritten.
        let behind = if stamp % 2 == 0 { stamp / 2 } else { 0 };
        front = behind.max(front.saturating_add(1));
    }
    front
}

impl<K, S: Stride> fmt::Debug for Writer<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("next", &self.next()).field("capacity", &self.capacity()).finish()
    }
}

/// The slot of the next message; see [`Writer::claim`].
pub struct Claim<'w, S = usize> {
    slot: &'w [AtomicU64],
    step: Step<'w, AtomicU64, S>,
    head: &'w AtomicU64,
}

impl<S: Stride> Claim<'_, S> {
    /// The message's words. They still hold what the slot held one lap ago.
    #[inline(always)]
    pub fn words(&self) -> &[AtomicU64] {
        &self.slot[HEAD_WORDS..]
    }

    /// The sequence number that the message will have.
    #[inline]
    pub const fn sequence(&self) -> u64 {
        self.step.sequence()
    }

    /// Publishes what was written into [`Claim::words`]; returns the sequence number.
    #[inline(always)]
    pub fn commit(self) -> u64 {
        let sequence = self.sequence();
        // ORDERING: ring-stamp: release pairs with the reader's first look; relaxed, a reader could find the stamp
        // before the words.
        self.slot[0].store(holds(sequence), Ordering::Release);
        let next = sequence.wrapping_add(1);
        mark(self.step.slot_behind(), next);
        if next % S::MESSAGES_PER_HEAD == 0 {
            tell(self.head, next);
        }
        self.step.fetch_ahead();
        self.step.take();
        sequence
    }
}

impl<S: Stride> fmt::Debug for Claim<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("sequence", &self.sequence()).finish()
    }
}

/// What [`Reader::receive`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// A message was copied.
    Message {
        /// Its place in the stream, from 0.
        sequence: u64,
    },
    /// Nothing new.
    Empty,
    /// Nothing new, and nothing to come: the writer ended the stream.
    Ended,
    /// The writer overtook this reader. Told once; the next receive continues behind the gap.
    Lagged {
        /// Messages lost, exactly.
        missed: u64,
    },
}

/// A reading end. Only loads; makes no difference to the writer or to other readers.
pub struct Reader<K, S = usize> {
    path: Path<ReadU64, K, S>,
    head: Lent<ReadU64, K>,
}

impl<K, S: Stride> Reader<K, S> {
    /// A reader of what is published from now on.
    ///
    /// # Errors
    ///
    /// [`RingError`] when `words` is not at least two slots of at least two words.
    pub fn join(words: Lent<[ReadU64], K>, head: Lent<ReadU64, K>, stride: S) -> Result<Self, RingError> {
        let mut reader = Self { path: Path::new(words, stride, HEAD_WORDS + 1)?, head };
        reader.skip_all();
        Ok(reader)
    }

    /// Goes on to message `sequence`, if that lies ahead.
    pub fn skip_to(&mut self, sequence: u64) {
        if sequence > self.next() {
            self.path.go_to(sequence);
        }
    }

    /// Goes on to what is published from now on.
    pub fn skip_all(&mut self) {
        self.path.go_to(self.front());
    }

    fn front(&self) -> u64 {
        front(&self.path.ring(), &self.head, self.next())
    }

    /// Goes back to the oldest message that is still readable; says how many messages that is.
    pub fn rewind(&mut self) -> u64 {
        let front = self.front();
        self.path.go_to(front.saturating_sub(self.path.capacity() - 1));
        front - self.next()
    }

    /// The sequence number that the next message received will have, if the reader does not lag.
    #[inline]
    pub const fn next(&self) -> u64 {
        self.path.next()
    }

    /// Messages published and not yet received, as far as this moment tells; more than is readable when the reader
    /// has been overtaken.
    pub fn pending(&self) -> u64 {
        self.front() - self.next()
    }

    /// How far behind the oldest readable message a reader resumes after it lagged: an eighth of the ring, so that
    /// the writer must publish that many before the reader can lag again.
    #[inline]
    pub const fn margin(&self) -> u64 {
        margin(self.path.capacity())
    }

    /// Jumps over all messages but the newest; says how many. A reader that was overtaken stays where it is, so that
    /// its next look says what it missed.
    pub fn skip_to_newest(&mut self) -> u64 {
        let waiting = self.pending();
        if waiting < 2 || waiting >= self.path.capacity() {
            return 0;
        }
        self.path.go_to(self.next() + waiting - 1);
        waiting - 1
    }

    /// Goes to the newest message that is readable, received already or not; says whether there is one. Never further back than
    /// to the one received last, whatever the head says: it moves behind the stamp.
    #[inline(always)]
    pub fn seek_newest(&mut self) -> bool {
        let next = self.next();
        // ORDERING: ring-head: pairs with the fence in `mark`: the stamp of the message is there. Without it the look at the
        // stamp could find an older one: nothing, where there was something before.
        let published = self.head.load_acquire().max(next);
        if published == next {
            if next == 0 {
                return false;
            }
            self.path.step_back();
        } else if published != next.wrapping_add(1) {
            self.path.go_to(published - 1);
        }
        true
    }

    /// Copies the next message's first words into `message`.
    ///
    /// # Panics
    ///
    /// When `message` is longer than a slot's words behind the stamp.
    #[inline(always)]
    pub fn receive(&mut self, message: &mut [u64]) -> Received {
        match self.poll() {
            Poll::Ready(glimpse) => {
                let words = &glimpse.words()[..message.len()];
                for (value, word) in message.iter_mut().zip(words) {
                    *value = word.load_relaxed();
                }
                let sequence = glimpse.sequence();
                if glimpse.accept() {
                    return Received::Message { sequence };
                }
            }
            Poll::Empty => return Received::Empty,
            Poll::Ended => return Received::Ended,
            Poll::Overtaken => {}
        }
        Received::Lagged { missed: self.catch_up() }
    }

    /// True when there is nothing new: neither the next message, nor a sign of being overtaken, nor the end.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        // ORDERING: none; whoever wants the message polls.
        let stamp = self.path.slot()[0].load_relaxed();
        is_older(stamp, holds(self.next())) && stamp != ended(self.next())
    }

    /// Looks at the next slot without copying.
    #[inline(always)]
    pub fn poll(&mut self) -> Poll<'_, S> {
        let (slot, step) = self.path.split();
        // ORDERING: ring-stamp: pairs with the release in `commit`: the words of the message are there.
        let stamp = slot[0].load_acquire();
        let expected = holds(step.sequence());
        if stamp == expected {
            Poll::Ready(Glimpse::new(slot, HEAD_WORDS, expected, step))
        } else if stamp == ended(step.sequence()) {
            Poll::Ended
        } else if is_older(stamp, expected) {
            Poll::Empty
        } else {
            Poll::Overtaken
        }
    }

    /// Moves a reader that was overtaken behind the gap and says how many messages that skips: at least one. It resumes
    /// [`margin`](Self::margin) messages behind the oldest that is readable.
    #[inline(always)]
    pub fn catch_up(&mut self) -> u64 {
        let next = self.next();
        let resume = resume(&self.path.ring(), &self.head, next);
        self.path.go_to(resume);
        resume - next
    }
}

/// Where a reader goes on that was overtaken at `next`. Apart, and without the reader, so that what is rare does not keep
/// the reader out of registers.
#[cold]
#[inline(never)]
fn resume<S: Stride>(ring: &Ring<'_, ReadU64, S>, head: &ReadU64, next: u64) -> u64 {
    let front = front(ring, head, next);
    let oldest = front.saturating_sub(ring.capacity() - 1);
    // At least one is gone, whatever damaged memory says.
    let least = next.saturating_add(1);
    oldest.saturating_add(margin(ring.capacity())).min(front).max(least)
}

/// An eighth of a ring.
const fn margin(capacity: u64) -> u64 {
    capacity / 8
}

impl<K: Clone, S: Copy> Clone for Reader<K, S> {
    fn clone(&self) -> Self {
        Self { path: self.path.clone(), head: self.head.clone() }
    }
}

impl<K, S: Stride> fmt::Debug for Reader<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("next", &self.next()).field("capacity", &self.path.capacity()).finish()
    }
}
