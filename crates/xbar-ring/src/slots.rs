//! The slots of a ring: on the heap, or in memory that somebody lends.
//!
//! Invariant 1: `place` holds initialised slots, nobody else's, as long as this lives.

#![allow(unsafe_code)] // slots placed into lent bytes

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;
use core::ptr::NonNull;

use xbar_layout::Space;

/// Where a ring's slots lie: `None` is the heap.
pub type Backing = Option<Box<dyn Space>>;

/// A fixed number of slots.
pub struct Slots<S> {
    place: NonNull<[S]>,
    space: Backing,
    owns: PhantomData<S>,
}

// SAFETY: it owns the slots, as a box would, and a space may cross threads.
unsafe impl<S: Send> Send for Slots<S> {}
// SAFETY: as above; sharing it shares the slots and nothing else.
unsafe impl<S: Sync> Sync for Slots<S> {}

impl<S> Slots<S> {
    /// Bytes that `count` slots take, wherever the memory begins.
    pub const fn bytes(count: usize) -> usize {
        count.saturating_mul(size_of::<S>()).saturating_add(align_of::<S>())
    }

    /// `count` slots in `backing`; `what` says what they are for.
    ///
    /// # Panics
    ///
    /// When there is not so much memory.
    pub fn new(count: usize, backing: Backing, what: &str, slot: impl Fn(u64) -> S) -> Self {
        let Some(space) = backing else { return Self::on_heap(count, what, slot) };
        let bytes = space.bytes();
        let first: NonNull<u8> = bytes.cast();
        let skip = first.as_ptr().align_offset(align_of::<S>());
        let needed = count.checked_mul(size_of::<S>()).and_then(|bytes| bytes.checked_add(skip));
        assert!(
            needed.is_some_and(|needed| needed <= bytes.len()),
            "{what} needs {} bytes, not the {} that it was lent",
            Self::bytes(count),
            bytes.len()
        );
        // SAFETY: within the range, as was just seen.
        let place: NonNull<S> = unsafe { first.add(skip) }.cast();
        for index in 0..count {
            // SAFETY: within the range.
            let place = unsafe { place.add(index) };
            // SAFETY: aligned, valid for writes, and nobody else's (`Space`).
            unsafe { place.write(slot(index as u64)) };
        }
        Self { place: NonNull::slice_from_raw_parts(place, count), space: Some(space), owns: PhantomData }
    }

    fn on_heap(count: usize, what: &str, slot: impl Fn(u64) -> S) -> Self {
        let mut slots = Vec::new();
        if slots.try_reserve_exact(count).is_err() {
            panic!("{what} needs more memory than there is");
        }
        slots.extend((0..count as u64).map(slot));
        let place = NonNull::from(Box::leak(slots.into_boxed_slice()));
        Self { place, space: None, owns: PhantomData }
    }
}

impl<S> Deref for Slots<S> {
    type Target = [S];

    #[inline(always)]
    fn deref(&self) -> &[S] {
        // SAFETY: invariant 1.
        unsafe { self.place.as_ref() }
    }
}

impl<S> Drop for Slots<S> {
    fn drop(&mut self) {
        if self.space.is_some() {
            // SAFETY: initialised by `new`, dropped once, here; the space goes afterwards.
            unsafe { self.place.drop_in_place() };
        } else {
            // SAFETY: from a box that was leaked by `on_heap`.
            drop(unsafe { Box::from_raw(self.place.as_ptr()) });
        }
    }
}

impl<S> fmt::Debug for Slots<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slots").field("count", &self.len()).field("on_heap", &self.space.is_none()).finish()
    }
}
