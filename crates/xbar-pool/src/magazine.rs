//! A publisher's own small stack of blocks, so that the shared list is touched once per batch.

/// Largest batch that the geometry ever asks for.
pub(crate) const CAPACITY: usize = 16;

/// Blocks at hand, last in first out: the block used last is the one still in the cache.
#[derive(Debug)]
pub(crate) struct Magazine {
    blocks: [u32; CAPACITY],
    length: usize,
    /// Blocks it may hold, 1 to [`CAPACITY`].
    limit: usize,
}

impl Magazine {
    pub(crate) const fn new(limit: usize) -> Self {
        let limit = if limit > CAPACITY { CAPACITY } else { limit };
        Self { blocks: [0; CAPACITY], length: 0, limit }
    }

    pub(crate) const fn room(&self) -> usize {
        self.limit - self.length
    }

    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<u32> {
        self.length = self.length.checked_sub(1)?;
        Some(self.blocks[self.length])
    }

    /// Keeps a block; false when there is no room.
    #[inline(always)]
    pub(crate) fn push(&mut self, index: u32) -> bool {
        if self.length == self.limit {
            return false;
        }
        self.blocks[self.length] = index;
        self.length += 1;
        true
    }

    pub(crate) fn contents(&self) -> &[u32] {
        &self.blocks[..self.length]
    }

    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }
}
