//! One writer and ever more readers, all in one thread: each message goes to each reader, and a turn is one message to all of them.

use std::hint::black_box;

use crate::bus::{Bus, Puts, Takes, fresh_name};
use crate::case::{Case, Contender};
use crate::clock::{Plan, Round, time};
use crate::contract::{Channel, Outcome, Receives, Sends};
use crate::limits;
use crate::peers::{
    bcast, bus, crossbar, hft_channel, iceoryx2, photon_ring, xbar, xbar_ring, xbar_ring_lossless, xchannel,
};

/// Readers of the cases of a series.
pub const READERS: [u64; 6] = [1, 2, 5, 10, 20, 50];
/// How the cases are called; goals and plots know them by that.
pub const SERIES: [&str; 3] =
    ["fan-out: lossy ring, readers", "fan-out: lossless ring, readers", "fan-out: topic by copy, readers"];

const BYTES: usize = 8;
const SLOTS: usize = 1024;
/// Messages that are compared before anything is timed.
const COMPARED: u64 = 3 * SLOTS as u64;
const LOST: &str = "a message that was sent is there";

/// The cases.
pub fn cases() -> Vec<Case> {
    let [lossy, lossless, topic] = SERIES;
    let mut cases = series(lossy, |index| {
        vec![
            ring::<xbar_ring::Lossy>("xbar", index),
            ring::<photon_ring::Lossy>("photon-ring", index),
            ring::<hft_channel::Local>("hft-channel", index),
        ]
    });
    cases.extend(series(lossless, |index| {
        vec![
            ring::<xbar_ring_lossless::Bounded>("xbar", index),
            ring::<photon_ring::Bounded>("photon-ring", index),
            ring::<bus::Broadcast>("bus", index),
        ]
    }));
    cases.extend(series(topic, |index| {
        let readers = READERS[index] as usize;
        vec![
            topics::<xbar::Region>(readers),
            topics::<crossbar::Pool>(readers),
            topics::<iceoryx2::Service>(readers),
            topics::<bcast::Ring>(readers).note(bcast::NOTE),
            topics::<xchannel::Log>(readers).note(xchannel::NOTE),
        ]
    }));
    cases
}

/// Cases for all counts of readers, of `contenders` for the one at an index, ours first.
fn series(name: &'static str, contenders: impl Fn(usize) -> Vec<Contender>) -> Vec<Case> {
    let case = |(index, readers): (usize, &u64)| {
        let mut contenders = contenders(index).into_iter();
        let ours = contenders.next().expect("ours");
        contenders.fold(Case::new("fan-out", name, BYTES).at(*readers).ours(ours), Case::peer)
    };
    READERS.iter().enumerate().map(case).collect()
}

fn ring<C: Channel<u64>>(name: &'static str, index: usize) -> Contender {
    // A count of readers is part of a type.
    let check: [fn() -> Outcome<()>; READERS.len()] = [
        arrives::<C, 1>,
        arrives::<C, 2>,
        arrives::<C, 5>,
        arrives::<C, 10>,
        arrives::<C, 20>,
        arrives::<C, 50>,
    ];
    let run: [fn(&Plan) -> Round; READERS.len()] =
        [turns::<C, 1>, turns::<C, 2>, turns::<C, 5>, turns::<C, 10>, turns::<C, 20>, turns::<C, 50>];
    let (check, run) = (check[index], run[index]);
    Contender::new(name, check, move |plan| Ok(run(plan)))
}

fn arrives<C: Channel<u64>, const READERS: usize>() -> Outcome<()> {
    let (mut sender, mut receivers) = C::open::<READERS>(SLOTS);
    for number in 0..COMPARED {
        sender.send(&number);
        if !receivers.iter_mut().all(|receiver| receiver.take(|value| *value) == Some(number)) {
            return Err(format!("message {number} did not arrive everywhere as it was sent"));
        }
    }
    if receivers.iter_mut().any(|receiver| receiver.take(|value| *value).is_some()) {
        return Err("a message arrived that was never sent".into());
    }
    Ok(())
}

fn turns<C: Channel<u64>, const READERS: usize>(plan: &Plan) -> Round {
    let (mut sender, mut receivers) = C::open::<READERS>(SLOTS);
    time(plan, |number| {
        sender.send(&black_box(number));
        for receiver in &mut receivers {
            black_box(receiver.take(|value| *value).expect(LOST));
        }
    })
}

fn topics<B: Bus>(readers: usize) -> Contender {
    Contender::new(B::NAME, move || reach_all::<B>(readers), move |plan| topic_turns::<B>(plan, readers))
}

fn open<B: Bus>(readers: usize) -> Outcome<(B::Output, Vec<B::Input>)> {
    let name = fresh_name();
    let output = B::output_to(&name, BYTES, readers)?;
    Ok((output, B::inputs(&name, readers)?))
}

fn reach_all<B: Bus>(readers: usize) -> Outcome<()> {
    let (mut output, mut inputs) = open::<B>(readers)?;
    for number in 0..50_u64 {
        let sent = number.to_le_bytes();
        output.copy(&sent);
        if !inputs.iter_mut().all(|input| input.take(|arrived| arrived == sent) == Some(true)) {
            return Err(format!("message {number} did not arrive everywhere as it was sent"));
        }
    }
    if inputs.iter_mut().any(|input| input.take(<[u8]>::len).is_some()) {
        return Err("a message arrived that was never sent".into());
    }
    Ok(())
}

fn topic_turns<B: Bus>(plan: &Plan, readers: usize) -> Outcome<Round> {
    let (mut output, mut inputs) = open::<B>(readers)?;
    Ok(time(plan, |number| {
        output.copy(black_box(&number.to_le_bytes()));
        for input in &mut inputs {
            black_box(input.take(limits::read).expect(LOST));
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case_has_as_many_readers_as_it_says() {
        // One message too few or too many, and a check fails: it compares what each of them has.
        for case in cases() {
            for contender in case.ours.iter().chain(&case.peers) {
                contender.check().unwrap_or_else(|error| panic!("{} {:?}: {error}", contender.name, case.at));
            }
        }
    }
}
