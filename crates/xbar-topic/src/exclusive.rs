//! A value that one thread uses, one borrow at a time: a `RefCell` that keeps its flag in debug builds only.
//!
//! Four such cells lie on the way of a message; their flags are stores that say nothing.

#![allow(unsafe_code)] // a borrow that nothing but the caller's promise keeps exclusive

use std::cell::UnsafeCell;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// The cell. Not `Sync`: it stays with its thread, or moves as a whole.
pub(crate) struct Exclusive<T> {
    value: UnsafeCell<T>,
    #[cfg(debug_assertions)]
    borrowed: std::cell::Cell<bool>,
}

impl<T> Exclusive<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self {
            value: UnsafeCell::new(value),
            #[cfg(debug_assertions)]
            borrowed: std::cell::Cell::new(false),
        }
    }

    /// Lends the value.
    ///
    /// # Safety
    ///
    /// Nothing else borrows from this cell while the result lives: what is called meanwhile is no user's code, and does not
    /// come back here.
    ///
    /// # Panics
    ///
    /// In debug builds, when it does.
    #[inline(always)]
    pub(crate) unsafe fn borrow_mut(&self) -> Borrow<'_, T> {
        #[cfg(debug_assertions)]
        assert!(!self.borrowed.replace(true), "borrowed twice at a time");
        Borrow { cell: self }
    }
}

/// The value, borrowed.
pub(crate) struct Borrow<'e, T> {
    cell: &'e Exclusive<T>,
}

impl<T> Deref for Borrow<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the only borrow (the promise of `borrow_mut`), and the cell is not `Sync`.
        unsafe { &*self.cell.value.get() }
    }
}

impl<T> DerefMut for Borrow<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and `self` is borrowed exclusively.
        unsafe { &mut *self.cell.value.get() }
    }
}

#[cfg(debug_assertions)]
impl<T> Drop for Borrow<'_, T> {
    fn drop(&mut self) {
        self.cell.borrowed.set(false);
    }
}

impl<T> fmt::Debug for Exclusive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exclusive")
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::Exclusive;

    #[test]
    #[should_panic(expected = "borrowed twice")]
    fn debug_builds_notice_a_second_borrow() {
        let cell = Exclusive::new(1);
        // SAFETY: alone.
        let _first = unsafe { cell.borrow_mut() };
        // SAFETY: broken, and noticed before there is a second reference.
        let _second = unsafe { cell.borrow_mut() };
    }
}
