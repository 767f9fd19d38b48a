//! A topic as its publisher has it: registering, sending by copy, lending.

#![allow(unsafe_code)] // pointers of callers

use std::ffi::{c_char, c_void};
use std::rc::Rc;

use xbar::{Delivery, Topic};

use crate::arguments::{close, duration, hand_out, shared, slice, tell, text};
use crate::boundary::{enter, value};
use crate::config::{topic_config, xbar_topic_config};
use crate::failure::Failure;
use crate::loan::{Lent, xbar_loan};
use crate::publisher::{self, xbar_publisher};
use crate::result::xbar_result;
use crate::spares::Spares;

/// A topic that is published here.
///
/// Threads: as its publisher. Closing it lets another register it.
#[derive(Debug)]
pub struct xbar_topic(Rc<Inner>);

/// What a topic's loans keep. The topic goes before its publisher.
#[derive(Debug)]
pub(crate) struct Inner {
    pub topic: Topic,
    pub publisher: Rc<publisher::Inner>,
    pub spares: Spares<Lent>,
}

/// Registers topic `uri`: `/` and segments of letters, digits, `.`, `_`, `-`, at most 255 bytes. `config` is NULL for the defaults: lossy, one
/// publisher, any bytes, the region's depth and block size.
///
/// A topic whose publisher is gone is taken over: its sequence numbers go on, and its readers too. `XBAR_TAKEN` when somebody
/// alive publishes it, `XBAR_DIFFERS` when it is something else, `XBAR_LIMIT` when the region has no room for it.
///
/// # Safety
///
/// `publisher` is NULL or a handle that is not closed; `uri` is NULL or ends with a zero byte; `config` is NULL or points to a struct
/// of the size that it says, with a name that is NULL or ends with a zero byte; `out` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_publisher_register(
    publisher: *const xbar_publisher,
    uri: *const c_char,
    config: *const xbar_topic_config,
    out: *mut *mut xbar_topic,
) -> xbar_result {
    enter(|| {
        let make = || {
            // SAFETY: the caller's promise.
            let publisher = &unsafe { shared("publisher", publisher) }?.0;
            // SAFETY: the caller's promise.
            let uri = unsafe { text("uri", uri) }?;
            // SAFETY: the caller's promise.
            let config = unsafe { topic_config(config) }?;
            let topic = publisher.publisher.register_with(uri, &config)?;
            let publisher = Rc::clone(publisher);
            Ok(xbar_topic(Rc::new(Inner { topic, publisher, spares: Spares::new() })))
        };
        // SAFETY: the caller's promise.
        unsafe { hand_out(out, make) }
    })
}

/// How long a send may take.
enum Patience {
    Never,
    Ever,
    Upto(u64),
}

/// # Safety
///
/// As `xbar_topic_send`.
unsafe fn send(
    topic: *const xbar_topic,
    data: *const c_void,
    len: usize,
    patience: Patience,
    sequence: *mut u64,
) -> Result<(), Failure> {
    // SAFETY: the caller's promise.
    let Inner { topic, publisher, .. } = &*unsafe { shared("topic", topic) }?.0;
    // SAFETY: the caller's promise.
    let data = unsafe { slice("data", data.cast::<u8>(), len) }?;
    let (publisher, waiting) = (&publisher.publisher, publisher.waiting.get());
    let sent = match (patience, waiting) {
        (Patience::Never, _) => publisher.try_send(topic, data),
        (Patience::Ever, None) => publisher.send(topic, data),
        (Patience::Ever, Some(waiting)) => publisher.send_with(topic, data, waiting),
        (Patience::Upto(ns), None) => publisher.send_timeout(topic, data, duration(ns)),
        (Patience::Upto(ns), Some(waiting)) => {
            publisher.send_with_timeout(topic, data, waiting, duration(ns))
        }
    };
    // SAFETY: the caller's promise.
    unsafe { tell(sequence, sent?) };
    Ok(())
}

/// Publishes a copy of `len` bytes. Waits for room where the topic is lossless. Up to 48 bytes (40 with many publishers) cost one
/// cache line. Its number goes into `sequence`, unless that is NULL.
///
/// `XBAR_TOO_LARGE` when it fits no block of the topic.
///
/// # Safety
///
/// `topic` is NULL or a handle that is not closed; `data` points to `len` bytes, or is NULL and `len` 0; `sequence` is NULL or
/// may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_topic_send(
    topic: *const xbar_topic,
    data: *const c_void,
    len: usize,
    sequence: *mut u64,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { send(topic, data, len, Patience::Ever, sequence) })
}

/// As `xbar_topic_send`, without waiting: `XBAR_FULL` when it would have to.
///
/// # Safety
///
/// As `xbar_topic_send`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_topic_try_send(
    topic: *const xbar_topic,
    data: *const c_void,
    len: usize,
    sequence: *mut u64,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { send(topic, data, len, Patience::Never, sequence) })
}

/// As `xbar_topic_send`, waiting up to `timeout_ns`: then `XBAR_FULL`.
///
/// # Safety
///
/// As `xbar_topic_send`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_topic_send_timeout(
    topic: *const xbar_topic,
    data: *const c_void,
    len: usize,
    timeout_ns: u64,
    sequence: *mut u64,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { send(topic, data, len, Patience::Upto(timeout_ns), sequence) })
}

/// Lends room for a message of `len` bytes, to be written in place: `loan->data` then points to it, aligned to 64 bytes where it is longer than
/// 48. Publish it or abandon it. Several loans may be out at once.
///
/// The bytes are those of an earlier message of the region until they are written. `XBAR_TOO_LARGE` when it fits no block of the
/// topic, `XBAR_LIMIT` when too many loans are out.
///
/// # Safety
///
/// `topic` is NULL or a handle that is not closed; `loan` is NULL or may be written: what was in it is not looked at.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_topic_loan(
    topic: *const xbar_topic,
    len: usize,
    loan: *mut xbar_loan,
) -> xbar_result {
    enter(|| {
        if loan.is_null() {
            return Err(Failure::null("loan"));
        }
        // SAFETY: the caller's promise.
        unsafe { loan.write(xbar_loan::NONE) };
        // SAFETY: the caller's promise.
        let topic = &unsafe { shared("topic", topic) }?.0;
        let lent = Lent::of(topic, len)?;
        // SAFETY: the caller's promise.
        unsafe { loan.write(lent) };
        Ok(())
    })
}

/// Streams that publishers of this lossless topic wait for, as far as this moment tells; 0 of other topics and for NULL.
///
/// # Safety
///
/// `topic` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_topic_reader_count(topic: *const xbar_topic) -> usize {
    value(0, || {
        // SAFETY: the caller's promise.
        let topic = unsafe { topic.as_ref() };
        topic.map_or(0, |handle| handle.0.publisher.publisher.reader_count(&handle.0.topic))
    })
}

/// `XBAR_LOSSY`, `XBAR_LOSSLESS` or `XBAR_PINNED`; `XBAR_LOSSY` for NULL.
///
/// # Safety
///
/// `topic` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_topic_delivery(topic: *const xbar_topic) -> u32 {
    value(0, || {
        // SAFETY: the caller's promise.
        let topic = unsafe { topic.as_ref() };
        topic.map_or(Delivery::Lossy, |handle| handle.0.topic.delivery()) as u32
    })
}

/// Closes the handle; its loans may still be published.
///
/// # Safety
///
/// `topic` is NULL or a handle that nobody uses any more: closing one twice is undefined.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_topic_close(topic: *mut xbar_topic) {
    // SAFETY: the caller's promise.
    unsafe { close(topic) }
}
