//! A bus of plain values: one writer, any number of readers, values in the slots themselves.
//!
//! The facade's buses are of one type each, and Rust compiles each anew; so values of C have one of the shapes that
//! `shapes` lists, by size and alignment.

#![allow(unsafe_code)] // pointers of callers

pub mod publish;
pub mod receive;
mod shapes;

use std::ffi::c_char;

use xbar::BusConfig;

use crate::arguments::{maybe_path, maybe_text};
use crate::failure::Failure;
use crate::growing::Growing;
use shapes::Shape;

/// What a bus is. Set `struct_size` to `sizeof(xbar_bus_config)`, `value_size` and `value_align` to those of the type, and the rest to 0 but for
/// what you want to choose. Both ends say the same of the type.
#[derive(Debug)]
#[repr(C)]
pub struct xbar_bus_config {
    /// `sizeof(xbar_bus_config)`.
    pub struct_size: usize,
    /// Where buses live. NULL: the environment's `XBAR_DIR`, else a directory of this user's under `/dev/shm`.
    pub dir: *const c_char,
    /// A name for the type, of which 64 bytes count: compared where both ends give one. NULL for none.
    pub value_name: *const c_char,
    /// How long a reader waits for the bus to appear: then `XBAR_TIMEOUT`. Default 0: it is there, or the call fails.
    pub timeout_ns: u64,
    /// Size of the type in bytes, `sizeof`: 1 and 2, multiples of 4 up to 64 where it is aligned to 4, multiples of 8 up to 256 where
    /// it is aligned to 8.
    pub value_size: u32,
    /// Its alignment, `alignof`: 1, 2, 4 or 8.
    pub value_align: u32,
    /// Values that a reader may be behind, 1 to 2^20 - 1. Default 1024.
    pub capacity: u32,
    /// 1: the bus waits for its slowest reader. Default 0: it overwrites the oldest value.
    pub bounded: u32,
    /// Readers alive at once, 1 to 4096. Default 64.
    pub subscribers: u32,
    /// `XBAR_START_NOW` or `XBAR_START_OLDEST`: where a reader begins.
    pub start: u32,
}

// SAFETY: numbers and pointers, the size first.
unsafe impl Growing for xbar_bus_config {
    const NAME: &'static str = "xbar_bus_config";
    const FIRST_BYTES: usize = size_of::<Self>();
}

/// # Safety
///
/// The texts of `asked` are null or end with a zero byte.
unsafe fn settings(asked: &xbar_bus_config) -> Result<(&'static Shape, BusConfig), Failure> {
    let shape = shapes::of(asked.value_size, asked.value_align)?;
    let mut config = BusConfig::new();
    // SAFETY: the caller's promise.
    if let Some(dir) = unsafe { maybe_path(asked.dir) } {
        config = config.dir(dir);
    }
    // SAFETY: the caller's promise.
    if let Some(name) = unsafe { maybe_text("value_name", asked.value_name) }? {
        config = config.type_name(name);
    }
    if asked.subscribers != 0 {
        config = config.subscribers(asked.subscribers);
    }
    Ok((shape, config))
}
