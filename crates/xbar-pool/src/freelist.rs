//! The free list: a Treiber stack of block numbers, with a tag against reuse, taken from in chains.
//!
//! The head word is `[tag:32 | first + 1:32]` ([`FreeHead`]); each block's header names the next. The tag changes with
//! every change of the list, so a compare-and-exchange that succeeds proves that nobody changed the list since the
//! head was read: the chain that was walked in between is still the front of the list, and all of it can be cut off at
//! once.

use core::fmt;

use xbar_layout::Lent;
use xbar_layout::pool::{BlockHeader, BlockState, FreeHead, NO_BLOCK};
use xbar_layout::sync::{AtomicU32, AtomicU64, Ordering};

use crate::magazine::{CAPACITY, Magazine};

/// Where a publisher says which chain it is about to take, before it takes it: if it dies in between, whoever sweeps
/// finds the chain here.
///
/// `first` holds a block's index + 1 (0 = nothing), `count` how many blocks may follow by their headers.
#[derive(Debug)]
pub struct Intent<K> {
    first: Lent<AtomicU32, K>,
    count: Lent<AtomicU32, K>,
}

impl<K> Intent<K> {
    /// An intent in a participant's record.
    pub const fn new(first: Lent<AtomicU32, K>, count: Lent<AtomicU32, K>) -> Self {
        Self { first, count }
    }

    #[inline]
    fn announce(&self, first: u32, count: u32) {
        // ORDERING: none of their own: the release of the compare-and-exchange that follows carries both to whoever
        // sees the list without the chain; a sweeper reads them after the announcer's death.
        self.count.store(count, Ordering::Relaxed);
        // ORDERING: none; as above.
        self.first.store(first.wrapping_add(1), Ordering::Relaxed);
    }

    #[inline]
    fn settle(&self) {
        // ORDERING: intent: release, so that a sweeper that finds no intent finds the headers that replaced it.
        self.first.store(0, Ordering::Release);
    }

    /// The chain announced: its first block and its largest length.
    pub(crate) fn announced(&self) -> Option<(u32, u32)> {
        // ORDERING: intent: pairs with the release in `settle`.
        let first = self.first.load(Ordering::Acquire);
        // ORDERING: none; a stale count only names more or fewer suspects.
        let count = self.count.load(Ordering::Relaxed);
        (first != 0).then(|| (first - 1, count.min(CAPACITY as u32)))
    }

    /// Forgets a dead publisher's intent.
    pub(crate) fn clear(&self) {
        self.settle();
    }
}

/// One block's header word: ordered by the list's head while the block is free, and written by its owner alone while it is not.
#[derive(Clone, Copy)]
pub(crate) struct Header<'l>(&'l AtomicU64);

impl Header<'_> {
    #[inline(always)]
    pub(crate) fn get(self) -> u64 {
        // ORDERING: none; see `Header`.
        self.0.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(crate) fn set(self, word: u64) {
        // ORDERING: none; see `Header`.
        self.0.store(word, Ordering::Relaxed);
    }
}

/// The shared list of free blocks.
pub struct FreeList<K> {
    head: Lent<AtomicU64, K>,
    headers: Lent<[AtomicU64], K>,
}

impl<K> FreeList<K> {
    /// The list over a pool's memory: the head word, and one header word per block.
    pub const fn new(head: Lent<AtomicU64, K>, headers: Lent<[AtomicU64], K>) -> Self {
        Self { head, headers }
    }

    /// Puts every block on the list, first one first. For the creator of the pool, before anybody else sees it.
    pub fn fill(&self) {
        let blocks = self.blocks();
        for index in 0..blocks {
            let next = if index + 1 < blocks { index + 1 } else { NO_BLOCK };
            self.set_header(index, BlockHeader::free(next));
        }
        let first = if blocks == 0 { NO_BLOCK } else { 0 };
        // ORDERING: none; whatever makes the pool known to others (a rename, a thread's start) orders it.
        self.head.store(FreeHead { tag: 0, first }.pack(), Ordering::Relaxed);
    }

    /// Blocks of the pool, free or not.
    pub fn blocks(&self) -> u32 {
        self.headers.len() as u32 // at most 2^31 - 1 by the geometry
    }

    /// A block's header; `None` outside the pool.
    #[inline(always)]
    pub(crate) fn header_of(&self, index: u32) -> Option<Header<'_>> {
        self.headers.get(index as usize).map(Header)
    }

    /// What a block's header says now; an index outside the pool reads as damaged.
    #[inline]
    pub(crate) fn header(&self, index: u32) -> BlockHeader {
        let damaged = BlockHeader { next: NO_BLOCK, owner: 0, state: None };
        self.header_of(index).map_or(damaged, |header| BlockHeader::unpack(header.get()))
    }

    #[inline]
    pub(crate) fn set_header(&self, index: u32, header: BlockHeader) {
        if let Some(place) = self.header_of(index) {
            place.set(header.pack());
        }
    }

    /// Sets a header that still says `seen`.
    pub(crate) fn correct_header(&self, index: u32, seen: BlockHeader, header: BlockHeader) {
        if let Some(word) = self.headers.get(index as usize) {
            // ORDERING: none; see `Header`. A failure means that somebody else owns the block.
            let _ = word.compare_exchange(seen.pack(), header.pack(), Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// The front of the list and how often the list changed.
    pub(crate) fn front(&self) -> FreeHead {
        // ORDERING: free-list: acquire pairs with the release of whoever pushed: the headers behind are there.
        FreeHead::unpack(self.head.load(Ordering::Acquire))
    }

    /// Moves up to `most` blocks from the front of the list into `magazine`, owned by `owner`; says how many.
    ///
    /// One compare-and-exchange, however many blocks. A chain that leads outside the pool, into a circle or to a
    /// block that is not free is damage: it is cut off there.
    pub(crate) fn take(&self, owner: u32, most: usize, intent: &Intent<K>, magazine: &mut Magazine) -> usize {
        let most = most.min(magazine.room());
        let mut chain = [0; CAPACITY];
        loop {
            let front = self.front();
            let mut taken = 0;
            let mut behind = front.first;
            while taken < most && behind < self.blocks() && !chain[..taken].contains(&behind) {
                let header = self.header(behind);
                if header.state != Some(BlockState::Free) {
                    break;
                }
                chain[taken] = behind;
                taken += 1;
                behind = header.next;
            }
            if taken == 0 {
                // Empty, or damaged; or another taker has had the first block since `front` was read, and its header says so
                // already: then there may be more behind it.
                // ORDERING: none; an exchange for itself, because it sees the newest head. `front` acquires it.
                if self.head.fetch_or(0, Ordering::Relaxed) == front.pack() {
                    return 0;
                }
                continue;
            }
            intent.announce(front.first, taken as u32);
            if self.swing(front, behind) {
                // The links stay: a sweep that finds the intent follows them to blocks that have no new owner yet.
                for (place, &index) in chain[..taken].iter().enumerate() {
                    let next = chain[..taken].get(place + 1).copied().unwrap_or(behind);
                    self.set_header(index, BlockHeader { next, owner, state: Some(BlockState::Owned) });
                }
                intent.settle();
                // Last in, first out: the front of the list, which was used most recently, comes out first.
                for &index in chain[..taken].iter().rev() {
                    magazine.push(index);
                }
                return taken;
            }
            // Somebody else changed the list; that somebody made progress.
        }
    }

    /// Puts blocks of `owner` back in front of the list, `blocks[0]` first.
    ///
    /// Their headers keep naming `owner`: if it dies before the list has them, a sweep finds them by that name.
    pub(crate) fn give(&self, owner: u32, blocks: &[u32]) {
        let Some((&first, rest)) = blocks.split_first() else { return };
        let mut here = first;
        for &next in rest {
            self.set_header(here, BlockHeader { next, owner, state: Some(BlockState::Free) });
            here = next;
        }
        loop {
            let front = self.front();
            self.set_header(here, BlockHeader { next: front.first, owner, state: Some(BlockState::Free) });
            if self.swing(front, first) {
                return;
            }
        }
    }

    /// Makes `first` the front if the list is still as `seen`.
    #[inline]
    fn swing(&self, seen: FreeHead, first: u32) -> bool {
        // ORDERING: free-list: release pairs with the acquire of the next taker: the headers of the chain, and all
        // reads made under the last hold of these blocks, come before its use of them. What others released is
        // acquired by `front` already; being a read-modify-write keeps this in their release sequences.
        self.head
            .compare_exchange(seen.pack(), seen.changed(first).pack(), Ordering::Release, Ordering::Relaxed)
            .is_ok()
    }
}

impl<K: Clone> Clone for FreeList<K> {
    fn clone(&self) -> Self {
        Self { head: self.head.clone(), headers: self.headers.clone() }
    }
}

impl<K> fmt::Debug for FreeList<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FreeList").field("blocks", &self.blocks()).finish_non_exhaustive()
    }
}
