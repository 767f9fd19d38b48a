//! Named cursors: where a reader of a log is, kept in a file.

#![allow(unsafe_code)] // pointers of callers

use std::ffi::c_char;

use xbar::log::Cursor;

use crate::arguments::{close, hand_out, path, shared, tell, text};
use crate::boundary::{enter, value};
use crate::result::xbar_result;

/// A place in a log that has a name. The writer deletes no message behind it unless told to.
///
/// Threads: one at a time, whichever that is. Two cursors of one name move each other's place.
#[derive(Debug)]
pub struct xbar_log_cursor(Cursor);

/// Opens cursor `cursor` of log `log` in `folder`; a new one stands before the first message.
///
/// # Safety
///
/// `folder`, `log` and `cursor` are NULL or end with a zero byte; `out` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_cursor_open(
    folder: *const c_char,
    log: *const c_char,
    cursor: *const c_char,
    out: *mut *mut xbar_log_cursor,
) -> xbar_result {
    enter(|| {
        let make = || {
            // SAFETY: the caller's promise.
            let folder = unsafe { path("folder", folder) }?;
            // SAFETY: the caller's promise.
            let log = unsafe { text("log", log) }?;
            // SAFETY: the caller's promise.
            let cursor = unsafe { text("cursor", cursor) }?;
            Ok(xbar_log_cursor(Cursor::open(folder, log, cursor)?))
        };
        // SAFETY: the caller's promise.
        unsafe { hand_out(out, make) }
    })
}

/// The number of the next message to be read; 0 for NULL.
///
/// # Safety
///
/// `cursor` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_cursor_seq(cursor: *const xbar_log_cursor) -> u64 {
    // SAFETY: the caller's promise.
    value(0, || unsafe { cursor.as_ref() }.map_or(0, |handle| handle.0.seq()))
}

/// Stands before message `seq` from now on: all before it are done with. There for everybody at once, also when this process dies
/// behind it.
///
/// # Safety
///
/// `cursor` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_cursor_store(cursor: *const xbar_log_cursor, seq: u64) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        unsafe { shared("cursor", cursor) }?.0.store(seq);
        Ok(())
    })
}

/// Returns when the place is on the disk.
///
/// # Safety
///
/// `cursor` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_cursor_flush(cursor: *const xbar_log_cursor) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        Ok(unsafe { shared("cursor", cursor) }?.0.flush()?)
    })
}

/// Removes cursor `cursor` of log `log` in `folder`, so that nothing is kept for it any more; whether there was one goes into
/// `removed`, unless that is NULL.
///
/// # Safety
///
/// `folder`, `log` and `cursor` are NULL or end with a zero byte; `removed` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_cursor_remove(
    folder: *const c_char,
    log: *const c_char,
    cursor: *const c_char,
    removed: *mut bool,
) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        let folder = unsafe { path("folder", folder) }?;
        // SAFETY: the caller's promise.
        let log = unsafe { text("log", log) }?;
        // SAFETY: the caller's promise.
        let cursor = unsafe { text("cursor", cursor) }?;
        let was_there = Cursor::remove(folder, log, cursor)?;
        // SAFETY: the caller's promise.
        unsafe { tell(removed, was_there) };
        Ok(())
    })
}

/// Closes the handle; the place stays.
///
/// # Safety
///
/// `cursor` is NULL or a handle that nobody uses any more: closing one twice is undefined.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_log_cursor_close(cursor: *mut xbar_log_cursor) {
    // SAFETY: the caller's promise.
    unsafe { close(cursor) }
}
