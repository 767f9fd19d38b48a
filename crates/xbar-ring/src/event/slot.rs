//! One event with its stamp, and the ring that they make.

#![allow(unsafe_code)] // events in cells, shared between threads

use alloc::sync::Arc;
use core::fmt;
use core::ptr::NonNull;

use xbar_layout::Lent;
use xbar_layout::sync::UnsafeCell;

use super::order::Order;
use crate::slots::Slots;

/// One event.
pub struct Slot<E, S> {
    pub(super) stamp: S,
    pub(super) event: UnsafeCell<E>,
}

// SAFETY: who may touch the event when is the contract of `Access::lend`. `&E` in several threads needs `E: Sync`, which
// `Events::reader` demands; `&mut E` in one thread after another needs `E: Send`.
unsafe impl<E: Send, S: Sync> Sync for Slot<E, S> {}

/// What the ends of a ring share.
pub(super) struct Ring<E, O: Order, W> {
    pub(super) slots: Slots<Slot<E, O::Stamp>>,
    pub(super) order: O,
    /// Rung when there is something new for a stage.
    pub(super) news: W,
    /// Rung when there may be room for a producer.
    pub(super) room: W,
}

/// The slots, with the ring that keeps them.
pub(super) type Shared<E, O, W> = Lent<[Slot<E, <O as Order>::Stamp>], Arc<Ring<E, O, W>>>;

impl<E, O: Order, W> Ring<E, O, W> {
    pub(super) fn lend(self: &Arc<Self>) -> Shared<E, O, W> {
        // SAFETY: the slots never move, and the Arc keeps them.
        unsafe { Lent::new(NonNull::from(&*self.slots), Arc::clone(self)) }
    }
}

impl<E, S> fmt::Debug for Slot<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}
