//! The goals, as data: at most so many times the reference, in the same run.

use crate::case::Case;
use crate::cases::fan_out;
use crate::cases::scale::{BLOCK_BYTES, LEAST, SERIES};
use crate::report::Row;

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
    Goal { case: fan_out::SERIES[0], payload: 8, at: Some(10), reference: "photon-ring", most: 0.8 },
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
    goal("bytes: publish + receive", 8, "bcast", 0.4),
    goal("bytes: publish + receive", 64, "bcast", 0.4),
    goal("bytes: publish + receive", 1024, "bcast", 0.4),
    goal("bytes: bulk", 64, "bcast", 0.8),
    goal("bytes: round trip, two threads", 8, "bcast", 0.75),
    goal("bytes: round trip, two threads", 64, "bcast", 0.75),
    goal("bytes: round trip, two threads", 1024, "bcast", 0.75),
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

/// A goal that is known to be missed. It stays what it is, and the row is told as missed wherever it is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Miss {
    /// Name of the case.
    pub case: &'static str,
    /// Bytes of one message.
    pub payload: u64,
    /// Where in a series of cases.
    pub at: Option<u64>,
    /// Name of the contender that ours is measured by.
    pub reference: &'static str,
    /// By so much: a ratio above this is worse than what is known.
    pub most: f64,
    /// Why, in a line. What was tried is in docs/benchmarks.md.
    pub cause: &'static str,
}

const fn miss(
    case: &'static str,
    payload: u64,
    reference: &'static str,
    most: f64,
    cause: &'static str,
) -> Miss {
    Miss { case, payload, at: None, reference, most, cause }
}

/// On either side of its goal, from run to run: what two cores take depends on where they and their lines are.
const AT_THE_GOAL: &str = "at its goal, from run to run on either side of it";

/// All that are known.
pub const MISSES: &[Miss] = &[
    miss(
        "topic: by loan",
        1 << 20,
        "memcpy",
        1.2,
        "a message and two blocks pass through the caches, where memcpy has a message and one",
    ),
    miss(
        "topic: round trip, two processes",
        1024,
        "crossbar",
        0.95,
        "17 lines go from one core to the other in both libraries, and that is three quarters of it",
    ),
    miss("topic: by loan", 1024, "crossbar", 0.68, AT_THE_GOAL),
    miss("topic: round trip, 8 B of a block touched", 1 << 20, "xbar, 64 B", 1.25, AT_THE_GOAL),
    miss("topic: round trip, 8 B of a block touched", 64 << 20, "xbar, 64 B", 1.25, AT_THE_GOAL),
    miss(
        "pinned: by loan",
        1024,
        "crossbar pinned",
        1.0,
        "copying and reading 1 KB takes a third of crossbar's turn, and the fence of a hold waits for that copy",
    ),
    miss(
        "bus: round trip, two processes",
        8,
        "two bare atomics",
        1.35,
        "a read-only mapping costs a line 3 ns near and 45 far; the same ring mapped writable is at 1.05",
    ),
    miss(
        "bytes: publish + receive",
        64,
        "bcast",
        0.6,
        "161 instructions, nearly five in a cycle, and a line of the second cache for each message",
    ),
    miss(
        "bytes: publish + receive",
        1024,
        "bcast",
        0.8,
        "in and out, two copies of 1 KB take half of bcast's time by themselves",
    ),
    miss(
        "bytes: bulk",
        64,
        "bcast",
        1.0,
        "4.6 KB in and 4.6 KB out of a ring that does not fit the first cache, and 64 heads each way, as bcast has them",
    ),
    miss(
        "bytes: round trip, two threads",
        8,
        "bcast",
        1.1,
        "two bare atomics take up to 0.8 of bcast's time",
    ),
    miss("bytes: round trip, two threads", 64, "bcast", 0.9, AT_THE_GOAL),
    miss(
        "bytes: round trip, two threads",
        1024,
        "bcast",
        1.2,
        "17 lines go from one core to the other in both libraries, and that is nearly all",
    ),
    miss("log: append + read", 8, "xchannel", 0.5, AT_THE_GOAL),
    miss("log: append + read", 1024, "xchannel", 0.18, AT_THE_GOAL),
    miss("log: round trip, two threads", 8, "xchannel", 1.3, CHECKED_AND_SPLIT),
    miss("log: round trip, two threads", 64, "xchannel", 0.9, CHECKED_AND_SPLIT),
    miss("log: sustained append, a tailing reader", 64, "xchannel", 0.5, CHECKED),
    miss("throughput: lossless, one by one", 8, "rtrb", 1.1, AT_THE_GOAL),
    miss(
        "event: one producer, one by one",
        8,
        "disruptor",
        1.5,
        "where the reader follows so closely that each event crosses alone, which it does in some runs and not in others",
    ),
    Miss {
        case: "event: a burst until it is handled",
        payload: 8,
        at: Some(1),
        reference: "disruptor",
        most: 1.15,
        cause: AT_THE_GOAL,
    },
    Miss {
        case: "event: a burst of a cloned producer until it is handled",
        payload: 8,
        at: Some(1),
        reference: "disruptor",
        most: 1.15,
        cause: AT_THE_GOAL,
    },
    Miss {
        case: SERIES[2],
        payload: 8,
        at: Some(262_144),
        reference: LEAST,
        most: 1.4,
        cause: "a ring of 16 MB fills half of the third cache, a line in and a line out for each message",
    },
];

const CHECKED: &str = "a checksum, written and checked, and the time of each record; xchannel has neither";
const CHECKED_AND_SPLIT: &str =
    "a checksum and a time, and every other record lies on one line more than it must";

/// The goal for ours beside `reference`, if there is one.
pub fn find(case: &Case, reference: &str) -> Option<f64> {
    GOALS.iter().find(|goal| goal.is_of(case) && goal.reference == reference).map(|goal| goal.most)
}

/// Why the row misses its goal, if that is known and no worse than known.
pub fn known_cause(row: &Row) -> Option<&'static str> {
    let is_of = |miss: &&Miss| {
        (miss.case, miss.payload, miss.at, miss.reference) == (row.case, row.payload, row.at, row.peer)
    };
    let miss = MISSES.iter().find(is_of)?;
    row.ratio.is_some_and(|ratio| ratio <= miss.most).then_some(miss.cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;
    use crate::report::tests::example;

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
    fn a_miss_is_of_a_goal_and_beyond_it() {
        for miss in MISSES {
            let is_of = |goal: &&Goal| {
                (goal.case, goal.payload, goal.at, goal.reference)
                    == (miss.case, miss.payload, miss.at, miss.reference)
            };
            let goal = GOALS.iter().find(is_of).unwrap_or_else(|| panic!("no goal for {miss:?}"));
            assert!(miss.most > goal.most, "{miss:?}");
        }
    }

    #[test]
    fn a_miss_is_known_as_far_as_it_goes_and_nothing_else_is() {
        let mut row = example(0.7).remove(1);
        assert_eq!(known_cause(&row), None);
        let miss = MISSES[0];
        (row.case, row.payload, row.at, row.peer) = (miss.case, miss.payload, miss.at, miss.reference);
        for (ratio, known) in [(Some(miss.most), true), (Some(miss.most + 0.01), false), (None, false)] {
            row.ratio = ratio;
            assert_eq!(known_cause(&row).is_some(), known, "{ratio:?}");
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
