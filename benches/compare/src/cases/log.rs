//! Logs: both ends in one thread, there and back between two, and a reader that tails a writer at full speed.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use super::topic_round_trip::{self, Message, Other};
use super::topic_same_thread;
use crate::bus::{Bus, Puts, Takes, Way, first, fresh_name};
use crate::case::{Case, Contender};
use crate::clock::{Plan, Round, per_turn};
use crate::contract::Outcome;
use crate::limits::{self, Pages};
use crate::peers::{xbar_log, xchannel};
use crate::pin::pin;

/// Bytes of a message of the sustained case.
const BYTES: usize = 64;
/// Messages that are compared before anything is timed.
const COMPARED: u64 = 10_000;

/// The cases.
pub fn cases() -> Vec<Case> {
    let mut cases: Vec<_> = [8, 64, 1024].into_iter().map(same_thread).collect();
    cases.extend([8, 64].into_iter().map(round_trip));
    cases.push(
        Case::new("log", "log: sustained append, a tailing reader", BYTES)
            .two_cores()
            .ours(sustained::<xbar_log::Log>())
            .peer(sustained::<xchannel::Log>().note(xbar_log::NOTE)),
    );
    cases
}

fn same_thread(bytes: usize) -> Case {
    Case::new("log", "log: append + read", bytes)
        .ours(topic_same_thread::contender::<xbar_log::Log>(bytes, Way::Copy))
        .peer(topic_same_thread::contender::<xchannel::Log>(bytes, Way::Copy).note(xbar_log::NOTE))
}

fn round_trip(bytes: usize) -> Case {
    let message = Message { bytes, way: Way::Copy };
    Case::new("log", "log: round trip, two threads", bytes)
        .latency()
        .ours(topic_round_trip::contender::<xbar_log::Log>(message, Other::Thread))
        .limit(Contender::bare("two bare atomics", limits::round_trip))
        .peer(topic_round_trip::contender::<xchannel::Log>(message, Other::Thread).note(xbar_log::NOTE))
}

fn sustained<B: Bus>() -> Contender
where
    B::Input: Send,
{
    Contender::new(B::NAME, || tail::<B>(&Plan::at_once(0, COMPARED)).map(drop), tail::<B>)
}

/// A writer that waits for nobody, and a reader that gets every message: the time from the first to the last of them.
fn tail<B: Bus>(plan: &Plan) -> Outcome<Round>
where
    B::Input: Send,
{
    let name = fresh_name();
    let mut output = B::output(&name, BYTES)?;
    let mut input = B::input(&name)?;
    let ready = Arc::new(Barrier::new(2));
    let (warm, count) = (plan.warm, plan.warm + plan.turns);
    thread::scope(|scope| {
        let theirs = Arc::clone(&ready);
        let reading = scope.spawn(move || {
            pin(1);
            theirs.wait();
            let (mut begin, mut sum) = (Instant::now(), 0_u64);
            for number in 0..count {
                if number == warm {
                    begin = Instant::now();
                }
                let arrived = input.wait(|bytes| first(bytes).wrapping_add(limits::read(bytes)));
                sum = sum.wrapping_add(arrived);
            }
            (begin.elapsed(), sum)
        });
        let mut message = Pages::new(BYTES, 7);
        ready.wait();
        let mut sum = 0_u64;
        for number in 0..count {
            message.bytes()[..8].copy_from_slice(&number.to_le_bytes());
            sum = sum.wrapping_add(number).wrapping_add(limits::read(message.as_ref()));
            output.copy(message.as_ref());
        }
        let (time, arrived) = reading.join().expect("the reading thread ends");
        if arrived != sum {
            return Err(format!("{count} messages did not arrive as they were sent"));
        }
        Ok(Round { ns: per_turn(plan.turns, time), singles: Vec::new() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tailed_arrives_whole() {
        let plan = Plan::at_once(10, 3000);
        assert!(tail::<xbar_log::Log>(&plan).is_ok() && tail::<xchannel::Log>(&plan).is_ok());
    }
}
