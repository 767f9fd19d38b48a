//! The reading end of a topic: messages out of slots, holds on the blocks behind them.
//!
//! An inline message is copied and then checked, as in any seqlock. A message in a block is *held*: the reader writes
//! the block's number into a cell of its own ledger, makes a full fence, and looks at the stamp again. If the slot still
//! holds the message, every reclaimer that comes later sees the cell, and the bytes stay until the hold is dropped.
//! The two cases of the race are numbered in xbar-pool's ledger.rs.

use std::fmt;

use xbar_layout::ring::{BLOCK_TIME, DESCRIPTOR, INLINE, INLINE_WORDS};
use xbar_layout::{Descriptor, Message};
use xbar_pool::{Held, HoldError, Ledger};
use xbar_ring::{Poll, broadcast};

/// What a look at the ring brought.
#[derive(Debug)]
pub enum Glance<'l, K> {
    /// A message that was in the slot, copied whole.
    Inline {
        /// Its place in the stream.
        sequence: u64,
        /// Publish time in ns since the region was created; 0 = none.
        time: u64,
        /// Its bytes, in memory order.
        words: [u64; INLINE_WORDS],
        /// How many of them.
        length: usize,
    },
    /// A message in a block, which is held.
    Block {
        /// Its place in the stream.
        sequence: u64,
        /// Publish time in ns since the region was created; 0 = none.
        time: u64,
        /// Which block.
        index: u32,
        /// Bytes in it, at most a block's.
        length: usize,
        /// The hold.
        held: Held<'l, K>,
    },
    /// Nothing new.
    Empty,
    /// Messages were overwritten before they were received.
    Lagged {
        /// How many, exactly.
        missed: u64,
    },
    /// The next message is in a block, and all cells of the ledger are in use. The message waits.
    Full,
}

/// Reads messages from a topic's ring.
pub struct Reader<K> {
    ring: broadcast::Reader<K>,
    blocks: u32,
    block_bytes: u32,
}

impl<K> Reader<K> {
    /// The reader of `ring`, whose slots name blocks of a pool of `blocks` of `block_bytes`.
    pub const fn new(ring: broadcast::Reader<K>, blocks: u32, block_bytes: u32) -> Self {
        Self { ring, blocks, block_bytes }
    }

    /// Messages published and not yet received.
    pub fn pending(&self) -> u64 {
        self.ring.pending()
    }

    /// Goes back to the oldest message that is still readable.
    pub fn rewind(&mut self) {
        self.ring.rewind();
    }

    /// Takes the next message, holding its block, if it has one, through `ledger`.
    #[inline(always)]
    pub fn look<'l, L>(&mut self, ledger: &'l Ledger<L>) -> Glance<'l, L> {
        let glimpse = match self.ring.poll() {
            Poll::Ready(glimpse) => glimpse,
            Poll::Empty => return Glance::Empty,
            Poll::Lagged { missed } => return Glance::Lagged { missed },
        };
        let sequence = glimpse.sequence();
        let slot = glimpse.words();
        match Descriptor(slot[DESCRIPTOR].load_relaxed()).check(self.blocks, self.block_bytes) {
            Some(Message::Inline { length, time }) => {
                let words = std::array::from_fn(|place| slot[INLINE + place].load_relaxed());
                match glimpse.accept() {
                    Ok(()) => Glance::Inline { sequence, time, words, length },
                    Err(missed) => Glance::Lagged { missed },
                }
            }
            Some(Message::Block { index, length }) => {
                let time = slot[BLOCK_TIME].load_relaxed();
                match ledger.hold(index, || glimpse.is_whole()) {
                    Ok(held) => {
                        glimpse.skip();
                        Glance::Block { sequence, time, index, length, held }
                    }
                    Err(HoldError::Gone) => Glance::Lagged { missed: glimpse.lag() },
                    Err(HoldError::Full) => Glance::Full,
                }
            }
            // Torn, or damaged memory: the message cannot be had either way.
            None => match glimpse.accept() {
                Ok(()) => Glance::Lagged { missed: 1 },
                Err(missed) => Glance::Lagged { missed },
            },
        }
    }
}

impl<K> fmt::Debug for Reader<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("ring", &self.ring).finish_non_exhaustive()
    }
}
