//! The writing end of a bus.

#![allow(unsafe_code)] // pointers of callers

use std::ffi::{c_char, c_void};
use std::fmt;

use super::shapes::{Kind, Writes};
use super::{settings, xbar_bus_config};
use crate::arguments::{close, hand_out, shared, slice, text};
use crate::boundary::{enter, value};
use crate::failure::Failure;
use crate::growing;
use crate::result::xbar_result;
use crate::waiting::{Told, xbar_shutdown};

/// Publishes on a bus.
///
/// Threads: one at a time, whichever that is. Closing it removes the bus.
pub struct xbar_bus(Box<dyn Writes + Send>, Told);

impl fmt::Debug for xbar_bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("xbar_bus").field("published", &self.0.published()).finish_non_exhaustive()
    }
}

/// Creates bus `name`, or goes on with one like it whose writer was killed: its readers stay then.
///
/// `XBAR_TAKEN` or `XBAR_LIMIT` when a living process writes it, `XBAR_INVALID` when buses have no values of that size and alignment: use a topic
/// then.
///
/// # Safety
///
/// `name` is NULL or ends with a zero byte; `config` is NULL or points to a struct of the size that it says, with texts that are NULL or end
/// with a zero byte; `out` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_bus_create(
    name: *const c_char,
    config: *const xbar_bus_config,
    out: *mut *mut xbar_bus,
) -> xbar_result {
    enter(|| {
        let make = || {
            // SAFETY: the caller's promise.
            let name = unsafe { text("name", name) }?;
            // SAFETY: the caller's promise.
            let asked = unsafe { growing::read(config) }?;
            // SAFETY: the caller's promise.
            let (shape, config) = unsafe { settings(&asked) }?;
            let capacity = if asked.capacity == 0 { 1024 } else { asked.capacity };
            let kind = match asked.bounded {
                0 => Kind::Lossy,
                1 => Kind::Bounded,
                other => return Err(Failure::invalid(format!("bounded is {other}: use 0 or 1"))),
            };
            Ok(xbar_bus((shape.create)(name, capacity, kind, &config)?, Told::default()))
        };
        // SAFETY: the caller's promise.
        unsafe { hand_out(out, make) }
    })
}

/// How long to wait for room.
enum Patience {
    Ever,
    Upto(u64),
}

/// # Safety
///
/// As `xbar_bus_publish`.
unsafe fn publish(
    bus: *const xbar_bus,
    data: *const c_void,
    size: usize,
    patience: Patience,
) -> Result<(), Failure> {
    // SAFETY: the caller's promise.
    let xbar_bus(bus, waiting) = unsafe { shared("bus", bus) }?;
    // SAFETY: the caller's promise.
    let bytes = unsafe { slice("value", data.cast(), size) }?;
    match patience {
        Patience::Ever => bus.publish(bytes, waiting.get().unwrap_or_default()),
        Patience::Upto(ns) => bus.publish_timeout(bytes, ns),
    }
}

/// Publishes the value of `size` bytes, that of the type. Waits for room where the bus is bounded.
///
/// # Safety
///
/// `bus` is NULL or a handle that is not closed; `data` is NULL or points to `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_bus_publish(
    bus: *const xbar_bus,
    data: *const c_void,
    size: usize,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { publish(bus, data, size, Patience::Ever) })
}

/// As `xbar_bus_publish`, waiting up to `timeout_ns`: then `XBAR_FULL`. 0 does not wait.
///
/// # Safety
///
/// As `xbar_bus_publish`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_bus_publish_timeout(
    bus: *const xbar_bus,
    data: *const c_void,
    size: usize,
    timeout_ns: u64,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { publish(bus, data, size, Patience::Upto(timeout_ns)) })
}

/// Says how `xbar_bus_publish` waits for room: `wait` is one of `XBAR_WAIT_*`, `shutdown` ends waits, or is NULL.
///
/// # Safety
///
/// `bus` and `shutdown` are NULL or handles that are not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_bus_set_waiting(
    bus: *const xbar_bus,
    wait: u32,
    shutdown: *const xbar_shutdown,
) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        let bus = unsafe { shared("bus", bus) }?;
        // SAFETY: the caller's promise.
        unsafe { bus.1.set(wait, shutdown) }
    })
}

/// Values published so far, by all writers that the bus has had; 0 for NULL.
///
/// # Safety
///
/// `bus` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_bus_published(bus: *const xbar_bus) -> u64 {
    // SAFETY: the caller's promise.
    value(0, || unsafe { bus.as_ref() }.map_or(0, |bus| bus.0.published()))
}

/// Readers that are alive; 0 for NULL.
///
/// # Safety
///
/// `bus` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_bus_subscriber_count(bus: *const xbar_bus) -> usize {
    // SAFETY: the caller's promise.
    value(0, || unsafe { bus.as_ref() }.map_or(0, |bus| bus.0.subscriber_count()))
}

/// Closes the handle, and removes the bus.
///
/// # Safety
///
/// `bus` is NULL or a handle that nobody uses any more: closing one twice is undefined.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_bus_close(bus: *mut xbar_bus) {
    // SAFETY: the caller's promise.
    unsafe { close(bus) }
}
