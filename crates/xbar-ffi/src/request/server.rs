//! The answering side.

#![allow(unsafe_code)] // pointers of callers; requests that keep what they borrow

use std::ffi::{c_char, c_void};
use std::mem;
use std::ptr;
use std::rc::Rc;

use xbar::{ReplyLoan, Request, RequestError, Server, ServerConfig};

use crate::arguments::{XBAR_FOREVER, close, duration, exclusive, hand_out, maybe_path, shared, slice, text};
use crate::boundary::{enter, value};
use crate::failure::Failure;
use crate::growing::{self, Growing};
use crate::result::xbar_result;
use crate::spares::Spares;

/// Answers requests.
///
/// Threads: one at a time uses a server, its requests and their loans, whichever that is. A server that is closed goes on until its
/// requests are answered or dropped.
#[derive(Debug)]
pub struct xbar_server(Rc<Inner>);

/// What a server's requests keep.
#[derive(Debug)]
struct Inner {
    requests: Spares<Asked>,
    loans: Spares<Answer>,
    server: Server,
}

/// A request, and what it borrows from. Invariant: the request goes first, and both stay where they are.
struct Asked {
    request: Request<'static>,
    server: Rc<Inner>,
}

/// A reply that is being written, in the same way.
struct Answer {
    loan: ReplyLoan<'static>,
    server: Rc<Inner>,
}

/// What a server holds. Set `struct_size` to `sizeof(xbar_server_config)` and the rest to 0 but for what you want to choose.
#[derive(Debug)]
#[repr(C)]
pub struct xbar_server_config {
    /// `sizeof(xbar_server_config)`.
    pub struct_size: usize,
    /// Where it lives. NULL: the environment's `XBAR_DIR`, else a directory of this user's under `/dev/shm`.
    pub dir: *const c_char,
    /// Clients at once, 1 to 1024. Default 16.
    pub clients: u32,
    /// Requests of all clients that may be unread, and replies of each. Default 64.
    pub depth: u32,
    /// Largest request and reply in bytes. Default 4096.
    pub max_bytes: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: numbers and pointers, the size first.
unsafe impl Growing for xbar_server_config {
    const NAME: &'static str = "xbar_server_config";
    const FIRST_BYTES: usize = size_of::<Self>();
}

/// A request that was received: to be replied to, or dropped, once. Do not copy it.
///
/// Threads: as its server.
#[derive(Debug)]
#[repr(C)]
pub struct xbar_request {
    /// Its bytes; NULL when there is none.
    pub data: *const c_void,
    /// How many they are.
    pub len: usize,
    /// The library's.
    pub internal: *mut c_void,
}

/// A reply that is written in place: to be sent or abandoned, once. Do not copy it.
///
/// Threads: as its server.
#[derive(Debug)]
#[repr(C)]
pub struct xbar_reply_loan {
    /// Its bytes, to be written; NULL when there is none.
    pub data: *mut c_void,
    /// How many they are.
    pub len: usize,
    /// The library's.
    pub internal: *mut c_void,
}

const NO_REQUEST: xbar_request = xbar_request { data: ptr::null(), len: 0, internal: ptr::null_mut() };
const NO_LOAN: xbar_reply_loan = xbar_reply_loan { data: ptr::null_mut(), len: 0, internal: ptr::null_mut() };

/// Begins to serve under `name`. `config` is NULL for the defaults.
///
/// Where a server was killed or closed whose clients live, this one takes its place, and they go on with it: `XBAR_DIFFERS` when it had another
/// configuration. `XBAR_TAKEN` when somebody alive serves there.
///
/// # Safety
///
/// `name` is NULL or ends with a zero byte; `config` is NULL or points to a struct of the size that it says, with a `dir` that is NULL or
/// ends with a zero byte; `out` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_server_serve(
    name: *const c_char,
    config: *const xbar_server_config,
    out: *mut *mut xbar_server,
) -> xbar_result {
    enter(|| {
        let make = || {
            // SAFETY: the caller's promise.
            let name = unsafe { text("name", name) }?;
            // SAFETY: the caller's promise.
            let asked = unsafe { growing::read(config) }?;
            let mut config = ServerConfig::new();
            let numbers: [(u32, Setter); 3] = [
                (asked.clients, ServerConfig::clients),
                (asked.depth, ServerConfig::depth),
                (asked.max_bytes, ServerConfig::max_bytes),
            ];
            for (number, set) in numbers {
                if number != 0 {
                    config = set(config, number);
                }
            }
            // SAFETY: the caller's promise.
            if let Some(dir) = unsafe { maybe_path(asked.dir) } {
                config = config.dir(dir);
            }
            let server = config.serve(name)?;
            Ok(xbar_server(Rc::new(Inner { requests: Spares::new(), loans: Spares::new(), server })))
        };
        // SAFETY: the caller's promise.
        unsafe { hand_out(out, make) }
    })
}

/// How one number is set.
type Setter = fn(ServerConfig, u32) -> ServerConfig;

/// Receives into `request` what `receive` finds.
///
/// # Safety
///
/// As `xbar_server_try_recv`.
unsafe fn receive(
    server: *const xbar_server,
    request: *mut xbar_request,
    receive: impl for<'s> FnOnce(&'s Server) -> Result<Request<'s>, RequestError>,
) -> Result<(), Failure> {
    if request.is_null() {
        return Err(Failure::null("request"));
    }
    // SAFETY: the caller's promise.
    unsafe { request.write(NO_REQUEST) };
    // SAFETY: the caller's promise.
    let server = &unsafe { shared("server", server) }?.0;
    let received = receive(&server.server)?;
    let (data, len) = (received.as_ptr(), received.len());
    // SAFETY: it borrows from what `server` keeps, and goes before that (invariant).
    let received = unsafe { mem::transmute::<Request<'_>, Request<'static>>(received) };
    let place = server.requests.put(Asked { request: received, server: Rc::clone(server) });
    // SAFETY: the caller's promise.
    unsafe { request.write(xbar_request { data: data.cast(), len, internal: Box::into_raw(place).cast() }) };
    Ok(())
}

/// Receives the next request that somebody still waits for, if there is one: `XBAR_EMPTY` otherwise, `XBAR_LIMIT` when too many requests
/// are held.
///
/// # Safety
///
/// `server` is NULL or a handle that is not closed; `request` is NULL or may be written: what was in it is not looked at.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_server_try_recv(
    server: *const xbar_server,
    request: *mut xbar_request,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { receive(server, request, Server::try_recv) })
}

/// As `xbar_server_try_recv`, however long that takes.
///
/// # Safety
///
/// As `xbar_server_try_recv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_server_recv(
    server: *const xbar_server,
    request: *mut xbar_request,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { receive(server, request, Server::recv) })
}

/// As `xbar_server_try_recv`, waiting up to `timeout_ns`: then `XBAR_TIMEOUT`.
///
/// # Safety
///
/// As `xbar_server_try_recv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_server_recv_timeout(
    server: *const xbar_server,
    request: *mut xbar_request,
    timeout_ns: u64,
) -> xbar_result {
    // SAFETY: the caller's promise.
    enter(|| unsafe { receive(server, request, |server| server.recv_timeout(duration(timeout_ns))) })
}

/// The request that C has; it has none then.
///
/// # Safety
///
/// `request` is null, or one of [`receive`] or none.
unsafe fn take(request: *mut xbar_request) -> Result<Asked, Failure> {
    // SAFETY: the caller's promise.
    let request = unsafe { exclusive("request", request) }?;
    let place = mem::replace(request, NO_REQUEST).internal.cast::<Option<Asked>>();
    if !place.is_null() {
        // SAFETY: of `receive`, and not taken since.
        let mut place = unsafe { Box::from_raw(place) };
        if let Some(asked) = place.take() {
            asked.server.requests.keep(place);
            return Ok(asked);
        }
    }
    Err(Failure::invalid("the request was answered or dropped before: receive another"))
}

/// Answers a request with a copy of `len` bytes. Never waits. The request is over, whatever the result: its client is told when
/// there is no reply for it.
///
/// `XBAR_DISCONNECTED` when the client is gone, `XBAR_FULL` when it does not receive, `XBAR_TOO_LARGE` when the reply is.
///
/// # Safety
///
/// `request` is NULL or a request of this library, and no copy of it; `data` points to `len` bytes, or is NULL and `len` 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_request_reply(
    request: *mut xbar_request,
    data: *const c_void,
    len: usize,
) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        let data = unsafe { slice("data", data.cast::<u8>(), len) }?;
        // SAFETY: the caller's promise.
        let Asked { request, server: _server } = unsafe { take(request) }?;
        Ok(request.reply(data)?)
    })
}

/// Lends room for a reply of `len` bytes, to be written in place. The request is over, whatever the result.
///
/// # Safety
///
/// `request` is NULL or a request of this library, and no copy of it; `loan` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_request_loan(
    request: *mut xbar_request,
    len: usize,
    loan: *mut xbar_reply_loan,
) -> xbar_result {
    enter(|| {
        if loan.is_null() {
            return Err(Failure::null("loan"));
        }
        // SAFETY: the caller's promise.
        unsafe { loan.write(NO_LOAN) };
        // SAFETY: the caller's promise.
        let Asked { request, server } = unsafe { take(request) }?;
        let mut lent = request.loan(len)?;
        let (data, len) = (lent.as_mut_ptr(), lent.len());
        let keeper = Rc::clone(&server);
        let place = server.loans.put(Answer { loan: lent, server: keeper });
        // SAFETY: the caller's promise.
        unsafe {
            loan.write(xbar_reply_loan { data: data.cast(), len, internal: Box::into_raw(place).cast() })
        };
        Ok(())
    })
}

/// Time in ns that the client still waits; `XBAR_FOREVER` when it waits for ever, 0 for NULL and requests that are over.
///
/// # Safety
///
/// `request` is NULL or a request of this library, and no copy of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_request_time_left_ns(request: *const xbar_request) -> u64 {
    value(0, || {
        // SAFETY: the caller's promise.
        let place = unsafe { request.as_ref() }.map_or(ptr::null(), |request| request.internal.cast_const());
        // SAFETY: of `receive`, and not taken since.
        let asked = unsafe { place.cast::<Option<Asked>>().as_ref() };
        asked.and_then(Option::as_ref).map_or(0, |asked| {
            let left = asked.request.time_left();
            // A deadline is a number of nanoseconds, so what is left of it is too.
            left.map_or(XBAR_FOREVER, |left| u64::try_from(left.as_nanos()).unwrap_or(XBAR_FOREVER))
        })
    })
}

/// Drops a request: its client is told so. One that is over is left alone.
///
/// # Safety
///
/// `request` is NULL or a request of this library, and no copy of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_request_drop(request: *mut xbar_request) {
    value((), || {
        // SAFETY: the caller's promise.
        if let Ok(Asked { request, server: _server }) = unsafe { take(request) } {
            drop(request);
        }
    });
}

/// # Safety
///
/// `loan` is null, or one of `xbar_request_loan` or none.
unsafe fn take_loan(loan: *mut xbar_reply_loan) -> Result<Answer, Failure> {
    // SAFETY: the caller's promise.
    let loan = unsafe { exclusive("loan", loan) }?;
    let place = mem::replace(loan, NO_LOAN).internal.cast::<Option<Answer>>();
    if !place.is_null() {
        // SAFETY: of `xbar_request_loan`, and not taken since.
        let mut place = unsafe { Box::from_raw(place) };
        if let Some(answer) = place.take() {
            answer.server.loans.keep(place);
            return Ok(answer);
        }
    }
    Err(Failure::invalid("the reply was sent or abandoned before: receive another request"))
}

/// Sends the reply. Never waits. Results as of `xbar_request_reply`.
///
/// # Safety
///
/// `loan` is NULL or a loan of `xbar_request_loan`, and no copy of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_reply_loan_send(loan: *mut xbar_reply_loan) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        let Answer { loan, server: _server } = unsafe { take_loan(loan) }?;
        Ok(loan.send()?)
    })
}

/// Abandons the reply, and with it the request: its client is told so. One that is over is left alone.
///
/// # Safety
///
/// As `xbar_reply_loan_send`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_reply_loan_abandon(loan: *mut xbar_reply_loan) {
    value((), || {
        // SAFETY: the caller's promise.
        if let Ok(Answer { loan, server: _server }) = unsafe { take_loan(loan) } {
            drop(loan);
        }
    });
}

/// Requests that nobody waited for any more when they were received, and that were dropped therefore; 0 for NULL.
///
/// # Safety
///
/// `server` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_server_expired(server: *const xbar_server) -> u64 {
    // SAFETY: the caller's promise.
    value(0, || unsafe { server.as_ref() }.map_or(0, |handle| handle.0.server.expired()))
}

/// Closes the handle. Requests that are held may still be answered.
///
/// # Safety
///
/// `server` is NULL or a handle that nobody uses any more: closing one twice is undefined.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_server_close(server: *mut xbar_server) {
    // SAFETY: the caller's promise.
    unsafe { close(server) }
}
