//! The bytes of the blocks.

#![allow(unsafe_code)] // bytes seen as slices, under the promise of whoever owns or holds the block

use core::fmt;
use core::ptr::NonNull;
use core::slice;

use xbar_layout::pad::LINE_BYTES;
use xbar_layout::{Byte, Lent, fetch};

/// Bytes of the next block that a publisher has fetched ahead: a line costs it a quarter of a nanosecond, needed or not.
pub const PREPARED_BYTES: usize = 1024;

/// All blocks' bytes, `stride` from one to the next.
///
/// Invariant 1: `stride >= block_bytes`, and the memory holds `blocks` strides.
pub struct Payload<K> {
    bytes: Lent<[Byte], K>,
    stride: usize,
    block_bytes: usize,
    blocks: u32,
}

impl<K> Payload<K> {
    /// Blocks of `block_bytes` in `bytes`, or `None` when the stride is smaller than a block.
    pub fn new(bytes: Lent<[Byte], K>, stride: usize, block_bytes: usize) -> Option<Self> {
        if stride == 0 || stride < block_bytes {
            return None;
        }
        let blocks = u32::try_from(bytes.len() / stride).ok()?;
        Some(Self { bytes, stride, block_bytes, blocks })
    }

    /// Largest payload of one block in bytes.
    #[inline]
    pub const fn block_bytes(&self) -> usize {
        self.block_bytes
    }

    /// Number of blocks.
    #[inline]
    pub const fn blocks(&self) -> u32 {
        self.blocks
    }

    /// The first `length` bytes of block `index`, to be written.
    ///
    /// # Safety
    ///
    /// The caller owns the block (a [`crate::Block`] of this pool says so), and neither reads nor writes it otherwise
    /// while the slice lives. The memory is mapped writable.
    ///
    /// # Panics
    ///
    /// When there is no such block, or it is shorter than `length`.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)] // the block is the exclusive thing, not the pool
    pub unsafe fn bytes_mut(&self, index: u32, length: usize) -> &mut [u8] {
        let place = self.place(index, length);
        // SAFETY: `place` is valid for `length` bytes (invariant 1), initialised because a mapping or a heap is, and
        // exclusive by the caller's promise.
        unsafe { slice::from_raw_parts_mut(place.as_ptr(), length) }
    }

    /// The first `length` bytes of block `index`.
    ///
    /// # Safety
    ///
    /// The caller holds the block ([`crate::Held`]) while the slice lives, so that no publisher writes it.
    ///
    /// # Panics
    ///
    /// When there is no such block, or it is shorter than `length`.
    #[inline(always)]
    pub unsafe fn bytes(&self, index: u32, length: usize) -> &[u8] {
        let place = self.place(index, length);
        // SAFETY: as above; nobody writes by the caller's promise.
        unsafe { slice::from_raw_parts(place.as_ptr(), length) }
    }

    /// Has the processor fetch the first bytes of block `index` for writing, in steps of eight lines, up to `length` and no more than
    /// [`PREPARED_BYTES`]: whoever writes them soon does not wait for readers' caches to give them up.
    #[inline(always)]
    pub fn prepare(&self, index: u32, length: usize) {
        if index < self.blocks && length <= self.block_bytes {
            let first = self.place(index, length).as_ptr();
            for eight in 0..length.min(PREPARED_BYTES) / (8 * LINE_BYTES) {
                fetch::eight_lines_for_writing(first.wrapping_add(eight * 8 * LINE_BYTES));
            }
        }
    }

    /// Has the processor fetch a message of `length` bytes in block `index` for reading, if it is a short one: for whoever waited for it,
    /// so that it comes from another core.
    #[inline(always)]
    pub fn fetch(&self, index: u32, length: usize) {
        if index < self.blocks && length <= self.block_bytes {
            fetch::short_message(self.place(index, length).as_ptr(), length);
        }
    }

    /// The block at whose first byte `place` is.
    pub fn index_of(&self, place: *const u8) -> u32 {
        let first = NonNull::from(&*self.bytes).cast::<u8>();
        let offset = place.addr().wrapping_sub(first.addr().get());
        (offset / self.stride) as u32 // below `blocks`
    }

    #[inline(always)]
    fn place(&self, index: u32, length: usize) -> NonNull<u8> {
        if index >= self.blocks || length > self.block_bytes {
            no_such_block((index, length), (self.blocks, self.block_bytes));
        }
        // Through the slice, so that the pointer may reach the whole block.
        let first = NonNull::from(&*self.bytes).cast::<u8>();
        // SAFETY: invariant 1: the memory holds `blocks` strides, and the block is one of them.
        unsafe { first.add(index as usize * self.stride) }
    }
}

/// Apart, and by value, so that nobody puts anything into memory for it.
#[cold]
#[inline(never)]
fn no_such_block((index, length): (u32, usize), (blocks, bytes): (u32, usize)) -> ! {
    panic!("{length} bytes of block {index} in a pool of {blocks} blocks of {bytes} bytes")
}

impl<K: Clone> Clone for Payload<K> {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes.clone(), ..*self }
    }
}

impl<K> fmt::Debug for Payload<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("blocks", &self.blocks)
            .field("block_bytes", &self.block_bytes)
            .finish_non_exhaustive()
    }
}
