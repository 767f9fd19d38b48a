//! Memory lent to a lock-free piece, together with whatever keeps it there.

#![allow(unsafe_code)] // one pointer, dereferenced under the promise of `Lent::new`

use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::Deref;
use core::ptr::NonNull;

/// A shared reference whose lender travels with it: `keep` holds the mapping, the heap or the static alive.
///
/// This is how a ring or a pool lives in memory that it did not allocate without knowing whose it is. `K` is an
/// `Arc` of a mapping in the facade, an `Arc` of a heap in tests, `()` for a static.
///
/// Invariant 1: `place` is valid for `&T` as long as any clone of `keep` lives.
pub struct Lent<T: ?Sized, K> {
    place: NonNull<T>,
    /// Taken out by `drop` alone.
    keep: ManuallyDrop<K>,
}

impl<T: ?Sized, K> Lent<T, K> {
    /// Lends `place`.
    ///
    /// # Safety
    ///
    /// `place` must be valid for shared references (aligned, in bounds, initialised, no `&mut` to it) as long as
    /// `keep` or any clone of it lives, also when `keep` is moved.
    #[inline]
    pub const unsafe fn new(place: NonNull<T>, keep: K) -> Self {
        Self { place, keep: ManuallyDrop::new(keep) }
    }

    /// Who keeps the memory.
    #[inline]
    pub fn keep(&self) -> &K {
        &self.keep
    }

    /// Lends a part of what is lent here.
    #[inline]
    pub fn part<U: ?Sized>(&self, choose: impl FnOnce(&T) -> &U) -> Lent<U, K>
    where
        K: Clone,
    {
        Lent { place: NonNull::from(choose(self)), keep: self.keep.clone() }
    }
}

impl<T: ?Sized> Lent<T, ()> {
    /// Lends something that lives for ever.
    pub fn from_static(place: &'static T) -> Self {
        Self { place: NonNull::from(place), keep: ManuallyDrop::new(()) }
    }
}

impl<T: ?Sized, K> Deref for Lent<T, K> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: invariant 1; `self` holds `keep`.
        unsafe { self.place.as_ref() }
    }
}

impl<T: ?Sized, K: Clone> Clone for Lent<T, K> {
    fn clone(&self) -> Self {
        Self { place: self.place, keep: self.keep.clone() }
    }
}

impl<T: ?Sized, K> Drop for Lent<T, K> {
    /// Moves `keep` out before it is dropped. Dropped in place, its address would be known to whatever frees the memory, and
    /// the compiler could not keep the ends of a ring in registers, which are made of lent memory: half the cost of a
    /// small message.
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: taken once, here.
        drop(unsafe { ManuallyDrop::take(&mut self.keep) });
    }
}

// SAFETY: a `Lent` gives out only `&T`, so it may cross threads exactly when `&T` may; `keep` crosses with it.
unsafe impl<T: ?Sized + Sync, K: Send> Send for Lent<T, K> {}
// SAFETY: as above; sharing a `Lent` shares `&T` and `&K`.
unsafe impl<T: ?Sized + Sync, K: Sync> Sync for Lent<T, K> {}

impl<T: ?Sized, K> fmt::Debug for Lent<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lent").field(&self.place).finish()
    }
}
