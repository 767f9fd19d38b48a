//! The reading end of a bus.

#![allow(unsafe_code)] // pointers of callers

use std::ffi::{c_char, c_void};
use std::fmt;

use super::shapes::{MOST_BYTES, Reads};
use super::{settings, xbar_bus_config};
use crate::arguments::{close, exclusive, hand_out, tell, text};
use crate::boundary::{enter, value};
use crate::failure::Failure;
use crate::growing;
use crate::result::xbar_result;
use crate::subscriber::{XBAR_START_NOW, XBAR_START_OLDEST};
use crate::waiting::{Told, xbar_shutdown};

/// Receives a bus.
///
/// Threads: one at a time, whichever that is.
pub struct xbar_bus_reader(Box<dyn Reads + Send>, Told);

impl fmt::Debug for xbar_bus_reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("xbar_bus_reader").field("received", &self.0.received()).finish_non_exhaustive()
    }
}

/// Joins bus `name` as a reader. Of `config`, `capacity`, `bounded` and `subscribers` say nothing here.
///
/// `XBAR_NOT_FOUND` when there is no such bus, `XBAR_NO_PUBLISHER` when its writer is dead, `XBAR_DIFFERS` when it is of another type.
///
/// # Safety
///
/// As `xbar_bus_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_bus_connect(
    name: *const c_char,
    config: *const xbar_bus_config,
    out: *mut *mut xbar_bus_reader,
) -> xbar_result {
    enter(|| {
        let make = || {
            // SAFETY: the caller's promise.
            let name = unsafe { text("name", name) }?;
            // SAFETY: the caller's promise.
            let asked = unsafe { growing::read(config) }?;
            // SAFETY: the caller's promise.
            let (shape, config) = unsafe { settings(&asked) }?;
            let from_oldest = match asked.start {
                XBAR_START_NOW => false,
                XBAR_START_OLDEST => true,
                other => {
                    return Err(Failure::invalid(format!(
                        "start is {other}: use XBAR_START_NOW or XBAR_START_OLDEST"
                    )));
                }
            };
            let reader = (shape.connect)(name, from_oldest, asked.timeout_ns, &config)?;
            Ok(xbar_bus_reader(reader, Told::default()))
        };
        // SAFETY: the caller's promise.
        unsafe { hand_out(out, make) }
    })
}

/// # Safety
///
/// As `xbar_bus_try_recv`.
unsafe fn receive(
    reader: *mut xbar_bus_reader,
    (data, size): (*mut c_void, usize),
    missed: *mut u64,
    receive: impl FnOnce(&mut dyn Reads, &Told, &mut [u8], &mut u64) -> Result<(), Failure>,
) -> Result<(), Failure> {
    // SAFETY: the caller's promise.
    unsafe { tell(missed, 0) };
    // SAFETY: the caller's promise.
    let xbar_bus_reader(reader, waiting) = unsafe { exclusive("reader", reader) }?;
    let expected = reader.size();
    if data.is_null() {
        return Err(Failure::null("the place for the value"));
    }
    if size != expected {
        return Err(Failure::invalid(format!(
            "values of this bus have {expected} bytes, and the place for one {size}: pass sizeof the type"
        )));
    }
    // Through bytes of its own: those of the caller may not be initialized.
    let mut place = [0; MOST_BYTES];
    let mut lost = 0;
    let done = receive(&mut **reader, waiting, &mut place[..size], &mut lost);
    if done.is_ok() {
        // SAFETY: the caller's promise; `place` is as long at least.
        unsafe { std::ptr::copy_nonoverlapping(place.as_ptr(), data.cast::<u8>(), size) };
    }
    // SAFETY: the caller's promise.
    unsafe { tell(missed, lost) };
    done
}

/// Receives the next value into `data`, which has room for the `size` bytes of the type. Never waits.
///
/// `XBAR_EMPTY` when there is none yet; `XBAR_LAGGED` when values were overwritten: how many goes into `missed`, unless that is NULL, and the
/// next call goes on behind them; `XBAR_DISCONNECTED` when the writer is gone and everything was received.
///
/// # Safety
///
/// `reader` is NULL or a handle that is not closed; `data` is NULL or `size` bytes of it may be written; `missed` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_bus_try_recv(
    reader: *mut xbar_bus_reader,
    data: *mut c_void,
    size: usize,
    missed: *mut u64,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe {
        receive(reader, (data, size), missed, |reader, _, place, lost| reader.try_recv(place, lost))
    })
}

/// As `xbar_bus_try_recv`, however long that takes.
///
/// # Safety
///
/// As `xbar_bus_try_recv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_bus_recv(
    reader: *mut xbar_bus_reader,
    data: *mut c_void,
    size: usize,
    missed: *mut u64,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe {
        receive(reader, (data, size), missed, |reader, waiting, place, lost| {
            reader.recv(place, lost, None, waiting.get().unwrap_or_default())
        })
    })
}

/// As `xbar_bus_recv`, waiting up to `timeout_ns`: then `XBAR_TIMEOUT`.
///
/// # Safety
///
/// As `xbar_bus_try_recv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_bus_recv_timeout(
    reader: *mut xbar_bus_reader,
    data: *mut c_void,
    size: usize,
    timeout_ns: u64,
    missed: *mut u64,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe {
        receive(reader, (data, size), missed, |reader, waiting, place, lost| {
            reader.recv(place, lost, Some(timeout_ns), waiting.get().unwrap_or_default())
        })
    })
}

/// Receives the newest value and passes over those before it, which do not count as missed. Never waits. Results as of `xbar_bus_try_recv`.
///
/// # Safety
///
/// As `xbar_bus_try_recv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_bus_latest(
    reader: *mut xbar_bus_reader,
    data: *mut c_void,
    size: usize,
    missed: *mut u64,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe {
        receive(reader, (data, size), missed, |reader, _, place, lost| reader.latest(place, lost))
    })
}

/// Says how this reader waits: `wait` is one of `XBAR_WAIT_*`, `shutdown` ends its waits, or is NULL.
///
/// # Safety
///
/// `reader` and `shutdown` are NULL or handles that are not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_bus_reader_set_waiting(
    reader: *mut xbar_bus_reader,
    wait: u32,
    shutdown: *const xbar_shutdown,
) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        let reader = unsafe { exclusive("reader", reader) }?;
        // SAFETY: the caller's promise.
        unsafe { reader.1.set(wait, shutdown) }
    })
}

/// Values received so far; 0 for NULL.
///
/// # Safety
///
/// `reader` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_bus_reader_received(reader: *const xbar_bus_reader) -> u64 {
    // SAFETY: the caller's promise.
    value(0, || unsafe { reader.as_ref() }.map_or(0, |reader| reader.0.received()))
}

/// Values missed so far; 0 for NULL.
///
/// # Safety
///
/// `reader` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_bus_reader_missed(reader: *const xbar_bus_reader) -> u64 {
    // SAFETY: the caller's promise.
    value(0, || unsafe { reader.as_ref() }.map_or(0, |reader| reader.0.missed()))
}

/// Closes the handle.
///
/// # Safety
///
/// `reader` is NULL or a handle that nobody uses any more: closing one twice is undefined.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_bus_reader_close(reader: *mut xbar_bus_reader) {
    // SAFETY: the caller's promise.
    unsafe { close(reader) }
}
