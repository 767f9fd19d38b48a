//! A bus of byte messages: one writer, any number of readers, messages of any length, each copied once on either side.

#![allow(unsafe_code)] // pointers of callers

pub mod publish;
pub mod receive;

use std::ffi::c_char;

use xbar::ByteBusConfig;

use crate::arguments::maybe_path;
use crate::growing::Growing;

/// What a byte bus is. Set `struct_size` to `sizeof(xbar_byte_bus_config)` and the rest to 0 but for what you want to choose.
#[derive(Debug)]
#[repr(C)]
pub struct xbar_byte_bus_config {
    /// `sizeof(xbar_byte_bus_config)`.
    pub struct_size: usize,
    /// Where buses live. NULL: the environment's `XBAR_DIR`, else a directory of this user's under `/dev/shm`.
    pub dir: *const c_char,
    /// How long a reader waits for the bus to appear: then `XBAR_TIMEOUT`. Default 0: it is there, or the call fails.
    pub timeout_ns: u64,
    /// Bytes of the ring, a power of two from 64 to 2^33. A message takes its own, up to the next multiple of 8, and 8 more; the longest has a
    /// quarter of the ring, less 8. Default 1 MiB.
    pub capacity_bytes: u64,
    /// How many messages, of `XBAR_START_LAST`.
    pub messages: u64,
    /// Readers alive at once, 1 to 4096. Default 64.
    pub subscribers: u32,
    /// One of `XBAR_START_*`: where a reader begins.
    pub start: u32,
}

// SAFETY: numbers and pointers, the size first.
unsafe impl Growing for xbar_byte_bus_config {
    const NAME: &'static str = "xbar_byte_bus_config";
    const FIRST_BYTES: usize = size_of::<Self>();
}

/// # Safety
///
/// `asked.dir` is null or ends with a zero byte.
unsafe fn settings(asked: &xbar_byte_bus_config) -> ByteBusConfig {
    let mut config = ByteBusConfig::new();
    // SAFETY: the caller's promise.
    if let Some(dir) = unsafe { maybe_path(asked.dir) } {
        config = config.dir(dir);
    }
    if asked.subscribers != 0 {
        config = config.subscribers(asked.subscribers);
    }
    config
}
