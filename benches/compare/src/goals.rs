//! The goals, as data: at most so many times the reference, in the same run.

use crate::case::Case;
use crate::cases::scale::{BLOCK_BYTES, LEAST, SERIES};

/// One goal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goal {
    /// Name of the case.
    pub case: &'static str,
    /// Bytes of one message.
    pub payload: u64,
    /// Where in a series of cases.
    pub at: Option<u64>,
    /// Name of the contender that ours is measured by.
    pub reference: &'static str,
    /// Ours / reference, at most.
    pub most: f64,
}

impl Goal {
    /// True when it is about that case.
    pub fn is_of(&self, case: &Case) -> bool {
        (self.case, self.payload, self.at) == (case.name, case.payload, case.at)
    }
}

const fn goal(case: &'static str, payload: u64, reference: &'static str, most: f64) -> Goal {
    Goal { case, payload, at: None, reference, most }
}

/// Flat: at `at` no more than at its least, but for the noise.
const fn flat(case: &'static str, payload: u64, at: u64) -> Goal {
    Goal { case, payload, at: Some(at), reference: LEAST, most: 1.1 }
}

/// No longer than the one that it is like.
const fn burst(case: &'static str, at: u64) -> Goal {
    Goal { case, payload: 8, at: Some(at), reference: "disruptor", most: 1.0 }
}

/// All of them.
pub const GOALS: &[Goal] = &[
    goal("ring: publish + receive", 8, "photon-ring", 0.65),
    goal("ring: publish alone", 8, "photon-ring", 0.6),
    goal("ring: publish + receive", 256, "photon-ring", 0.5),
    goal("ring: publish + receive", 1024, "photon-ring", 0.35),
    goal("ring: many writers, publish + receive", 8, "photon-ring", 0.8),
    goal("ring: fan-out to 10", 8, "photon-ring", 0.8),
    goal("ring: batch of 64", 8, "photon-ring", 0.8),
    goal("ring: round trip, two threads", 8, "two bare atomics", 1.15),
    goal("ring: round trip, two threads", 56, "two bare atomics", 1.15),
    goal("topic: by loan", 8, "crossbar", 0.45),
    goal("topic: by loan", 8, "iceoryx2", 0.08),
    goal("topic: by copy", 8, "crossbar", 0.25),
    goal("topic: by loan", 1024, "crossbar", 0.6),
    goal("topic: by loan", 64 << 10, "memcpy", 1.05),
    goal("topic: by loan", 1 << 20, "memcpy", 1.05),
    goal("topic: round trip, two threads", 8, "two bare atomics", 1.25),
    goal("topic: round trip, two threads", 40, "two bare atomics", 1.25),
    goal("topic: round trip, two processes", 8, "two bare atomics", 1.25),
    goal("topic: round trip, two processes", 40, "two bare atomics", 1.25),
    goal("topic: round trip, two processes", 1024, "crossbar", 0.75),
    goal("topic: round trip, 8 B of a block touched", 1 << 20, "two bare atomics", 2.6),
    goal("topic: round trip, 8 B of a block touched", 1 << 20, "xbar, 64 B", 1.1),
    goal("topic: round trip, 8 B of a block touched", 64 << 20, "xbar, 64 B", 1.1),
    goal("pinned: by loan", 8, "crossbar pinned", 0.5),
    goal("pinned: by loan", 1024, "crossbar pinned", 0.5),
    goal("bus: round trip, two processes", 8, "two bare atomics", 1.15),
    goal("log: append + read", 8, "xchannel", 0.4),
    goal("log: append + read", 64, "xchannel", 0.3),
    goal("log: append + read", 1024, "xchannel", 0.15),
    goal("log: round trip, two threads", 8, "xchannel", 0.6),
    goal("log: round trip, two threads", 64, "xchannel", 0.6),
    // Three times as many messages a second, turned into time for each message.
    goal("log: sustained append, a tailing reader", 64, "xchannel", 1.0 / 3.0),
    goal("wake: a parked reader, two threads", 8, "a bare futex", 1.15),
    flat(SERIES[1], 8, 100_000),
    flat(SERIES[2], 8, 262_144),
    flat(SERIES[3], BLOCK_BYTES as u64, 1_000_000),
    // Messages a second, turned into time for each message.
    goal("throughput: lossless, one by one", 8, "disruptor", 1.0 / 1.1),
    goal("throughput: lossless, one by one", 8, "rtrb", 1.0 / 1.1),
    goal("throughput: lossless, many writers", 8, "disruptor", 1.0),
    goal("pipeline: lossless, two stages", 8, "disruptor", 1.0),
    goal("event: one producer, one by one", 8, "disruptor", 1.0),
    goal("event: many producers", 8, "disruptor", 1.0),
    goal("pipeline: events in place, two stages", 8, "disruptor", 1.0),
    burst("event: a burst until it is handled", 1),
    burst("event: a burst until it is handled", 10),
    burst("event: a burst until it is handled", 100),
    burst("event: a burst of a cloned producer until it is handled", 1),
    burst("event: a burst of a cloned producer until it is handled", 10),
    burst("event: a burst of a cloned producer until it is handled", 100),
];

/// The goal for ours beside `reference`, if there is one.
pub fn find(case: &Case, reference: &str) -> Option<f64> {
    GOALS.iter().find(|goal| goal.is_of(case) && goal.reference == reference).map(|goal| goal.most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;

    #[test]
    fn every_goal_is_of_a_case_and_a_contender_that_exist() {
        let cases = cases::all();
        for goal in GOALS {
            let case =
                cases.iter().find(|case| goal.is_of(case)).unwrap_or_else(|| panic!("no case for {goal:?}"));
            let mut names = case.limit.iter().chain(&case.peers).map(|contender| contender.name);
            assert!(names.any(|name| name == goal.reference), "no contender for {goal:?}");
            assert!(find(case, goal.reference).is_some());
        }
    }

    #[test]
    fn no_pair_has_two_goals() {
        let pair = |goal: &Goal| (goal.case, goal.payload, goal.at, goal.reference);
        for (index, goal) in GOALS.iter().enumerate() {
            assert!(GOALS[..index].iter().all(|other| pair(other) != pair(goal)), "{goal:?}");
        }
    }
}
