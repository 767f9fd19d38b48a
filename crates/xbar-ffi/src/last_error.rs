//! The words of the last failure, one line per thread.

#![allow(unsafe_code)] // a symbol with C's name

use std::cell::RefCell;
use std::ffi::c_char;

thread_local! {
    /// Invariant: ends with a zero byte.
    static LAST: RefCell<Vec<u8>> = RefCell::new(vec![0]);
}

/// Keeps `text` for this thread. Allocates only for a text longer than all before.
pub(crate) fn set(text: &str) {
    // A thread that is ending keeps nothing any more.
    let _ = LAST.try_with(|last| {
        let mut last = last.borrow_mut();
        last.clear();
        last.extend_from_slice(text.as_bytes());
        last.push(0);
    });
}

/// What the last failed call of this thread found: one line in lower case, with what to do. Valid until the next call of this
/// thread that fails; empty before the first one. Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn xbar_last_error() -> *const c_char {
    LAST.try_with(|last| last.borrow().as_ptr().cast()).unwrap_or(c"".as_ptr())
}
