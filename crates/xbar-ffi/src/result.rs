//! The one result of all calls.

/// What became of a call. `xbar_last_error` has the words for all but `XBAR_OK`. Later versions may have more results: take
/// those that you do not know for failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum xbar_result {
    /// Done.
    XBAR_OK = 0,
    /// Nothing there yet.
    XBAR_EMPTY = 1,
    /// Not in time.
    XBAR_TIMEOUT = 2,
    /// Messages were lost before they were received: `missed` says how many. Told once; the next receive goes on behind the gap.
    XBAR_LAGGED = 3,
    /// The other side left or died, and everything that it sent was received.
    XBAR_DISCONNECTED = 4,
    /// No room: the slowest reader of a lossless topic has not received the oldest message. Nothing was sent.
    XBAR_FULL = 5,
    /// The wait was ended by `xbar_shutdown_stop`.
    XBAR_STOPPED = 6,
    /// The server dropped the request without an answer.
    XBAR_REFUSED = 7,
    /// A pointer is NULL where it may not be, a length or number is impossible, a text is not UTF-8, or something was used
    /// that was released before.
    XBAR_INVALID = 16,
    /// A region, topic, pattern, log or cursor cannot have that name.
    XBAR_BAD_NAME = 17,
    /// A configuration that cannot work.
    XBAR_BAD_CONFIG = 18,
    /// There is no such region, topic, bus, server or log; or no such request in flight.
    XBAR_NOT_FOUND = 19,
    /// The region is there, and all its publishers are gone.
    XBAR_NO_PUBLISHER = 20,
    /// Somebody alive has it: the name of a region, a topic of one publisher, the writing end of a log.
    XBAR_TAKEN = 21,
    /// It is there, and something else than was asked for: another type, kind, depth or configuration.
    XBAR_DIFFERS = 22,
    /// As many as there can be: participants, topics, streams, loans, samples.
    XBAR_LIMIT = 23,
    /// The message is longer than what fits.
    XBAR_TOO_LARGE = 24,
    /// There is not enough memory, disk, or free blocks.
    XBAR_NO_SPACE = 25,
    /// The topic is not pinned.
    XBAR_NOT_PINNED = 26,
    /// Files or memory are damaged. Of a log: `missed` says how many messages that cost, and the next read goes on behind them.
    XBAR_DAMAGED = 27,
    /// The operating system says no: rights, limits, files.
    XBAR_SYSTEM = 28,
    /// The handle is a copy in a forked child: it belongs to the parent.
    XBAR_FORKED = 29,
    /// A defect of xbar: please report it. The handles of the call may only be closed.
    XBAR_PANIC = 99,
}
