//! Two stages behind one writer, lossless: the second handles what the first has handled.

use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use crate::case::{Case, Contender};
use crate::clock::{Plan, Round, per_turn};
use crate::contract::{Outcome, Receives, Sends, Staged};
use crate::peers::{disruptor, photon_ring, xbar_event, xbar_ring_lossless};
use crate::pin::{cores, pin};

const SLOTS: usize = 1024;
/// What a stage takes at once where both share a thread.
const AT_ONCE: usize = 64;
/// Messages that are compared before anything is timed.
const COMPARED: u64 = 10 * SLOTS as u64;

/// The cases.
pub fn cases() -> Vec<Case> {
    let case = Case::new("pipeline", "pipeline: lossless, two stages", 8)
        .two_cores()
        .ours(contender::<xbar_ring_lossless::Stages>("xbar").note(stages_note()))
        .peer(contender::<disruptor::Stages>("disruptor"))
        .peer(
            contender::<photon_ring::Stages>("photon-ring")
                .note("its second stage runs when the first has received, not handled"),
        );
    let events = Case::new("pipeline", "pipeline: events in place, two stages", 8)
        .two_cores()
        .ours(contender::<xbar_event::Stages>("xbar").note(stages_note()))
        .peer(contender::<disruptor::Stages>("disruptor"));
    vec![case, events]
}

fn contender<C: Staged<u64>>(name: &'static str) -> Contender {
    let compared = Plan::at_once(0, COMPARED);
    // In one thread it can be seen that the second stage is never ahead of the first.
    Contender::new(name, move || flow::<C>(&compared, false).map(drop), |plan| flow::<C>(plan, apart()))
}

/// True when there is a core for each stage besides the writer's.
fn apart() -> bool {
    cores().len() >= 3
}

fn stages_note() -> &'static str {
    if apart() { "a thread for each stage" } else { "both stages in one thread, in turn" }
}

/// One stage's way through the stream 0, 1, 2 ..
struct Walk {
    next: u64,
    in_order: bool,
}

impl Walk {
    const fn new() -> Self {
        Self { next: 0, in_order: true }
    }

    /// Takes at most `most` messages, and none from `end` on.
    #[inline(always)]
    fn on(&mut self, stage: &mut impl Receives<u64>, most: usize, end: u64) {
        let most = most.min((end - self.next) as usize);
        stage.drain(most, |number| {
            self.in_order &= *number == self.next;
            self.next += 1;
            black_box(self.next);
        });
    }
}

/// Time of a message until the second stage has it.
fn flow<C: Staged<u64>>(plan: &Plan, apart: bool) -> Outcome<Round> {
    let (mut sender, first, second) = C::open(SLOTS);
    let count = plan.warm + plan.turns;
    let ready = Arc::new(Barrier::new(if apart { 3 } else { 2 }));
    let (theirs, their_plan) = (Arc::clone(&ready), *plan);
    let mut threads = Vec::new();
    if apart {
        let first_ready = Arc::clone(&ready);
        threads.push(thread::spawn(move || {
            pin(1);
            first_ready.wait();
            alone(&their_plan, first)
        }));
        threads.push(thread::spawn(move || {
            pin(2);
            theirs.wait();
            alone(&their_plan, second)
        }));
    } else {
        threads.push(thread::spawn(move || {
            pin(1);
            theirs.wait();
            in_turn(&their_plan, first, second)
        }));
    }
    ready.wait();
    (0..count).for_each(|number| sender.send(&number));
    let mut last = None;
    for thread in threads {
        let (arrival, in_order) = thread.join().expect("a stage ends");
        if !in_order {
            return Err(format!("{count} messages did not pass the stages in order"));
        }
        last = Some(arrival);
    }
    let [warm, all] = last.ok_or("no stage ran")?;
    Ok(Round { ns: per_turn(plan.turns, all - warm), singles: Vec::new() })
}

/// Both stages in this thread: when the second had the warm messages and all of them, and whether all was in order.
fn in_turn(
    plan: &Plan,
    mut first: impl Receives<u64>,
    mut second: impl Receives<u64>,
) -> ([Instant; 2], bool) {
    let (mut ahead, mut behind, mut ordered) = (Walk::new(), Walk::new(), true);
    let times = [plan.warm, plan.warm + plan.turns].map(|end| {
        while behind.next < end {
            ahead.on(&mut first, AT_ONCE, plan.warm + plan.turns);
            behind.on(&mut second, AT_ONCE, end);
            ordered &= behind.next <= ahead.next;
        }
        Instant::now()
    });
    (times, ordered && ahead.in_order && behind.in_order)
}

/// One stage in this thread.
fn alone(plan: &Plan, mut stage: impl Receives<u64>) -> ([Instant; 2], bool) {
    let mut walk = Walk::new();
    let times = [plan.warm, plan.warm + plan.turns].map(|end| {
        while walk.next < end {
            walk.on(&mut stage, usize::MAX, end);
        }
        Instant::now()
    });
    (times, walk.in_order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_flows_pass_both_stages_in_one_thread_and_in_two() {
        let plan = Plan::at_once(10, 3000);
        for apart in [false, true] {
            assert!(flow::<xbar_ring_lossless::Stages>(&plan, apart).is_ok());
            assert!(flow::<xbar_event::Stages>(&plan, apart).is_ok());
            assert!(flow::<disruptor::Stages>(&plan, apart).is_ok());
        }
    }
}
