//! The writing end of a topic: messages into slots, blocks behind them.
//!
//! One message in a block, in the order in which others may see it:
//!
//! 1. the slot's mark, made ahead by the message before: readers no longer accept what the slot named;
//! 2. the evicted block's header: limbo, owned by this publisher;
//! 3. the new block's header: published;
//! 4. the slot's words, then its stamp: readers find the new block;
//! 5. later, behind a full fence: the evicted block is free unless a ledger names it.
//!
//! Killed between any two of these, a publisher leaves each block either named by the slot or under its own name, where
//! recovery finds it: 2 before 4, so that a block is never free and named; 5 after 4, likewise.

use std::fmt;

use xbar_layout::Descriptor;
use xbar_layout::ring::{BLOCK_TIME, DESCRIPTOR, INLINE, INLINE_BYTES};
use xbar_layout::sync::{AtomicU64, Ordering};
use xbar_pool::{Block, Supply};
use xbar_ring::{broadcast, copy};

/// Writes messages into a topic's ring.
pub struct Writer<K> {
    ring: broadcast::Writer<K>,
    blocks: u32,
}

impl<K> Writer<K> {
    /// The writer of `ring`, whose slots name blocks of a pool of `blocks`.
    pub const fn new(ring: broadcast::Writer<K>, blocks: u32) -> Self {
        Self { ring, blocks }
    }

    /// The sequence number that the next message will have.
    pub const fn next(&self) -> u64 {
        self.ring.next()
    }

    /// Publishes a copy of `bytes` in the slot itself; returns its sequence number. Call [`Supply::settle`] afterwards.
    ///
    /// # Panics
    ///
    /// When `bytes` is longer than [`INLINE_BYTES`].
    #[inline(always)]
    pub fn inline<S: AsRef<[u32]> + AsMut<[u32]>>(
        &mut self,
        supply: &mut Supply<K, S>,
        bytes: &[u8],
        time: u64,
    ) -> u64 {
        assert!(bytes.len() <= INLINE_BYTES, "{} bytes do not fit a slot", bytes.len());
        let claim = self.ring.claim();
        let words = claim.words();
        if let Some(index) = named(words, self.blocks) {
            supply.evict(index);
        }
        name(words, Descriptor::inline(bytes.len(), time));
        copy::store_bytes(&words[INLINE..], bytes);
        claim.commit()
    }

    /// Publishes `length` bytes of `block`; returns its sequence number. Call [`Supply::settle`] afterwards.
    #[inline(always)]
    pub fn block<S: AsRef<[u32]> + AsMut<[u32]>>(
        &mut self,
        supply: &mut Supply<K, S>,
        block: Block,
        length: u32,
        time: u64,
    ) -> u64 {
        let claim = self.ring.claim();
        let words = claim.words();
        if let Some(index) = named(words, self.blocks) {
            supply.evict(index);
        }
        let index = supply.publish(block);
        name(words, Descriptor::block(index, length));
        // ORDERING: none; the slot's stamp publishes it.
        words[BLOCK_TIME].store(time, Ordering::Relaxed);
        claim.commit()
    }
}

/// The block that the slot about to be overwritten names.
#[inline(always)]
fn named(words: &[AtomicU64], blocks: u32) -> Option<u32> {
    // ORDERING: none; this thread wrote it, or the writer before it, whose stamps `resume` has acquired.
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
        f.debug_struct("Writer").field("ring", &self.ring).finish_non_exhaustive()
    }
}
