//! The gate of a lossless ring: how far its writers may go before the slowest reader has made room.
//!
//! # Memory
//!
//! Words on cache lines of their own: `announced`, `left`, `used`, `audience`, then one cursor per reader: 0 = free, else the
//! reader's position + 1.
//!
//! # Why a reader that joins loses nothing
//!
//! A writer that has used up its limit takes the slowest cursor m and *announces* m + room, the highest number that it
//! may now write below; then, behind a full fence, it looks at the cursors once more. A reader that joins enters its
//! cursor; then, behind a full fence, it looks at what is announced, and moves up to `announced - room` if it stood
//! below.
//!
//! 1. The writer's second look finds the joiner: its limit respects the joiner's cursor, wherever that is.
//! 2. It does not: then the joiner's fence comes later, so the joiner finds the announcement and moves up to m at least.
//!    The writer writes below m + room, which overwrites what is below m.
//!
//! What lies below the joiner's final cursor may be overwritten, what lies above is gated, for every writer's limit:
//! announcements only grow, and each writer uses a limit only after it was announced.
//!
//! Without readers nobody makes room: the limit stays at what the last reader to leave had read (`left`), or at the start.

use core::fmt;

use xbar_layout::Lent;
use xbar_layout::sync::{AtomicU64, Ordering, full_fence};

use crate::error::TooManySubscribers;
use crate::stride::LINE_WORDS;

const ANNOUNCED: usize = 0;
const LEFT: usize = LINE_WORDS;
const USED: usize = 2 * LINE_WORDS;
const AUDIENCE: usize = 3 * LINE_WORDS;
const CURSORS: usize = 4 * LINE_WORDS;

/// The shared part, as writers and joiners use it.
///
/// Invariant 1: `words` has room for the four numbers and `readers` cursors.
pub struct Gate<K> {
    words: Lent<[AtomicU64], K>,
    room: u64,
    readers: usize,
}

impl<K> Gate<K> {
    /// Words that a gate for `readers` takes.
    pub const fn words(readers: usize) -> usize {
        CURSORS + readers * LINE_WORDS
    }

    /// The gate in `words`, all zero or in use; `room` messages may be unread at a time.
    ///
    /// # Panics
    ///
    /// When `words` has no room for one reader.
    pub fn new(words: Lent<[AtomicU64], K>, room: u64) -> Self {
        let readers = words.len().saturating_sub(CURSORS) / LINE_WORDS;
        assert!(readers > 0, "a gate needs room for at least 1 reader");
        let gate = Self { words, room, readers };
        // ORDERING: none; before anybody joins, or no news.
        gate.words[ANNOUNCED].fetch_max(room, Ordering::Relaxed);
        gate
    }

    /// Messages that may be unread at a time.
    pub const fn room(&self) -> u64 {
        self.room
    }

    /// Counts somebody who may yet join, until [`depart`](Self::depart).
    pub fn attend(&self) {
        attend(&self.words);
    }

    /// Takes back one [`attend`](Self::attend).
    pub fn depart(&self) {
        depart(&self.words);
    }

    /// True when there are no readers, and nobody who could make one.
    #[inline(always)]
    pub fn is_deserted(&self) -> bool {
        // ORDERING: none; nothing happens any more that could be seen.
        self.words[AUDIENCE].load(Ordering::Relaxed) == 0
    }

    /// A new limit for a writer that has used up `limit`: it may write the messages below. `limit` itself when nobody has
    /// made room.
    ///
    /// What readers did with messages that the new limit lets the writer overwrite is visible to the writer.
    #[cold]
    #[inline(never)]
    pub fn widen(&self, limit: u64) -> u64 {
        // ORDERING: none; whoever left had joined, so the second look behind the fence finds its cursor, and acquires it.
        let unread = || self.words[LEFT].load(Ordering::Relaxed);
        let slowest = self.slowest().unwrap_or_else(unread);
        let wider = slowest.saturating_add(self.room);
        if wider <= limit {
            return limit;
        }
        // ORDERING: gate-join: announced before the second look; the fence orders it, and the partner is the joiner's.
        self.words[ANNOUNCED].fetch_max(wider, Ordering::Relaxed);
        // ORDERING: gate-join: announcement before the second look at the cursors.
        full_fence();
        match self.slowest() {
            Some(slowest) => wider.min(slowest.saturating_add(self.room)).max(limit),
            None => wider,
        }
    }

    /// True when [`widen`](Self::widen) would give more than `limit`.
    #[cold]
    pub fn is_wider(&self, limit: u64) -> bool {
        // ORDERING: none; as in `widen`.
        let unread = || self.words[LEFT].load(Ordering::Relaxed);
        self.slowest().unwrap_or_else(unread).saturating_add(self.room) > limit
    }

    /// The lowest cursor.
    fn slowest(&self) -> Option<u64> {
        // ORDERING: gate-join: a reader that this count misses joined behind the fence; see the cases above.
        let used = (self.words[USED].load(Ordering::Relaxed) as usize).min(self.readers);
        let cursors = self.words[CURSORS..].iter().step_by(LINE_WORDS).take(used);
        cursors
            // ORDERING: gate-cursor: pairs with the reader's release: it has read what is below its cursor, also when the
            // cursor is free because it left.
            .map(|cursor| cursor.load(Ordering::Acquire))
            .filter(|cursor| *cursor != 0)
            .map(|cursor| cursor - 1)
            .min()
    }

    /// The oldest message that no writer may have overwritten.
    pub fn oldest(&self) -> u64 {
        // ORDERING: none; whoever joins looks again.
        self.words[ANNOUNCED].load(Ordering::Relaxed).saturating_sub(self.room)
    }

    /// How many readers there are, as far as this moment tells.
    pub fn readers(&self) -> usize {
        // ORDERING: none; a figure for people.
        self.words[CURSORS..].iter().step_by(LINE_WORDS).filter(|c| c.load(Ordering::Relaxed) != 0).count()
    }

    /// Enters a reader at `position`, or behind it where that is no longer safe.
    ///
    /// # Errors
    ///
    /// [`TooManySubscribers`] when all cursors are in use.
    pub fn join(&self, position: u64) -> Result<Pass<K>, TooManySubscribers>
    where
        K: Clone,
    {
        let free = |index: &usize| {
            let cursor = &self.words[CURSORS + index * LINE_WORDS];
            // ORDERING: gate-cursor: acquired by the fence below; pairs with the release of the reader that left: what it read
            // comes before what this one releases.
            cursor.compare_exchange(0, position + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        let index = (0..self.readers).find(free).ok_or(TooManySubscribers { limit: self.readers })?;
        // ORDERING: gate-join: ordered by the fence below.
        self.words[USED].fetch_max(index as u64 + 1, Ordering::Relaxed);
        // ORDERING: gate-join: cursor before the look at what is announced.
        full_fence();
        let position = position.max(self.oldest());
        let pass = Pass {
            cursor: self.words.part(|words| &words[CURSORS + index * LINE_WORDS]),
            words: self.words.clone(),
            position,
        };
        attend(&pass.words);
        // ORDERING: gate-cursor: released by the fence above, for the reads of whoever had the cursor before.
        pass.cursor.store(position + 1, Ordering::Relaxed);
        Ok(pass)
    }
}

impl<K> fmt::Debug for Gate<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("room", &self.room).field("readers", &self.readers()).finish()
    }
}

/// A reader's place in the gate: as long as it lives, no writer overwrites what lies at its position or behind.
pub struct Pass<K> {
    cursor: Lent<AtomicU64, K>,
    /// The gate's.
    words: Lent<[AtomicU64], K>,
    position: u64,
}

impl<K> Pass<K> {
    /// The number of the next message to read.
    #[inline(always)]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Makes room for the writers: everything below `position` was read.
    #[inline(always)]
    pub fn move_to(&mut self, position: u64) {
        self.position = position;
        // ORDERING: gate-cursor: release pairs with the writer's acquire: what was read is read before it is overwritten.
        self.cursor.store(position + 1, Ordering::Release);
    }
}

impl<K> Drop for Pass<K> {
    #[inline(always)]
    fn drop(&mut self) {
        // ORDERING: none; see `widen`.
        self.words[LEFT].fetch_max(self.position, Ordering::Relaxed);
        // ORDERING: gate-cursor: release, for a writer that finds the cursor free, and for the reader that takes it next.
        self.cursor.store(0, Ordering::Release);
        depart(&self.words);
    }
}

fn attend(words: &[AtomicU64]) {
    // ORDERING: none; a count that only its end is interesting of, and nothing happens behind that.
    words[AUDIENCE].fetch_add(1, Ordering::Relaxed);
}

fn depart(words: &[AtomicU64]) {
    // ORDERING: none; as above.
    words[AUDIENCE].fetch_sub(1, Ordering::Relaxed);
}

impl<K> fmt::Debug for Pass<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass").field("position", &self.position).finish()
    }
}
