//! What a stage may do with events: read them beside others, or change them alone.

#![allow(unsafe_code)] // references into cells, under the contract of `lend`

use xbar_layout::sync::UnsafeCell;

/// A kind of access.
pub trait Access: sealed::Sealed + 'static {
    /// An event, as the stage gets it.
    type Of<'e, E: 'e>;

    /// True when nobody may touch the event meanwhile.
    const ALONE: bool;

    /// Gives `handle` the event in `cell`.
    ///
    /// # Safety
    ///
    /// Nobody may change it meanwhile; with [`ALONE`](Self::ALONE), nobody may touch it.
    #[doc(hidden)]
    unsafe fn lend<E, R>(cell: &UnsafeCell<E>, handle: impl for<'e> FnOnce(Self::Of<'e, E>) -> R) -> R;
}

/// Reads events, while stages beside it may read them too.
#[derive(Debug, Clone, Copy)]
pub enum Read {}

/// Changes events: every other stage is in front of it or behind it.
#[derive(Debug, Clone, Copy)]
pub enum Change {}

impl Access for Read {
    type Of<'e, E: 'e> = &'e E;
    const ALONE: bool = false;

    #[inline(always)]
    unsafe fn lend<E, R>(cell: &UnsafeCell<E>, handle: impl for<'e> FnOnce(&'e E) -> R) -> R {
        // SAFETY: initialised when the ring was made, and nobody changes it.
        cell.with(|event| handle(unsafe { &*event }))
    }
}

impl Access for Change {
    type Of<'e, E: 'e> = &'e mut E;
    const ALONE: bool = true;

    #[inline(always)]
    unsafe fn lend<E, R>(cell: &UnsafeCell<E>, handle: impl for<'e> FnOnce(&'e mut E) -> R) -> R {
        // SAFETY: initialised when the ring was made, and nobody else touches it.
        cell.with_mut(|event| handle(unsafe { &mut *event }))
    }
}

mod sealed {
    /// Two kinds of access ship.
    pub trait Sealed {}
    impl Sealed for super::Read {}
    impl Sealed for super::Change {}
}
