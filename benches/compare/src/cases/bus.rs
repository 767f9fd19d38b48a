//! Buses of plain values: both ends in one thread, and there and back between two processes.

use crate::bus::{Bus, Way};
use crate::case::{Case, Contender};
use crate::cases::topic_round_trip::{self, Message, Other};
use crate::cases::topic_same_thread;
use crate::limits;
use crate::peers::{crossbar, xbar};

/// Bytes of a value.
const BYTES: usize = 8;

/// The cases.
pub fn cases() -> Vec<Case> {
    vec![
        Case::new("bus", "bus: publish + receive", BYTES)
            .ours(same_thread::<xbar::Values>())
            .limit(Contender::bare("a bare store", limits::store))
            .peer(same_thread::<crossbar::Values>()),
        Case::new("bus", "bus: round trip, two processes", BYTES)
            .latency()
            .ours(round_trip::<xbar::Values>())
            .limit(Contender::bare("two bare atomics", limits::round_trip))
            .peer(round_trip::<crossbar::Values>()),
    ]
}

fn same_thread<B: Bus>() -> Contender {
    topic_same_thread::contender::<B>(BYTES, Way::Copy)
}

fn round_trip<B: Bus>() -> Contender {
    topic_round_trip::contender::<B>(Message { bytes: BYTES, way: Way::Copy }, Other::Process)
}
