//! The asking side.

#![allow(unsafe_code)] // pointers of callers

use std::ffi::{c_char, c_void};
use std::mem;
use std::ptr;

use xbar::{Client, Reply, RequestError, RequestId};

use crate::arguments::{XBAR_FOREVER, close, duration, exclusive, hand_out, maybe_path, shared, slice, text};
use crate::boundary::{enter, value};
use crate::failure::Failure;
use crate::result::xbar_result;

/// Asks a server; any number of requests may be in flight, answered in any order.
///
/// Threads: one at a time, whichever that is.
#[derive(Debug)]
pub struct xbar_client(Client);

/// An answer. Of the calls of a client; released once. Do not copy it.
///
/// Threads: any, one at a time. It outlives its client.
#[derive(Debug)]
#[repr(C)]
pub struct xbar_reply {
    /// Its bytes; NULL when there is none.
    pub data: *const c_void,
    /// How many they are.
    pub len: usize,
    /// The library's.
    pub internal: *mut c_void,
}

const NONE: xbar_reply = xbar_reply { data: ptr::null(), len: 0, internal: ptr::null_mut() };

/// Connects to whoever serves under `name`. `dir` is where servers live, or NULL.
///
/// `XBAR_NOT_FOUND` or `XBAR_NO_PUBLISHER` when nobody serves there, `XBAR_LIMIT` when it has no room for another client.
///
/// # Safety
///
/// `name` and `dir` are NULL or end with a zero byte; `out` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_client_connect(
    name: *const c_char,
    dir: *const c_char,
    out: *mut *mut xbar_client,
) -> xbar_result {
    enter(|| {
        let make = || {
            // SAFETY: the caller's promise.
            let name = unsafe { text("name", name) }?;
            // SAFETY: the caller's promise.
            let client = match unsafe { maybe_path(dir) } {
                Some(dir) => Client::connect_in(dir, name),
                None => Client::connect(name),
            };
            Ok(xbar_client(client?))
        };
        // SAFETY: the caller's promise.
        unsafe { hand_out(out, make) }
    })
}

/// Sends a copy of `len` bytes as a request that is worth an answer for `timeout_ns`, or `XBAR_FOREVER`. Its number goes into `id`. Waits for
/// room.
///
/// `XBAR_DISCONNECTED` when the server is gone, `XBAR_TIMEOUT` when there was no room in time, `XBAR_TOO_LARGE` when the request is.
///
/// # Safety
///
/// `client` is NULL or a handle that is not closed; `data` points to `len` bytes, or is NULL and `len` 0; `id` is NULL or may be
/// written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_client_send(
    client: *const xbar_client,
    data: *const c_void,
    len: usize,
    timeout_ns: u64,
    id: *mut u64,
) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        let id = unsafe { exclusive("id", id) }?;
        *id = u64::MAX;
        // SAFETY: the caller's promise.
        let client = &unsafe { shared("client", client) }?.0;
        // SAFETY: the caller's promise.
        let data = unsafe { slice("data", data.cast::<u8>(), len) }?;
        let timeout = (timeout_ns != XBAR_FOREVER).then(|| duration(timeout_ns));
        *id = client.send(data, timeout)?.as_u64();
        Ok(())
    })
}

/// # Safety
///
/// As `xbar_client_wait`.
unsafe fn receive(
    client: *const xbar_client,
    reply: *mut xbar_reply,
    receive: impl FnOnce(&Client) -> Result<Reply, RequestError>,
) -> Result<(), Failure> {
    if reply.is_null() {
        return Err(Failure::null("reply"));
    }
    // SAFETY: the caller's promise.
    unsafe { reply.write(NONE) };
    // SAFETY: the caller's promise.
    let received = Box::new(receive(&unsafe { shared("client", client) }?.0)?);
    let (data, len) = (received.as_ptr(), received.len());
    // SAFETY: the caller's promise.
    unsafe { reply.write(xbar_reply { data: data.cast(), len, internal: Box::into_raw(received).cast() }) };
    Ok(())
}

/// Waits for the answer to request `id`, as long as the request said. Answers to others that come meanwhile are kept.
///
/// `XBAR_TIMEOUT`, `XBAR_REFUSED` when the server dropped it, `XBAR_DISCONNECTED` when the server is gone: the request is over
/// then. `XBAR_LIMIT` when too many replies are held: it goes on. `XBAR_NOT_FOUND` when no such request is in flight.
///
/// # Safety
///
/// `client` is NULL or a handle that is not closed; `reply` is NULL or may be written: what was in it is not looked at.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_client_wait(
    client: *const xbar_client,
    id: u64,
    reply: *mut xbar_reply,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { receive(client, reply, |client| client.wait(RequestId::from_u64(id))) })
}

/// As `xbar_client_wait`, without waiting: `XBAR_EMPTY` when there is no answer yet.
///
/// # Safety
///
/// As `xbar_client_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_client_try_recv(
    client: *const xbar_client,
    id: u64,
    reply: *mut xbar_reply,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { receive(client, reply, |client| client.try_recv(RequestId::from_u64(id))) })
}

/// Stops waiting for a request. A reply that comes nevertheless is thrown away.
///
/// # Safety
///
/// `client` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_client_give_up(client: *const xbar_client, id: u64) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        unsafe { shared("client", client) }?.0.give_up(RequestId::from_u64(id));
        Ok(())
    })
}

/// Requests that were sent, and neither answered nor given up; 0 for NULL.
///
/// # Safety
///
/// `client` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_client_in_flight(client: *const xbar_client) -> usize {
    // SAFETY: the caller's promise.
    value(0, || unsafe { client.as_ref() }.map_or(0, |handle| handle.0.in_flight()))
}

/// Lets an answer go. One that is released already is left alone.
///
/// # Safety
///
/// `reply` is NULL, zeroed, or was received into; and is no copy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_reply_release(reply: *mut xbar_reply) {
    value((), || {
        // SAFETY: the caller's promise.
        let Some(reply) = (unsafe { reply.as_mut() }) else { return };
        let itself = mem::replace(reply, NONE).internal.cast::<Reply>();
        // SAFETY: of `receive`, and not released since.
        unsafe { close(itself) };
    });
}

/// Closes the handle. Replies that are held stay valid until they are released.
///
/// # Safety
///
/// `client` is NULL or a handle that nobody uses any more: closing one twice is undefined.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_client_close(client: *mut xbar_client) {
    // SAFETY: the caller's promise.
    unsafe { close(client) }
}
