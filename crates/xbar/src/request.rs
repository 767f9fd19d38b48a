//! Requests and replies: many clients of one server, any number of requests in flight.
//!
//! The server's region has a topic `/requests` of many publishers, and `/reply/n` for the client on publisher seat n, all
//! lossless; and `/serving`, which the one that serves has. The region lives on with the clients when the server does not: the next one
//! joins it. What was asked before may have been for its predecessor, so it says on `/serving` that it is there, and whoever waits is
//! told:
//! 1. It hears requests, then says so, then registers the replies. A client that finds its replies connected, and then nothing said,
//!    asks whoever serves now, and is answered.
//! 2. What a client asked before it found something said is over, except for the answers that are there already.
//!
//! A trailer behind each payload says whose request it is and until when it is worth an answer; so the payload
//! keeps its alignment. What a client receives that is not for it, of an earlier holder of its seat, it throws away.

mod client;
mod server;

use std::fmt;
use std::time::Duration;

use bytemuck::{Pod, Zeroable};

pub use client::{Client, Reply};
pub use server::{ReplyLoan, Request, Server, ServerConfig};

use crate::{PublishError, RecvError, RegionError, TopicConfig};

const REQUESTS: &str = "/requests";
const SERVING: &str = "/serving";

fn reply_topic(seat: u32) -> String {
    format!("/reply/{seat}")
}

fn requests() -> TopicConfig {
    TopicConfig::new().lossless().many_publishers()
}

/// What stands behind the payload of a request and of its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
struct Trailer {
    /// The client's number, which no other has at the same time.
    client: u64,
    /// The client's number for the request.
    id: u64,
    /// When the client stops waiting, in ns of the machine's monotonic clock; 0 = never.
    deadline_ns: u64,
    /// The client's publisher seat.
    seat: u32,
    /// [`ANSWERED`] or [`REFUSED`]; 0 in a request.
    status: u32,
}

const TRAILER_BYTES: usize = size_of::<Trailer>();

const ANSWERED: u32 = 1;
const REFUSED: u32 = 2;

/// A message's trailer, if it has one.
fn trailer_of(message: &[u8]) -> Option<Trailer> {
    let start = message.len().checked_sub(TRAILER_BYTES)?;
    Some(bytemuck::pod_read_unaligned(&message[start..]))
}

/// One request of one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(u64);

impl RequestId {
    /// As a number, for languages and protocols that have no such type.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The request of that number: of a number that its client never gave, [`RequestError::Unknown`] is all there is.
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a request has no reply, or a reply goes nowhere.
#[derive(Debug)]
#[non_exhaustive]
pub enum RequestError {
    /// Not in time.
    Timeout {
        /// How long was waited; `None` when the deadline was over before.
        waited: Option<Duration>,
    },
    /// The server dropped the request without an answer.
    Refused,
    /// The other side is gone.
    Disconnected,
    /// Nothing there yet.
    Empty,
    /// No such request of this client is in flight: answered, or given up already.
    Unknown {
        /// Which.
        id: RequestId,
    },
    /// The client has not received its earlier replies: there is no room for this one.
    Full,
    /// Too many received messages are held.
    TooManySamples {
        /// Messages that can be held at once.
        limit: usize,
    },
    /// What was received is no request and no reply.
    Damaged,
    /// The message cannot be sent.
    Publish(PublishError),
    /// The server cannot be had.
    Region(RegionError),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout { waited: Some(waited) } => write!(f, "no answer within {waited:?}"),
            Self::Timeout { waited: None } => write!(f, "the request's deadline is over"),
            Self::Refused => write!(f, "the server dropped the request without an answer"),
            Self::Disconnected => write!(f, "the other side is gone: connect again when it is there"),
            Self::Empty => write!(f, "nothing there yet"),
            Self::Unknown { id } => {
                write!(f, "request {id} of this client is not in flight: it was answered or given up")
            }
            Self::Full => write!(
                f,
                "the client has not received its earlier replies: there is no room for this one, create the server with \
                 a larger `depth`"
            ),
            Self::TooManySamples { limit } => {
                write!(f, "{limit} received messages are held, as many as may be: drop one")
            }
            Self::Damaged => write!(f, "what was received is no request and no reply: the region is damaged"),
            Self::Publish(error) => error.fmt(f),
            Self::Region(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RequestError {}

impl From<RegionError> for RequestError {
    fn from(error: RegionError) -> Self {
        Self::Region(error)
    }
}

impl From<PublishError> for RequestError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Full { .. } => Self::Full,
            error => Self::Publish(error),
        }
    }
}

impl From<RecvError> for RequestError {
    fn from(error: RecvError) -> Self {
        match error {
            RecvError::Timeout => Self::Timeout { waited: None },
            RecvError::Disconnected => Self::Disconnected,
            RecvError::TooManySamples { limit } => Self::TooManySamples { limit },
            _ => Self::Damaged,
        }
    }
}
