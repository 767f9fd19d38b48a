//! The broadcast ring: one writer, any number of readers, lossy, marked ahead.
//!
//! # Memory
//!
//! A ring is `capacity` slots of `slot_words` 64-bit words, and one more word, `head`. A slot is a *stamp* followed
//! by a message's words. Stamp of sequence number n: `2n + 1` = being written, `2n + 2` = holds n, 0 = never used.
//! Message n lives in slot n % capacity.
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
//!              head       <- n+1           relaxed
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

/// Why memory cannot be a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingError {
    words: usize,
    slot_words: usize,
}

impl fmt::Display for RingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { words, slot_words } = self;
        write!(
            f,
            "{words} words cannot be a ring of slots of {slot_words} words: a slot needs a stamp and at least one \
             word, and a ring at least two whole slots"
        )
    }
}

impl core::error::Error for RingError {}

/// Slots of a ring in `words` words, or why there is no ring.
fn capacity(words: usize, slot_words: usize) -> Result<u64, RingError> {
    if slot_words < 2 || words % slot_words != 0 || words / slot_words < 2 {
        return Err(RingError { words, slot_words });
    }
    Ok((words / slot_words) as u64)
}

/// Stamp of a slot that is being written for `sequence`.
const fn writing(sequence: u64) -> u64 {
    sequence.wrapping_mul(2).wrapping_add(1)
}

/// Stamp of a slot that holds `sequence`.
const fn holds(sequence: u64) -> u64 {
    sequence.wrapping_mul(2).wrapping_add(2)
}

/// True when `stamp` comes before `other`. As a signed distance, so that a wrapped or damaged stamp is one or the other.
const fn is_older(stamp: u64, other: u64) -> bool {
    (stamp.wrapping_sub(other) as i64) < 0
}

/// The writing end. One per ring: the owner of the memory sees to that.
///
/// Invariant 1: `place` is the first word of the slot of `next`, and that slot is marked as being written.
pub struct Writer<K> {
    words: Lent<[AtomicU64], K>,
    head: Lent<AtomicU64, K>,
    slot_words: usize,
    next: u64,
    place: usize,
}

impl<K> Writer<K> {
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
        slot_words: usize,
    ) -> Result<Self, RingError> {
        let capacity = capacity(words.len(), slot_words)?;
        let mut next = 0;
        for (slot, stamp) in words.iter().step_by(slot_words).enumerate() {
            // ORDERING: none; whatever hands the ring from one writer to the next (a lock, the end of a thread) orders
            // all that the one did before all that the other does.
            let stamp = ReadU64::of(stamp).load_relaxed();
            if stamp == 0 || stamp % 2 == 1 {
                continue;
            }
            let sequence = stamp / 2 - 1;
            // A stamp of another slot's sequence is damage, not history.
            if sequence % capacity == slot as u64 {
                next = next.max(sequence + 1);
            }
        }
        let place = (next % capacity) as usize * slot_words;
        mark_and_tell(&words, &head, next, place);
        Ok(Self { words, head, slot_words, next, place })
    }

    /// The sequence number that the next message will have: how many were published.
    #[inline]
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// Slots; one less is readable.
    pub fn capacity(&self) -> usize {
        self.words.len() / self.slot_words
    }

    /// The next message's slot, to be written in place. Nothing is published before [`Claim::commit`]; a claim that
    /// is dropped leaves no trace.
    #[inline(always)]
    pub fn claim(&mut self) -> Claim<'_, K> {
        Claim { writer: self }
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

    #[inline(always)]
    fn commit(&mut self) {
        // Read once and written once: words and fields may be the same memory for all the compiler knows, and it would
        // load each field again behind each store.
        let (next, place, words) = (self.next, self.place, &*self.words);
        // ORDERING: ring-stamp: release pairs with the reader's first look; relaxed, a reader could find the stamp
        // before the words.
        words[place].store(holds(next), Ordering::Release);
        let next = next.wrapping_add(1);
        let behind = place + self.slot_words;
        let place = if behind == words.len() { 0 } else { behind };
        mark_and_tell(words, &self.head, next, place);
        (self.next, self.place) = (next, place);
    }
}

/// Marks the slot of `next` at `place` (invariant 1 of the writer), then tells laggards and rewinders.
#[inline(always)]
fn mark_and_tell(words: &[AtomicU64], head: &AtomicU64, next: u64, place: usize) {
    // ORDERING: ring-mark: ordered by the fence below.
    words[place].store(writing(next), Ordering::Relaxed);
    // ORDERING: ring-mark: the words of the next message are stored behind this fence, so whoever copies one of them sees
    // the mark at its second look. Without it the words could come first.
    fence(Ordering::Release);
    // ORDERING: ring-head: released by the fence above; pairs with the acquire of laggards and rewinders, who then find
    // the stamps below `next`.
    head.store(next, Ordering::Relaxed);
}

impl<K> fmt::Debug for Writer<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("next", &self.next).field("capacity", &self.capacity()).finish()
    }
}

/// The slot of the next message; see [`Writer::claim`].
pub struct Claim<'w, K> {
    writer: &'w mut Writer<K>,
}

impl<K> Claim<'_, K> {
    /// The message's words. They still hold what the slot held one lap ago.
    #[inline(always)]
    pub fn words(&self) -> &[AtomicU64] {
        let Writer { words, place, slot_words, .. } = &*self.writer;
        &words[place + 1..place + slot_words]
    }

    /// The sequence number that the message will have.
    #[inline]
    pub const fn sequence(&self) -> u64 {
        self.writer.next
    }

    /// Publishes what was written into [`Claim::words`]; returns the sequence number.
    #[inline(always)]
    pub fn commit(self) -> u64 {
        let sequence = self.sequence();
        self.writer.commit();
        sequence
    }
}

impl<K> fmt::Debug for Claim<'_, K> {
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
    /// The writer overtook this reader. Told once; the next receive continues behind the gap.
    Lagged {
        /// Messages lost, exactly.
        missed: u64,
    },
}

/// What [`Reader::poll`] found.
#[derive(Debug)]
pub enum Poll<'r, K> {
    /// A message that was there a moment ago.
    Ready(Glimpse<'r, K>),
    /// Nothing new.
    Empty,
    /// As [`Received::Lagged`].
    Lagged {
        /// Messages lost, exactly.
        missed: u64,
    },
}

/// A reading end. Only loads; makes no difference to the writer or to other readers.
///
/// Invariant 1: `place` is the first word of the slot of `next`.
pub struct Reader<K> {
    words: Lent<[ReadU64], K>,
    head: Lent<ReadU64, K>,
    slot_words: usize,
    capacity: u64,
    next: u64,
    place: usize,
}

impl<K> Reader<K> {
    /// A reader of what is published from now on.
    ///
    /// # Errors
    ///
    /// [`RingError`] when `words` is not at least two slots of at least two words.
    pub fn join(
        words: Lent<[ReadU64], K>,
        head: Lent<ReadU64, K>,
        slot_words: usize,
    ) -> Result<Self, RingError> {
        let capacity = capacity(words.len(), slot_words)?;
        // ORDERING: none; nothing below is looked at, and the slot of `next` tells for itself.
        let next = head.load_relaxed();
        let mut reader = Self { words, head, slot_words, capacity, next, place: 0 };
        reader.go_to(next);
        Ok(reader)
    }

    /// Goes back to the oldest message that is still readable; says how many messages that is.
    pub fn rewind(&mut self) -> u64 {
        // ORDERING: ring-head: pairs with the fence in `mark_and_tell`: the stamps below are there.
        let head = self.head.load_acquire();
        self.go_to(head.saturating_sub(self.capacity - 1));
        head - self.next
    }

    /// The sequence number that the next message received will have, if the reader does not lag.
    #[inline]
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// Messages published and not yet received, as far as this moment tells; more than is readable when the reader
    /// has been overtaken.
    pub fn pending(&self) -> u64 {
        // ORDERING: none; a figure for people.
        self.head.load_relaxed().saturating_sub(self.next)
    }

    /// How far behind the oldest readable message a reader resumes after it lagged: an eighth of the ring, so that
    /// the writer must publish that many before the reader can lag again.
    #[inline]
    pub const fn margin(&self) -> u64 {
        self.capacity / 8
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
                let words = glimpse.first_words(message.len());
                for (value, word) in message.iter_mut().zip(words) {
                    *value = word.load_relaxed();
                }
                let sequence = glimpse.sequence();
                match glimpse.accept() {
                    Ok(()) => Received::Message { sequence },
                    Err(missed) => Received::Lagged { missed },
                }
            }
            Poll::Empty => Received::Empty,
            Poll::Lagged { missed } => Received::Lagged { missed },
        }
    }

    /// True when there is nothing new: neither the next message nor a sign of being overtaken.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        // ORDERING: none; whoever wants the message polls.
        is_older(self.words[self.place].load_relaxed(), holds(self.next))
    }

    /// Looks at the next slot without copying.
    #[inline(always)]
    pub fn poll(&mut self) -> Poll<'_, K> {
        // ORDERING: ring-stamp: pairs with the release in `commit`: the words of the message are there.
        let stamp = self.words[self.place].load_acquire();
        let expected = holds(self.next);
        if stamp == expected {
            return Poll::Ready(Glimpse { reader: self });
        }
        if is_older(stamp, expected) {
            return Poll::Empty;
        }
        Poll::Lagged { missed: self.lag() }
    }

    /// The slot of `next` was overwritten: moves behind the gap and says how many messages that skips.
    #[cold]
    fn lag(&mut self) -> u64 {
        // ORDERING: ring-head: pairs with the fence in `mark_and_tell`, so that the slots from here on hold what
        // the arithmetic says, or something newer, which only lags again.
        let head = self.head.load_acquire();
        let oldest = head.saturating_sub(self.capacity - 1);
        // At least one is gone, whatever a head that is one message behind its stamps (or damaged) says.
        let least = self.next.saturating_add(1);
        let resume = oldest.saturating_add(self.margin()).min(head).max(least);
        let missed = resume - self.next;
        self.go_to(resume);
        missed
    }

    fn go_to(&mut self, sequence: u64) {
        self.next = sequence;
        self.place = (sequence % self.capacity) as usize * self.slot_words;
    }
}

impl<K> fmt::Debug for Reader<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("next", &self.next).field("capacity", &self.capacity).finish()
    }
}

/// A message as it is in its slot, where the writer may overwrite it at any moment: copy, then
/// [`accept`](Self::accept), and throw the copy away if that fails.
pub struct Glimpse<'r, K> {
    reader: &'r mut Reader<K>,
}

impl<K> Glimpse<'_, K> {
    /// The message's words.
    #[inline(always)]
    pub fn words(&self) -> &[ReadU64] {
        self.first_words(self.reader.slot_words - 1)
    }

    #[inline(always)]
    fn first_words(&self, count: usize) -> &[ReadU64] {
        let Reader { words, place, slot_words, .. } = &*self.reader;
        &words[place + 1..place + slot_words][..count]
    }

    /// Its place in the stream.
    #[inline(always)]
    pub const fn sequence(&self) -> u64 {
        self.reader.next
    }

    /// True when the slot still holds the message, so that every word loaded so far is its own.
    #[inline(always)]
    pub fn is_whole(&self) -> bool {
        let reader = &*self.reader;
        // ORDERING: ring-mark: pairs with the writer's fence: a word of a newer message brings its mark along.
        fence(Ordering::Acquire);
        reader.words[reader.place].load_relaxed() == holds(reader.next)
    }

    /// Moves the reader behind the message.
    ///
    /// # Errors
    ///
    /// The number of messages missed, when this one was overwritten meanwhile: what was copied means nothing.
    #[inline(always)]
    pub fn accept(self) -> Result<(), u64> {
        if !self.is_whole() {
            return Err(self.reader.lag());
        }
        self.skip();
        Ok(())
    }

    /// Moves the reader behind the message without asking again.
    #[inline(always)]
    pub fn skip(self) {
        let reader = self.reader;
        reader.next = reader.next.wrapping_add(1);
        reader.place += reader.slot_words;
        if reader.place == reader.words.len() {
            reader.place = 0;
        }
    }

    /// The message was overwritten: moves the reader behind the gap and says how many messages that skips.
    pub fn lag(self) -> u64 {
        self.reader.lag()
    }
}

impl<K> fmt::Debug for Glimpse<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Glimpse").field("sequence", &self.sequence()).finish()
    }
}
