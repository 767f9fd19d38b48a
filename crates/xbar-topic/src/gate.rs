//! The gate of a lossless topic: how far its publishers may write before the slowest reader has made room.
//!
//! As xbar-ring's gate, over the memory of a region: a reader's cursor is in the reader's own record, the only one that
//! it may write, and what publishers announce is in the ring's header, which readers only see.
//!
//! # Why a reader that joins loses nothing
//!
//! A publisher that has used up its limit takes the slowest cursor m and *announces* the number w below which it will now
//! write, m + room at most; then, behind a full fence, it looks at the cursors once more. A reader that joins enters its cursor; then,
//! behind a full fence, it looks at what is announced, and moves up to `announced - room` if it stood below.
//!
//! 1. The publisher's second look finds the joiner: its limit respects the joiner's cursor, wherever that is.
//! 2. It does not: then the joiner's fence comes later, so the joiner finds the announcement and moves up to w - room at
//!    least. The publisher writes below w, which overwrites what is below w - room.
//!
//! What lies below the joiner's final cursor may be overwritten, what lies above is gated, for every publisher's limit:
//! announcements only grow, and each publisher uses a limit only after it was announced.
//!
//! Without readers nobody is waited for: m is then the next number to be written.

use std::fmt;

use xbar_layout::Lent;
use xbar_layout::participant::{STREAM_CURSOR, STREAM_TAKEN, STREAM_TOPIC, STREAM_WORDS};
use xbar_layout::sync::{AtomicU64, Ordering, ReadU64, full_fence};

/// A publisher announces a ring in so many steps: those who join find the rest of it as history.
const STEPS: u64 = 4;

/// Every subscriber's streams, as a publisher sees them: `streams` of them from word `first`, again every `stride` words.
pub struct Cursors<K> {
    words: Lent<[AtomicU64], K>,
    first: usize,
    stride: usize,
    streams: usize,
}

impl<K> Cursors<K> {
    /// The streams in `words`.
    pub const fn new(words: Lent<[AtomicU64], K>, first: usize, stride: usize, streams: usize) -> Self {
        Self { words, first, stride, streams }
    }

    /// The streams of subscriber `reader`; none when the memory has none.
    pub fn of(&self, reader: usize) -> impl Iterator<Item = &[AtomicU64]> {
        let start = self.first + reader * self.stride;
        let words = self.words.get(start..start + self.streams * STREAM_WORDS).unwrap_or(&[]);
        words.chunks_exact(STREAM_WORDS)
    }

    /// The positions of the streams of `topic` (its number + 1), with whose they are.
    fn positions(&self, topic: u64, readers: usize) -> impl Iterator<Item = (usize, u64)> {
        let streams = (0..readers).flat_map(|reader| self.of(reader).map(move |stream| (reader, stream)));
        streams.filter_map(move |(reader, stream)| {
            // ORDERING: topic-gate: pairs with the release of a reader that joined, whose cursor is there, or that left: it has
            // read what it wanted.
            if stream[STREAM_TOPIC].load(Ordering::Acquire) != topic {
                return None;
            }
            // ORDERING: topic-cursor: pairs with the reader's release: it has read, or holds, what is below its cursor.
            Some((reader, stream[STREAM_CURSOR].load(Ordering::Acquire).saturating_sub(1)))
        })
    }
}

impl<K: Clone> Clone for Cursors<K> {
    fn clone(&self) -> Self {
        Self { words: self.words.clone(), ..*self }
    }
}

impl<K> fmt::Debug for Cursors<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursors").field("streams", &self.streams).finish_non_exhaustive()
    }
}

/// The publisher's side.
#[derive(Debug)]
pub struct Gate<K> {
    announced: Lent<AtomicU64, K>,
    cursors: Cursors<K>,
    topic: u64,
    room: u64,
}

impl<K> Gate<K> {
    /// The gate of topic number `topic`, of which `room` messages may be unread at a time.
    pub const fn new(announced: Lent<AtomicU64, K>, cursors: Cursors<K>, topic: u32, room: u64) -> Self {
        Self { announced, cursors, topic: topic as u64 + 1, room }
    }

    /// A new limit for a publisher that has used up `limit`: it may write the messages below. `limit` itself when nobody has
    /// made room. `next` is the next number to be written, or one that is written; `readers` says how many records are in
    /// use.
    ///
    /// What readers did with messages that the new limit lets the publisher overwrite is visible to the publisher.
    #[cold]
    #[inline(never)]
    pub fn widen(&self, limit: u64, next: u64, readers: impl Fn() -> usize) -> u64 {
        // No reader is ahead of what is written. One that says so lies, or took its line from a reader of another topic between
        // the two looks at it: announced, that number would send readers that join past messages that are still to come.
        let slowest = self.slowest(readers()).map_or(next, |(_, position)| position.min(next));
        // In steps, because what is announced is no longer history for those who join.
        let step = next.saturating_add((self.room / STEPS).max(1));
        let wider = slowest.saturating_add(self.room).min(step);
        if wider <= limit {
            return limit;
        }
        // ORDERING: topic-join: announced before the second look; the fence orders it, and the partner is the joiner's.
        self.announced.fetch_max(wider, Ordering::Relaxed);
        // ORDERING: topic-join: announcement before the second look at the cursors, and at how many there are.
        full_fence();
        match self.slowest(readers()) {
            Some((_, slowest)) => wider.min(slowest.saturating_add(self.room)).max(limit),
            None => wider,
        }
    }

    /// How many streams there are, as far as this moment tells.
    pub fn streams(&self, readers: usize) -> usize {
        self.cursors.positions(self.topic, readers).count()
    }

    /// The lowest position, and which subscriber's it is.
    pub fn slowest(&self, readers: usize) -> Option<(usize, u64)> {
        self.cursors.positions(self.topic, readers).min_by_key(|(_, position)| *position)
    }
}

/// A reader's place in the gate: until it leaves, nothing at its position or behind is overwritten.
#[derive(Debug)]
pub struct Pass<K> {
    stream: Lent<[AtomicU64], K>,
    position: u64,
}

impl<K> Pass<K> {
    /// Enters a reader of topic number `topic` at `position`, or behind it where that is no longer safe; `None` when none of
    /// `streams`, the reader's own, is free.
    pub fn join(
        streams: &Lent<[AtomicU64], K>,
        announced: &ReadU64,
        topic: u32,
        room: u64,
        position: u64,
    ) -> Option<Self>
    where
        K: Clone,
    {
        let place = (0..streams.len() / STREAM_WORDS).find(|place| {
            let word = &streams[place * STREAM_WORDS + STREAM_TOPIC];
            // ORDERING: none; acquired by the fence below, from the stream of this process that had the line before.
            word.compare_exchange(0, STREAM_TAKEN, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        })?;
        let stream = streams.part(|words| &words[place * STREAM_WORDS..][..STREAM_WORDS]);
        // ORDERING: topic-gate: carried by the release below.
        stream[STREAM_CURSOR].store(position.saturating_add(1), Ordering::Relaxed);
        // ORDERING: topic-gate: release pairs with the publisher's acquire: the cursor is there.
        stream[STREAM_TOPIC].store(u64::from(topic) + 1, Ordering::Release);
        // ORDERING: topic-join: cursor before the look at what is announced.
        full_fence();
        // ORDERING: topic-join: behind the fence.
        let safe = announced.load_relaxed().saturating_sub(room);
        let mut pass = Self { stream, position };
        pass.move_to(position.max(safe));
        Some(pass)
    }

    /// The number of the next message to read.
    #[inline(always)]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Makes room: everything below `position` was read, or is held.
    #[inline(always)]
    pub fn move_to(&mut self, position: u64) {
        self.position = position;
        // ORDERING: topic-cursor: release pairs with the publisher's acquire: what was read is read before it is overwritten,
        // and what is held is in the ledger before its block is evicted.
        self.stream[STREAM_CURSOR].store(position.saturating_add(1), Ordering::Release);
    }

    /// Leaves the gate: nobody waits for this reader any more. Once, and nothing else behind it: the line is somebody
    /// else's then.
    pub fn leave(&mut self) {
        // ORDERING: topic-gate: release pairs with the publisher's acquire: this reader has read what it wanted.
        self.stream[STREAM_TOPIC].store(0, Ordering::Release);
    }
}
