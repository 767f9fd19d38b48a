//! Topics with both ends in one thread: the payload is written whole, and each of its cache lines read.

use std::hint::black_box;

use crate::bus::{Bus, Puts, Takes, Way, first, fresh_name};
use crate::case::{Case, Contender};
use crate::clock::{Plan, Round, time};
use crate::contract::Outcome;
use crate::limits::{self, Pages};
use crate::peers::{bcast, crossbar, iceoryx2, xbar, xchannel};

const LOST: &str = "a message that was sent is there";

/// The cases.
pub fn cases() -> Vec<Case> {
    vec![
        case("topic: by loan", 8, Way::Whole),
        with_streams("topic: by copy", 8, Way::Copy),
        with_streams("topic: by loan", 1024, Way::Whole),
        case("topic: by loan", 64 << 10, Way::Whole),
        case("topic: by loan", 1 << 20, Way::Whole),
    ]
}

fn case(name: &'static str, bytes: usize, way: Way) -> Case {
    Case::new("topic", name, bytes)
        .ours(contender::<xbar::Region>(bytes, way))
        .limit(copy(bytes))
        .peer(contender::<crossbar::Pool>(bytes, way))
        .peer(contender::<iceoryx2::Service>(bytes, way))
}

/// Beside streams of bytes too, which a topic is not: for messages as small as theirs are.
fn with_streams(name: &'static str, bytes: usize, way: Way) -> Case {
    case(name, bytes, way)
        .peer(contender::<bcast::Ring>(bytes, way).note(bcast::NOTE))
        .peer(contender::<xchannel::Log>(bytes, way).note(xchannel::NOTE))
}

fn copy(bytes: usize) -> Contender {
    let copy = Contender::bare("memcpy", move |plan| limits::copy(plan, bytes));
    copy.note("into one buffer, over and over; a topic keeps 8 messages, 1 from 64 KB on")
}

/// Sends and receives in one thread.
pub fn contender<B: Bus>(bytes: usize, way: Way) -> Contender {
    Contender::new(B::NAME, move || arrives::<B>(bytes, way), move |plan| one::<B>(plan, bytes, way))
}

/// Some messages, each compared.
fn arrives<B: Bus>(bytes: usize, way: Way) -> Outcome<()> {
    let name = fresh_name();
    let mut output = B::output(&name, bytes)?;
    let mut input = B::input(&name)?;
    for number in 0..50_u8 {
        let sent: Vec<u8> =
            (0..bytes).map(|index| (index as u8).wrapping_mul(31).wrapping_add(number)).collect();
        way.put(&mut output, &sent);
        if input.take(|arrived| arrived == sent) != Some(true) {
            return Err(format!("message {number} did not arrive as it was sent"));
        }
    }
    match input.take(<[u8]>::len) {
        None => Ok(()),
        Some(bytes) => Err(format!("a message of {bytes} bytes arrived that was never sent")),
    }
}

fn one<B: Bus>(plan: &Plan, bytes: usize, way: Way) -> Outcome<Round> {
    let name = fresh_name();
    let output = B::output(&name, bytes)?;
    let input = B::input(&name)?;
    let message = Pages::new(bytes, 7);
    // Which way it is, is not asked at every turn.
    Ok(match way {
        Way::Copy => turns::<B>(plan, output, input, &message, |output, bytes| output.copy(bytes)),
        Way::Whole => turns::<B>(plan, output, input, &message, |output, bytes| output.whole(bytes)),
        Way::Touch => turns::<B>(plan, output, input, &message, |output, bytes| {
            output.touch(bytes.len(), first(bytes));
        }),
    })
}

#[inline(always)]
fn turns<B: Bus>(
    plan: &Plan,
    mut output: B::Output,
    mut input: B::Input,
    message: &Pages,
    put: impl Fn(&mut B::Output, &[u8]),
) -> Round {
    time(plan, |_| {
        put(&mut output, black_box(message.as_ref()));
        black_box(input.take(limits::read).expect(LOST));
    })
}
