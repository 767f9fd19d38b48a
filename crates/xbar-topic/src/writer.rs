//! The writing end of a topic: messages into slots, blocks behind them.
//!
//! One message in a block, in the order in which others may see it:
//!
//! 1. the slot's mark, made ahead by the message before, or (many publishers) the claim: readers no longer accept what the
//!    slot named, and no other publisher touches it;
//! 2. the evicted block's header: limbo, owned by this publisher;
//! 3. the new block's header: published;
//! 4. the slot's words, then its stamp: readers find the new block;
//! 5. later, behind a full fence: the evicted block is free unless a ledger names it.
//!
//! Killed between any two of these, a publisher leaves each block either named by the slot or under its own name, where
//! recovery finds it: 2 before 4, so that a block is never free and named; 5 after 4, likewise.

use std::fmt;

use xbar_layout::Descriptor;
use xbar_layout::ring::{BLOCK_TIME, DESCRIPTOR, INLINE};
use xbar_layout::sync::{AtomicU64, Ordering};
use xbar_pool::{Block, Supply};
use xbar_ring::mpmc::Refused;
use xbar_ring::stride::OneLine;
use xbar_ring::{broadcast, copy, mpmc};

/// A ring to write to: alone, or beside others.
pub enum WriteRing<K> {
    /// One publisher.
    One(broadcast::Writer<K, OneLine>),
    /// Many publishers.
    Many(mpmc::Writer<K, OneLine>),
}

/// Writes messages into a topic's ring.
pub struct Writer<K> {
    ring: WriteRing<K>,
    blocks: u32,
}

impl<K> Writer<K> {
    /// The writer of `ring`, whose slots name blocks of a pool of `blocks`.
    pub const fn new(ring: WriteRing<K>, blocks: u32) -> Self {
        Self { ring, blocks }
    }

    /// The sequence number that the next message will have, or (many publishers) may have.
    pub const fn next(&self) -> u64 {
        match &self.ring {
            WriteRing::One(ring) => ring.next(),
            WriteRing::Many(ring) => ring.next(),
        }
    }

    /// Publishes a copy of `bytes` in the slot itself, if its number is below `limit`; returns it. Call [`Supply::settle`]
    /// afterwards.
    ///
    /// # Errors
    ///
    /// [`Refused`]; nothing was sent.
    ///
    /// # Panics
    ///
    /// When `bytes` does not fit a slot.
    #[inline(always)]
    pub fn inline<S: AsRef<[u32]> + AsMut<[u32]>>(
        &mut self,
        supply: &mut Supply<K, S>,
        limit: u64,
        bytes: &[u8],
        time: u64,
    ) -> Result<u64, Refused> {
        match &mut self.ring {
            WriteRing::One(ring) => {
                let alone = Alone { ring, limit, blocks: self.blocks };
                alone.write(supply, Copied { bytes, time }).map_err(|_| Refused::Limit)
            }
            WriteRing::Many(ring) => {
                let sent = write_among_others(supply, ring, limit, self.blocks, Copied { bytes, time });
                sent.map_err(|(refused, _)| refused)
            }
        }
    }

    /// Publishes `length` bytes of `block`, if the message's number is below `limit`; returns it. Call [`Supply::settle`]
    /// afterwards.
    ///
    /// # Errors
    ///
    /// [`Refused`], and the block comes back.
    #[inline(always)]
    pub fn block<S: AsRef<[u32]> + AsMut<[u32]>>(
        &mut self,
        supply: &mut Supply<K, S>,
        limit: u64,
        (block, length): (Block, u32),
        time: u64,
    ) -> Result<u64, (Refused, Block)> {
        match &mut self.ring {
            WriteRing::One(ring) => {
                let alone = Alone { ring, limit, blocks: self.blocks };
                alone.write(supply, InBlock { block, length, time }).map_err(|m| (Refused::Limit, m.block))
            }
            WriteRing::Many(ring) => {
                let message = InBlock { block, length, time };
                let sent = write_among_others(supply, ring, limit, self.blocks, message);
                sent.map_err(|(refused, message)| (refused, message.block))
            }
        }
    }
}

/// A lone writer's way, kept short.
struct Alone<'r, K> {
    ring: &'r mut broadcast::Writer<K, OneLine>,
    limit: u64,
    blocks: u32,
}

impl<K> Alone<'_, K> {
    #[inline(always)]
    fn write<M: Message, S: AsRef<[u32]> + AsMut<[u32]>>(
        self,
        supply: &mut Supply<K, S>,
        message: M,
    ) -> Result<u64, M> {
        if self.ring.next() >= self.limit {
            return Err(message);
        }
        let claim = self.ring.claim();
        write(supply, claim.words(), self.blocks, message);
        Ok(claim.commit())
    }
}

/// Apart, so that a lone writer's way stays short.
#[inline(never)]
fn write_among_others<K, S: AsRef<[u32]> + AsMut<[u32]>, M: Message>(
    supply: &mut Supply<K, S>,
    ring: &mut mpmc::Writer<K, OneLine>,
    limit: u64,
    blocks: u32,
    message: M,
) -> Result<u64, (Refused, M)> {
    let claim = match ring.try_claim(limit) {
        Ok(claim) => claim,
        Err(refused) => return Err((refused, message)),
    };
    write(supply, claim.words(), blocks, message);
    Ok(claim.commit())
}

/// Steps 2 to 4 of a message, before its stamp.
#[inline(always)]
fn write<K, S: AsRef<[u32]> + AsMut<[u32]>>(
    supply: &mut Supply<K, S>,
    words: &[AtomicU64],
    blocks: u32,
    message: impl Message,
) {
    if let Some(index) = named(words, blocks) {
        supply.evict(index);
    }
    message.write(supply, words);
}

/// What goes into a slot.
trait Message {
    fn write<K, S: AsRef<[u32]> + AsMut<[u32]>>(self, supply: &mut Supply<K, S>, words: &[AtomicU64]);
}

struct Copied<'b> {
    bytes: &'b [u8],
    time: u64,
}

impl Message for Copied<'_> {
    #[inline(always)]
    fn write<K, S: AsRef<[u32]> + AsMut<[u32]>>(self, _: &mut Supply<K, S>, words: &[AtomicU64]) {
        name(words, Descriptor::inline(self.bytes.len(), self.time));
        copy::store_few(&words[INLINE..], self.bytes);
    }
}

struct InBlock {
    block: Block,
    length: u32,
    time: u64,
}

impl Message for InBlock {
    #[inline(always)]
    fn write<K, S: AsRef<[u32]> + AsMut<[u32]>>(self, supply: &mut Supply<K, S>, words: &[AtomicU64]) {
        let index = supply.publish(self.block);
        name(words, Descriptor::block(index, self.length));
        // ORDERING: none; the slot's stamp publishes it.
        words[BLOCK_TIME].store(self.time, Ordering::Relaxed);
    }
}

/// The block that the slot about to be overwritten names.
#[inline(always)]
fn named(words: &[AtomicU64], blocks: u32) -> Option<u32> {
    // ORDERING: none; this thread wrote it, or a writer before it, whose stamps taking the ring over, or the claim of the slot,
    // has acquired.
    Descriptor(words[DESCRIPTOR].load(Ordering::Relaxed)).named_block(blocks)
}

/// Overwrites what the slot names.
#[inline(always)]
fn name(words: &[AtomicU64], descriptor: Descriptor) {
    // ORDERING: evict: release pairs with the acquire of a recoverer: one that no longer finds a block in its slot finds
    // the owner that `Supply::evict` wrote into its header. Readers need no more than the stamp.
    words[DESCRIPTOR].store(descriptor.0, Ordering::Release);
}

impl<K> fmt::Debug for Writer<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("next", &self.next()).finish_non_exhaustive()
    }
}

impl<K> fmt::Debug for WriteRing<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(ring) => ring.fmt(f),
            Self::Many(ring) => ring.fmt(f),
        }
    }
}
