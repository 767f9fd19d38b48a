//! Rings between two cores: there and back.

use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;

use crate::case::{Case, Contender};
use crate::clock::{Plan, Round, time};
use crate::contract::{Channel, Outcome, Payload, Receives, Sends};
use crate::limits;
use crate::peers::{hft_channel, photon_ring, rtrb, xbar_ring};
use crate::pin::pin;

const SLOTS: usize = 1024;
/// The message behind which the answering thread ends.
const END: u64 = u64::MAX;
/// Trips whose answers are compared word by word before anything is timed.
const COMPARED: u64 = 3 * SLOTS as u64;

/// The cases.
pub fn cases() -> Vec<Case> {
    vec![case::<u64>(), case::<[u64; 7]>()]
}

fn case<T: Payload>() -> Case {
    Case::new("ring", "ring: round trip, two threads", T::BYTES)
        .latency()
        .ours(contender::<xbar_ring::Lossy, T>("xbar"))
        .limit(Contender::bare("two bare atomics", limits::round_trip))
        .peer(contender::<photon_ring::Lossy, T>("photon-ring"))
        .peer(contender::<hft_channel::Local, T>("hft-channel"))
        .peer(contender::<rtrb::Pair, T>("rtrb").note("lossless, one reader"))
}

fn contender<C: Channel<T>, T: Payload>(name: &'static str) -> Contender {
    Contender::new(name, arrives::<C, T>, |plan| Ok(trips::<C, T>(plan)))
}

/// Runs `work` with a channel there and one back, and a thread on another core that sends everything back.
fn with_answers<C: Channel<T>, T: Payload, R>(
    work: impl FnOnce(C::Sender, C::Receiver) -> (R, C::Sender),
) -> R {
    let (there, [mut arriving]) = C::open::<1>(SLOTS);
    let (mut back, [returning]) = C::open::<1>(SLOTS);
    let ready = Arc::new(Barrier::new(2));
    let theirs = Arc::clone(&ready);
    let answering = thread::spawn(move || {
        pin(1);
        theirs.wait();
        loop {
            let end = arriving.wait(|value| {
                let end = value.which() == END;
                if !end {
                    back.send(value);
                }
                end
            });
            if end {
                return;
            }
        }
    });
    ready.wait();
    let (result, mut there) = work(there, returning);
    there.send(&T::filled(END));
    answering.join().expect("the answering thread ends");
    result
}

fn arrives<C: Channel<T>, T: Payload>() -> Outcome<()> {
    with_answers::<C, T, _>(|mut there, mut returning| {
        for number in 0..COMPARED {
            let sent = T::filled(number);
            there.send(&sent);
            if !returning.wait(|value| *value == sent) {
                return (Err(format!("message {number} did not come back as it was sent")), there);
            }
        }
        (Ok(()), there)
    })
}

fn trips<C: Channel<T>, T: Payload>(plan: &Plan) -> Round {
    with_answers::<C, T, _>(|mut there, mut returning| {
        let mut value = T::filled(0);
        let round = time(plan, |n| {
            value.number(n);
            there.send(black_box(&value));
            let answer = returning.wait(T::which);
            assert_eq!(black_box(answer), n, "another message came back");
        });
        (round, there)
    })
}
