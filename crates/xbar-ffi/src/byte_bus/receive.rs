//! The reading end of a byte bus.

#![allow(unsafe_code)] // pointers of callers

use std::ffi::{c_char, c_void};
use std::fmt;
use std::ptr;
use std::time::Duration;

use xbar::ring::bytes::Message;
use xbar::{ByteBusSubscriber, RingRecvError, RingTryRecvError};

use super::{settings, xbar_byte_bus_config};
use crate::arguments::{close, duration, exclusive, hand_out, text};
use crate::boundary::{enter, value};
use crate::failure::Failure;
use crate::growing;
use crate::result::xbar_result;
use crate::subscriber::{XBAR_START_LAST, XBAR_START_NOW, XBAR_START_OLDEST};
use crate::waiting::{Told, xbar_shutdown};

/// Receives a byte bus.
///
/// Threads: one at a time, whichever that is.
pub struct xbar_byte_bus_reader {
    subscriber: ByteBusSubscriber,
    /// The last message.
    message: Vec<u8>,
    waiting: Told,
}

impl fmt::Debug for xbar_byte_bus_reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("xbar_byte_bus_reader").field("subscriber", &self.subscriber).finish_non_exhaustive()
    }
}

/// A message of a byte bus, copied: `data` is valid until the next call with its reader. Nothing is to be released.
#[derive(Debug)]
#[repr(C)]
pub struct xbar_byte_message {
    /// Its bytes; NULL when there is no message.
    pub data: *const c_void,
    /// How many they are.
    pub len: usize,
    /// Its number, from 0.
    pub sequence: u64,
    /// Where the result was `XBAR_LAGGED`: messages that were overwritten, exactly. 0 otherwise.
    pub missed: u64,
    /// What its sender called it.
    pub kind: u16,
    /// 0.
    pub reserved: [u16; 3],
}

impl xbar_byte_message {
    const fn none(missed: u64) -> Self {
        Self { data: ptr::null(), len: 0, sequence: 0, missed, kind: 0, reserved: [0; 3] }
    }

    const fn of(Message { kind, sequence, bytes }: Message<'_>) -> Self {
        let (data, len) = (bytes.as_ptr().cast(), bytes.len());
        Self { data, len, sequence, missed: 0, kind, reserved: [0; 3] }
    }
}

/// Joins byte bus `name` as a reader. `config` is NULL for the defaults; `capacity_bytes` and `subscribers` say nothing here.
///
/// `XBAR_NOT_FOUND` when there is no such bus, `XBAR_NO_PUBLISHER` when its writer is dead, `XBAR_DIFFERS` when it is something else.
///
/// # Safety
///
/// As `xbar_byte_bus_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_byte_bus_connect(
    name: *const c_char,
    config: *const xbar_byte_bus_config,
    out: *mut *mut xbar_byte_bus_reader,
) -> xbar_result {
    enter(|| {
        let make = || {
            // SAFETY: the caller's promise.
            let name = unsafe { text("name", name) }?;
            // SAFETY: the caller's promise.
            let asked = unsafe { growing::read(config) }?;
            // SAFETY: the caller's promise.
            let config = unsafe { settings(&asked) };
            let subscriber = match (asked.start, asked.timeout_ns) {
                (XBAR_START_NOW, 0) => config.connect(name)?,
                (XBAR_START_NOW, ns) => config.connect_timeout(name, duration(ns))?,
                (XBAR_START_OLDEST, 0) => config.connect_from_oldest(name)?,
                (XBAR_START_OLDEST, ns) => config.connect_from_oldest_timeout(name, duration(ns))?,
                (XBAR_START_LAST, ns) => {
                    if ns != 0 {
                        drop(config.connect_timeout(name, duration(ns))?);
                    }
                    config.connect_last(name, asked.messages)?
                }
                (other, _) => {
                    return Err(Failure::invalid(format!("start is {other}: use one of XBAR_START_*")));
                }
            };
            Ok(xbar_byte_bus_reader { subscriber, message: Vec::new(), waiting: Told::default() })
        };
        // SAFETY: the caller's promise.
        unsafe { hand_out(out, make) }
    })
}

/// What a failed receive says beside its result.
trait Missed: Into<Failure> {
    fn missed(&self) -> u64;
}

impl Missed for RingTryRecvError {
    fn missed(&self) -> u64 {
        if let Self::Lagged { missed } = self { *missed } else { 0 }
    }
}

impl Missed for RingRecvError {
    fn missed(&self) -> u64 {
        if let Self::Lagged { missed } = self { *missed } else { 0 }
    }
}

/// # Safety
///
/// As `xbar_byte_bus_try_recv`.
unsafe fn receive<E: Missed>(
    reader: *mut xbar_byte_bus_reader,
    message: *mut xbar_byte_message,
    receive: impl for<'r> FnOnce(&'r mut xbar_byte_bus_reader) -> Result<Message<'r>, E>,
) -> Result<(), Failure> {
    if message.is_null() {
        return Err(Failure::null("message"));
    }
    // SAFETY: the caller's promise.
    unsafe { message.write(xbar_byte_message::none(0)) };
    // SAFETY: the caller's promise.
    let reader = unsafe { exclusive("reader", reader) }?;
    let (found, done) = match receive(reader) {
        Ok(found) => (xbar_byte_message::of(found), Ok(())),
        Err(error) => (xbar_byte_message::none(error.missed()), Err(error.into())),
    };
    // SAFETY: the caller's promise.
    unsafe { message.write(found) };
    done
}

fn wait(reader: &mut xbar_byte_bus_reader, timeout: Option<Duration>) -> Result<Message<'_>, RingRecvError> {
    let xbar_byte_bus_reader { subscriber, message, waiting } = reader;
    subscriber.receive(waiting.get().unwrap_or_default(), timeout, |_| true, message)
}

/// Receives the next message into `message`, if there is one. Never waits.
///
/// `XBAR_EMPTY` when there is none yet; `XBAR_LAGGED` when messages were overwritten: `message->missed` says how many, once, and the next call
/// goes on behind them; `XBAR_DISCONNECTED` when the writer is gone and everything was received.
///
/// # Safety
///
/// `reader` is NULL or a handle that is not closed; `message` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_byte_bus_try_recv(
    reader: *mut xbar_byte_bus_reader,
    message: *mut xbar_byte_message,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe {
        receive(reader, message, |reader| reader.subscriber.try_recv_vec(&mut reader.message))
    })
}

/// As `xbar_byte_bus_try_recv`, however long that takes.
///
/// # Safety
///
/// As `xbar_byte_bus_try_recv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_byte_bus_recv(
    reader: *mut xbar_byte_bus_reader,
    message: *mut xbar_byte_message,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { receive(reader, message, |reader| wait(reader, None)) })
}

/// As `xbar_byte_bus_recv`, waiting up to `timeout_ns`: then `XBAR_TIMEOUT`.
///
/// # Safety
///
/// As `xbar_byte_bus_try_recv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_byte_bus_recv_timeout(
    reader: *mut xbar_byte_bus_reader,
    message: *mut xbar_byte_message,
    timeout_ns: u64,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { receive(reader, message, |reader| wait(reader, Some(duration(timeout_ns)))) })
}

/// Receives the newest message and passes over those before it, which do not count as missed. Never waits. Results as of
/// `xbar_byte_bus_try_recv`.
///
/// # Safety
///
/// As `xbar_byte_bus_try_recv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_byte_bus_latest(
    reader: *mut xbar_byte_bus_reader,
    message: *mut xbar_byte_message,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { receive(reader, message, |reader| reader.subscriber.latest_vec(&mut reader.message)) })
}

/// Says how this reader waits: `wait` is one of `XBAR_WAIT_*`, `shutdown` ends its waits, or is NULL.
///
/// # Safety
///
/// `reader` and `shutdown` are NULL or handles that are not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_byte_bus_reader_set_waiting(
    reader: *mut xbar_byte_bus_reader,
    wait: u32,
    shutdown: *const xbar_shutdown,
) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        let reader = unsafe { exclusive("reader", reader) }?;
        // SAFETY: the caller's promise.
        unsafe { reader.waiting.set(wait, shutdown) }
    })
}

/// Messages received so far; 0 for NULL. Received + skipped + missed = sent since it joined, once it has received all.
///
/// # Safety
///
/// `reader` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_byte_bus_reader_received(reader: *const xbar_byte_bus_reader) -> u64 {
    // SAFETY: the caller's promise.
    value(0, || unsafe { reader.as_ref() }.map_or(0, |reader| reader.subscriber.total_received()))
}

/// Messages missed so far; 0 for NULL.
///
/// # Safety
///
/// `reader` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_byte_bus_reader_missed(reader: *const xbar_byte_bus_reader) -> u64 {
    // SAFETY: the caller's promise.
    value(0, || unsafe { reader.as_ref() }.map_or(0, |reader| reader.subscriber.total_missed()))
}

/// Messages that `xbar_byte_bus_latest` passed over; 0 for NULL.
///
/// # Safety
///
/// `reader` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_byte_bus_reader_skipped(reader: *const xbar_byte_bus_reader) -> u64 {
    // SAFETY: the caller's promise.
    value(0, || unsafe { reader.as_ref() }.map_or(0, |reader| reader.subscriber.total_skipped()))
}

/// Closes the handle.
///
/// # Safety
///
/// `reader` is NULL or a handle that nobody uses any more: closing one twice is undefined.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_byte_bus_reader_close(reader: *mut xbar_byte_bus_reader) {
    // SAFETY: the caller's promise.
    unsafe { close(reader) }
}
