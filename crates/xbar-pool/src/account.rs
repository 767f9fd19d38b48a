//! The account of a pool: where every block is, by looking alone.
//!
//! Each block is counted in exactly one place, so the places add up to all blocks whatever the memory says. Those that are
//! nowhere, and those that are in two places at once, are what is wrong.
//!
//! One look takes longer than many changes: while others publish, a block on its way from one place to the next may seem lost or
//! doubled. [`Finished::moved`] says when the free list changed meanwhile; the caller knows of the slots that it looked at.

use core::fmt;

use xbar_layout::Lent;
use xbar_layout::pool::{BlockHeader, BlockState, FreeHead, NO_BLOCK};
use xbar_layout::sync::ReadU64;

/// How many of a pool's blocks are where. `free + in_rings + with_publishers + with_readers + left_behind + lost == blocks`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Account {
    /// All blocks of the pool.
    pub blocks: u32,
    /// On the free list.
    pub free: u32,
    /// Named by a ring slot.
    pub in_rings: u32,
    /// With a living publisher: being taken, at hand, lent out, or waiting for readers.
    pub with_publishers: u32,
    /// Of a publisher that is gone, and still held by a living reader.
    pub with_readers: u32,
    /// Of a publisher that is gone, and free as soon as somebody recovers it.
    pub left_behind: u32,
    /// Nowhere: no recovery would find it.
    pub lost: u32,
    /// In two places at once. Counted in one of them as well.
    pub doubled: u32,
}

impl Account {
    /// True when every block is where a living participant has it or the next publisher finds it: after a recovery, while
    /// nobody publishes, anything else is a defect.
    pub const fn is_clean(&self) -> bool {
        self.left_behind == 0 && self.lost == 0 && self.doubled == 0
    }
}

/// What is known of the publisher whose number a block's header has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Alive.
    Living,
    /// Killed, or it left while readers held blocks of its: a recovery goes through its blocks.
    Gone,
    /// There is none: no recovery looks for the blocks of that number.
    Nobody,
}

/// Where a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the free list.
    Free,
    /// In a ring slot.
    Ring,
    /// With a living publisher.
    Publisher,
    /// With a living reader alone.
    Reader,
    /// With the dead.
    LeftBehind,
    /// Nowhere.
    Lost,
}

/// A pool as whoever only looks sees it.
pub struct PoolLook<K> {
    head: Lent<ReadU64, K>,
    headers: Lent<[ReadU64], K>,
}

impl<K> PoolLook<K> {
    /// The pool over its free list's head and one header word per block.
    pub const fn new(head: Lent<ReadU64, K>, headers: Lent<[ReadU64], K>) -> Self {
        Self { head, headers }
    }

    /// Blocks of the pool.
    pub fn blocks(&self) -> u32 {
        self.headers.len() as u32 // at most 2^31 - 1 by the geometry
    }

    fn front(&self) -> FreeHead {
        // ORDERING: free-list: pairs with the release of whoever pushed: the headers behind are there.
        FreeHead::unpack(self.head.load_acquire())
    }

    /// What a block's header says now.
    pub fn header(&self, index: u32) -> BlockHeader {
        match self.headers.get(index as usize) {
            // ORDERING: none; a look: what it means is only certain while nobody changes it.
            Some(word) => BlockHeader::unpack(word.load_relaxed()),
            None => BlockHeader { next: NO_BLOCK, owner: 0, state: None },
        }
    }
}

impl<K> fmt::Debug for PoolLook<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolLook").field("blocks", &self.blocks()).finish_non_exhaustive()
    }
}

const LISTED: u8 = 1;
const NAMED: u8 = 2;
const NAMED_AGAIN: u8 = 4;
const HELD: u8 = 8;
const TAKEN: u8 = 16;
const TAKEN_BY_THE_GONE: u8 = 32;

/// An account being made, in scratch memory that the caller lends: a byte per block.
#[derive(Debug)]
pub struct Accounting<'l, K, S> {
    look: &'l PoolLook<K>,
    marks: S,
    before: FreeHead,
}

/// An account that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// What was found.
    pub account: Account,
    /// The free list changed meanwhile: it may not be true of any instant.
    pub moved: bool,
}

impl<'l, K, S: AsMut<[u8]>> Accounting<'l, K, S> {
    /// Begins an account by walking the free list. `None` when the scratch memory has fewer bytes than the pool blocks.
    pub fn begin(look: &'l PoolLook<K>, mut marks: S) -> Option<Self> {
        marks.as_mut().get_mut(..look.blocks() as usize)?.fill(0);
        let before = look.front();
        let mut accounting = Self { look, marks, before };
        let mut index = before.first;
        // Ends at the list's end, outside the pool, or where a damaged list bites its tail.
        while accounting.mark(index, LISTED) == Some(false) {
            index = look.header(index).next;
        }
        Some(accounting)
    }

    /// A ring slot names block `index`.
    pub fn name(&mut self, index: u32) {
        if self.mark(index, NAMED) == Some(true) {
            self.mark(index, NAMED_AGAIN);
        }
    }

    /// A living reader holds block `index`.
    pub fn hold(&mut self, index: u32) {
        self.mark(index, HELD);
    }

    /// A publisher, alive or not, has announced that it takes `count` blocks from block `first` on.
    pub fn announced(&mut self, first: u32, count: u32, is_alive: bool) {
        let mark = if is_alive { TAKEN } else { TAKEN_BY_THE_GONE };
        let mut index = first;
        for _ in 0..count {
            // What has an owner again says so itself.
            if self.look.header(index).state != Some(BlockState::Free) || self.mark(index, mark).is_none() {
                return;
            }
            index = self.look.header(index).next;
        }
    }

    /// Sets a mark; says whether it was there before, `None` outside the pool.
    fn mark(&mut self, index: u32, mark: u8) -> Option<bool> {
        let marks = self.marks.as_mut().get_mut(..self.look.blocks() as usize)?.get_mut(index as usize)?;
        let was = *marks & mark != 0;
        *marks |= mark;
        Some(was)
    }

    /// Counts every block in one place. `owner` says what is known of a publisher by its number, `each` is told of every block:
    /// its index, its header, its place.
    pub fn finish(
        mut self,
        owner: impl Fn(u32) -> Owner,
        mut each: impl FnMut(u32, BlockHeader, Place),
    ) -> Finished {
        let mut account = Account { blocks: self.look.blocks(), ..Account::default() };
        for (index, &marks) in (0..account.blocks).zip(self.marks.as_mut().iter()) {
            let header = self.look.header(index);
            let owner = owner(header.owner);
            let place = place(marks, header.state, owner);
            *match place {
                Place::Free => &mut account.free,
                Place::Ring => &mut account.in_rings,
                Place::Publisher => &mut account.with_publishers,
                Place::Reader => &mut account.with_readers,
                Place::LeftBehind => &mut account.left_behind,
                Place::Lost => &mut account.lost,
            } += 1;
            account.doubled += u32::from(is_doubled(marks, header.state, owner));
            each(index, header, place);
        }
        Finished { account, moved: self.look.front() != self.before }
    }
}

fn place(marks: u8, state: Option<BlockState>, owner: Owner) -> Place {
    let is = |mark| marks & mark != 0;
    match (state, owner) {
        _ if is(LISTED) => Place::Free,
        _ if is(NAMED) => Place::Ring,
        _ if is(TAKEN) => Place::Publisher,
        _ if is(TAKEN_BY_THE_GONE) => Place::LeftBehind,
        (Some(BlockState::Owned | BlockState::Limbo), Owner::Living) => Place::Publisher,
        (Some(_), Owner::Gone) if is(HELD) => Place::Reader,
        // Whatever its header says, a sweep finds it by the number.
        (_, Owner::Gone) => Place::LeftBehind,
        // Free and on no list, published and in no slot, or of nobody.
        _ => Place::Lost,
    }
}

/// True for a block that somebody may write while others read it, or that may be handed out twice.
fn is_doubled(marks: u8, state: Option<BlockState>, owner: Owner) -> bool {
    let is = |mark| marks & mark != 0;
    let (free, owned) = (state == Some(BlockState::Free), state == Some(BlockState::Owned));
    let claimed = matches!(state, Some(BlockState::Owned | BlockState::Limbo)) && owner == Owner::Living;
    is(NAMED_AGAIN)
        || is(LISTED) && (is(NAMED) || is(HELD) || !free)
        // A publisher that died between header and slot is no second owner: the slot counts.
        || is(NAMED) && (claimed || free)
        || !is(LISTED) && is(HELD) && owned && owner == Owner::Living
}
