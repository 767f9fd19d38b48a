//! The writing end of a topic: messages into slots, blocks behind them.
//!
//! One message in a block, in the order in which others may see it:
//!
//! 1. the slot's mark or (many publishers) the claim: readers no longer accept what the slot named, and no other publisher
//!    touches it;
//! 2. the evicted block's header: limbo, owned by this publisher;
//! 3. the new block's header: published;
//! 4. the slot's words, then its stamp: readers find the new block;
//! 5. later, behind a full fence: the evicted block is free unless a ledger names it.
//!
//! One publisher marks a slot as soon as the message before it is out. Then it does 2 at once as well, and has the slot name
//! nothing in the place of 4: the block can be used for the very next message, which is one block less that passes
//! through the cache, and the eviction is not in the way of a message.
//!
//! Killed between any two of these, a publisher leaves each block either named by the slot or under its own name, where
//! recovery finds it: 2 before 4, so that a block is never free and named; 5 after 4, likewise.

use std::fmt;
use std::mem;

use xbar_layout::Descriptor;
use xbar_layout::ring::{BLOCK_TIME, DESCRIPTOR, INLINE, INLINE_BYTES};
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

impl<K> WriteRing<K> {
    /// Messages that its writer sent before: of many publishers, none that is known of.
    pub const fn sent(&self) -> u64 {
        match self {
            Self::One(ring) => ring.next(),
            Self::Many(_) => 0,
        }
    }
}

/// Writes messages into a topic's ring.
pub struct Writer<K> {
    ring: WriteRing<K>,
    blocks: u32,
    /// Of one publisher: the block that each slot names, + 1; 0 = none. It knows that without a look at the slot, which readers that
    /// wait for the message look at all the time: a look would fetch the line from them once more.
    ///
    /// Invariant 1: 0 for the slot of the next message.
    named: Box<[u32]>,
    /// How many of these are not 0. While none is, nobody looks.
    in_blocks: usize,
    /// Of many publishers: messages published here.
    among_others: u64,
}

impl<K> Writer<K> {
    /// The writer of `ring`, whose slots name blocks of a pool of `blocks`. `evict` is called with the block that the slot of the
    /// next message names, if that is one's own already: [`Supply::evict`].
    pub fn new(ring: WriteRing<K>, blocks: u32, evict: impl FnOnce(u32)) -> Self {
        let named = match &ring {
            WriteRing::One(ring) => {
                let mut all = vec![0; ring.capacity()];
                for (place, words) in all.iter_mut().zip(ring.messages()) {
                    if let Some(index) = named(words).named_block(blocks) {
                        *place = index + 1;
                    }
                }
                all.into_boxed_slice()
            }
            WriteRing::Many(_) => Box::default(),
        };
        let in_blocks = named.iter().filter(|named| **named != 0).count();
        let mut writer = Self { ring, blocks, named, in_blocks, among_others: 0 };
        if in_blocks != 0 {
            writer.clear_next(evict);
        }
        writer
    }

    /// Has the slot of the next message, which is marked, name nothing (invariant 1): step 2, and what stands for 4.
    #[inline(always)]
    fn clear_next(&mut self, evict: impl FnOnce(u32)) {
        let WriteRing::One(ring) = &mut self.ring else { return };
        if let Some(index) = mem::take(&mut self.named[ring.slot_index()]).checked_sub(1) {
            self.in_blocks -= 1;
            evict(index);
            name(ring.claim().words(), Descriptor::NONE);
        }
    }

    /// The sequence number that the next message will have, or (many publishers) may have.
    pub const fn next(&self) -> u64 {
        match &self.ring {
            WriteRing::One(ring) => ring.next(),
            WriteRing::Many(ring) => ring.next(),
        }
    }

    /// Messages published here; of a ring of one publisher, also those before.
    #[inline(always)]
    pub const fn sent(&self) -> u64 {
        match &self.ring {
            WriteRing::One(ring) => ring.next(),
            WriteRing::Many(_) => self.among_others,
        }
    }

    /// What [`Writer::inline`] does, without a publish time and as far as it is the straight way: one publisher, room, and no
    /// slot that names a block. `None` otherwise, and nothing has happened.
    #[inline(always)]
    pub fn inline_at_once(&mut self, limit: u64, bytes: &[u8]) -> Option<u64> {
        let WriteRing::One(ring) = &mut self.ring else { return None };
        if ring.next() >= limit || bytes.len() > INLINE_BYTES || self.in_blocks != 0 {
            return None;
        }
        let claim = ring.claim();
        say(claim.words(), bytes, 0);
        Some(claim.commit())
    }

    /// Publishes a copy of `bytes` in the slot itself, if its number is below `limit`; returns it. `evict` is called with the
    /// block that goes out of the ring for that, if one does: [`Supply::evict`], and [`Supply::settle`] afterwards.
    ///
    /// # Errors
    ///
    /// [`Refused`]; nothing was sent.
    ///
    /// # Panics
    ///
    /// When `bytes` does not fit a slot.
    #[inline(always)]
    pub fn inline(
        &mut self,
        limit: u64,
        bytes: &[u8],
        time: u64,
        evict: impl FnOnce(u32),
    ) -> Result<u64, Refused> {
        let blocks = self.blocks;
        match &mut self.ring {
            WriteRing::One(ring) => {
                if ring.next() >= limit {
                    return Err(Refused::Limit);
                }
                let claim = ring.claim();
                say(claim.words(), bytes, time);
                let sequence = claim.commit();
                if self.in_blocks != 0 {
                    self.clear_next(evict);
                }
                Ok(sequence)
            }
            WriteRing::Many(ring) => {
                let sent = put_among_others(ring, limit, blocks, bytes, time, evict);
                self.among_others += u64::from(sent.is_ok());
                sent
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
        let WriteRing::Many(ring) = &mut self.ring else {
            return self
                .block_at_once(supply, limit, (block, length), time)
                .map_err(|block| (Refused::Limit, block));
        };
        let sent = pass_on_among_others(supply, ring, limit, self.blocks, InBlock { block, length, time });
        self.among_others += u64::from(sent.is_ok());
        sent
    }

    /// What [`Writer::block`] does of one publisher, if there is room.
    ///
    /// # Errors
    ///
    /// The block comes back.
    #[inline(always)]
    pub fn block_at_once<S: AsRef<[u32]> + AsMut<[u32]>>(
        &mut self,
        supply: &mut Supply<K, S>,
        limit: u64,
        (block, length): (Block, u32),
        time: u64,
    ) -> Result<u64, Block> {
        let WriteRing::One(ring) = &mut self.ring else { return Err(block) };
        if ring.next() >= limit {
            return Err(block);
        }
        self.named[ring.slot_index()] = block.index() + 1; // 0 until now (invariant 1)
        self.in_blocks += 1;
        let claim = ring.claim();
        pass_on(supply, claim.words(), InBlock { block, length, time });
        let sequence = claim.commit();
        self.clear_next(|index| supply.evict(index));
        Ok(sequence)
    }
}

/// Apart, so that a lone writer's way is short.
#[inline(never)]
fn put_among_others<K>(
    ring: &mut mpmc::Writer<K, OneLine>,
    limit: u64,
    blocks: u32,
    bytes: &[u8],
    time: u64,
    evict: impl FnOnce(u32),
) -> Result<u64, Refused> {
    let claim = ring.try_claim(limit)?;
    if let Some(index) = named(claim.words()).named_block(blocks) {
        evict(index);
    }
    say(claim.words(), bytes, time);
    Ok(claim.commit())
}

/// As [`put_among_others`].
#[inline(never)]
fn pass_on_among_others<K, S: AsRef<[u32]> + AsMut<[u32]>>(
    supply: &mut Supply<K, S>,
    ring: &mut mpmc::Writer<K, OneLine>,
    limit: u64,
    blocks: u32,
    message: InBlock,
) -> Result<u64, (Refused, Block)> {
    let claim = match ring.try_claim(limit) {
        Ok(claim) => claim,
        Err(refused) => return Err((refused, message.block)),
    };
    if let Some(index) = named(claim.words()).named_block(blocks) {
        supply.evict(index);
    }
    pass_on(supply, claim.words(), message);
    Ok(claim.commit())
}

/// Step 4 of a message in the slot itself, before its stamp.
#[inline(always)]
fn say(words: &[AtomicU64], bytes: &[u8], time: u64) {
    copy::store_few(&words[INLINE..], bytes);
    name(words, Descriptor::inline(bytes.len(), time));
}

/// A message in a block.
struct InBlock {
    block: Block,
    length: u32,
    time: u64,
}

/// Steps 3 and 4 of a message in a block, before its stamp.
#[inline(always)]
fn pass_on<K, S: AsRef<[u32]> + AsMut<[u32]>>(
    supply: &mut Supply<K, S>,
    words: &[AtomicU64],
    InBlock { block, length, time }: InBlock,
) {
    let index = supply.publish(block);
    name(words, Descriptor::block(index, length));
    // ORDERING: none; the slot's stamp publishes it.
    words[BLOCK_TIME].store(time, Ordering::Relaxed);
}

/// What a slot names.
#[inline(always)]
fn named(words: &[AtomicU64]) -> Descriptor {
    // ORDERING: none; this thread wrote it, or a writer before it, whose stamps taking the ring over, or the claim of the slot,
    // has acquired.
    Descriptor(words[DESCRIPTOR].load(Ordering::Relaxed))
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
