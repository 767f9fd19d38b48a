//! Which types may be laid over memory that other processes write.

#![allow(unsafe_code)] // a marker trait, its impls, and the one type that is shared without being atomic

use core::cell::UnsafeCell;

use crate::access::{Access, ReadOnly, ReadWrite};
use crate::participant::{Control, Record, TopicLine};
use crate::region::RegionHeader;
use crate::sync::{AtomicU32, AtomicU64, ReadU32, ReadU64};
use crate::topic::TopicEntry;

/// A type that a mapping can be viewed as.
///
/// # Safety
///
/// Every bit pattern, changing at any time under the view, must be harmless: the type consists of atomics, of
/// load-only words and of [`Byte`]s. With `WRITES == false` its safe methods must not store.
pub unsafe trait Shared {
    /// True when its safe methods may store, so that the mapping must be writable.
    const WRITES: bool;
}

/// One byte of payload. Not atomic: whoever owns or holds the block decides who may touch it, so safe code can do
/// nothing with it.
#[repr(transparent)]
#[derive(Debug)]
pub struct Byte(UnsafeCell<u8>);

impl Byte {
    /// A byte on the heap, for tests.
    pub const fn new(value: u8) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Where it is.
    #[inline(always)]
    pub const fn get(&self) -> *mut u8 {
        self.0.get()
    }
}

// SAFETY: safe code can only learn the address.
unsafe impl Sync for Byte {}

// SAFETY: an atomic.
unsafe impl Shared for AtomicU32 {
    const WRITES: bool = true;
}
// SAFETY: an atomic.
unsafe impl Shared for AtomicU64 {
    const WRITES: bool = true;
}
// SAFETY: a load-only word.
unsafe impl Shared for ReadU32 {
    const WRITES: bool = false;
}
// SAFETY: a load-only word.
unsafe impl Shared for ReadU64 {
    const WRITES: bool = false;
}
// SAFETY: a byte that safe code cannot touch.
unsafe impl Shared for Byte {
    const WRITES: bool = false;
}

/// [`Access`], as far as [`Shared`] needs it.
trait Writes {
    const WRITES: bool;
}
impl Writes for ReadWrite {
    const WRITES: bool = true;
}
impl Writes for ReadOnly {
    const WRITES: bool = false;
}

macro_rules! shared_struct {
    ($($name:ident),+) => {$(
        // SAFETY: repr(C), made of the words of `A` alone (asserts.rs holds that there is no gap).
        #[allow(private_bounds)]
        unsafe impl<A: Access + Writes> Shared for $name<A> {
            const WRITES: bool = A::WRITES;
        }
    )+};
}
shared_struct!(RegionHeader, TopicEntry, Control, TopicLine, Record);
