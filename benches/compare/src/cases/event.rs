//! Events in place: how many a second pass from one core to another, and how long a burst takes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use super::throughput::{BATCH, contender, flow, flow_of_many, writers_note};
use crate::case::{Case, Contender};
use crate::clock::{Plan, Round, time};
use crate::contract::{Channel, Outcome, Receives, Sends};
use crate::peers::{disruptor, xbar_event};
use crate::pin::pin;

const SLOTS: usize = 1024;
/// Bursts that are compared before anything is timed.
const COMPARED: u64 = 1000;
/// Ends the reader of bursts.
const OVER: u64 = u64::MAX;

/// The cases.
pub fn cases() -> Vec<Case> {
    let flows = vec![
        Case::new("event", "event: one producer, one by one", 8)
            .two_cores()
            .ours(contender("xbar", flow::<xbar_event::Single, 1>))
            .peer(contender("disruptor", flow::<disruptor::Single, 1>)),
        Case::new("event", "event: one producer, batches of 64", 8)
            .two_cores()
            .ours(contender("xbar", flow::<xbar_event::Single, BATCH>))
            .peer(contender("disruptor", flow::<disruptor::Single, BATCH>)),
        Case::new("event", "event: many producers", 8)
            .two_cores()
            .ours(contender("xbar", flow_of_many::<xbar_event::Multi>).note(writers_note()))
            .peer(contender("disruptor", flow_of_many::<disruptor::Multi>)),
    ];
    let bursts = [1, 10, 100].map(|size| {
        [
            Case::new("event", "event: a burst until it is handled", 8)
                .two_cores()
                .at(size)
                .latency()
                .ours(burst::<xbar_event::Single>("xbar", size))
                .peer(burst::<disruptor::Single>("disruptor", size)),
            Case::new("event", "event: a burst of a cloned producer until it is handled", 8)
                .two_cores()
                .at(size)
                .latency()
                .ours(burst::<xbar_event::Multi>("xbar", size))
                .peer(burst::<disruptor::Multi>("disruptor", size)),
        ]
    });
    flows.into_iter().chain(bursts.into_iter().flatten()).collect()
}

fn burst<C: Channel<u64>>(name: &'static str, size: u64) -> Contender {
    let compared = Plan::at_once(0, COMPARED);
    Contender::new(name, move || bursts::<C>(&compared, size).map(drop), move |plan| bursts::<C>(plan, size))
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct Line(AtomicU64);

/// `size` events one by one, until another core has handled the last of them.
fn bursts<C: Channel<u64>>(plan: &Plan, size: u64) -> Outcome<Round> {
    let (mut sender, [mut receiver]) = C::open::<1>(SLOTS);
    let (ready, handled) = (Arc::new(Barrier::new(2)), Arc::new(Line::default()));
    let (theirs, there) = (Arc::clone(&ready), Arc::clone(&handled));
    let reading = thread::spawn(move || {
        pin(1);
        theirs.wait();
        let (mut last, mut in_order) = (0, true);
        while last != OVER {
            receiver.drain(usize::MAX, |number| {
                in_order &= *number == last + 1 || *number == OVER;
                last = *number;
                there.0.store(last, Ordering::Release);
            });
        }
        in_order
    });
    ready.wait();
    let mut number = 0;
    let round = time(plan, |_| {
        for _ in 0..size {
            number += 1;
            sender.send(&number);
        }
        while handled.0.load(Ordering::Acquire) != number {}
    });
    sender.send(&OVER);
    if !reading.join().expect("the reading thread ends") {
        return Err(format!("{number} events were not handled in order"));
    }
    Ok(round)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_bursts_are_handled() {
        let plan = Plan { singles: 10, ..Plan::at_once(1, 10) };
        for size in [1, 10, 100] {
            assert!(bursts::<xbar_event::Single>(&plan, size).is_ok());
            assert!(bursts::<disruptor::Multi>(&plan, size).is_ok());
        }
    }
}
