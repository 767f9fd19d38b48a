//! A pair of ends between two processes, as a TCP connection is, through a region of its own.
//!
//! The listener's region has a topic `/door`, where connectors knock, and for each connection n `/n/up` and `/n/down`, all
//! lossless; and `/listening`: whoever has it registered lives and accepts, and says so there once it hears knocks. The region lives
//! on with the connections when the listener does not: the next one joins it, and whoever waits to be accepted hears that it is there,
//! and knocks again. A connector takes a connection by registering its `/n/up`, which one publisher can have; the kernel's locks say when it is free again. The last
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

/// A knock at the door: the number of the connection, then the connector's own.
fn knock(n: u32, number: u64) -> [u8; 12] {
    let mut knock = [0; 12];
    knock[..4].copy_from_slice(&n.to_ne_bytes());
    knock[4..].copy_from_slice(&number.to_ne_bytes());
    knock
}

/// Both numbers of a knock, if it is one.
fn numbers_of(knock: &[u8]) -> Option<(u32, u64)> {
    let (n, number) = knock.split_at_checked(4)?;
    Some((u32::from_ne_bytes(n.try_into().ok()?), u64::from_ne_bytes(number.try_into().ok()?)))
}

/// A number that nobody else has at the same time, most probably.
pub(crate) fn nonce() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one((std::process::id(), xbar_shm::monotonic_ns()))
}
