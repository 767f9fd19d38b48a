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
use xbar_ring::stride::OneLine;
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
    One(broadcast::Reader<K, OneLine>),
    /// Of many publishers.
    Many(mpmc::Reader<K, OneLine>),
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

/// Reads the next message of `$ring`, whose slots have room for `$words` words: what `$found` makes of it, or `$overtaken`
/// when it was overwritten. A macro, because a function would return through memory what a message is made of, twice.
macro_rules! read {
    ($ring:expr, $words:expr, $pool:expr, $ledger:expr, $found:expr, $overtaken:expr) => {
        'read: {
            let (blocks, block_bytes) = $pool;
            let glimpse = match $ring.poll() {
                Poll::Ready(glimpse) => glimpse,
                // A topic's writer never ends its ring: who is alive is the region's matter. Damage that looks so is
                // silence.
                Poll::Empty | Poll::Ended => break 'read $found.nothing(Nothing::Empty),
                Poll::Overtaken => break 'read $overtaken,
            };
            let sequence = glimpse.sequence();
            let slot = glimpse.words();
            match Descriptor(slot[DESCRIPTOR].load_relaxed()).check($words * 8, blocks, block_bytes) {
                Some(Message::Inline { length, time }) => {
                    let mut words = [0; INLINE_WORDS];
                    for (place, word) in words[..$words].iter_mut().enumerate() {
                        *word = slot[INLINE + place].load_relaxed();
                    }
                    if glimpse.accept() {
                        break 'read $found.inline(Inline { sequence, time, words, length });
                    }
                }
                Some(Message::Block { index, length }) => {
                    let time = slot[BLOCK_TIME].load_relaxed();
                    match $ledger.hold(index, || glimpse.is_whole()) {
                        Ok(held) => {
                            glimpse.skip();
                            break 'read $found.block(InBlock { sequence, time, index, length, held });
                        }
                        Err(HoldError::Gone) => {}
                        Err(HoldError::Full) => break 'read $found.nothing(Nothing::Full),
                    }
                }
                // Torn, or damaged memory: the message cannot be had either way.
                None => {
                    if glimpse.accept() {
                        break 'read $found.nothing(Nothing::Lagged { missed: 1 });
                    }
                }
            }
            $overtaken
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
        match &mut self.ring {
            ReadRing::One(ring) => {
                read!(ring, INLINE_WORDS, pool, ledger, found, found.nothing(lag(ring.catch_up())))
            }
            ReadRing::Many(ring) => read_of_many(ring, self.lossless, pool, ledger, found),
        }
    }

    /// Takes the newest message, received already or not. For a ring of one publisher.
    #[inline(always)]
    #[allow(unreachable_code, clippy::diverging_sub_expression)] // `read!` leaves to its caller what becomes of a message that was overwritten
    pub fn take_newest<'l, L, F: Found<'l, L>>(&mut self, ledger: &'l Ledger<L>, found: F) -> F::Output {
        let pool = (self.blocks, self.block_bytes);
        if let ReadRing::One(ring) = &mut self.ring {
            let next = ring.next();
            'again: for _ in 0..TRIES {
                if !ring.seek_newest() {
                    break;
                }
                // Overwritten: there is a newer one.
                let output = read!(ring, INLINE_WORDS, pool, ledger, found, continue 'again);
                // One that was received before and could not be held now is no news again.
                ring.skip_to(next);
                return output;
            }
        }
        found.nothing(Nothing::Empty)
    }

    /// Takes the newest message that was not received, after [`Reader::is_empty`] said that there is one. For a ring of one publisher.
    ///
    /// A publisher stamps a message before it moves the ring's head. In between, or for long when it is stopped or killed there, the
    /// head still names the message before, which may be the one received last: it is not to come again as news.
    #[inline(always)]
    #[allow(unreachable_code, clippy::diverging_sub_expression)] // as in `take_newest`
    pub fn take_newer<'l, L, F: Found<'l, L>>(&mut self, ledger: &'l Ledger<L>, found: F) -> F::Output {
        let pool = (self.blocks, self.block_bytes);
        if let ReadRing::One(ring) = &mut self.ring {
            let next = ring.next();
            'again: for _ in 0..TRIES {
                ring.seek_newest();
                ring.skip_to(next);
                let output = read!(ring, INLINE_WORDS, pool, ledger, found, continue 'again);
                ring.skip_to(next);
                return output;
            }
        }
        found.nothing(Nothing::Empty)
    }
}

/// Apart, so that the way of a message from one publisher is short.
#[inline(never)]
fn read_of_many<'l, K, L, F: Found<'l, L>>(
    ring: &mut mpmc::Reader<K, OneLine>,
    lossless: bool,
    pool: (u32, u32),
    ledger: &'l Ledger<L>,
    found: F,
) -> F::Output {
    if lossless {
        // A ring of them at most: more is damage, and no reason to stay.
        for _ in 0..ring.capacity() {
            if !ring.skip_void() {
                break;
            }
        }
    }
    read!(ring, INLINE_WORDS - 1, pool, ledger, found, found.nothing(lag(ring.catch_up())))
}

#[cold]
const fn lag(missed: u64) -> Nothing {
    Nothing::Lagged { missed }
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
