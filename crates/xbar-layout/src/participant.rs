//! The `peers` file: a control line, a line per topic for its sleepers, and one record per participant.
//!
//! Records are on pages of their own: a subscriber maps the control lines and its own record writable, and no
//! other's.

use crate::access::{Access, ReadWrite};

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
pub struct Sleepers<A: Access = ReadWrite> {
    /// 1 when a reader is about to sleep or sleeps; set by readers, taken back by the publisher that wakes them.
    pub waiting: A::U32,
    /// Zero.
    pub reserved: [A::U32; 15],
}

/// [`Record::state`]: nobody sits here.
pub const STATE_FREE: u32 = 0;
/// [`Record::state`]: somebody does, or did until it was killed; its lock file knows.
pub const STATE_TAKEN: u32 = 1;
/// [`Record::state`]: a publisher left while readers held blocks of its; they are still in its name.
pub const STATE_OWING: u32 = 2;

/// Where the ledger cells begin in a record: `samples` 32-bit words, each 0 or the index + 1 of a held block.
pub const CELLS_OFFSET: usize = 256;

/// One participant's record, before its ledger cells. Written by the participant alone, except that a sweeper
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
    /// Publisher: the first block of the chain it is about to take from the free list, + 1; 0 when it takes none.
    pub intent_first: A::U32,
    /// Publisher: how many blocks that chain has at most.
    pub intent_count: A::U32,
    /// Zero.
    pub reserved: [A::U32; 10],
    /// Counters of a running participant, on a line of their own.
    pub counters: Counters<A>,
    /// Zero.
    pub padding: [A::U64; 16],
}

/// What a participant has done so far, for tools that watch: relaxed, up to 64 messages behind.
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
    /// Zero.
    pub reserved: [A::U64; 4],
}
