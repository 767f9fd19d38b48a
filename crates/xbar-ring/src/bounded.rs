//! Lossless rings: values in private memory, a [gate](crate::gate) that keeps writers behind the slowest reader.
//!
//! A slot is written only when every reader has passed it and read only when it is published, so values need neither
//! stamps around them nor race-free copies, and any `Copy` type will do.

mod cell;
pub mod many;
pub mod one;

use cell::Cell;

use crate::slots::{Backing, Slots};

/// `capacity` slots, or a panic that says why not.
fn slots<T, S>(capacity: usize, backing: Backing, slot: impl Fn(u64) -> S) -> Slots<S> {
    assert!(capacity >= 2, "a channel needs a capacity >= 2, not {capacity}");
    let what = alloc::format!("a channel of {capacity} values of {} bytes", size_of::<T>());
    Slots::new(capacity, backing, &what, slot)
}

/// A word on a cache line of its own.
#[repr(align(64))]
#[derive(Debug)]
struct Line<W>(W);
