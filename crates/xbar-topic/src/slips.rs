//! Slips: where a publisher's small loans are written. What is on one is copied into a slot when it is published, so no block
//! is taken for it.

#![allow(unsafe_code)] // given to other threads together with its publisher

use std::cell::{Cell, UnsafeCell};
use std::ptr::NonNull;

use xbar_layout::ring::INLINE_BYTES;

use crate::spares::Spare;

/// Room for a message that rides in a slot, aligned as a block is.
///
/// Invariant 1: while it is out its bytes are one loan's.
#[repr(C, align(64))]
pub(crate) struct Slip {
    bytes: UnsafeCell<[u8; INLINE_BYTES]>,
    is_out: Cell<bool>,
}

// SAFETY: bytes and a flag, which one thread at a time uses.
unsafe impl Send for Slip {}

impl Slip {
    /// Gives it out: its first byte.
    #[inline(always)]
    pub(crate) fn take(&self) -> NonNull<u8> {
        self.is_out.set(true);
        NonNull::from(&self.bytes).cast()
    }

    /// The loan is no more.
    #[inline(always)]
    pub(crate) fn come_back(&self) {
        self.is_out.set(false);
    }
}

impl Spare for Slip {
    fn new() -> Self {
        Self { bytes: UnsafeCell::new([0; INLINE_BYTES]), is_out: Cell::new(false) }
    }

    #[inline(always)]
    fn is_free(&self) -> bool {
        !self.is_out.get()
    }
}
