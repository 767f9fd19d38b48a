//! Things that are given out and come back: the first one of a set again and again, more when somebody keeps several.
//!
//! They stay where they are, so that whoever has one needs no more than a reference to it.

#![allow(unsafe_code)] // what is in boxes, beside references to it

use std::cell::RefCell;
use std::fmt;
use std::ptr::NonNull;

/// What a set is made of.
pub(crate) trait Spare {
    /// A new one, free.
    fn new() -> Self;

    /// True when nobody has it.
    fn is_free(&self) -> bool;
}

/// The set: as many as were ever out at once, and never fewer.
///
/// Invariant 1: all are this one's, from boxes, until it is dropped. Pointers rather than boxes, which may not be moved while
/// somebody points at what is in them.
pub(crate) struct Spares<T> {
    first: NonNull<T>,
    more: RefCell<Vec<NonNull<T>>>,
}

// SAFETY: it owns what it has, and none is out when it moves: whoever has one borrows the set.
unsafe impl<T: Send> Send for Spares<T> {}

impl<T: Spare> Spares<T> {
    pub(crate) fn new() -> Self {
        Self { first: boxed(), more: RefCell::new(Vec::new()) }
    }

    /// One that is free. It stays so until its bearer says otherwise.
    #[inline(always)]
    pub(crate) fn free(&self) -> &T {
        // SAFETY: invariant 1.
        let first = unsafe { self.first.as_ref() };
        if first.is_free() { first } else { self.another() }
    }

    #[cold]
    #[inline(never)]
    fn another(&self) -> &T {
        let mut more = self.more.borrow_mut();
        // SAFETY: invariant 1.
        let all = more.iter().map(|spare| unsafe { spare.as_ref() });
        if let Some(spare) = { all }.find(|spare| spare.is_free()) {
            return spare;
        }
        let spare = boxed();
        more.push(spare);
        // SAFETY: invariant 1.
        unsafe { spare.as_ref() }
    }
}

fn boxed<T: Spare>() -> NonNull<T> {
    NonNull::from(Box::leak(Box::new(T::new())))
}

impl<T> Drop for Spares<T> {
    fn drop(&mut self) {
        for spare in self.more.get_mut().drain(..).chain([self.first]) {
            // SAFETY: invariant 1, and once.
            drop(unsafe { Box::from_raw(spare.as_ptr()) });
        }
    }
}

impl<T> fmt::Debug for Spares<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spares = 1 + self.more.borrow().len();
        f.debug_struct("Spares").field("spares", &spares).finish_non_exhaustive()
    }
}
