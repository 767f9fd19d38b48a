//! A topic as a subscriber receives it.

#![allow(unsafe_code)] // pointers of callers

use std::rc::Rc;

use xbar::{Adaptive, RecvError, Sample, Stream, TryRecvError};

use crate::arguments::{close, duration, shared};
use crate::boundary::{enter, value};
use crate::failure::Failure;
use crate::result::xbar_result;
use crate::sample::xbar_sample;
use crate::waiting::{Told, xbar_shutdown};

/// Receives one topic. Every receive brings the next message, or says why not.
///
/// Threads: one at a time uses a stream and its samples, whichever that is. A stream outlives its subscriber. One that is closed while
/// its samples are held goes when the last of them is released; until then publishers of a lossless topic wait for it.
#[derive(Debug)]
pub struct xbar_stream(pub(crate) Rc<Inner>);

/// What a stream's samples keep.
#[derive(Debug)]
pub(crate) struct Inner {
    pub stream: Stream,
    pub waiting: Told,
}

impl xbar_stream {
    pub(crate) fn new(stream: Stream) -> Self {
        Self(Rc::new(Inner { stream, waiting: Told::default() }))
    }
}

const fn missed(error: RecvError) -> u64 {
    match error {
        RecvError::Lagged { missed } => missed,
        _ => 0,
    }
}

/// Receives into `sample` what `receive` finds.
///
/// # Safety
///
/// As `xbar_stream_try_recv`.
unsafe fn receive<E: Copy + Into<RecvError> + Into<Failure>>(
    stream: *const xbar_stream,
    sample: *mut xbar_sample,
    receive: impl for<'s> FnOnce(&'s Inner) -> Result<Sample<'s>, E>,
) -> Result<(), Failure> {
    if sample.is_null() {
        return Err(Failure::null("sample"));
    }
    // SAFETY: the caller's promise.
    unsafe { sample.write(xbar_sample::none(0)) };
    // SAFETY: the caller's promise.
    let stream = &unsafe { shared("stream", stream) }?.0;
    let (received, done) = match receive(stream) {
        Ok(received) => (xbar_sample::of(received, stream), Ok(())),
        Err(error) => (xbar_sample::none(missed(error.into())), Err(error.into())),
    };
    // SAFETY: the caller's promise.
    unsafe { sample.write(received) };
    done
}

/// Receives the next message into `sample`, if there is one; of a pinned topic the latest, if it was not received yet. Never waits.
///
/// `XBAR_EMPTY` when there is none yet. `XBAR_LAGGED` when messages were overwritten: `sample->missed` says how many, once; the
/// next call goes on behind them. `XBAR_DISCONNECTED` when the publisher is gone and everything was received. `XBAR_LIMIT` when
/// as many samples are held as may be: release one, and the message is still there.
///
/// # Safety
///
/// `stream` is NULL or a handle that is not closed; `sample` is NULL or may be written: what was in it is not looked at, so release that
/// before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_stream_try_recv(
    stream: *const xbar_stream,
    sample: *mut xbar_sample,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { receive(stream, sample, |inner| inner.stream.try_recv()) })
}

/// Receives the next message into `sample`, however long that takes. Results as of `xbar_stream_try_recv`, but for `XBAR_EMPTY`. A
/// killed publisher is noticed within 100 ms.
///
/// # Safety
///
/// As `xbar_stream_try_recv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_stream_recv(
    stream: *const xbar_stream,
    sample: *mut xbar_sample,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { receive(stream, sample, recv) })
}

fn recv(inner: &Inner) -> Result<Sample<'_>, RecvError> {
    match inner.waiting.get() {
        None => inner.stream.recv(),
        Some(waiting) => inner.stream.recv_with(waiting),
    }
}

/// As `xbar_stream_recv`, waiting up to `timeout_ns`: then `XBAR_TIMEOUT`. 0 looks once.
///
/// # Safety
///
/// As `xbar_stream_try_recv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_stream_recv_timeout(
    stream: *const xbar_stream,
    sample: *mut xbar_sample,
    timeout_ns: u64,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { receive(stream, sample, |inner| recv_timeout(inner, timeout_ns)) })
}

fn recv_timeout(inner: &Inner, timeout_ns: u64) -> Result<Sample<'_>, RecvError> {
    match inner.waiting.get() {
        None => inner.stream.recv_with_timeout(Adaptive, duration(timeout_ns)),
        Some(waiting) => inner.stream.recv_with_timeout(waiting, duration(timeout_ns)),
    }
}

/// Receives the latest message of a pinned topic into `sample`, received already or not: the same until there is a newer one. Never
/// waits, and never makes the publisher wait.
///
/// `XBAR_EMPTY` only before the first message, `XBAR_NOT_PINNED` when the topic is not.
///
/// # Safety
///
/// As `xbar_stream_try_recv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_stream_try_latest(
    stream: *const xbar_stream,
    sample: *mut xbar_sample,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { receive(stream, sample, |inner| inner.stream.try_recv_pinned()) })
}

/// As `xbar_stream_try_latest`, waiting up to `timeout_ns` for the first message: then `XBAR_TIMEOUT`.
///
/// # Safety
///
/// As `xbar_stream_try_recv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_stream_latest_timeout(
    stream: *const xbar_stream,
    sample: *mut xbar_sample,
    timeout_ns: u64,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { receive(stream, sample, |inner| latest(inner, timeout_ns)) })
}

/// Before the first message, the next one is the latest.
fn latest(inner: &Inner, timeout_ns: u64) -> Result<Sample<'_>, RecvError> {
    match inner.stream.try_recv_pinned() {
        Err(TryRecvError::Empty) => recv_timeout(inner, timeout_ns),
        done => done.map_err(RecvError::from),
    }
}

/// Says how this stream waits: `wait` is one of `XBAR_WAIT_*`, `shutdown` ends its waits, or is NULL.
///
/// # Safety
///
/// `stream` and `shutdown` are NULL or handles that are not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_stream_set_waiting(
    stream: *const xbar_stream,
    wait: u32,
    shutdown: *const xbar_shutdown,
) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        let stream = unsafe { shared("stream", stream) }?;
        // SAFETY: the caller's promise.
        unsafe { stream.0.waiting.set(wait, shutdown) }
    })
}

/// Looks at a stream; 0 for null.
///
/// # Safety
///
/// As `xbar_stream_received`.
unsafe fn look<T: Default>(stream: *const xbar_stream, look: impl FnOnce(&Stream) -> T) -> T {
    value(T::default(), || {
        // SAFETY: the caller's promise.
        let stream = unsafe { stream.as_ref() };
        stream.map_or_else(T::default, |handle| look(&handle.0.stream))
    })
}

/// Messages received so far; 0 for NULL.
///
/// # Safety
///
/// `stream` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_stream_received(stream: *const xbar_stream) -> u64 {
    // SAFETY: the caller's promise.
    unsafe { look(stream, Stream::received) }
}

/// Messages missed so far: received + missed = published since the stream began, once it is drained. 0 for NULL.
///
/// # Safety
///
/// As `xbar_stream_received`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_stream_missed(stream: *const xbar_stream) -> u64 {
    // SAFETY: the caller's promise.
    unsafe { look(stream, Stream::missed) }
}

/// Messages published and not yet received, as far as this moment tells; 0 for NULL.
///
/// # Safety
///
/// As `xbar_stream_received`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_stream_pending(stream: *const xbar_stream) -> u64 {
    // SAFETY: the caller's promise.
    unsafe { look(stream, Stream::pending) }
}

/// `XBAR_LOSSY`, `XBAR_LOSSLESS` or `XBAR_PINNED`; `XBAR_LOSSY` for NULL.
///
/// # Safety
///
/// As `xbar_stream_received`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_stream_delivery(stream: *const xbar_stream) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { look(stream, |stream| stream.delivery() as u32) }
}

/// Waits up to `timeout_ns` for a living publisher to have the topic registered; whether one has. 0 looks once. False for NULL.
///
/// # Safety
///
/// As `xbar_stream_received`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_stream_wait_connected(stream: *const xbar_stream, timeout_ns: u64) -> bool {
    // SAFETY: the caller's promise.
    unsafe { look(stream, |stream| stream.wait_connected(duration(timeout_ns))) }
}

/// Closes the handle. Samples that are held stay valid until they are released.
///
/// # Safety
///
/// `stream` is NULL or a handle that nobody uses any more: closing one twice is undefined.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_stream_close(stream: *mut xbar_stream) {
    // SAFETY: the caller's promise.
    unsafe { close(stream) }
}
