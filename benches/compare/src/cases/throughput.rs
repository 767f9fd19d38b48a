//! Lossless rings between two cores: how many messages a second arrive.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use crate::case::{Case, Contender};
use crate::clock::{Plan, Round, per_turn};
use crate::contract::{Channel, ManyWriters, Outcome, Receives, Sends};
use crate::peers::{bus, crossbeam_channel, disruptor, photon_ring, rtrb, xbar_ring_lossless};
use crate::pin::{cores, pin};

const SLOTS: usize = 1024;
/// Messages that a batch has.
pub(super) const BATCH: usize = 64;
/// Messages that are counted and compared before anything is timed.
const COMPARED: u64 = 10 * SLOTS as u64;

/// The cases.
pub fn cases() -> Vec<Case> {
    vec![
        Case::new("throughput", "throughput: lossless, one by one", 8)
            .two_cores()
            .ours(contender("xbar", flow::<xbar_ring_lossless::Bounded, 1>))
            .peer(contender("disruptor", flow::<disruptor::Single, 1>))
            .peer(contender("rtrb", flow::<rtrb::Pair, 1>))
            .peer(contender("photon-ring", flow::<photon_ring::Bounded, 1>))
            .peer(contender("bus", flow::<bus::Broadcast, 1>))
            .peer(contender("crossbeam-channel", flow::<crossbeam_channel::Bounded, 1>)),
        Case::new("throughput", "throughput: lossless, batches of 64", 8)
            .two_cores()
            .ours(contender("xbar", flow::<xbar_ring_lossless::Bounded, BATCH>))
            .peer(contender("disruptor", flow::<disruptor::Single, BATCH>))
            .peer(contender("rtrb", flow::<rtrb::Pair, BATCH>))
            .peer(contender("photon-ring", flow::<photon_ring::Bounded, BATCH>)),
        Case::new("throughput", "throughput: lossless, many writers", 8)
            .two_cores()
            .ours(contender("xbar", flow_of_many::<xbar_ring_lossless::ManyBounded>).note(writers_note()))
            .peer(contender("disruptor", flow_of_many::<disruptor::Multi>))
            .peer(contender("crossbeam-channel", flow_of_many::<crossbeam_channel::Bounded>)),
    ]
}

pub(super) fn contender(name: &'static str, run: fn(&Plan) -> Outcome<Round>) -> Contender {
    Contender::new(name, move || run(&Plan::at_once(0, COMPARED)).map(drop), run)
}

/// Writing threads: two, when there is a core for each besides the reader's.
fn writers() -> usize {
    cores().len().saturating_sub(1).clamp(1, 2)
}

pub(super) fn writers_note() -> &'static str {
    match writers() {
        1 => "two writing ends, used alternately by one thread",
        _ => "two writing threads",
    }
}

/// The times at which a reader had `plan.warm` messages and all of them, and the sum of their numbers.
struct Arrival {
    warm: Instant,
    all: Instant,
    sum: u64,
    in_order: bool,
}

/// Takes everything that `plan` sends.
#[inline(always)]
fn read(plan: &Plan, receiver: &mut impl Receives<u64>) -> Arrival {
    let (mut got, mut sum, mut in_order) = (0, 0_u64, true);
    let mut until = |count: u64| {
        while got < count {
            let most = (count - got) as usize;
            receiver.drain(most, |number| {
                in_order &= *number == got;
                sum = sum.wrapping_add(*number);
                got += 1;
            });
        }
        Instant::now()
    };
    let times = [plan.warm, plan.warm + plan.turns].map(&mut until);
    let [warm, all] = times;
    Arrival { warm, all, sum, in_order }
}

/// What a reader saw, if it is what was sent: 0, 1, 2 .. as sum, and from one writer also in this order.
fn judge(plan: &Plan, arrival: &Arrival, one_writer: bool) -> Outcome<Round> {
    let count = plan.warm + plan.turns;
    let expected = (0..count).fold(0, u64::wrapping_add);
    if arrival.sum != expected || (one_writer && !arrival.in_order) {
        return Err(format!("{count} messages did not arrive as they were sent"));
    }
    Ok(Round { ns: per_turn(plan.turns, arrival.all - arrival.warm), singles: Vec::new() })
}

/// One writer, one reader. The loop of the writer needs no `black_box`: another thread sees what it writes.
pub(super) fn flow<C: Channel<u64>, const AT_ONCE: usize>(plan: &Plan) -> Outcome<Round> {
    let (mut sender, [mut receiver]) = C::open::<1>(SLOTS);
    let ready = Arc::new(Barrier::new(2));
    let (theirs, their_plan) = (Arc::clone(&ready), *plan);
    let reading = thread::spawn(move || {
        pin(1);
        theirs.wait();
        read(&their_plan, &mut receiver)
    });
    ready.wait();
    let count = plan.warm + plan.turns;
    let mut number = 0;
    while number < count {
        if AT_ONCE == 1 {
            sender.send(&number);
            number += 1;
        } else {
            let values: [u64; AT_ONCE] = std::array::from_fn(|index| number + index as u64);
            let left = (count - number).min(AT_ONCE as u64);
            sender.send_many(&values[..left as usize]);
            number += left;
        }
    }
    let arrival = reading.join().expect("the reading thread ends");
    judge(plan, &arrival, true)
}

/// Two writing ends, even numbers through one, odd ones through the other.
pub(super) fn flow_of_many<C: ManyWriters<u64>>(plan: &Plan) -> Outcome<Round> {
    let (even, [mut receiver]) = C::open::<1>(SLOTS);
    let odd = C::another(&even);
    let ready = Arc::new(Barrier::new(1 + writers()));
    let (theirs, their_plan) = (Arc::clone(&ready), *plan);
    let reading = thread::spawn(move || {
        pin(1);
        theirs.wait();
        read(&their_plan, &mut receiver)
    });
    let count = plan.warm + plan.turns;
    if writers() == 1 {
        let (mut even, mut odd) = (even, odd);
        ready.wait();
        for number in 0..count {
            if number % 2 == 0 { even.send(&number) } else { odd.send(&number) }
        }
    } else {
        let theirs = Arc::clone(&ready);
        let writing = thread::spawn(move || {
            pin(2);
            theirs.wait();
            write(odd, (1..count).step_by(2));
        });
        ready.wait();
        write(even, (0..count).step_by(2));
        writing.join().expect("the writing thread ends");
    }
    let arrival = reading.join().expect("the reading thread ends");
    judge(plan, &arrival, false)
}

fn write(mut sender: impl Sends<u64>, numbers: impl Iterator<Item = u64>) {
    for number in numbers {
        sender.send(&number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrives_wrong_is_no_figure() {
        let now = Instant::now();
        let plan = Plan::at_once(2, 2);
        let arrival = |sum, in_order| Arrival { warm: now, all: now, sum, in_order };
        assert!(judge(&plan, &arrival(6, true), true).is_ok());
        assert!(judge(&plan, &arrival(6, false), true).is_err());
        assert!(judge(&plan, &arrival(6, false), false).is_ok());
        assert!(judge(&plan, &arrival(7, true), true).is_err());
    }

    #[test]
    fn small_flows_arrive() {
        let plan = Plan::at_once(10, 3000);
        assert!(flow::<rtrb::Pair, 1>(&plan).is_ok());
        assert!(flow::<rtrb::Pair, BATCH>(&plan).is_ok());
        assert!(flow_of_many::<crossbeam_channel::Bounded>(&plan).is_ok());
    }
}
