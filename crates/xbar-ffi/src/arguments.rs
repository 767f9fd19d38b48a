//! What callers pass: pointers, texts and bytes, looked at before they are believed.
//!
//! A pointer that is not null is believed: nothing can tell whether it points where its type says. That is what the
//! `# Safety` of each entry asks for.

#![allow(unsafe_code)] // pointers of callers

use std::ffi::{CStr, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::slice;
use std::time::Duration;

use crate::failure::Failure;

/// Time without an end, wherever a time in nanoseconds is asked for.
pub const XBAR_FOREVER: u64 = u64::MAX;

/// # Safety
///
/// `pointer` is null, or points to a `T` that nobody changes for `'a`.
pub(crate) unsafe fn shared<'a, T>(what: &str, pointer: *const T) -> Result<&'a T, Failure> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_ref() }.ok_or_else(|| Failure::null(what))
}

/// # Safety
///
/// `pointer` is null, or points to a `T` that nobody else uses for `'a`.
pub(crate) unsafe fn exclusive<'a, T>(what: &str, pointer: *mut T) -> Result<&'a mut T, Failure> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_mut() }.ok_or_else(|| Failure::null(what))
}

/// # Safety
///
/// `text` is null, or ends with a zero byte, and nobody changes it for `'a`.
pub(crate) unsafe fn text<'a>(what: &str, text: *const c_char) -> Result<&'a str, Failure> {
    // SAFETY: the caller's promise.
    let text = unsafe { maybe_text(what, text) }?;
    text.ok_or_else(|| Failure::null(what))
}

/// As [`text`]; null is none.
///
/// # Safety
///
/// As [`text`].
pub(crate) unsafe fn maybe_text<'a>(what: &str, text: *const c_char) -> Result<Option<&'a str>, Failure> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(text) }.to_str();
    text.map(Some).map_err(|error| Failure::invalid(format!("{what} is not utf-8: {error}; pass utf-8")))
}

/// A folder; null is none.
///
/// # Safety
///
/// As [`text`].
pub(crate) unsafe fn maybe_path<'a>(path: *const c_char) -> Option<&'a Path> {
    if path.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let bytes = unsafe { CStr::from_ptr(path) }.to_bytes();
    Some(Path::new(OsStr::from_bytes(bytes)))
}

/// # Safety
///
/// As [`text`].
pub(crate) unsafe fn path<'a>(what: &str, path: *const c_char) -> Result<&'a Path, Failure> {
    // SAFETY: the caller's promise.
    unsafe { maybe_path(path) }.ok_or_else(|| Failure::null(what))
}

/// `len` values; null is none of them.
///
/// # Safety
///
/// `values` is null, or points to `len` values that nobody changes for `'a`.
pub(crate) unsafe fn slice<'a, T>(what: &str, values: *const T, len: usize) -> Result<&'a [T], Failure> {
    if len == 0 {
        return Ok(&[]);
    }
    if values.is_null() {
        return Err(Failure::invalid(format!(
            "{what} is NULL, and {len} long: pass what it is to point to, or 0"
        )));
    }
    if len.checked_mul(size_of::<T>()).is_none_or(|bytes| bytes > isize::MAX as usize) {
        return Err(Failure::invalid(format!("{what} cannot be {len} long: pass its length")));
    }
    // SAFETY: the caller's promise; not longer than any memory is.
    Ok(unsafe { slice::from_raw_parts(values, len) })
}

/// Writes where the caller wants to have something, if it does.
///
/// # Safety
///
/// `out` is null, or may be written.
pub(crate) unsafe fn tell<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: the caller's promise.
        unsafe { out.write(value) };
    }
}

/// Makes a handle and writes it to `out`: null when it cannot be made, and not made when there is no `out`.
///
/// # Safety
///
/// `out` is null, or may be written.
pub(crate) unsafe fn hand_out<T>(
    out: *mut *mut T,
    make: impl FnOnce() -> Result<T, Failure>,
) -> Result<(), Failure> {
    if out.is_null() {
        return Err(Failure::null("the place for the handle"));
    }
    // SAFETY: the caller's promise.
    unsafe { out.write(std::ptr::null_mut()) };
    let handle = Box::into_raw(Box::new(make()?));
    // SAFETY: the caller's promise.
    unsafe { out.write(handle) };
    Ok(())
}

/// Ends a handle; null is none.
///
/// # Safety
///
/// `handle` is null or came from [`hand_out`], and nobody uses it any more.
pub(crate) unsafe fn close<T>(handle: *mut T) {
    crate::boundary::value((), || {
        if !handle.is_null() {
            // SAFETY: the caller's promise.
            drop(unsafe { Box::from_raw(handle) });
        }
    });
}

/// Nanoseconds as a time.
pub(crate) const fn duration(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}
