//! Joining a region to receive from it.

#![allow(unsafe_code)] // pointers of callers

use std::ffi::c_char;

use xbar::Subscriber;

use crate::arguments::{close, duration, hand_out, maybe_path, shared, text};
use crate::boundary::{enter, value};
use crate::config::value_type;
use crate::failure::Failure;
use crate::growing::{self, Growing};
use crate::result::xbar_result;
use crate::stream::xbar_stream;

/// Receives from a region, through a read-only mapping.
///
/// Threads: any number at once may subscribe by one handle. Its streams may outlive it.
#[derive(Debug)]
pub struct xbar_subscriber(Subscriber);

/// How to find a region. Set `struct_size` to `sizeof(xbar_connect_options)` and the rest to 0 but for what you want to choose.
#[derive(Debug)]
#[repr(C)]
pub struct xbar_connect_options {
    /// `sizeof(xbar_connect_options)`.
    pub struct_size: usize,
    /// Where regions live. NULL: the environment's `XBAR_DIR`, else a directory of this user's under `/dev/shm`.
    pub dir: *const c_char,
    /// How long to wait for the region to appear: then `XBAR_TIMEOUT`. Default 0: it is there, or the call fails.
    pub timeout_ns: u64,
    /// 1: the region belongs to user `user`, who shares it and whom this process trusts; `timeout_ns` must be 0 then. Default 0: this
    /// user's.
    pub of_user: u32,
    /// The number of that user.
    pub user: u32,
}

// SAFETY: numbers and pointers, the size first.
unsafe impl Growing for xbar_connect_options {
    const NAME: &'static str = "xbar_connect_options";
    const FIRST_BYTES: usize = size_of::<Self>();
}

/// Begin with what is published from now on: the default.
pub const XBAR_START_NOW: u32 = 0;
/// Begin with the oldest message that is still readable.
pub const XBAR_START_OLDEST: u32 = 1;
/// Begin with the last `messages` that were published before, as far as they are still readable.
pub const XBAR_START_LAST: u32 = 2;

/// How to subscribe. Set `struct_size` to `sizeof(xbar_subscribe_options)` and the rest to 0 but for what you want to choose.
#[derive(Debug)]
#[repr(C)]
pub struct xbar_subscribe_options {
    /// `sizeof(xbar_subscribe_options)`.
    pub struct_size: usize,
    /// How many messages, of `XBAR_START_LAST`.
    pub messages: u64,
    /// How long to wait for the topic to be registered: then `XBAR_TIMEOUT`. Default 0: it is there, or the call fails.
    pub timeout_ns: u64,
    /// The name of the type that is expected, or NULL.
    pub value_name: *const c_char,
    /// Where every message is to be one value of a type: its size in bytes, `sizeof`. `XBAR_DIFFERS` when the topic has another, or
    /// none. Default 0: any bytes.
    pub value_size: u32,
    /// And its alignment, `alignof`.
    pub value_align: u32,
    /// One of `XBAR_START_*`.
    pub start: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: numbers and pointers, the size first.
unsafe impl Growing for xbar_subscribe_options {
    const NAME: &'static str = "xbar_subscribe_options";
    const FIRST_BYTES: usize = size_of::<Self>();
}

/// Joins the living region `name`. `options` is NULL for the defaults.
///
/// `XBAR_NOT_FOUND` when there is no such region, `XBAR_NO_PUBLISHER` when its publishers are dead, `XBAR_DAMAGED` when its memory is damaged
/// or of another version, `XBAR_LIMIT` when it has no room for another subscriber.
///
/// # Safety
///
/// `name` is NULL or ends with a zero byte; `options` is NULL or points to a struct of the size that it says, with a `dir` that is NULL or
/// ends with a zero byte; `out` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_subscriber_connect(
    name: *const c_char,
    options: *const xbar_connect_options,
    out: *mut *mut xbar_subscriber,
) -> xbar_result {
    enter(|| {
        let make = || {
            // SAFETY: the caller's promise.
            let name = unsafe { text("name", name) }?;
            // SAFETY: the caller's promise.
            let options = unsafe { growing::read(options) }?;
            // SAFETY: the caller's promise.
            let dir = unsafe { maybe_path(options.dir) };
            let timeout = duration(options.timeout_ns);
            let connected = match (options.of_user, dir) {
                (0, Some(dir)) if timeout.is_zero() => Subscriber::connect_in(dir, name),
                (0, None) if timeout.is_zero() => Subscriber::connect(name),
                (0, Some(dir)) => Subscriber::connect_timeout_in(dir, name, timeout),
                (0, None) => Subscriber::connect_timeout(name, timeout),
                (1, _) if !timeout.is_zero() => {
                    return Err(Failure::invalid(
                        "another user's region cannot be waited for: use a timeout_ns of 0",
                    ));
                }
                (1, Some(dir)) => Subscriber::connect_to_user_in(options.user, dir, name),
                (1, None) => Subscriber::connect_to_user(options.user, name),
                (other, _) => return Err(Failure::invalid(format!("of_user is {other}: use 0 or 1"))),
            };
            Ok(xbar_subscriber(connected?))
        };
        // SAFETY: the caller's promise.
        unsafe { hand_out(out, make) }
    })
}

/// Receives topic `uri`. `options` is NULL for the defaults: from now on, any bytes. Of a lossless topic, publishers wait for this
/// stream from now on.
///
/// `XBAR_NOT_FOUND` when nobody has registered the topic, `XBAR_LIMIT` when this subscriber has as many lossless streams as it may.
///
/// # Safety
///
/// `subscriber` is NULL or a handle that is not closed; `uri` is NULL or ends with a zero byte; `options` is NULL or points to a struct of
/// the size that it says, with a name that is NULL or ends with a zero byte; `out` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_subscriber_subscribe(
    subscriber: *const xbar_subscriber,
    uri: *const c_char,
    options: *const xbar_subscribe_options,
    out: *mut *mut xbar_stream,
) -> xbar_result {
    enter(|| {
        let make = || {
            // SAFETY: the caller's promise.
            let subscriber = &unsafe { shared("subscriber", subscriber) }?.0;
            // SAFETY: the caller's promise.
            let uri = unsafe { text("uri", uri) }?;
            // SAFETY: the caller's promise.
            let options = unsafe { growing::read(options) }?;
            // SAFETY: the caller's promise.
            let asked = unsafe { value_type(options.value_size, options.value_align, options.value_name) }?;
            let timeout = duration(options.timeout_ns);
            let waited = match timeout.is_zero() {
                true => None,
                false => Some(subscriber.subscribe_timeout(uri, timeout)?),
            };
            let stream = match (options.start, waited) {
                (XBAR_START_NOW, Some(stream)) => stream,
                (XBAR_START_NOW, None) => subscriber.subscribe(uri)?,
                (XBAR_START_OLDEST, waited) => {
                    drop(waited);
                    subscriber.subscribe_from_oldest(uri)?
                }
                (XBAR_START_LAST, waited) => {
                    drop(waited);
                    subscriber.subscribe_last(uri, options.messages)?
                }
                (other, _) => {
                    return Err(Failure::invalid(format!("start is {other}: use one of XBAR_START_*")));
                }
            };
            let found = stream.value_type();
            match (&asked, &found) {
                (None, _) => {}
                (Some(asked), Some(found)) if asked.agrees_with(found) => {}
                (Some(asked), found) => {
                    let found = found.map_or("of any bytes".to_owned(), |found| format!("of type {found}"));
                    return Err(Failure::differs(format!(
                        "{uri} of region {} is {found}, and was asked for as of type {asked}: ask for what it is, or use another \
                         uri",
                        subscriber.region()
                    )));
                }
            }
            Ok(xbar_stream::new(stream))
        };
        // SAFETY: the caller's promise.
        unsafe { hand_out(out, make) }
    })
}

/// Publisher handles of the region that are alive; 0 for NULL.
///
/// # Safety
///
/// `subscriber` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_subscriber_publisher_count(subscriber: *const xbar_subscriber) -> usize {
    // SAFETY: the caller's promise.
    value(0, || unsafe { subscriber.as_ref() }.map_or(0, |handle| handle.0.publisher_count()))
}

/// Increases each time a region is created anew under the same name; 0 for NULL.
///
/// # Safety
///
/// `subscriber` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_subscriber_epoch(subscriber: *const xbar_subscriber) -> u64 {
    // SAFETY: the caller's promise.
    value(0, || unsafe { subscriber.as_ref() }.map_or(0, |handle| handle.0.epoch()))
}

/// Closes the handle; its streams stay.
///
/// # Safety
///
/// `subscriber` is NULL or a handle that nobody uses any more: closing one twice is undefined.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_subscriber_close(subscriber: *mut xbar_subscriber) {
    // SAFETY: the caller's promise.
    unsafe { close(subscriber) }
}
