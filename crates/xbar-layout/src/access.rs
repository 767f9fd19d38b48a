//! What a view of shared memory may do: everything, or look only.

use crate::sync::{AtomicU32, AtomicU64, ReadU32, ReadU64};

/// Chooses the words of a shared struct: atomics for those who may write, load-only words for everybody else.
///
/// Both have the same size and place, so a struct written once describes the memory for both.
pub trait Access: sealed::Sealed + core::fmt::Debug + 'static {
    /// A 32-bit word.
    type U32: core::fmt::Debug;
    /// A 64-bit word.
    type U64: core::fmt::Debug;
}

/// A view through a writable mapping.
#[derive(Debug, Clone, Copy)]
pub enum ReadWrite {}

/// A view through a read-only mapping.
#[derive(Debug, Clone, Copy)]
pub enum ReadOnly {}

impl Access for ReadWrite {
    type U32 = AtomicU32;
    type U64 = AtomicU64;
}

impl Access for ReadOnly {
    type U32 = ReadU32;
    type U64 = ReadU64;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::ReadWrite {}
    impl Sealed for super::ReadOnly {}
}
