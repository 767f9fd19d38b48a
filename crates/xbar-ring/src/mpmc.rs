//! The many-writer ring: any number of writers and readers, lossy, each claim under its owner's name.
//!
//! # Memory
//!
//! As the broadcast ring's, with one more word: a slot is a *stamp*, a *bypass* and the message's words; `head` is only a
//! hint. The sequence number n has the key n + 1; message n lives in slot n % capacity. A stamp is
//!
//! ```text
//! key << 2 | HELD      the slot holds message n; 0 = never used
//! key << 2 | SKIPPED   the claim of n was given up; message n does not exist
//! key's low 50 bits << 14 | owner << 2 | CLAIMED      owner is writing message n
//! ```
//!
//! # How a writer comes by a slot
//!
//! There is no shared counter to fight for: a writer claims the slot itself, by exchanging its stamp, so that a claim
//! names its owner from the first moment.
//!
//! ```text
//! claim(n):    stamp(n) is older than n and not CLAIMED?  exchange it for CLAIMED(n, me)     acquire
//!              fence(release)
//! commit(n):   words(n)                                                                      relaxed
//!              stamp(n) <- HELD(n)                                                           release
//!              head     <- n + 1                                                             relaxed, a hint
//! ```
//!
//! Invariant 1: all sequence numbers below a taken one are taken. A writer begins at a number that it knows to be the
//! next or already taken (behind its own last claim, behind what `head` says, behind any stamp it has seen), and moves on
//! only from a taken one. So a slot that it finds older than n is the next one's, and whoever exchanges its stamp
//! first has n.
//!
//! # Why no reader can see a torn value
//!
//! As in the broadcast ring: a reader takes a copy only if the stamp was HELD(n) before and after. The release of HELD(n)
//! and the first look order the words of n before the copy; the release fence behind the claim of n + capacity, and the
//! acquire fence in front of the second look, bring that claim along with any of its words. The claim itself acquires
//! what the slot's last writer released, so that two writers' words cannot change places.
//!
//! # Why a slow writer holds nobody up for longer than a lap
//!
//! A reader that finds CLAIMED(n) waits: order is kept. Writers go on in the slots behind, until they are back at the
//! slot a lap later. None of them can have it then, because its owner may be writing; so the number n + capacity is
//! *bypassed*: entered into the slot's second word, and nobody's.
//!
//! 1. A writer that finds the slot bypassed up to its number moves on: the number counts as taken.
//! 2. A reader of n + capacity that finds an older stamp and the bypass counts one message as missed. A reader of n that
//!    finds it was overtaken. So nobody waits for the owner any more.
//! 3. When the owner commits, the slot is free for the next lap. A reader of n that comes so late gets message n: its
//!    words were never touched by anybody else.
//! 4. A writer that looked at the bypass just before it was entered, and claims n + capacity just after the owner
//!    committed, has a number that some readers already count as missed; for the others its message comes in order.
//!    Each reader counts each number once, and nobody waits.
//!
//! Only when every slot is claimed at once does a writer wait, for any of the claims.
//!
//! A claim that is given up (dropped, or its owner panicked) leaves SKIPPED, and so does [`abandon`] for an owner that is
//! proven dead.

mod stamp;

use core::fmt;

use xbar_layout::Lent;
use xbar_layout::sync::{AtomicU64, Ordering, ReadU64, fence, spin_loop};

use crate::path::{Path, RingError};
use crate::stride::Stride;

use self::stamp::{
    CLAIMED, HELD, OWNER_BITS, SKIPPED, STATE, STATE_BITS, Standing, ahead, claimed, key, stamp, standing,
};

pub use crate::glimpse::{Glimpse, Poll};

/// Words of a slot in front of the message: stamp and bypass.
pub const HEAD_WORDS: usize = 2;

/// Writers of one ring that can be told apart: an owner is smaller than this.
pub const OWNERS: u32 = 1 << OWNER_BITS;

/// One of the writing ends. Any number per ring, each with an owner of its own.
pub struct Writer<K, S = usize> {
    /// At a number that is the next, or taken.
    path: Path<AtomicU64, K, S>,
    head: Lent<AtomicU64, K>,
    owner: u32,
    /// Numbers bypassed since the last claim.
    bypassed: u64,
}

impl<K, S: Stride> Writer<K, S> {
    /// A writer of the ring, new (zeroed) or in use.
    ///
    /// # Errors
    ///
    /// [`RingError`] when `words` is not at least two slots of at least three words.
    ///
    /// # Panics
    ///
    /// When `owner` is not smaller than [`OWNERS`].
    pub fn join(
        words: Lent<[AtomicU64], K>,
        head: Lent<AtomicU64, K>,
        stride: S,
        owner: u32,
    ) -> Result<Self, RingError> {
        assert!(owner < OWNERS, "an owner is smaller than {OWNERS}, not {owner}");
        let mut path = Path::new(words, stride, HEAD_WORDS + 1)?;
        // ORDERING: none; a hint: the stamps tell.
        path.go_to(head.load(Ordering::Relaxed));
        Ok(Self { path, head, owner, bypassed: 0 })
    }

    /// Another writer of the ring.
    ///
    /// # Panics
    ///
    /// When `owner` is not smaller than [`OWNERS`].
    pub fn sibling(&self, owner: u32) -> Self
    where
        K: Clone,
    {
        assert!(owner < OWNERS, "an owner is smaller than {OWNERS}, not {owner}");
        Self { path: self.path.clone(), head: self.head.clone(), owner, bypassed: 0 }
    }

    /// Slots.
    pub const fn capacity(&self) -> usize {
        self.path.capacity() as usize
    }

    /// A number that is the next to be taken, or taken.
    #[inline]
    pub const fn next(&self) -> u64 {
        self.path.next()
    }

    /// Sequence numbers taken so far, by all writers, those given up or bypassed included.
    pub fn taken(&self) -> u64 {
        // ORDERING: none; a hint: the stamps tell.
        front(self.head.load(Ordering::Relaxed).max(self.path.next()), self.path.capacity(), |sequence| {
            let slot = self.path.ring().slot_of(sequence);
            (ReadU64::of(&slot[0]).load_relaxed(), ReadU64::of(&slot[1]).load_relaxed())
        })
    }

    /// Claims the next message's slot, to be written in place. Takes a sequence number at once: a claim that is dropped
    /// leaves a message that does not exist, which every reader counts as missed. Readers wait for a claim, at most until
    /// the other writers have filled the ring.
    #[inline(always)]
    pub fn claim(&mut self) -> Claim<'_, K, S> {
        while self.take(u64::MAX).is_err() {
            spin_loop();
        }
        self.taken_claim()
    }

    /// As [`claim`](Self::claim), of a number below `limit`, and without waiting.
    ///
    /// # Errors
    ///
    /// [`Refused`] when the next number is not below `limit`, every slot is claimed, or the ring is damaged. Numbers bypassed
    /// meanwhile stay so.
    #[inline(always)]
    pub fn try_claim(&mut self, limit: u64) -> Result<Claim<'_, K, S>, Refused> {
        self.take(limit)?;
        Ok(self.taken_claim())
    }

    #[inline(always)]
    fn taken_claim(&mut self) -> Claim<'_, K, S> {
        // ORDERING: mpmc-mark: the words are stored behind this fence, so whoever copies one of them sees the claim at its
        // second look. Without it the words could come first.
        fence(Ordering::Release);
        Claim { writer: self }
    }

    /// Publishes the first words of a message; the slot's other words keep what they held.
    ///
    /// # Panics
    ///
    /// When `message` is longer than a slot's words behind stamp and bypass.
    #[inline(always)]
    pub fn publish(&mut self, message: &[u64]) -> u64 {
        let claim = self.claim();
        for (word, value) in claim.words()[..message.len()].iter().zip(message) {
            // ORDERING: none; `commit` publishes the words.
            word.store(*value, Ordering::Relaxed);
        }
        claim.commit()
    }

    /// Goes to the next number that nobody has taken and claims its slot, if it is below `limit`.
    #[inline(always)]
    fn take(&mut self, limit: u64) -> Result<(), Refused> {
        // ORDERING: none; the exchange acquires what it replaces.
        let mut found = self.path.slot()[0].load(Ordering::Relaxed);
        for _ in 0..MOST_MOVES {
            // What is at `limit` or behind is not asked for, taken or not.
            if self.path.next() >= limit {
                return Err(if limit == u64::MAX { Refused::Damaged } else { Refused::Limit });
            }
            match self.try_take(found) {
                Ok(()) => return Ok(()),
                Err(now) => found = self.move_on(now)?,
            }
        }
        Err(Refused::Damaged)
    }

    /// Exchanges `found` in the slot of `next` for a claim, if `next` is not taken; otherwise says what is in the slot.
    #[inline(always)]
    fn try_take(&mut self, found: u64) -> Result<(), u64> {
        let (slot, next) = (self.path.slot(), self.path.next());
        // ORDERING: none; a bypass is a number that nobody has, and carries nothing. That it may be overlooked is case 4.
        let bypass = slot[1].load(Ordering::Relaxed);
        if standing(found, bypass, next) != Standing::Open {
            return Err(found);
        }
        let claim = claimed(next, self.owner);
        // ORDERING: mpmc-stamp: acquire pairs with the release of the slot's last writer; relaxed, its words could come
        // after ours.
        slot[0].compare_exchange(found, claim, Ordering::Acquire, Ordering::Relaxed).map(|_| ())
    }

    /// `found` was in the slot of `next`, so that `next` could not be taken: goes to a number that is the next, or taken,
    /// bypassing `next` if its slot is still being written for an earlier lap. Says what is in its slot.
    ///
    /// A writer that has bypassed a whole ring gives up: every slot is claimed, and more numbers would help nobody.
    #[cold]
    fn move_on(&mut self, found: u64) -> Result<u64, Refused> {
        let next = self.path.next();
        let slot = self.path.slot();
        // ORDERING: none; as in `try_take`.
        match standing(found, slot[1].load(Ordering::Relaxed), next) {
            Standing::Open => return Ok(found), // another writer came and went
            Standing::Blocked => {
                // ORDERING: none; an exchange for itself, because it sees the newest stamp, and a plain load might see one
                // from before the claim's end.
                let now = slot[0].fetch_or(0, Ordering::Relaxed);
                if now != found {
                    return Ok(now);
                }
                if self.bypassed == self.path.capacity() {
                    return Err(Refused::AllClaimed);
                }
                self.bypassed += 1;
                // ORDERING: none; as in `try_take`.
                slot[1].fetch_max(key(next), Ordering::Relaxed);
            }
            Standing::Claimed | Standing::Held | Standing::Void | Standing::Gone => {}
        }
        // ORDERING: none; a hint, never beyond what is taken: whoever stored it took what is below.
        let hint = self.head.load(Ordering::Relaxed);
        self.path.forward(hint.max(behind(found, next)));
        // ORDERING: none; as in `take`.
        Ok(self.path.slot()[0].load(Ordering::Relaxed))
    }
}

/// Why [`Writer::try_claim`] has no claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The next number is not below the limit.
    Limit,
    /// Every slot is claimed: by writers that are at work, or dead.
    AllClaimed,
    /// The ring says that no number is left, or none of very many: its memory is damaged. Trying again does not help.
    Damaged,
}

/// Numbers that a writer finds taken, one behind the other, before it holds the ring for damaged. A writer that loses a race
/// goes on at the newest number; nobody loses as many in a row.
const MOST_MOVES: u32 = 1 << 16;

/// The number behind the newer of `sequence` and the one that `stamp` names: the next, or taken.
const fn behind(stamp: u64, sequence: u64) -> u64 {
    let ahead = ahead(stamp, sequence);
    let newer = if ahead > 0 { sequence.saturating_add(ahead as u64) } else { sequence };
    newer.saturating_add(1)
}

/// The first number that is not taken, as far as this moment tells, from one on that is the next or taken. `look` says
/// stamp and bypass of a number's slot.
fn front(mut sequence: u64, capacity: u64, look: impl Fn(u64) -> (u64, u64)) -> u64 {
    // A lap to come up to date, and one behind it: more than that is writers that are faster than this walk, or damage.
    for _ in 0..2 * capacity {
        let (stamp, bypass) = look(sequence);
        match standing(stamp, bypass, sequence) {
            Standing::Open | Standing::Blocked => return sequence,
            Standing::Claimed | Standing::Held | Standing::Void | Standing::Gone => {}
        }
        sequence = behind(stamp, sequence);
    }
    sequence
}

impl<K, S: Stride> fmt::Debug for Writer<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("owner", &self.owner)
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}

/// A claimed slot; see [`Writer::claim`]. Dropped without [`commit`](Self::commit), also by a panic, it leaves a
/// message that does not exist.
pub struct Claim<'w, K, S: Stride = usize> {
    writer: &'w mut Writer<K, S>,
}

impl<K, S: Stride> Claim<'_, K, S> {
    /// The message's words. They still hold what the slot held before.
    #[inline(always)]
    pub fn words(&self) -> &[AtomicU64] {
        &self.writer.path.slot()[HEAD_WORDS..]
    }

    /// The sequence number of the message.
    #[inline]
    pub const fn sequence(&self) -> u64 {
        self.writer.path.next()
    }

    /// Publishes what was written into [`Claim::words`]; returns the sequence number.
    #[inline(always)]
    pub fn commit(self) -> u64 {
        let sequence = self.sequence();
        let mut claim = core::mem::ManuallyDrop::new(self);
        claim.settle(HELD);
        sequence
    }

    #[inline(always)]
    fn settle(&mut self, state: u64) {
        let Writer { path, head, bypassed, .. } = &mut *self.writer;
        *bypassed = 0;
        let (slot, step) = path.split();
        let sequence = step.sequence();
        // ORDERING: mpmc-stamp: release pairs with the reader's first look and with the next claim of the slot; relaxed, a
        // reader could find the stamp before the words.
        slot[0].store(stamp(sequence, state), Ordering::Release);
        // ORDERING: none; a hint.
        head.store(sequence.wrapping_add(1), Ordering::Relaxed);
        step.take();
    }
}

impl<K, S: Stride> Drop for Claim<'_, K, S> {
    fn drop(&mut self) {
        self.settle(SKIPPED);
    }
}

impl<K, S: Stride> fmt::Debug for Claim<'_, K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("sequence", &self.sequence()).finish()
    }
}

/// Gives up whatever `owner` had claimed when it died; says how many claims that were (at most one). Anybody may do so, at
/// any time, and more than one at a time; only that the owner is dead must be certain.
pub fn abandon<S: Stride>(words: &[AtomicU64], stride: S, owner: u32) -> usize {
    let mut given_up = 0;
    for slot in words.chunks_exact(stride.words()) {
        // ORDERING: none; exchanged below as found.
        let found = slot[0].load(Ordering::Relaxed);
        if found & STATE != CLAIMED || (found >> STATE_BITS) as u32 & (OWNERS - 1) != owner {
            continue;
        }
        // A claim of more than 2^50 messages has lost its key's upper bits; readers tell SKIPPED by the lower ones alike.
        let mark = found >> (STATE_BITS + OWNER_BITS) << STATE_BITS | SKIPPED;
        // ORDERING: mpmc-stamp: release, because the next writer of the slot acquires it; the dead owner's words were
        // ordered before by whatever proved its death.
        given_up +=
            usize::from(slot[0].compare_exchange(found, mark, Ordering::Release, Ordering::Relaxed).is_ok());
    }
    given_up
}

/// A reading end. Only loads; makes no difference to writers or to other readers.
pub struct Reader<K, S = usize> {
    path: Path<ReadU64, K, S>,
    head: Lent<ReadU64, K>,
}

impl<K, S: Stride> Reader<K, S> {
    /// A reader of what is published from now on.
    ///
    /// # Errors
    ///
    /// [`RingError`] when `words` is not at least two slots of at least three words.
    pub fn join(words: Lent<[ReadU64], K>, head: Lent<ReadU64, K>, stride: S) -> Result<Self, RingError> {
        let mut reader = Self { path: Path::new(words, stride, HEAD_WORDS + 1)?, head };
        reader.skip_all();
        Ok(reader)
    }

    /// The first number that is not taken, as far as this moment tells.
    fn front(&self) -> u64 {
        // ORDERING: none; a hint: the stamps tell.
        front(self.head.load_relaxed().max(self.next()), self.path.capacity(), |sequence| {
            let slot = self.path.ring().slot_of(sequence);
            (slot[0].load_relaxed(), slot[1].load_relaxed())
        })
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

    /// Goes back to the oldest message that may still be readable; says how many numbers back from the front that is.
    pub fn rewind(&mut self) -> u64 {
        let front = self.front();
        self.path.go_to(front.saturating_sub(self.path.capacity()));
        front - self.next()
    }

    /// Jumps over all messages but the newest that is there; says how many. A reader that was overtaken stays where it is.
    pub fn skip_to_newest(&mut self) -> u64 {
        let (next, front) = (self.next(), self.front());
        if front - next > self.path.capacity() {
            return 0;
        }
        // The last ones may still be claimed, or given up.
        let there =
            |sequence: &u64| self.path.ring().slot_of(*sequence)[0].load_relaxed() == stamp(*sequence, HELD);
        let newest = (next.saturating_add(1)..front).rev().find(there).unwrap_or(next);
        self.path.go_to(newest);
        newest - next
    }

    /// The sequence number that the next message received will have, if the reader is not overtaken.
    #[inline]
    pub const fn next(&self) -> u64 {
        self.path.next()
    }

    /// Sequence numbers taken and not yet passed, as far as this moment tells.
    pub fn pending(&self) -> u64 {
        self.front() - self.next()
    }

    /// How far behind the oldest message a reader resumes after it lagged: an eighth of the ring.
    #[inline]
    pub const fn margin(&self) -> u64 {
        self.path.capacity() / 8
    }

    /// Slots.
    pub const fn capacity(&self) -> usize {
        self.path.capacity() as usize
    }

    /// Who is writing the next message, if somebody is: its owner.
    pub fn claimed_by(&self) -> Option<u32> {
        let found = self.path.slot()[0].load_relaxed();
        // ORDERING: none; that the owner is dead is found out by other means, which order more than this.
        let claimed = standing(found, self.path.slot()[1].load_relaxed(), self.next()) == Standing::Claimed;
        claimed.then_some((found >> STATE_BITS) as u32 & (OWNERS - 1))
    }

    /// Moves behind the next message, if `owner` is still writing it: for a reader that knows `owner` to be dead, so that
    /// the message will never come.
    pub fn skip_claim_of(&mut self, owner: u32) -> bool {
        let is_his = self.claimed_by() == Some(owner);
        if is_his {
            self.path.step();
        }
        is_his
    }

    /// Moves behind the next message, if it was given up or bypassed, so that it never existed.
    pub fn skip_void(&mut self) -> bool {
        let is_void = self.standing() == Standing::Void;
        if is_void {
            self.path.step();
        }
        is_void
    }

    /// What the slot of the next message says now.
    #[inline(always)]
    fn standing(&self) -> Standing {
        let slot = self.path.slot();
        // ORDERING: none; whoever wants the message polls.
        standing(slot[0].load_relaxed(), slot[1].load_relaxed(), self.next())
    }

    /// True when there is nothing new: neither the next message, nor a sign that it is lost.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        matches!(self.standing(), Standing::Open | Standing::Blocked | Standing::Claimed)
    }

    /// Looks at the next slot without copying.
    #[inline(always)]
    pub fn poll(&mut self) -> Poll<'_, S> {
        let (slot, step) = self.path.split();
        // ORDERING: mpmc-stamp: pairs with the release in `settle`: the words of the message are there.
        let found = slot[0].load_acquire();
        let held = stamp(step.sequence(), HELD);
        if found == held {
            return Poll::Ready(Glimpse::new(slot, HEAD_WORDS, held, step));
        }
        match standing(found, slot[1].load_relaxed(), step.sequence()) {
            Standing::Void | Standing::Gone => Poll::Overtaken,
            Standing::Open | Standing::Blocked | Standing::Claimed | Standing::Held => Poll::Empty,
        }
    }

    /// Moves a reader that was overtaken behind the gap and says how many sequence numbers that skips: at least one. One
    /// that met a message given up or bypassed moves behind it; one that is a lap behind resumes
    /// [`margin`](Self::margin) behind the oldest message.
    #[cold]
    pub fn catch_up(&mut self) -> u64 {
        let next = self.next();
        let mut resume = next.saturating_add(1);
        if self.standing() == Standing::Gone {
            let front = self.front();
            let oldest = front.saturating_sub(self.path.capacity());
            resume = resume.max(oldest.saturating_add(self.margin()).min(front));
        }
        self.path.forward(resume);
        resume - next
    }
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
