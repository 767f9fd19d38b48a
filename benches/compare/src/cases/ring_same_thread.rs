//! Rings with both ends in one thread: what the instructions cost.

use std::hint::black_box;

use crate::case::{Case, Contender};
use crate::clock::{Plan, Round, time};
use crate::contract::{Channel, Outcome, Payload, Receives, Sends};
use crate::limits;
use crate::peers::{hft_channel, photon_ring, rtrb, xbar_ring};

/// Slots of every ring here.
const SLOTS: usize = 1024;
const BATCH: usize = 64;
const LOST: &str = "a message that was sent is there";

/// The cases.
pub fn cases() -> Vec<Case> {
    vec![
        publish_receive::<u64>().limit(Contender::bare("a bare store", limits::store)),
        publish_receive::<[u64; 32]>().limit(copy(256)),
        publish_receive::<[u64; 128]>().limit(copy(1024)),
        Case::new("ring", "ring: publish alone", 8)
            .ours(contender::<xbar_ring::Lossy, u64>("xbar", publish::<xbar_ring::Lossy>))
            .limit(Contender::bare("a bare store", limits::store))
            .peer(contender::<photon_ring::Lossy, u64>("photon-ring", publish::<photon_ring::Lossy>))
            .peer(contender::<hft_channel::Local, u64>("hft-channel", publish::<hft_channel::Local>)),
        Case::new("ring", "ring: receive, nothing there", 8)
            .ours(contender::<xbar_ring::Lossy, u64>("xbar", empty::<xbar_ring::Lossy>))
            .peer(contender::<photon_ring::Lossy, u64>("photon-ring", empty::<photon_ring::Lossy>))
            .peer(contender::<hft_channel::Local, u64>("hft-channel", empty::<hft_channel::Local>))
            .peer(contender::<rtrb::Pair, u64>("rtrb", empty::<rtrb::Pair>)),
        Case::new("ring", "ring: many writers, publish + receive", 8)
            .ours(contender::<xbar_ring::Many, u64>("xbar", one::<xbar_ring::Many, u64>))
            .peer(contender::<photon_ring::Many, u64>("photon-ring", one::<photon_ring::Many, u64>)),
        Case::new("ring", "ring: batch of 64", 8)
            .ours(contender::<xbar_ring::Lossy, u64>("xbar", batch::<xbar_ring::Lossy>))
            .peer(contender::<photon_ring::Lossy, u64>("photon-ring", batch::<photon_ring::Lossy>))
            .peer(
                contender::<hft_channel::Local, u64>("hft-channel", batch::<hft_channel::Local>)
                    .note("has no batches: one by one"),
            )
            .peer(contender::<rtrb::Pair, u64>("rtrb", batch::<rtrb::Pair>).note("lossless, one reader")),
    ]
}

fn publish_receive<T: Payload>() -> Case {
    Case::new("ring", "ring: publish + receive", T::BYTES)
        .ours(contender::<xbar_ring::Lossy, T>("xbar", one::<xbar_ring::Lossy, T>))
        .peer(contender::<photon_ring::Lossy, T>("photon-ring", one::<photon_ring::Lossy, T>))
        .peer(contender::<hft_channel::Local, T>("hft-channel", one::<hft_channel::Local, T>))
        .peer(contender::<rtrb::Pair, T>("rtrb", one::<rtrb::Pair, T>).note("lossless, one reader"))
}

fn copy(bytes: usize) -> Contender {
    Contender::bare("memcpy", move |plan| limits::copy(plan, bytes))
}

fn contender<C: Channel<T>, T: Payload>(name: &'static str, run: fn(&Plan) -> Round) -> Contender {
    Contender::new(name, arrives::<C, T>, move |plan| Ok(run(plan)))
}

/// Three laps of messages, each compared.
fn arrives<C: Channel<T>, T: Payload>() -> Outcome<()> {
    let (mut sender, [mut receiver]) = C::open::<1>(SLOTS);
    for number in 0..3 * SLOTS as u64 {
        let sent = T::filled(number);
        sender.send(&sent);
        if receiver.take(|value| *value == sent) != Some(true) {
            return Err(format!("message {number} did not arrive as it was sent"));
        }
    }
    let values: Vec<T> = (0..BATCH as u64).map(T::filled).collect();
    let mut taken = Vec::new();
    sender.send_many(&values);
    while taken.len() < BATCH && receiver.drain(BATCH, |value| taken.push(*value)) > 0 {}
    if taken != values {
        return Err("a batch did not arrive as it was sent".into());
    }
    match receiver.take(|value| *value) {
        None => Ok(()),
        Some(value) => Err(format!("a message that was never sent arrived: {value:?}")),
    }
}

/// Reads a message: all of it must be there. A small one as a value, so that the harness does not add a way through memory to
/// what is measured in single nanoseconds (and a reference that `black_box` sees may lead into a handle, which then
/// would have to stay in memory); a large one where it lies.
#[inline(always)]
fn look<T: Copy>(value: &T) {
    if size_of::<T>() <= 64 {
        black_box(*value);
    } else {
        black_box(value);
    }
}

/// `value` as message `number`, unknown to the compiler: a small one as a value, a large one where it lies, as in [`look`].
#[inline(always)]
fn prepared<T: Payload>(value: &mut T, number: u64) -> &T {
    value.number(number);
    if size_of::<T>() <= 64 {
        *value = black_box(*value);
        value
    } else {
        black_box(value)
    }
}

fn one<C: Channel<T>, T: Payload>(plan: &Plan) -> Round {
    let (mut sender, [mut receiver]) = C::open::<1>(SLOTS);
    let mut value = T::filled(0);
    time(plan, |n| {
        sender.send(prepared(&mut value, n));
        receiver.take(look).expect(LOST);
    })
}

fn publish<C: Channel<u64>>(plan: &Plan) -> Round {
    let (mut sender, []) = C::open::<0>(SLOTS);
    let mut value = 0;
    time(plan, |n| sender.send(prepared(&mut value, n)))
}

fn empty<C: Channel<u64>>(plan: &Plan) -> Round {
    let (_sender, [mut receiver]) = C::open::<1>(SLOTS);
    time(plan, |_| {
        black_box(receiver.take(look).is_some());
    })
}

fn batch<C: Channel<u64>>(plan: &Plan) -> Round {
    let (mut sender, [mut receiver]) = C::open::<1>(SLOTS);
    let values: [u64; BATCH] = std::array::from_fn(|index| index as u64);
    time(plan, |_| {
        sender.send_many(black_box(&values));
        let mut left = BATCH;
        while left > 0 {
            let taken = receiver.drain(left, look);
            assert_ne!(taken, 0, "{LOST}");
            left -= taken;
        }
    })
}
