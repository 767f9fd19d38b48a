//! A value that the gate hands from the writer to the readers and back.

#![allow(unsafe_code)] // values in cells, under the gate

use core::mem::MaybeUninit;

use xbar_layout::sync::UnsafeCell;

/// A place for one value.
pub(super) struct Cell<T>(UnsafeCell<MaybeUninit<T>>);

// SAFETY: values are written by one thread and copied by others, which is sending copies; who may do what when is the
// contract of `put` and `get`.
unsafe impl<T: Send> Sync for Cell<T> {}

impl<T: Copy> Cell<T> {
    pub(super) fn empty() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// Writes the value.
    ///
    /// # Safety
    ///
    /// Nobody else may touch the cell meanwhile.
    #[inline(always)]
    pub(super) unsafe fn put(&self, value: T) {
        // SAFETY: the place is valid, and the caller's alone.
        self.0.with_mut(|place| unsafe { place.write(MaybeUninit::new(value)) });
    }

    /// Copies the value.
    ///
    /// # Safety
    ///
    /// It must have been put, and nobody may put another meanwhile.
    #[inline(always)]
    pub(super) unsafe fn get(&self) -> T {
        // SAFETY: the place is valid, and nobody writes it.
        let value = self.0.with(|place| unsafe { place.read() });
        // SAFETY: it was put.
        unsafe { value.assume_init() }
    }
}
