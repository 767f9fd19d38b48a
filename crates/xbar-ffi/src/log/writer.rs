//! Appending to a log.

#![allow(unsafe_code)] // pointers of callers

use std::ffi::{c_char, c_void};
use std::time::Duration;

use xbar::log::{Durability, LogOptions, Retention, Times, Writer};

use crate::arguments::{close, exclusive, hand_out, path, slice, tell, text};
use crate::boundary::{enter, value};
use crate::failure::Failure;
use crate::growing::{self, Growing};
use crate::result::xbar_result;

/// The one writer of a log.
///
/// Threads: one at a time, whichever that is.
#[derive(Debug)]
pub struct xbar_log_writer(Writer);

/// Records are written to the disk when the system thinks fit, and by `xbar_log_writer_flush`: the default.
pub const XBAR_DURABLE_LATER: u32 = 0;
/// Every `durability_number` milliseconds, by a thread of its own.
pub const XBAR_DURABLE_EVERY_MS: u32 = 1;
/// Behind every `durability_number` records.
pub const XBAR_DURABLE_EVERY_RECORDS: u32 = 2;
/// Behind every record: appending returns when it is on the disk.
pub const XBAR_DURABLE_EVERY_RECORD: u32 = 3;

/// How a log is written. Set `struct_size` to `sizeof(xbar_log_options)` and the rest to 0 but for what you want to choose.
#[derive(Debug)]
#[repr(C)]
pub struct xbar_log_options {
    /// `sizeof(xbar_log_options)`.
    pub struct_size: usize,
    /// Bytes of each new segment, in whole pages: 16 KiB to 32 GiB. Default 64 MiB.
    pub segment_bytes: u64,
    /// Oldest segments are deleted while all of them have more than so many bytes. Default 0: not for their bytes.
    pub retain_bytes: u64,
    /// Segments are deleted whose last record is older, in ns. Default 0: not for their age.
    pub retain_age_ns: u64,
    /// Oldest segments are deleted while the others have at least so many records. Default 0: not for their number.
    pub retain_records: u64,
    /// 1: also segments are deleted that a cursor has not passed. Default 0.
    pub retain_despite_cursors: u32,
    /// When records are written to the disk: one of `XBAR_DURABLE_*`.
    pub durability: u32,
    /// How many milliseconds or records that is, 1 or more.
    pub durability_number: u32,
    /// 1: times to the nanosecond, for some 20 ns a record. Default 0: of the kernel's last tick.
    pub exact_times: u32,
    /// 1: the pages of a segment are not touched when it is made, so records pay for that. Default 0.
    pub no_prefault: u32,
    /// 1: no thread makes segments ahead, so the record that begins one takes as long as that. Default 0.
    pub no_helper: u32,
}

// SAFETY: numbers, the size first.
unsafe impl Growing for xbar_log_options {
    const NAME: &'static str = "xbar_log_options";
    const FIRST_BYTES: usize = size_of::<Self>();
}

/// What a writer found when it opened a log. Set `struct_size` to `sizeof(xbar_log_recovery)` before it is filled.
#[derive(Debug)]
#[repr(C)]
pub struct xbar_log_recovery {
    /// `sizeof(xbar_log_recovery)`.
    pub struct_size: usize,
    /// The segment that was looked through: the last one that can be read; 0 for none.
    pub segment: u64,
    /// Messages in it whose checksums hold.
    pub records_kept: u64,
    /// Messages that are missing among those.
    pub records_lost: u64,
    /// Bytes behind the last message that are no message.
    pub bytes_dropped: u64,
    /// Segments behind that one that cannot be read.
    pub segments_dropped: u64,
    /// 1 when the writer before closed the log, or there was none.
    pub clean: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: numbers, the size first.
unsafe impl Growing for xbar_log_recovery {
    const NAME: &'static str = "xbar_log_recovery";
    const FIRST_BYTES: usize = size_of::<Self>();
}

fn options_of(asked: &xbar_log_options) -> Result<LogOptions, Failure> {
    let mut retention = Retention::everything();
    if asked.retain_bytes != 0 {
        retention = retention.bytes(asked.retain_bytes);
    }
    if asked.retain_age_ns != 0 {
        retention = retention.age(Duration::from_nanos(asked.retain_age_ns));
    }
    if asked.retain_records != 0 {
        retention = retention.records(asked.retain_records);
    }
    if asked.retain_despite_cursors != 0 {
        retention = retention.despite_cursors();
    }
    let mut options = LogOptions::new()
        .retention(retention)
        .prefault(asked.no_prefault == 0)
        .helper(asked.no_helper == 0)
        .times(if asked.exact_times == 0 { Times::Coarse } else { Times::Exact })
        .durability(match asked.durability {
            XBAR_DURABLE_LATER => Durability::None,
            XBAR_DURABLE_EVERY_MS => Durability::EveryMs(asked.durability_number),
            XBAR_DURABLE_EVERY_RECORDS => Durability::EveryRecords(asked.durability_number),
            XBAR_DURABLE_EVERY_RECORD => Durability::EveryRecord,
            other => {
                return Err(Failure::invalid(format!("durability is {other}: use one of XBAR_DURABLE_*")));
            }
        });
    if asked.segment_bytes != 0 {
        options = options.segment_bytes(asked.segment_bytes);
    }
    Ok(options)
}

/// Opens log `name` in `folder` to append to it; both are made if need be. `options` is NULL for the defaults.
///
/// `XBAR_TAKEN` when somebody writes it already, `XBAR_NO_SPACE` when a segment does not fit.
///
/// # Safety
///
/// `folder` and `name` are NULL or end with a zero byte; `options` is NULL or points to a struct of the size that it says; `out` is NULL or
/// may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_writer_open(
    folder: *const c_char,
    name: *const c_char,
    options: *const xbar_log_options,
    out: *mut *mut xbar_log_writer,
) -> xbar_result {
    enter(|| {
        let make = || {
            // SAFETY: the caller's promise.
            let folder = unsafe { path("folder", folder) }?;
            // SAFETY: the caller's promise.
            let name = unsafe { text("name", name) }?;
            // SAFETY: the caller's promise.
            let options = options_of(&unsafe { growing::read(options) }?)?;
            Ok(xbar_log_writer(Writer::open(folder, name, &options)?))
        };
        // SAFETY: the caller's promise.
        unsafe { hand_out(out, make) }
    })
}

/// Appends a message of `len` bytes with a tag, its type say, or 0. Its number goes into `seq`, unless that is NULL.
///
/// `XBAR_TOO_LARGE`, `XBAR_NO_SPACE`: nothing was appended, and the writer goes on as before. `XBAR_SYSTEM`: it was appended, and is
/// perhaps not on the disk.
///
/// # Safety
///
/// `writer` is NULL or a handle that is not closed; `data` points to `len` bytes, or is NULL and `len` 0; `seq` is NULL or may
/// be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_writer_append(
    writer: *mut xbar_log_writer,
    tag: u16,
    data: *const c_void,
    len: usize,
    seq: *mut u64,
) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        let writer = unsafe { exclusive("writer", writer) }?;
        // SAFETY: the caller's promise.
        let data = unsafe { slice("data", data.cast::<u8>(), len) }?;
        let number = writer.0.append_tagged(tag, data)?;
        // SAFETY: the caller's promise.
        unsafe { tell(seq, number) };
        Ok(())
    })
}

/// As `xbar_log_writer_append`, for a message that has a time of its own, in ns since 1970. A time before the last record's becomes that
/// one's.
///
/// # Safety
///
/// As `xbar_log_writer_append`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_writer_append_at(
    writer: *mut xbar_log_writer,
    tag: u16,
    timestamp_ns: u64,
    data: *const c_void,
    len: usize,
    seq: *mut u64,
) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        let writer = unsafe { exclusive("writer", writer) }?;
        // SAFETY: the caller's promise.
        let data = unsafe { slice("data", data.cast::<u8>(), len) }?;
        let number = writer.0.append_at(tag, timestamp_ns, data)?;
        // SAFETY: the caller's promise.
        unsafe { tell(seq, number) };
        Ok(())
    })
}

/// Returns when all records are on the disk.
///
/// # Safety
///
/// `writer` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_writer_flush(writer: *mut xbar_log_writer) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        Ok(unsafe { exclusive("writer", writer) }?.0.flush()?)
    })
}

/// Deletes what need not be kept any more, as is done whenever a segment is full; how many segments that were goes into `segments`, unless that
/// is NULL.
///
/// # Safety
///
/// `writer` is NULL or a handle that is not closed; `segments` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_writer_retain(
    writer: *mut xbar_log_writer,
    segments: *mut usize,
) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        let deleted = unsafe { exclusive("writer", writer) }?.0.retain()?;
        // SAFETY: the caller's promise.
        unsafe { tell(segments, deleted) };
        Ok(())
    })
}

/// Fills `recovery` with what was found when the log was opened.
///
/// # Safety
///
/// `writer` is NULL or a handle that is not closed; `recovery` is NULL or points to a struct of the size that it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_writer_recovery(
    writer: *mut xbar_log_writer,
    recovery: *mut xbar_log_recovery,
) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        let found = unsafe { exclusive("writer", writer) }?.0.recovery();
        let filled = xbar_log_recovery {
            struct_size: 0,
            segment: found.segment,
            records_kept: found.records_kept,
            records_lost: found.records_lost,
            bytes_dropped: found.bytes_dropped,
            segments_dropped: found.segments_dropped,
            clean: found.clean.into(),
            reserved: 0,
        };
        // SAFETY: the caller's promise.
        unsafe { growing::write(recovery, &filled) }
    })
}

/// The number of the message that comes next: so many were appended so far. 0 for NULL.
///
/// # Safety
///
/// `writer` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_writer_next_seq(writer: *const xbar_log_writer) -> u64 {
    // SAFETY: the caller's promise.
    value(0, || unsafe { writer.as_ref() }.map_or(0, |handle| handle.0.next_seq()))
}

/// Longest message in bytes; 0 for NULL.
///
/// # Safety
///
/// `writer` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_writer_most_bytes(writer: *const xbar_log_writer) -> usize {
    // SAFETY: the caller's promise.
    value(0, || unsafe { writer.as_ref() }.map_or(0, |handle| handle.0.most_bytes()))
}

/// Closes the log: readers that have read all hear that it ended well. Flush before, to hear of what the disk refuses.
///
/// # Safety
///
/// `writer` is NULL or a handle that nobody uses any more: closing one twice is undefined.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_writer_close(writer: *mut xbar_log_writer) {
    // SAFETY: the caller's promise.
    unsafe { close(writer) }
}
