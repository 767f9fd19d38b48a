//! Pinned topics with both ends in one thread: the latest message is written whole, and each of its cache lines read.

use std::hint::black_box;

use crate::bus::{Bus, Takes, Way, fresh_name};
use crate::case::{Case, Contender};
use crate::clock::{Plan, Round, time};
use crate::contract::Outcome;
use crate::limits::{self, Pages};
use crate::peers::{crossbar, xbar};

/// The cases.
pub fn cases() -> Vec<Case> {
    [8, 1024].into_iter().map(case).collect()
}

fn case(bytes: usize) -> Case {
    let peer = contender::<crossbar::Pinned>(bytes, false);
    Case::new("pinned", "pinned: by loan", bytes)
        .ours(contender::<xbar::Pinned>(bytes, true))
        .limit(Contender::bare("memcpy", move |plan| limits::copy(plan, bytes)))
        .peer(peer.note("gives each message once"))
}

/// `stays`: a message may be received again, as long as there is no newer one.
fn contender<B: Bus>(bytes: usize, stays: bool) -> Contender {
    Contender::new(B::NAME, move || is_latest::<B>(bytes, stays), move |plan| one::<B>(plan, bytes))
}

/// Some messages, each compared; then the last, which is still the latest where it stays.
fn is_latest<B: Bus>(bytes: usize, stays: bool) -> Outcome<()> {
    let name = fresh_name();
    let mut output = B::output(&name, bytes)?;
    let mut input = B::input(&name)?;
    let message = |number: u8| -> Vec<u8> {
        (0..bytes).map(|index| (index as u8).wrapping_mul(31).wrapping_add(number)).collect()
    };
    for number in 0..50 {
        let sent = message(number);
        Way::Whole.put(&mut output, &sent);
        if input.take(|arrived| arrived == sent) != Some(true) {
            return Err(format!("message {number} did not arrive as it was sent"));
        }
    }
    match input.take(|arrived| arrived == message(49)) {
        Some(true) => Ok(()),
        None if !stays => Ok(()),
        _ => Err("the latest message is there no more".into()),
    }
}

fn one<B: Bus>(plan: &Plan, bytes: usize) -> Outcome<Round> {
    let name = fresh_name();
    let mut output = B::output(&name, bytes)?;
    let mut input = B::input(&name)?;
    let message = Pages::new(bytes, 7);
    Ok(time(plan, |_| {
        Way::Whole.put(&mut output, black_box(message.as_ref()));
        black_box(input.take(limits::read).expect("the latest message is there"));
    }))
}
