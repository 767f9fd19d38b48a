//! The reading end of a topic: messages out of slots, holds on the blocks behind them.
//!
//! An inline message is copied and then checked, as in any seqlock. A message in a block is *held*: the reader writes
//! the block's number into a cell of its own ledger, makes a full fence, and looks at the stamp again. If the slot still
//! holds the message, every reclaimer that comes later sees the cell, and the bytes stay until the hold is dropped.
//! The two cases of the race are numbered in xbar-pool's ledger.rs.

use std::fmt;

use xbar_layout::ring::{BLOCK_TIME, DESCRIPTOR, INLINE, INLINE_WORDS};
use xbar_layout::sync::ReadU64;
use xbar_layout::{Descriptor, Message};
use xbar_pool::{Held, HoldError, Ledger};
use xbar_ring::stride::OneLine;
use xbar_ring::{Poll, broadcast, mpmc};

/// A message that was taken.
#[derive(Debug)]
pub enum Taken<'l, K, C> {
    /// One that was in the slot, copied whole.
    Inline {
        /// Its place in the stream.
        sequence: u64,
        /// What its slot said, with the publish time.
        descriptor: Descriptor,
        /// Its bytes.
        length: usize,
        /// The copy.
        copy: C,
    },
    /// One in a block, which is held.
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
}

/// What a look at the ring found.
pub type Found<'l, K, C> = Result<Taken<'l, K, C>, Nothing>;

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

/// It takes more than the straight way: go the long one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Otherwise;

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

/// Why a message was not taken at a first look.
enum NotTaken {
    /// It was overwritten before it was read.
    Overtaken,
    /// Its slot says what cannot be.
    Damaged,
    /// There is nothing to take.
    Nothing(Nothing),
}

/// What that means, where `$ring` goes on behind what cannot be had.
macro_rules! or_missed {
    ($ring:expr, $not_taken:expr) => {
        match $not_taken {
            NotTaken::Nothing(nothing) => nothing,
            NotTaken::Overtaken => Nothing::Lagged { missed: $ring.catch_up() },
            NotTaken::Damaged => {
                $ring.skip_to($ring.next().saturating_add(1));
                Nothing::Lagged { missed: 1 }
            }
        }
    };
}

/// Reads the message that `poll` found, in a slot with room for `words` words that may name one of `blocks` blocks of
/// `block_bytes`. A block's number and the message's length are told to `fetch` before the hold, which no load passes.
#[inline(always)]
fn read<'l, L, C>(
    poll: Poll<'_, OneLine>,
    words: usize,
    (blocks, block_bytes): (u32, u32),
    ledger: &'l Ledger<L>,
    copy: impl FnOnce(&[ReadU64], usize) -> C,
    fetch: impl FnOnce(u32, usize),
) -> Result<Taken<'l, L, C>, NotTaken> {
    let glimpse = match poll {
        Poll::Ready(glimpse) => glimpse,
        // A topic's writer never ends its ring: who is alive is the region's matter. Damage that looks so is silence.
        Poll::Empty | Poll::Ended => return Err(NotTaken::Nothing(Nothing::Empty)),
        Poll::Overtaken => return Err(NotTaken::Overtaken),
    };
    let sequence = glimpse.sequence();
    let slot = glimpse.words();
    let descriptor = Descriptor(slot[DESCRIPTOR].load_relaxed());
    match descriptor.check(words * 8, blocks, block_bytes) {
        Some(Message::Inline { length, .. }) => {
            let copy = copy(&slot[INLINE..INLINE + words], length);
            if glimpse.accept() {
                return Ok(Taken::Inline { sequence, descriptor, length, copy });
            }
        }
        Some(Message::Block { index, length }) => {
            let time = slot[BLOCK_TIME].load_relaxed();
            fetch(index, length);
            match ledger.hold(index, || glimpse.is_whole()) {
                Ok(held) => {
                    glimpse.skip();
                    return Ok(Taken::Block { sequence, time, index, length, held });
                }
                Err(HoldError::Gone) => {}
                Err(HoldError::Full) => return Err(NotTaken::Nothing(Nothing::Full)),
            }
        }
        // Torn, or damaged memory: the message cannot be had either way.
        None if glimpse.is_whole() => return Err(NotTaken::Damaged),
        None => {}
    }
    Err(NotTaken::Overtaken)
}

/// Nothing is fetched ahead.
const fn not_fetched(_index: u32, _length: usize) {}

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

    /// Takes the next message: holding its block through `ledger`, or copied out of the slot's words by `copy`, so
    /// many bytes of them; what it makes is thrown away when the words were overwritten meanwhile.
    #[inline]
    pub fn take<'l, L, C>(
        &mut self,
        ledger: &'l Ledger<L>,
        copy: impl Fn(&[ReadU64], usize) -> C,
    ) -> Found<'l, L, C> {
        let pool = (self.blocks, self.block_bytes);
        match &mut self.ring {
            ReadRing::One(ring) => {
                let found = read(ring.poll(), INLINE_WORDS, pool, ledger, copy, not_fetched);
                found.map_err(|not_taken| or_missed!(ring, not_taken))
            }
            ReadRing::Many(ring) => {
                if self.lossless {
                    // A ring of them at most: more is damage, and no reason to stay.
                    for _ in 0..ring.capacity() {
                        if !ring.skip_void() {
                            break;
                        }
                    }
                }
                let found = read(ring.poll(), INLINE_WORDS - 1, pool, ledger, copy, not_fetched);
                found.map_err(|not_taken| or_missed!(ring, not_taken))
            }
        }
    }

    /// What [`Reader::take`] does, as far as it is the straight way: one publisher, and a message, or nothing (`None`). A message's block
    /// and its length are told to `fetch` before the block is held.
    ///
    /// # Errors
    ///
    /// [`Otherwise`], and nothing has changed.
    #[inline(always)]
    pub fn take_at_once<'l, L, C>(
        &mut self,
        ledger: &'l Ledger<L>,
        copy: impl FnOnce(&[ReadU64], usize) -> C,
        fetch: impl FnOnce(u32, usize),
    ) -> Result<Option<Taken<'l, L, C>>, Otherwise> {
        let pool = (self.blocks, self.block_bytes);
        let ReadRing::One(ring) = &mut self.ring else { return Err(Otherwise) };
        match read(ring.poll(), INLINE_WORDS, pool, ledger, copy, fetch) {
            Ok(taken) => Ok(Some(taken)),
            Err(NotTaken::Nothing(Nothing::Empty)) => Ok(None),
            Err(_) => Err(Otherwise),
        }
    }

    /// Takes the newest message, received already or not. For a ring of one publisher.
    #[inline]
    pub fn take_newest<'l, L, C>(
        &mut self,
        ledger: &'l Ledger<L>,
        copy: impl Fn(&[ReadU64], usize) -> C,
    ) -> Found<'l, L, C> {
        let found = (0..TRIES).find_map(|_| match self.try_newest(ledger, &copy) {
            Ok(taken) => Some(Ok(taken)),
            Err(NotTaken::Nothing(nothing)) => Some(Err(nothing)),
            Err(NotTaken::Damaged) => Some(Err(Nothing::Lagged { missed: 1 })),
            // There is a newer one.
            Err(NotTaken::Overtaken) => None,
        });
        found.unwrap_or(Err(Nothing::Empty))
    }

    /// What [`Reader::take_newest`] does, as far as it is the straight way: a message, and not overwritten meanwhile. `None`
    /// otherwise: take it the long way.
    #[inline(always)]
    pub fn take_newest_at_once<'l, L, C>(
        &mut self,
        ledger: &'l Ledger<L>,
        copy: impl FnOnce(&[ReadU64], usize) -> C,
    ) -> Option<Taken<'l, L, C>> {
        self.try_newest(ledger, copy).ok()
    }

    #[inline(always)]
    fn try_newest<'l, L, C>(
        &mut self,
        ledger: &'l Ledger<L>,
        copy: impl FnOnce(&[ReadU64], usize) -> C,
    ) -> Result<Taken<'l, L, C>, NotTaken> {
        let pool = (self.blocks, self.block_bytes);
        let ReadRing::One(ring) = &mut self.ring else { return Err(NotTaken::Nothing(Nothing::Empty)) };
        let next = ring.next();
        if !ring.seek_newest() {
            return Err(NotTaken::Nothing(Nothing::Empty));
        }
        match read(ring.poll(), INLINE_WORDS, pool, ledger, copy, not_fetched) {
            Ok(taken) => Ok(taken),
            Err(not_taken) => {
                // One that was received before and could not be had now is no news again.
                ring.skip_to(next);
                Err(not_taken)
            }
        }
    }

    /// Takes the newest message that was not received. For a ring of one publisher.
    ///
    /// A publisher stamps a message before it moves the ring's head. In between, or for long when it is stopped or killed there,
    /// the head still names the message before, which may be the one received last: it is not to come again as news.
    pub fn take_newer<'l, L, C>(
        &mut self,
        ledger: &'l Ledger<L>,
        copy: impl Fn(&[ReadU64], usize) -> C,
    ) -> Found<'l, L, C> {
        let pool = (self.blocks, self.block_bytes);
        if let ReadRing::One(ring) = &mut self.ring {
            let next = ring.next();
            for _ in 0..TRIES {
                if ring.is_empty() {
                    break;
                }
                ring.seek_newest();
                ring.skip_to(next);
                let found = match read(ring.poll(), INLINE_WORDS, pool, ledger, &copy, not_fetched) {
                    Ok(taken) => Ok(taken),
                    // There is a newer one.
                    Err(NotTaken::Overtaken) => continue,
                    Err(not_taken) => Err(or_missed!(ring, not_taken)),
                };
                ring.skip_to(next);
                return found;
            }
        }
        Err(Nothing::Empty)
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
