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
use xbar_ring::{Poll, broadcast, mpmc};

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

/// A ring to read from.
pub enum ReadRing<K> {
    /// Of one publisher.
    One(broadcast::Reader<K>),
    /// Of many publishers.
    Many(mpmc::Reader<K>),
}

/// The same of either ring.
macro_rules! either {
    ($ring:expr, $name:ident => $what:expr) => {
        match $ring {
            ReadRing::One($name) => $what,
            ReadRing::Many($name) => $what,
        }
    };
}

/// Reads messages from a topic's ring.
pub struct Reader<K> {
    ring: ReadRing<K>,
    blocks: u32,
    block_bytes: u32,
    /// Whether messages that never existed go uncounted.
    lossless: bool,
}

/// Tries of a newest message that is overwritten again and again before it is read: more is a damaged ring.
const TRIES: u32 = 1 << 16;

impl<K> Reader<K> {
    /// The reader of `ring`, whose slots name blocks of a pool of `blocks` of `block_bytes`. A lossless topic's counts no
    /// message as missed that a killed publisher began and nobody finished.
    pub const fn new(ring: ReadRing<K>, blocks: u32, block_bytes: u32, lossless: bool) -> Self {
        Self { ring, blocks, block_bytes, lossless }
    }

    /// The sequence number that the next message received will have, if the reader does not lag.
    #[inline(always)]
    pub const fn next(&self) -> u64 {
        either!(&self.ring, ring => ring.next())
    }

    /// Messages published and not yet received.
    pub fn pending(&self) -> u64 {
        either!(&self.ring, ring => ring.pending())
    }

    /// Goes back by up to `messages`, as far as they are still readable.
    pub fn rewind(&mut self, messages: u64) {
        let back = either!(&mut self.ring, ring => ring.rewind());
        if back > messages {
            self.skip_to(self.next() + (back - messages));
        }
    }

    /// Goes on to message `sequence`, which lies ahead.
    pub fn skip_to(&mut self, sequence: u64) {
        either!(&mut self.ring, ring => ring.skip_to(sequence));
    }

    /// True when there is nothing new.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        either!(&self.ring, ring => ring.is_empty())
    }

    /// Who is writing the next message, where there are many publishers.
    pub fn claimed_by(&self) -> Option<u32> {
        match &self.ring {
            ReadRing::One(_) => None,
            ReadRing::Many(ring) => ring.claimed_by(),
        }
    }

    /// Moves behind the next message, if `owner`, known to be dead, was writing it.
    pub fn skip_claim_of(&mut self, owner: u32) -> bool {
        match &mut self.ring {
            ReadRing::One(_) => false,
            ReadRing::Many(ring) => ring.skip_claim_of(owner),
        }
    }

    /// Takes the next message, holding its block, if it has one, through `ledger`.
    #[inline(always)]
    pub fn take<'l, L, F: Found<'l, L>>(&mut self, ledger: &'l Ledger<L>, found: F) -> F::Output {
        let pool = (self.blocks, self.block_bytes);
        let lagged = match &mut self.ring {
            ReadRing::One(ring) => match read::<INLINE_WORDS, _, _>(ring.poll(), pool, ledger, found) {
                Ok(output) => return output,
                Err(found) => (found, ring.catch_up()),
            },
            ReadRing::Many(ring) => {
                if self.lossless {
                    while ring.skip_void() {}
                }
                match read::<{ INLINE_WORDS - 1 }, _, _>(ring.poll(), pool, ledger, found) {
                    Ok(output) => return output,
                    Err(found) => (found, ring.catch_up()),
                }
            }
        };
        let (found, missed) = lagged;
        found.nothing(Nothing::Lagged { missed })
    }

    /// Takes the newest message, received already or not. For a ring of one publisher.
    #[inline(always)]
    pub fn take_newest<'l, L, F: Found<'l, L>>(&mut self, ledger: &'l Ledger<L>, mut found: F) -> F::Output {
        let pool = (self.blocks, self.block_bytes);
        if let ReadRing::One(ring) = &mut self.ring {
            let next = ring.next();
            for _ in 0..TRIES {
                if !ring.seek_newest() {
                    break;
                }
                match read::<INLINE_WORDS, _, _>(ring.poll(), pool, ledger, found) {
                    Ok(output) => {
                        // One that was received before and could not be held now is no news again.
                        ring.skip_to(next);
                        return output;
                    }
                    // Overwritten: there is a newer one.
                    Err(again) => found = again,
                }
            }
        }
        found.nothing(Nothing::Empty)
    }
}

/// Reads what was found in a slot with room for `INLINE` words. What is asked for comes back when the message was
/// overwritten.
#[inline(always)]
fn read<'l, const WORDS: usize, L, F: Found<'l, L>>(
    poll: Poll<'_>,
    (blocks, block_bytes): (u32, u32),
    ledger: &'l Ledger<L>,
    found: F,
) -> Result<F::Output, F> {
    let glimpse = match poll {
        Poll::Ready(glimpse) => glimpse,
        // A topic's writer never ends its ring: who is alive is the region's matter. Damage that looks so is silence.
        Poll::Empty | Poll::Ended => return Ok(found.nothing(Nothing::Empty)),
        Poll::Overtaken => return Err(found),
    };
    let sequence = glimpse.sequence();
    let slot = glimpse.words();
    match Descriptor(slot[DESCRIPTOR].load_relaxed()).check(WORDS * 8, blocks, block_bytes) {
        Some(Message::Inline { length, time }) => {
            let mut words = [0; INLINE_WORDS];
            for (place, word) in words[..WORDS].iter_mut().enumerate() {
                *word = slot[INLINE + place].load_relaxed();
            }
            if !glimpse.accept() {
                return Err(found);
            }
            Ok(found.inline(Inline { sequence, time, words, length }))
        }
        Some(Message::Block { index, length }) => {
            let time = slot[BLOCK_TIME].load_relaxed();
            match ledger.hold(index, || glimpse.is_whole()) {
                Ok(held) => {
                    glimpse.skip();
                    Ok(found.block(InBlock { sequence, time, index, length, held }))
                }
                Err(HoldError::Gone) => Err(found),
                Err(HoldError::Full) => Ok(found.nothing(Nothing::Full)),
            }
        }
        // Torn, or damaged memory: the message cannot be had either way.
        None if glimpse.accept() => Ok(found.nothing(Nothing::Lagged { missed: 1 })),
        None => Err(found),
    }
}

impl<K> fmt::Debug for Reader<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("next", &self.next()).finish_non_exhaustive()
    }
}

impl<K> fmt::Debug for ReadRing<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(ring) => ring.fmt(f),
            Self::Many(ring) => ring.fmt(f),
        }
    }
}
