//! A pair of ends between two processes, as a TCP connection is, through a region of its own.
//!
//! The listener's region has a topic `/door`, where connectors knock, and for each connection n `/n/up` and `/n/down`, all
//! lossless; and `/listening`, on which nothing is sent: whoever has it registered lives and accepts. A connector takes a
//! connection by registering its `/n/up`, which one publisher can have; the kernel's locks say when it is free again. The last
//! byte of each message says what it is, so that the payload in front of it keeps its alignment.
//!
//! A connector may give up or be killed at any time, and its knock stays. So it says its number on `/n/up` before it knocks, and
//! the listener answers with it on `/n/down`:
//! 1. Nobody has `/n/up`: the knock is of the past.
//! 2. Another has, and has said its number: it does not match the knock, which is of the past.
//! 3. Another has, and has not said its number yet: the listener's end is for one that is gone. It finds the other's number in
//!    its stream, and is disconnected; the other finds the wrong number, and takes another connection.

mod ends;
mod error;
mod listening;

pub use ends::{Channel, ChannelLoan, Received};
pub use error::ChannelError;
pub use listening::{ChannelConfig, Listener};

use crate::TopicConfig;

const DOOR: &str = "/door";
const LISTENING: &str = "/listening";

/// A knock at the door: the number of the connection, then the connector's own.
const KNOCK_BYTES: usize = 12;

/// Seats besides those of the connections' ends: the listener's, and one for a connector that finds all taken.
const SPARE_SEATS: u32 = 2;

/// Last byte of a message: payload.
const DATA: u8 = 0;
/// Last byte of the first message of each end; in front of it the connector's number.
const HELLO: u8 = 1;
/// Last byte of a message: nothing more will be sent.
const END: u8 = 2;

fn up(n: u32) -> String {
    format!("/{n}/up")
}

fn down(n: u32) -> String {
    format!("/{n}/down")
}

fn door() -> TopicConfig {
    TopicConfig::new().lossless().many_publishers()
}

fn hello(number: u64) -> [u8; 9] {
    let mut hello = [HELLO; 9];
    hello[..8].copy_from_slice(&number.to_ne_bytes());
    hello
}

/// A number that nobody else has at the same time, most probably.
pub(crate) fn nonce() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one((std::process::id(), xbar_shm::monotonic_ns()))
}
