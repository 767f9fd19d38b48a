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

/// A message that was in the slot, copied whole.
#[derive(Debug)]
pub struct Inline {
    /// Its place in the stream.
    pub sequence: u64,
    /// Publish time in ns since the region was created; 0 = none.
    pub time: u64,
    /// Its bytes, in memory order.
    pub words: [u64; INLINE_WORDS],
    /// How many of them.
    pub length: usize,
}

/// A message in a block, which is held.
#[derive(Debug)]
pub struct InBlock<'l, K> {
    /// Its place in the stream.
    pub sequence: u64,
    /// Publish time in ns since the region was created; 0 = none.
    pub time: u64,
    /// Which block.
    pub index: u32,
    /// Bytes in it, at most a block's.
    pub length: usize,
    /// The hold.
    pub held: Held<'l, K>,
}

/// Why there is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nothing {
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

/// What to make of what is found.
///
/// Methods rather than closures, because methods can be inlined for certain: a message is then made where it is wanted. A
/// copy that follows the stores of its words too closely waits for them, longer than all the rest takes.
pub trait Found<'l, K> {
    /// What is made.
    type Output;
    /// Of a message in the slot.
    fn inline(self, message: Inline) -> Self::Output;
    /// Of a message in a block.
    fn block(self, message: InBlock<'l, K>) -> Self::Output;
    /// Of none.
    fn nothing(self, nothing: Nothing) -> Self::Output;
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

    /// True when there is nothing new.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Takes the next message, holding its block, if it has one, through `ledger`.
    #[inline(always)]
    pub fn take<'l, L, F: Found<'l, L>>(&mut self, ledger: &'l Ledger<L>, found: F) -> F::Output {
        let glimpse = match self.ring.poll() {
            Poll::Ready(glimpse) => glimpse,
            // A topic's writer never ends its ring: who is alive is the region's matter. Damage that looks so is silence.
            Poll::Empty | Poll::Ended => return found.nothing(Nothing::Empty),
            Poll::Overtaken => return found.nothing(self.lag()),
        };
        let sequence = glimpse.sequence();
        let slot = glimpse.words();
        match Descriptor(slot[DESCRIPTOR].load_relaxed()).check(self.blocks, self.block_bytes) {
            Some(Message::Inline { length, time }) => {
                let words = std::array::from_fn(|place| slot[INLINE + place].load_relaxed());
                if glimpse.accept() {
                    found.inline(Inline { sequence, time, words, length })
                } else {
                    found.nothing(self.lag())
                }
            }
            Some(Message::Block { index, length }) => {
                let time = slot[BLOCK_TIME].load_relaxed();
                match ledger.hold(index, || glimpse.is_whole()) {
                    Ok(held) => {
                        glimpse.skip();
                        found.block(InBlock { sequence, time, index, length, held })
                    }
                    Err(HoldError::Gone) => found.nothing(self.lag()),
                    Err(HoldError::Full) => found.nothing(Nothing::Full),
                }
            }
            // Torn, or damaged memory: the message cannot be had either way.
            None if glimpse.accept() => found.nothing(Nothing::Lagged { missed: 1 }),
            None => found.nothing(self.lag()),
        }
    }

    #[cold]
    fn lag(&mut self) -> Nothing {
        Nothing::Lagged { missed: self.ring.catch_up() }
    }
}

impl<K> fmt::Debug for Reader<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("ring", &self.ring).finish_non_exhaustive()
    }
}
