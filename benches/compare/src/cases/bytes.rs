//! Byte rings: both ends in one thread, one by one and in bulk, and there and back between two cores.

use std::hint::black_box;

use crate::bus::{Bus, Puts, Way, Windows, fresh_name};
use crate::case::{Case, Contender};
use crate::cases::topic_round_trip::{self, Message, Other};
use crate::cases::topic_same_thread;
use crate::clock::{Plan, Round, time};
use crate::contract::Outcome;
use crate::limits::{self, Pages};
use crate::peers::{bcast, xbar_bytes};

/// Messages that are written before they are read in bulk.
const BATCH: usize = 64;
/// Bytes of each.
const BYTES: usize = 64;
/// What differs from ours.
const NOTE: &str = "in a mapped file; ours is on the heap";

/// The cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for bytes in [8, 64, 1024] {
        cases.push(
            Case::new("bytes", "bytes: publish + receive", bytes)
                .ours(topic_same_thread::contender::<xbar_bytes::Ring>(bytes, Way::Copy))
                .limit(Contender::bare("memcpy", move |plan| limits::copy(plan, bytes)))
                .peer(topic_same_thread::contender::<bcast::Ring>(bytes, Way::Copy).note(NOTE)),
        );
    }
    cases.push(Case::new("bytes", "bytes: bulk", BYTES).ours(bulk::<xbar_bytes::Ring>()).peer(
        bulk::<bcast::Ring>().note("64 messages; has no batches to write, so one by one; in a mapped file"),
    ));
    for bytes in [8, 64, 1024] {
        let message = Message { bytes, way: Way::Copy };
        cases.push(
            Case::new("bytes", "bytes: round trip, two threads", bytes)
                .latency()
                .ours(topic_round_trip::contender::<xbar_bytes::Ring>(message, Other::Thread))
                .limit(Contender::bare("two bare atomics", limits::round_trip))
                .peer(topic_round_trip::contender::<bcast::Ring>(message, Other::Thread).note(NOTE)),
        );
    }
    for bytes in [8, 64] {
        let message = Message { bytes, way: Way::Copy };
        cases.push(
            Case::new("bytes", "bytes: round trip, two processes", bytes)
                .latency()
                .ours(topic_round_trip::contender::<xbar_bytes::Shared>(message, Other::Process))
                .limit(Contender::bare("two bare atomics", limits::round_trip))
                .peer(topic_round_trip::contender::<bcast::Ring>(message, Other::Process)),
        );
    }
    cases
}

fn bulk<B: Bus>() -> Contender
where
    B::Input: Windows,
{
    Contender::new(B::NAME, arrives::<B>, turns::<B>)
}

/// Laps of windows, each message compared.
fn arrives<B: Bus>() -> Outcome<()>
where
    B::Input: Windows,
{
    let name = fresh_name();
    let (mut output, mut input) = (B::output(&name, BYTES)?, B::input(&name)?);
    for number in 0..100_u8 {
        let sent: Vec<[u8; BYTES]> = (0..BATCH as u8).map(|index| [number ^ index; BYTES]).collect();
        output.copy_many(sent.iter().map(|message| &message[..]));
        let mut arrived = Vec::new();
        while arrived.len() < BATCH && input.window(|message| arrived.push(message.to_vec())) > 0 {}
        if arrived != sent {
            return Err(format!("window {number} did not arrive as it was sent"));
        }
    }
    Ok(())
}

/// Time of a whole batch, there and in.
fn turns<B: Bus>(plan: &Plan) -> Outcome<Round>
where
    B::Input: Windows,
{
    let name = fresh_name();
    let (mut output, mut input) = (B::output(&name, BYTES)?, B::input(&name)?);
    let pages = Pages::new(BYTES, 7);
    let message = pages.as_ref();
    Ok(time(plan, |_| {
        output.copy_many((0..BATCH).map(|_| black_box(message)));
        let mut left = BATCH;
        while left > 0 {
            let taken = input.window(|message| {
                black_box(limits::read(message));
            });
            assert_ne!(taken, 0, "a message that was sent is there");
            left -= taken;
        }
    }))
}
