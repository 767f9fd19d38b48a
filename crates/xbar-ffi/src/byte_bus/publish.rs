//! The writing end of a byte bus.

#![allow(unsafe_code)] // pointers of callers

use std::ffi::{c_char, c_void};

use xbar::ByteBus;

use super::{settings, xbar_byte_bus_config};
use crate::arguments::{close, exclusive, hand_out, slice, tell, text};
use crate::boundary::{enter, value};
use crate::failure::Failure;
use crate::growing;
use crate::result::xbar_result;

/// Bytes of a ring whose size nobody chose.
const CAPACITY_BYTES: usize = 1 << 20;

/// Sends on a byte bus.
///
/// Threads: one at a time, whichever that is. Closing it removes the bus.
#[derive(Debug)]
pub struct xbar_byte_bus(ByteBus);

/// Creates byte bus `name`, or goes on with one of the same capacity whose writer was killed: its readers stay then. `config` is NULL for the
/// defaults; `timeout_ns`, `messages` and `start` say nothing here.
///
/// `XBAR_TAKEN` or `XBAR_LIMIT` when a living process writes it, `XBAR_BAD_CONFIG` when no ring has that capacity.
///
/// # Safety
///
/// `name` is NULL or ends with a zero byte; `config` is NULL or points to a struct of the size that it says, with a `dir` that is NULL or ends
/// with a zero byte; `out` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_byte_bus_create(
    name: *const c_char,
    config: *const xbar_byte_bus_config,
    out: *mut *mut xbar_byte_bus,
) -> xbar_result {
    enter(|| {
        let make = || {
            // SAFETY: the caller's promise.
            let name = unsafe { text("name", name) }?;
            // SAFETY: the caller's promise.
            let asked = unsafe { growing::read(config) }?;
            // SAFETY: the caller's promise.
            let config = unsafe { settings(&asked) };
            let capacity_bytes = match asked.capacity_bytes {
                0 => CAPACITY_BYTES,
                // What does not fit is not possible either.
                bytes => usize::try_from(bytes).unwrap_or(usize::MAX),
            };
            Ok(xbar_byte_bus(ByteBus::create_with(name, capacity_bytes, &config)?))
        };
        // SAFETY: the caller's promise.
        unsafe { hand_out(out, make) }
    })
}

/// Sends the message of `len` bytes, of a kind by which readers may tell messages apart. Never waits: it overwrites the oldest messages. The
/// message's number, from 0, goes into `sequence`, unless that is NULL.
///
/// `XBAR_TOO_LARGE` when it is longer than `xbar_byte_bus_most_bytes` says.
///
/// # Safety
///
/// `bus` is NULL or a handle that is not closed; `data` is NULL or points to `len` bytes; `sequence` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_byte_bus_send(
    bus: *mut xbar_byte_bus,
    kind: u16,
    data: *const c_void,
    len: usize,
    sequence: *mut u64,
) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        unsafe { tell(sequence, 0) };
        // SAFETY: the caller's promise.
        let xbar_byte_bus(bus) = unsafe { exclusive("bus", bus) }?;
        // SAFETY: the caller's promise.
        let bytes = unsafe { slice("data", data.cast(), len) }?;
        let sent = bus.send_as(kind, bytes).map_err(Failure::from)?;
        // SAFETY: the caller's promise.
        unsafe { tell(sequence, sent) };
        Ok(())
    })
}

/// Messages sent so far, by all writers that the bus has had; 0 for NULL.
///
/// # Safety
///
/// `bus` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_byte_bus_sent(bus: *const xbar_byte_bus) -> u64 {
    // SAFETY: the caller's promise.
    value(0, || unsafe { bus.as_ref() }.map_or(0, |bus| bus.0.sent()))
}

/// Bytes of the longest message; 0 for NULL.
///
/// # Safety
///
/// `bus` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_byte_bus_most_bytes(bus: *const xbar_byte_bus) -> usize {
    // SAFETY: the caller's promise.
    value(0, || unsafe { bus.as_ref() }.map_or(0, |bus| bus.0.most_bytes()))
}

/// Readers that are alive; 0 for NULL.
///
/// # Safety
///
/// `bus` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_byte_bus_subscriber_count(bus: *const xbar_byte_bus) -> usize {
    // SAFETY: the caller's promise.
    value(0, || unsafe { bus.as_ref() }.map_or(0, |bus| bus.0.subscriber_count()))
}

/// Closes the handle, and removes the bus.
///
/// # Safety
///
/// `bus` is NULL or a handle that nobody uses any more: closing one twice is undefined.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_byte_bus_close(bus: *mut xbar_byte_bus) {
    // SAFETY: the caller's promise.
    unsafe { close(bus) }
}
