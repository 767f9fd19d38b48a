//! A pool on the heap, and the scenarios that models and stress share.
#![allow(dead_code)] // each test binary uses its part

use std::ptr::NonNull;
use std::sync::Arc;

use xbar_layout::Lent;
use xbar_layout::pool::{BlockHeader, FreeHead};
use xbar_layout::sync::{AtomicU32, AtomicU64, Ordering, ReadU64};
use xbar_pool::{Block, FreeList, Intent, Ledger, Ledgers, PoolLook, Supply};

/// The memory of a pool, its readers and its publishers.
pub struct Memory {
    head: AtomicU64,
    headers: Vec<AtomicU64>,
    cells: Vec<AtomicU32>,
    intents: Vec<[AtomicU32; 2]>,
    cells_each: usize,
}

pub type Keep = Arc<Memory>;

impl Memory {
    pub fn new(blocks: usize, publishers: usize, readers: usize, cells_each: usize) -> Keep {
        let memory = Arc::new(Self {
            head: AtomicU64::new(0),
            headers: (0..blocks).map(|_| AtomicU64::new(0)).collect(),
            cells: (0..readers * cells_each).map(|_| AtomicU32::new(0)).collect(),
            intents: (0..publishers).map(|_| [AtomicU32::new(0), AtomicU32::new(0)]).collect(),
            cells_each,
        });
        memory.list().fill();
        memory
    }

    pub fn list(self: &Arc<Self>) -> FreeList<Keep> {
        FreeList::new(lend(self, &self.head), lend(self, &self.headers[..]))
    }

    pub fn look(self: &Arc<Self>) -> PoolLook<Keep> {
        PoolLook::new(lend(self, ReadU64::of(&self.head)), lend(self, ReadU64::of_slice(&self.headers)))
    }

    /// Makes free block `index` say that block `next` is behind it.
    pub fn damage_list(&self, index: u32, next: u32) {
        self.headers[index as usize].store(BlockHeader::free(next).pack(), Ordering::Relaxed);
    }

    pub fn intent(self: &Arc<Self>, publisher: usize) -> Intent<Keep> {
        let [first, count] = &self.intents[publisher];
        Intent::new(lend(self, first), lend(self, count))
    }

    pub fn ledgers(self: &Arc<Self>) -> Ledgers<Keep> {
        Ledgers::new(lend(self, &self.cells[..]), 0, self.cells_each, self.cells_each)
    }

    pub fn ledger(self: &Arc<Self>, reader: usize) -> Ledger<Keep> {
        let start = reader * self.cells_each;
        Ledger::new(lend(self, &self.cells[start..start + self.cells_each]))
    }

    /// What memory looks like when publisher `publisher` was killed after it announced the first `count` blocks.
    pub fn announce_as_if_killed(&self, publisher: usize, count: u32) {
        let head = FreeHead::unpack(self.head.load(Ordering::Relaxed));
        let [first, length] = &self.intents[publisher];
        length.store(count, Ordering::Relaxed);
        first.store(head.first + 1, Ordering::Relaxed);
    }

    /// As above, but after the list was cut.
    pub fn take_chain_as_if_killed(&self, publisher: usize, count: u32) {
        self.announce_as_if_killed(publisher, count);
        let head = FreeHead::unpack(self.head.load(Ordering::Relaxed));
        let behind = (0..count).fold(head.first, |index, _| {
            BlockHeader::unpack(self.headers[index as usize].load(Ordering::Relaxed)).next
        });
        self.head.store(head.changed(behind).pack(), Ordering::Relaxed);
    }

    /// The supply of publisher `publisher`, in batches of `batch`.
    pub fn supply(self: &Arc<Self>, publisher: usize, batch: usize) -> Supply<Keep, Vec<u32>> {
        let storage = vec![0; batch + self.cells.len()];
        let owner = publisher as u32 + 1;
        Supply::new(owner, batch, self.list(), self.intent(publisher), self.ledgers(), storage)
    }
}

/// Lends a part of what the Arc keeps.
pub fn lend<T: ?Sized>(memory: &Keep, part: &T) -> Lent<T, Keep> {
    // SAFETY: `part` is borrowed from the memory that the Arc keeps, whose vectors are never touched again.
    unsafe { Lent::new(NonNull::from(part), Arc::clone(memory)) }
}

/// Takes up to `count` blocks and gives them all back; `claims[block]` is raised while this thread owns it, so that a
/// block handed out twice shows.
pub fn take_and_give(memory: &Keep, publisher: usize, batch: usize, count: usize, claims: &[AtomicU32]) {
    use xbar_layout::sync::Ordering::Relaxed;
    let mut supply = memory.supply(publisher, batch);
    let mut mine: Vec<Block> = Vec::new();
    for _ in 0..count {
        let Some(block) = supply.take(|| 0) else { break };
        assert_eq!(claims[block.index() as usize].fetch_add(1, Relaxed), 0, "a block with two owners");
        mine.push(block);
    }
    for block in mine {
        claims[block.index() as usize].fetch_sub(1, Relaxed);
        supply.give_back(block);
    }
    supply.close(|| 0);
}

/// All blocks that can be taken, in the end: every block of the pool, once.
pub fn assert_all_blocks_are_free(memory: &Keep, blocks: usize) {
    let mut supply = memory.supply(0, 16);
    let mut seen = vec![false; blocks];
    while let Some(block) = supply.take(|| 0) {
        assert!(!std::mem::replace(&mut seen[block.index() as usize], true), "a block twice on the list");
    }
    assert!(seen.iter().all(|&seen| seen), "a block was lost: {seen:?}");
}
