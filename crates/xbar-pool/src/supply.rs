//! One publisher's supply of blocks: from the free list to the ring and back.

use core::fmt;

use xbar_layout::pool::{BlockHeader, BlockState};

use crate::freelist::{FreeList, Intent};
use crate::ledger::Ledgers;
use crate::limbo::Limbo;
use crate::magazine::Magazine;

/// A block that its bearer owns alone. Not `Clone`: there is one per block, or none.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a block that is dropped comes back only when its publisher goes"]
pub struct Block {
    index: u32,
}

impl Block {
    /// Its number in the pool.
    #[inline]
    pub const fn index(&self) -> u32 {
        self.index
    }
}

/// Takes blocks, gives them back, and reclaims what was evicted. Belongs to one thread of one publisher.
///
/// Invariant 1: a block in the magazine, in limbo or lent out has this owner in its header.
pub struct Supply<K, S> {
    owner: u32,
    /// Header word of a block of this owner that a slot names.
    published: u64,
    /// Header word of a block in this owner's limbo.
    evicted: u64,
    batch: usize,
    list: FreeList<K>,
    intent: Intent<K>,
    ledgers: Ledgers<K>,
    magazine: Magazine,
    limbo: Limbo<S>,
    /// Blocks in limbo at which the next reclaim is due.
    due: usize,
}

impl<K, S: AsRef<[u32]> + AsMut<[u32]>> Supply<K, S> {
    /// A supply for publisher `owner` (seat + 1, so never 0) that works in batches of `batch` blocks. `storage` is
    /// limbo's: `batch` plus the cells of all readers.
    pub fn new(
        owner: u32,
        batch: usize,
        list: FreeList<K>,
        intent: Intent<K>,
        ledgers: Ledgers<K>,
        storage: S,
    ) -> Self {
        let batch = batch.max(1);
        Self {
            owner,
            published: BlockHeader::owned(owner, BlockState::Published).pack(),
            evicted: BlockHeader::owned(owner, BlockState::Limbo).pack(),
            batch,
            list,
            intent,
            ledgers,
            magazine: Magazine::new(batch),
            limbo: Limbo::new(storage),
            due: batch,
        }
    }

    /// The block that [`take`](Self::take) will give next, if it is at hand.
    #[inline(always)]
    pub fn next(&self) -> Option<u32> {
        self.magazine.contents().last().copied()
    }

    /// A free block; `None` when neither the magazine, nor limbo, nor the pool has one. `readers` says how many ledger
    /// rows are in use.
    #[inline(always)]
    pub fn take(&mut self, readers: impl Fn() -> usize) -> Option<Block> {
        let index = match self.magazine.pop() {
            Some(index) => index,
            None => self.refill(readers)?,
        };
        Some(Block { index })
    }

    #[cold]
    fn refill(&mut self, readers: impl Fn() -> usize) -> Option<u32> {
        if self.list.take(self.owner, self.batch, &self.intent, &mut self.magazine) == 0 {
            self.reclaim(readers);
        }
        self.magazine.pop()
    }

    /// Takes a block back that was not published.
    #[inline(always)]
    pub fn give_back(&mut self, block: Block) {
        self.keep_or_give(block.index);
    }

    /// Turns a block into the number that a ring slot is about to name. Call before the slot names it.
    #[inline(always)]
    pub fn publish(&mut self, block: Block) -> u32 {
        if let Some(header) = self.list.header_of(block.index) {
            header.set(self.published);
        }
        block.index
    }

    /// Takes over the block that a slot names and that is about to be overwritten there. Call before the slot is
    /// overwritten, and [`settle`](Self::settle) after.
    ///
    /// A block that is not published is not taken: the slot was damaged, or the block evicted already. One in another
    /// publisher's limbo that a slot still names was being evicted when that publisher died.
    #[inline(always)]
    pub fn evict(&mut self, index: u32) {
        let Some(header) = self.list.header_of(index) else { return };
        let word = header.get();
        // Nearly always this publisher's own. Whatever else there is, apart.
        if (word == self.published || self.is_named(word)) && self.limbo.push(index) {
            header.set(self.evicted);
        }
    }

    #[cold]
    #[inline(never)]
    fn is_named(&self, header: u64) -> bool {
        let BlockHeader { owner, state, .. } = BlockHeader::unpack(header);
        match state {
            Some(BlockState::Published) => true,
            Some(BlockState::Limbo) => owner != self.owner,
            _ => false,
        }
    }

    /// Reclaims when enough blocks are in limbo.
    #[inline(always)]
    pub fn settle(&mut self, readers: impl Fn() -> usize) {
        if self.limbo.len() >= self.due {
            self.reclaim(readers);
        }
    }

    /// Frees what no reader holds any more.
    #[cold]
    pub fn reclaim(&mut self, readers: impl Fn() -> usize) {
        let Self { owner, list, ledgers, magazine, limbo, .. } = self;
        let held = limbo.reclaim(ledgers, readers, |index| {
            // At hand, a block may say that it is in limbo: it is this owner's either way, and no slot names it.
            if !magazine.push(index) {
                list.give(*owner, &[index]);
            }
        });
        self.due = held + self.batch;
    }

    #[inline(always)]
    fn keep_or_give(&mut self, index: u32) {
        if !self.magazine.push(index) {
            self.give(index);
        }
    }

    #[cold]
    #[inline(never)]
    fn give(&self, index: u32) {
        self.list.give(self.owner, &[index]);
    }

    /// Takes over a dead publisher's block that readers still hold; false when limbo is full.
    pub fn adopt(&mut self, index: u32) -> bool {
        self.limbo.push(index)
    }

    /// Blocks that wait for their readers.
    pub fn in_limbo(&self) -> usize {
        self.limbo.len()
    }

    /// Gives everything back that nobody holds; what is still held stays under this owner's name, for a sweep.
    pub fn close(&mut self, readers: impl Fn() -> usize) {
        self.reclaim(readers);
        self.list.give(self.owner, self.magazine.contents());
        self.magazine.clear();
    }

    /// Every block that this supply has at hand or in limbo, for a count.
    pub fn blocks(&self) -> impl Iterator<Item = u32> + '_ {
        self.magazine.contents().iter().chain(self.limbo.contents()).copied()
    }
}

impl<K, S> fmt::Debug for Supply<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supply")
            .field("owner", &self.owner)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}
