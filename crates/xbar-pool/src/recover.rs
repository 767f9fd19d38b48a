//! Recovery: finding every block that a dead publisher took along.
//!
//! The dead publisher's number is in the headers of its blocks, and its intent names the chain that it was taking when
//! it died. Such a block is lost unless
//!
//! 1. a ring slot names it (the caller tells: [`Census::name`]);
//! 2. it is on the free list;
//! 3. a living publisher announced that it is taking it, and its header is about to change.
//!
//! 2 and 3 move while one looks, so they are looked at between two readings of the list's head: if its tag did not
//! move, no block went on or off the list in between, and what was seen is true of one instant. A publisher that took a
//! chain before the first reading either still announces it or has put its own number into the headers.
//!
//! One recoverer at a time (a lock of the caller's). One that dies half-way leaves blocks under the same dead number:
//! the next one finds them again.

use xbar_layout::pool::{BlockHeader, BlockState};
use xbar_layout::sync::full_fence;

use crate::freelist::{FreeList, Intent};
use crate::ledger::Ledgers;

/// Readings of a busy list before recovery gives up for now.
const TRIES: usize = 64;

/// What became of a dead publisher's blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Back on the free list.
    pub freed: u32,
    /// Still held by readers; given to the recoverer's limbo.
    pub held: u32,
}

/// A count of all blocks, in scratch memory that the caller lends: [`Census::scratch_words`] words.
#[derive(Debug)]
pub struct Census<S> {
    bits: S,
    blocks: u32,
}

/// Which bitmap.
#[derive(Clone, Copy)]
enum Map {
    Named,
    Accounted,
    Lost,
}

impl<S: AsMut<[u64]>> Census<S> {
    /// Words of scratch memory for a pool of `blocks` blocks.
    pub const fn scratch_words(blocks: u32) -> usize {
        3 * blocks.div_ceil(64) as usize
    }

    /// Begins a count. `None` when the scratch memory is too small.
    pub fn new(mut scratch: S, blocks: u32) -> Option<Self> {
        let bits = scratch.as_mut().get_mut(..Self::scratch_words(blocks))?;
        bits.fill(0);
        Some(Self { bits: scratch, blocks })
    }

    /// A ring slot names block `index`.
    pub fn name(&mut self, index: u32) {
        self.set(Map::Named, index);
    }

    /// Recovers the blocks of the dead publisher `owner`, whose intent was `intent`, beside the living publishers'
    /// `intents`. Blocks that readers hold go to `adopt`, the others to the free list under the name `recoverer`.
    ///
    /// `None`: not all of them, because the list was too busy to be counted, or `adopt` took no more. What is sure is done; the dead
    /// publisher's number has the rest, and its intent stays: recover from it again later.
    pub fn recover<'i, K: 'i>(
        mut self,
        list: &FreeList<K>,
        (owner, intent): (u32, &Intent<K>),
        intents: impl Iterator<Item = &'i Intent<K>> + Clone,
        (ledgers, readers): (&Ledgers<K>, usize),
        recoverer: u32,
        mut adopt: impl FnMut(u32) -> bool,
    ) -> Option<Recovered> {
        let in_doubt = intent.announced().is_some();
        // A list that others use is only looked at again while it matters: most of the dead died somewhere else.
        let mut counted = false;
        let is_sure = (0..TRIES).any(|_| {
            counted = self.count(list, owner, intent, intents.clone());
            counted || !(in_doubt || self.has_lost_free(list))
        });
        let mut complete = is_sure;
        // ORDERING: ledger: the partner is the full fence in `Ledger::hold`. The dead publisher marked the slots of what it
        // evicted, and its death, which the caller knows, orders those marks before this fence; the looks at the cells stand
        // behind it.
        full_fence();
        let mut recovered = Recovered::default();
        for index in 0..self.blocks {
            if self.get(Map::Named, index) {
                // It died between a block's header and its slot: the slot counts.
                let header = list.header(index);
                if header.owner == owner && header.state != Some(BlockState::Published) {
                    // Unless a living publisher evicts it just now: then it is that one's.
                    list.correct_header(index, header, BlockHeader::owned(owner, BlockState::Published));
                }
            } else if self.get(Map::Lost, index) {
                // Whatever became of the list: it has none that is not free, and whoever takes or evicts a block writes its own
                // number before it changes that.
                if !counted && list.header(index).state == Some(BlockState::Free) {
                    complete = false;
                    continue;
                }
                if ledgers.name(index, readers) {
                    if adopt(index) {
                        list.set_header(index, BlockHeader::owned(recoverer, BlockState::Limbo));
                        recovered.held += 1;
                    } else {
                        complete = false;
                    }
                } else {
                    list.give(recoverer, &[index]);
                    recovered.freed += 1;
                }
            }
        }
        if !complete {
            return None;
        }
        intent.clear();
        Some(recovered)
    }

    /// Whether a block seems lost that may be on its way to the list, or from it.
    fn has_lost_free<K>(&mut self, list: &FreeList<K>) -> bool {
        (0..self.blocks)
            .any(|index| self.get(Map::Lost, index) && list.header(index).state == Some(BlockState::Free))
    }

    /// Marks what is lost; false when the list changed meanwhile.
    fn count<'i, K: 'i>(
        &mut self,
        list: &FreeList<K>,
        owner: u32,
        intent: &Intent<K>,
        intents: impl Iterator<Item = &'i Intent<K>>,
    ) -> bool {
        let words = self.blocks.div_ceil(64) as usize;
        self.bits.as_mut()[words..3 * words].fill(0);

        let before = list.front();
        let mut index = before.first;
        while index < self.blocks && !self.get(Map::Accounted, index) {
            self.set(Map::Accounted, index);
            index = list.header(index).next;
        }
        for living in intents {
            self.follow(list, living, Map::Accounted);
        }
        self.follow(list, intent, Map::Lost);
        for index in 0..self.blocks {
            let header = list.header(index);
            let suspect = header.owner == owner
                // A chain cut off the list still has its last owners' numbers, until its new owner's come.
                || (self.get(Map::Lost, index) && header.state == Some(BlockState::Free));
            let lost = suspect && !self.get(Map::Accounted, index) && !self.get(Map::Named, index);
            self.put(Map::Lost, index, lost);
        }
        list.front() == before
    }

    fn follow<K>(&mut self, list: &FreeList<K>, intent: &Intent<K>, map: Map) {
        let Some((mut index, count)) = intent.announced() else { return };
        for _ in 0..count {
            if index >= self.blocks {
                return;
            }
            self.set(map, index);
            index = list.header(index).next;
        }
    }

    fn word(&mut self, map: Map, index: u32) -> Option<&mut u64> {
        if index >= self.blocks {
            return None;
        }
        let words = self.blocks.div_ceil(64) as usize;
        self.bits.as_mut().get_mut(map as usize * words + index as usize / 64)
    }

    fn get(&mut self, map: Map, index: u32) -> bool {
        self.word(map, index).is_some_and(|word| *word >> (index % 64) & 1 == 1)
    }

    fn set(&mut self, map: Map, index: u32) {
        self.put(map, index, true);
    }

    fn put(&mut self, map: Map, index: u32, value: bool) {
        if let Some(word) = self.word(map, index) {
            *word = *word & !(1 << (index % 64)) | u64::from(value) << (index % 64);
        }
    }
}
