//! What a waiting publisher needs of a lossless ring, whatever the ring.

use crate::wait::{Rest, give_way};

/// The writing end of a lossless ring.
///
/// Open: a crate with an operating system wraps one to wake sleeping readers.
pub trait Sink {
    /// What is published.
    type Value: Copy;

    /// Publishes `value` if there is room.
    ///
    /// # Errors
    ///
    /// The value, when there is none.
    fn offer(&mut self, value: Self::Value) -> Result<(), Self::Value>;

    /// Publishes the first of `values`, as many as there is room for; says how many.
    fn offer_batch(&mut self, values: &[Self::Value]) -> usize;

    /// Values published so far, by all writers.
    fn published(&self) -> u64;

    /// Slots.
    fn capacity(&self) -> usize;

    /// Readers that there are now.
    fn readers(&self) -> usize;

    /// True when [`offer`](Self::offer) would take a value. Does not move.
    fn has_room(&self) -> bool;

    /// True when there are no readers, and nobody who could make one.
    fn is_deserted(&self) -> bool;

    /// Waits a while for room, as `rest` says; may return at any time.
    fn sleep(&mut self, rest: Rest<'_>) {
        let _ = rest;
        give_way();
    }
}
