//! The `peers` file: a control line, a line per topic for those who wait, and one record per participant.
//!
//! Records are on pages of their own: a subscriber maps the control lines and its own record writable, and no
//! other's.

use crate::access::{Access, ReadWrite};
use crate::limits::MOST_POOLS;

/// The first line of `peers`.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct Control<A: Access = ReadWrite> {
    /// Subscriber seats in use so far, counted from the first: only grows. A reader raises it before its first hold;
    /// reclaimers scan that many ledger rows.
    pub subscribers_joined: A::U32,
    /// Zero.
    pub reserved: [A::U32; 15],
}

/// A topic's line in `peers`.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct TopicLine<A: Access = ReadWrite> {
    /// 1 when a reader is about to sleep or sleeps; set by readers, taken back by the publisher that wakes them.
    pub readers_waiting: A::U32,
    /// Futex word of a lossless topic: changes when publishers that wait for room are to look again. Written by readers.
    pub room: A::U32,
    /// 1 when a publisher is about to sleep or sleeps until there is room; set by publishers, taken back by the reader
    /// that wakes them.
    pub publishers_waiting: A::U32,
    /// Zero.
    pub reserved: [A::U32; 13],
}

/// [`Record::state`]: nobody sits here.
pub const STATE_FREE: u32 = 0;
/// [`Record::state`]: somebody does, or did until it was killed; its lock file knows.
pub const STATE_TAKEN: u32 = 1;
/// [`Record::state`]: a publisher left while readers held blocks of its; they are still in its name.
pub const STATE_OWING: u32 = 2;

/// Where a record's lossless streams begin: `streams` times [`STREAM_BYTES`]. Behind them come the ledger cells, pool by
/// pool `samples` 32-bit words, each 0 or the index + 1 of a held block.
pub const STREAMS_OFFSET: usize = 256;

/// Bytes of one lossless stream: a line of its own.
pub const STREAM_BYTES: usize = 64;

/// One participant's record, before its streams and ledger cells. Written by the participant alone, except that a sweeper
/// clears it after its death.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct Record<A: Access = ReadWrite> {
    /// [`STATE_FREE`], [`STATE_TAKEN`] or [`STATE_OWING`].
    pub state: A::U32,
    /// Process of the participant; for people only.
    pub pid: A::U32,
    /// When it joined, in ns since 1970; for people only.
    pub joined_unix_ns: A::U64,
    /// When it last did something, in ns since 1970, up to 1024 messages late while it is busy; for people only.
    pub active_unix_ns: A::U64,
    /// Zero.
    pub reserved: [A::U32; 10],
    /// Counters of a running participant, on a line of their own.
    pub counters: Counters<A>,
    /// Publisher: what it is about to take from each pool's free list.
    pub intents: [IntentWords<A>; MOST_POOLS],
    /// Zero.
    pub padding: [A::U64; 8],
}

/// The chain of blocks that a publisher is about to take from a free list.
#[repr(C)]
#[derive(Debug)]
pub struct IntentWords<A: Access = ReadWrite> {
    /// Its first block + 1; 0 when it takes none.
    pub first: A::U32,
    /// How many blocks it has at most.
    pub count: A::U32,
}

/// What a participant has done so far, for tools that watch: relaxed, up to 1024 messages behind while it is busy.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct Counters<A: Access = ReadWrite> {
    /// Publisher: messages published.
    pub published: A::U64,
    /// Publisher: loans given back unpublished.
    pub aborted: A::U64,
    /// Subscriber: messages received.
    pub received: A::U64,
    /// Subscriber: messages missed.
    pub missed: A::U64,
    /// Publisher: times that it waited for room in a lossless topic.
    pub waits: A::U64,
    /// Zero.
    pub reserved: [A::U64; 3],
}

/// 64-bit words of one lossless stream: how far a reader has come. Written by that reader alone, except that a sweeper clears
/// them after its death.
pub const STREAM_WORDS: usize = STREAM_BYTES / 8;

/// Word of a stream: the topic's number + 1, 0 = free, [`STREAM_TAKEN`] = being filled in.
pub const STREAM_TOPIC: usize = 0;

/// [`STREAM_TOPIC`]: somebody is filling in the line.
pub const STREAM_TAKEN: u64 = u64::MAX;

/// Word of a stream: the reader's position + 1. The other words are zero.
pub const STREAM_CURSOR: usize = 1;
