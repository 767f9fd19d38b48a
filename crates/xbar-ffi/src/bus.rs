//! A bus of plain values: one writer, any number of readers, values in the slots themselves.
//!
//! The facade's buses are of one type each, and Rust compiles each anew; so values of C have one of the shapes that
//! [`shapes`] lists, by size and alignment.

#![allow(unsafe_code)] // pointers of callers

mod shapes;

use std::ffi::{c_char, c_void};

use xbar::BusConfig;

use crate::arguments::{close, exclusive, hand_out, maybe_path, maybe_text, shared, slice, tell, text};
use crate::boundary::{enter, value};
use crate::failure::Failure;
use crate::growing::{self, Growing};
use crate::result::xbar_result;
use crate::waiting::{Told, xbar_shutdown};
use shapes::{Kind, Reads, Shape, Writes};

/// Publishes on a bus.
///
/// Threads: one at a time, whichever that is. Closing it removes the bus.
pub struct xbar_bus(Box<dyn Writes>, Told);

/// Receives a bus.
///
/// Threads: one at a time, whichever that is.
pub struct xbar_bus_reader(Box<dyn Reads>, Told);

impl std::fmt::Debug for xbar_bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("xbar_bus").field("published", &self.0.published()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for xbar_bus_reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("xbar_bus_reader").field("received", &self.0.received()).finish_non_exhaustive()
    }
}

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
/// As `xbar_bus_create`.
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
                crate::subscriber::XBAR_START_NOW => false,
                crate::subscriber::XBAR_START_OLDEST => true,
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
    let mut place = [0; shapes::MOST_BYTES];
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
