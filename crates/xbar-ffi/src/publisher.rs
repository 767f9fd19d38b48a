//! Publishing into a region.

#![allow(unsafe_code)] // pointers of callers

use std::ffi::c_char;
use std::rc::Rc;

use xbar::Publisher;

use crate::arguments::{close, hand_out, maybe_path, shared, text};
use crate::boundary::{enter, value};
use crate::config::{region_config, xbar_config};
use crate::result::xbar_result;
use crate::waiting::{Told, xbar_shutdown};

/// Publishes into a region.
///
/// Threads: one at a time uses a publisher, its topics and its loans, whichever that is. For a second thread,
/// open a second publisher. A publisher that is closed stays in the region until its topics and loans are closed too.
#[derive(Debug)]
pub struct xbar_publisher(pub(crate) Rc<Inner>);

/// What a publisher's topics and loans keep.
#[derive(Debug)]
pub(crate) struct Inner {
    pub publisher: Publisher,
    pub waiting: Told,
}

fn wrap(publisher: Publisher) -> xbar_publisher {
    xbar_publisher(Rc::new(Inner { publisher, waiting: Told::default() }))
}

/// Creates region `name` (up to 100 letters, digits, `.`, `_`, `-`) and publishes there. `config` is NULL for the defaults: 64 topics of
/// 64 messages of up to 4 KiB, in about 20 MB.
///
/// A region of that name whose publishers are all dead is replaced. `XBAR_TAKEN` when a living process publishes under that name.
///
/// # Safety
///
/// `name` is NULL or ends with a zero byte; `config` as for `xbar_config_footprint_bytes`; `out` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_publisher_create(
    name: *const c_char,
    config: *const xbar_config,
    out: *mut *mut xbar_publisher,
) -> xbar_result {
    enter(|| {
        let make = || {
            // SAFETY: the caller's promise.
            let name = unsafe { text("name", name) }?;
            // SAFETY: the caller's promise.
            let config = unsafe { region_config(config) }?;
            Ok(wrap(Publisher::create(name, &config)?))
        };
        // SAFETY: the caller's promise.
        unsafe { hand_out(out, make) }
    })
}

/// Joins the living region `name` as one more publisher, for topics of its own and for those of many publishers. `dir` is where regions
/// live, or NULL.
///
/// # Safety
///
/// `name` and `dir` are NULL or end with a zero byte; `out` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_publisher_open(
    name: *const c_char,
    dir: *const c_char,
    out: *mut *mut xbar_publisher,
) -> xbar_result {
    enter(|| {
        let make = || {
            // SAFETY: the caller's promise.
            let name = unsafe { text("name", name) }?;
            // SAFETY: the caller's promise.
            let publisher = match unsafe { maybe_path(dir) } {
                Some(dir) => Publisher::open_in(dir, name),
                None => Publisher::open(name),
            };
            Ok(wrap(publisher?))
        };
        // SAFETY: the caller's promise.
        unsafe { hand_out(out, make) }
    })
}

/// Says how sends and publications of lossless topics wait for room: `wait` is one of `XBAR_WAIT_*`, `shutdown` ends waits, or is
/// NULL. Loans that are published with a time limit wait as by default.
///
/// # Safety
///
/// `publisher` and `shutdown` are NULL or handles that are not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_publisher_set_waiting(
    publisher: *const xbar_publisher,
    wait: u32,
    shutdown: *const xbar_shutdown,
) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        let publisher = unsafe { shared("publisher", publisher) }?;
        // SAFETY: the caller's promise.
        unsafe { publisher.0.waiting.set(wait, shutdown) }
    })
}

/// Subscriber handles of the region that are alive; 0 for NULL.
///
/// # Safety
///
/// `publisher` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_publisher_subscriber_count(publisher: *const xbar_publisher) -> usize {
    // SAFETY: the caller's promise.
    value(0, || unsafe { publisher.as_ref() }.map_or(0, |handle| handle.0.publisher.subscriber_count()))
}

/// Increases each time a region is created anew under the same name; 0 for NULL.
///
/// # Safety
///
/// `publisher` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_publisher_epoch(publisher: *const xbar_publisher) -> u64 {
    // SAFETY: the caller's promise.
    value(0, || unsafe { publisher.as_ref() }.map_or(0, |handle| handle.0.publisher.epoch()))
}

/// Closes the handle. The last publisher of a region takes it away; readers keep what they hold.
///
/// # Safety
///
/// `publisher` is NULL or a handle that nobody uses any more: closing one twice is undefined.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_publisher_close(publisher: *mut xbar_publisher) {
    // SAFETY: the caller's promise.
    unsafe { close(publisher) }
}
