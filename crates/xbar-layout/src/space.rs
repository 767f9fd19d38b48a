//! Bytes that belong to whoever holds them: how a ring's values come to lie in memory that the ring did not allocate.

#![allow(unsafe_code)] // the promise that the bytes are nobody else's

use core::ptr::NonNull;

/// A piece of memory with one owner: a mapping with huge pages, say, or a part of a machine's fast memory.
///
/// # Safety
///
/// [`bytes`](Self::bytes) always gives the same range, valid for reads and writes as long as `self` lives, also when
/// `self` is moved, and touched by nobody who did not get it from `self`.
pub unsafe trait Space: Send + Sync {
    /// All of it.
    fn bytes(&self) -> NonNull<[u8]>;
}
