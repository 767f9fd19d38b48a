//! Lossless rings: values in private memory, a [gate](crate::gate) that keeps writers behind the slowest reader.
//!
//! A slot is written only when every reader has passed it and read only when it is published, so values need neither
//! stamps around them nor race-free copies, and any `Copy` type will do.

mod cell;
pub mod many;
pub mod one;

use alloc::boxed::Box;
use alloc::vec::Vec;

use cell::Cell;

/// `capacity` slots, or a panic that says why not.
fn slots<T, S>(capacity: usize, slot: impl Fn(u64) -> S) -> Box<[S]> {
    assert!(capacity >= 2, "a channel needs a capacity >= 2, not {capacity}");
    let mut slots = Vec::new();
    if slots.try_reserve_exact(capacity).is_err() {
        let bytes = size_of::<T>();
        panic!("a channel of {capacity} values of {bytes} bytes needs more memory than there is");
    }
    slots.extend((0..capacity as u64).map(slot));
    slots.into_boxed_slice()
}

/// A word on a cache line of its own.
#[repr(align(64))]
#[derive(Debug)]
struct Line<W>(W);
