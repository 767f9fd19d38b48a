//! Reading a log, from wherever wished to its live end.

#![allow(unsafe_code)] // pointers of callers

use std::ffi::{c_char, c_void};
use std::ptr;

use xbar::log::{ReadError, Reader, Record, Start, TryReadError};

use crate::arguments::{close, duration, exclusive, hand_out, path, text};
use crate::boundary::{enter, value};
use crate::failure::Failure;
use crate::result::xbar_result;
use crate::waiting::{Told, Waiting, xbar_shutdown};

/// Reads a log. It maps the files read-only, and is known to nobody: any number of them cost the writer nothing.
///
/// Threads: one at a time, whichever that is.
#[derive(Debug)]
pub struct xbar_log_reader {
    reader: Reader,
    waiting: Told,
}

/// A message of a log, in place: `data` is valid until the next call with its reader. Nothing is to be released.
#[derive(Debug)]
#[repr(C)]
pub struct xbar_record {
    /// Its bytes, aligned to 8; NULL when there is no message.
    pub data: *const c_void,
    /// How many they are.
    pub len: usize,
    /// Its number: the first message of a log has 0.
    pub seq: u64,
    /// When it was appended, ns since 1970.
    pub timestamp_ns: u64,
    /// Where the result was `XBAR_LAGGED` or `XBAR_DAMAGED`: messages that were lost, exactly. 0 otherwise.
    pub missed: u64,
    /// The writer's tag.
    pub tag: u16,
    /// Where the result was `XBAR_DISCONNECTED`: 1 when the writer closed the log, 0 when it died.
    pub clean: u16,
    /// 0.
    pub reserved: u32,
}

impl xbar_record {
    const fn none(missed: u64, clean: u16) -> Self {
        let (data, len) = (ptr::null(), 0);
        Self { data, len, seq: 0, timestamp_ns: 0, missed, tag: 0, clean, reserved: 0 }
    }

    fn of(record: Record<'_>) -> Self {
        let payload = record.payload();
        Self {
            data: payload.as_ptr().cast(),
            len: payload.len(),
            seq: record.seq(),
            timestamp_ns: record.timestamp_ns(),
            missed: 0,
            tag: record.tag(),
            clean: 0,
            reserved: 0,
        }
    }
}

/// Read from the oldest message that is there: where a reader begins.
pub const XBAR_SEEK_OLDEST: u32 = 0;
/// Read what is appended from now on.
pub const XBAR_SEEK_LIVE: u32 = 1;
/// Read from message `number` on; if it is deleted, what was missed is told first.
pub const XBAR_SEEK_SEQ: u32 = 2;
/// Read from the first message of time `number` or a later one, ns since 1970.
pub const XBAR_SEEK_TIME: u32 = 3;

/// Opens log `name` in `folder`, to read from the oldest message that is there.
///
/// `XBAR_NOT_FOUND` when there is none, `XBAR_DAMAGED` when none of its segments can be read.
///
/// # Safety
///
/// `folder` and `name` are NULL or end with a zero byte; `out` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_reader_open(
    folder: *const c_char,
    name: *const c_char,
    out: *mut *mut xbar_log_reader,
) -> xbar_result {
    enter(|| {
        let make = || {
            // SAFETY: the caller's promise.
            let folder = unsafe { path("folder", folder) }?;
            // SAFETY: the caller's promise.
            let name = unsafe { text("name", name) }?;
            Ok(xbar_log_reader { reader: Reader::open(folder, name)?, waiting: Told::default() })
        };
        // SAFETY: the caller's promise.
        unsafe { hand_out(out, make) }
    })
}

/// Goes elsewhere: the next message is the one that `start`, one of `XBAR_SEEK_*`, and `number` say.
///
/// `XBAR_EMPTY` for a number that was not appended yet: the reader stands at the live end then.
///
/// # Safety
///
/// `reader` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_reader_seek(
    reader: *mut xbar_log_reader,
    start: u32,
    number: u64,
) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        let reader = unsafe { exclusive("reader", reader) }?;
        let start = match start {
            XBAR_SEEK_OLDEST => Start::Oldest,
            XBAR_SEEK_LIVE => Start::Live,
            XBAR_SEEK_SEQ => Start::Seq(number),
            XBAR_SEEK_TIME => Start::Time(number),
            other => return Err(Failure::invalid(format!("start is {other}: use one of XBAR_SEEK_*"))),
        };
        Ok(reader.reader.seek(start)?)
    })
}

/// What a failed read says beside its result: messages missed, whether the end is a clean one.
trait Aside: Into<Failure> {
    fn aside(&self) -> (u64, u16);
}

impl Aside for ReadError {
    fn aside(&self) -> (u64, u16) {
        match self {
            Self::Lagged { missed } | Self::Damaged { missed, .. } => (*missed, 0),
            Self::Disconnected { clean } => (0, u16::from(*clean)),
            _ => (0, 0),
        }
    }
}

impl Aside for TryReadError {
    fn aside(&self) -> (u64, u16) {
        match self {
            Self::Lagged { missed } | Self::Damaged { missed, .. } => (*missed, 0),
            Self::Disconnected { clean } => (0, u16::from(*clean)),
            _ => (0, 0),
        }
    }
}

/// # Safety
///
/// As `xbar_log_reader_try_next`.
unsafe fn read<E: Aside>(
    reader: *mut xbar_log_reader,
    record: *mut xbar_record,
    read: impl for<'r> FnOnce(&'r mut Reader, Waiting) -> Result<Record<'r>, E>,
) -> Result<(), Failure> {
    if record.is_null() {
        return Err(Failure::null("record"));
    }
    // SAFETY: the caller's promise.
    unsafe { record.write(xbar_record::none(0, 0)) };
    // SAFETY: the caller's promise.
    let xbar_log_reader { reader, waiting } = unsafe { exclusive("reader", reader) }?;
    let (found, done) = match read(reader, waiting.get().unwrap_or_default()) {
        Ok(found) => (xbar_record::of(found), Ok(())),
        Err(error) => {
            let (missed, clean) = error.aside();
            (xbar_record::none(missed, clean), Err(error.into()))
        }
    };
    // SAFETY: the caller's promise.
    unsafe { record.write(found) };
    done
}

/// Reads the next message into `record`, if there is one. Never waits.
///
/// `XBAR_EMPTY` when there is none yet, `XBAR_LAGGED` when messages were deleted before they were read, `XBAR_DAMAGED` when bytes are
/// not what the writer wrote: `record->missed` says how many messages that cost, once, and the next call goes on behind them.
/// `XBAR_DISCONNECTED` when all is read and nobody writes any more; should somebody begin to, reading goes on.
///
/// # Safety
///
/// `reader` is NULL or a handle that is not closed; `record` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_reader_try_next(
    reader: *mut xbar_log_reader,
    record: *mut xbar_record,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { read(reader, record, |reader, _| reader.try_next()) })
}

/// As `xbar_log_reader_try_next`, for the message before the one that would be next: back in time. `XBAR_EMPTY` before the first.
///
/// # Safety
///
/// As `xbar_log_reader_try_next`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_reader_try_previous(
    reader: *mut xbar_log_reader,
    record: *mut xbar_record,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { read(reader, record, |reader, _| reader.try_previous()) })
}

/// Reads the next message into `record`, however long that takes. Results as of `xbar_log_reader_try_next`, but for `XBAR_EMPTY`.
///
/// # Safety
///
/// As `xbar_log_reader_try_next`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_reader_next(
    reader: *mut xbar_log_reader,
    record: *mut xbar_record,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { read(reader, record, |reader, waiting| reader.next(waiting)) })
}

/// As `xbar_log_reader_next`, waiting up to `timeout_ns`: then `XBAR_TIMEOUT`.
///
/// # Safety
///
/// As `xbar_log_reader_try_next`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_reader_next_timeout(
    reader: *mut xbar_log_reader,
    record: *mut xbar_record,
    timeout_ns: u64,
) -> xbar_result {
    let timeout = duration(timeout_ns);
    // SAFETY: the caller's promise.
    enter(|| unsafe { read(reader, record, |reader, waiting| reader.next_timeout(waiting, timeout)) })
}

/// Says how this reader waits: `wait` is one of `XBAR_WAIT_*`, `shutdown` ends its waits, or is NULL. Nobody can wake a reader that
/// sleeps: it looks again after a millisecond at most.
///
/// # Safety
///
/// `reader` and `shutdown` are NULL or handles that are not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_reader_set_waiting(
    reader: *mut xbar_log_reader,
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

/// The number of the next message: what a cursor stores. 0 for NULL.
///
/// # Safety
///
/// `reader` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_reader_next_seq(reader: *const xbar_log_reader) -> u64 {
    // SAFETY: the caller's promise.
    value(0, || unsafe { reader.as_ref() }.map_or(0, |handle| handle.reader.next_seq()))
}

/// Closes the handle, and ends the validity of its last record.
///
/// # Safety
///
/// `reader` is NULL or a handle that nobody uses any more: closing one twice is undefined.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_reader_close(reader: *mut xbar_log_reader) {
    // SAFETY: the caller's promise.
    unsafe { close(reader) }
}
