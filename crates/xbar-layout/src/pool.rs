//! The pool: a free list and one header word per block.

/// No block: ends a free list.
pub const NO_BLOCK: u32 = u32::MAX;

/// What the free list's head holds: `[tag:32 | index + 1:32]`, so that a zeroed head is an empty list.
///
/// The tag counts changes. A popper that slept through 2^32 changes exactly could be fooled; at 1e8 changes/s
/// through one head that is a sleep of 43 s inside three instructions, ending on that very count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeHead {
    /// Increases with each change of the list.
    pub tag: u32,
    /// First free block, or [`NO_BLOCK`].
    pub first: u32,
}

impl FreeHead {
    /// Reads a head.
    #[inline]
    pub const fn unpack(word: u64) -> Self {
        Self { tag: (word >> 32) as u32, first: (word as u32).wrapping_sub(1) }
    }

    /// The word that says the same.
    #[inline]
    pub const fn pack(self) -> u64 {
        (self.tag as u64) << 32 | self.first.wrapping_add(1) as u64
    }

    /// The head after a change that leaves `first` in front.
    #[inline]
    #[must_use]
    pub const fn changed(self, first: u32) -> Self {
        Self { tag: self.tag.wrapping_add(1), first }
    }
}

/// Where a block is. Written by its owner only; an owner is whoever took it from the free list or evicted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum BlockState {
    /// On the free list.
    Free = 0,
    /// Taken from the list: in its owner's magazine, or lent out by it.
    Owned = 1,
    /// Named by a ring slot.
    Published = 2,
    /// Evicted: perhaps still held by readers, or at hand again.
    Limbo = 3,
}

/// One block's header word: `[next + 1:32 | owner:24 | state:8]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockHeader {
    /// The block behind this one on the free list, or [`NO_BLOCK`].
    pub next: u32,
    /// Publisher seat + 1, or 0 when free.
    pub owner: u32,
    /// Where it is; `None` when the byte means nothing (damaged memory).
    pub state: Option<BlockState>,
}

impl BlockHeader {
    /// A block of `owner` in `state`.
    #[inline]
    pub const fn owned(owner: u32, state: BlockState) -> Self {
        Self { next: NO_BLOCK, owner, state: Some(state) }
    }

    /// A free block in front of `next`.
    #[inline]
    pub const fn free(next: u32) -> Self {
        Self { next, owner: 0, state: Some(BlockState::Free) }
    }

    /// Reads a header.
    #[inline]
    pub const fn unpack(word: u64) -> Self {
        let state = match word as u8 {
            0 => Some(BlockState::Free),
            1 => Some(BlockState::Owned),
            2 => Some(BlockState::Published),
            3 => Some(BlockState::Limbo),
            _ => None,
        };
        Self { next: ((word >> 32) as u32).wrapping_sub(1), owner: (word as u32) >> 8, state }
    }

    /// The word that says the same.
    #[inline]
    pub const fn pack(self) -> u64 {
        let state = match self.state {
            Some(state) => state as u64,
            None => 0xff,
        };
        (self.next.wrapping_add(1) as u64) << 32 | ((self.owner & 0xff_ffff) as u64) << 8 | state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeroed_memory_is_an_empty_list_and_a_free_block() {
        assert_eq!(FreeHead::unpack(0), FreeHead { tag: 0, first: NO_BLOCK });
        assert_eq!(BlockHeader::unpack(0), BlockHeader::free(NO_BLOCK));
    }

    #[test]
    fn words_say_what_was_packed() {
        for first in [0, 1, 77, NO_BLOCK] {
            let head = FreeHead { tag: u32::MAX, first };
            assert_eq!(FreeHead::unpack(head.pack()), head);
            assert_eq!(head.changed(5), FreeHead { tag: 0, first: 5 });
        }
        for state in [BlockState::Free, BlockState::Owned, BlockState::Published, BlockState::Limbo] {
            let header = BlockHeader { next: 9, owner: 4096, state: Some(state) };
            assert_eq!(BlockHeader::unpack(header.pack()), header);
        }
        assert_eq!(BlockHeader::unpack(0x77).state, None);
    }
}
