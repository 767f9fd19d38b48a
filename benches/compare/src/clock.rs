//! Time: of many turns together, and of single ones.

use std::time::{Duration, Instant};

use crate::rounds::median;

/// How long a contender works in one round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Turns before the clock starts: memory is touched, branches are learnt.
    pub warm: u64,
    /// Turns that are timed together.
    pub turns: u64,
    /// Turns between two readings of the clock: what is told is the median of these stretches, so that an interrupt or a short visit
    /// of somebody else is no part of it.
    pub stretch: u64,
    /// Turns timed one by one behind that, for percentiles; 0 where a turn is shorter than reading the clock.
    pub singles: u64,
}

impl Plan {
    /// `turns` turns behind `warm` ones, under one clock.
    pub const fn at_once(warm: u64, turns: u64) -> Self {
        Self { warm, turns, stretch: turns, singles: 0 }
    }
}

/// What a round gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// Time of one turn, in ns.
    pub ns: f64,
    /// Times of single turns, in ns, a clock reading included.
    pub singles: Vec<u64>,
}

/// Times `turn`, which gets 1, 2, 3 ..
///
/// `turn` appears in one place only, so that it is inlined there and what it owns can stay in registers: a warm batch, the
/// timed stretches, and one batch for each single turn.
#[inline(always)]
pub fn time(plan: &Plan, mut turn: impl FnMut(u64)) -> Round {
    let mut number = 0;
    let stretch = plan.stretch.clamp(1, plan.turns.max(1));
    let stretches = (plan.turns / stretch).max(1);
    let mut times = Vec::with_capacity(stretches as usize);
    let mut singles = Vec::with_capacity(plan.singles as usize);
    let mut before = Instant::now();
    for batch in 0..1 + stretches + plan.singles {
        let turns = match batch {
            0 => plan.warm + plan.turns % stretch,
            batch if batch <= stretches => stretch,
            _ => 1,
        };
        for _ in 0..turns {
            number += 1;
            turn(number);
        }
        let now = Instant::now();
        match batch {
            0 => {}
            batch if batch <= stretches => times.push(per_turn(stretch, now - before)),
            _ => singles.push((now - before).as_nanos() as u64),
        }
        before = now;
    }
    Round { ns: median(&times), singles }
}

/// Time of one of `turns` turns, in ns.
pub fn per_turn(turns: u64, time: Duration) -> f64 {
    time.as_nanos() as f64 / turns as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_numbered_through_warm_timed_and_single_ones() {
        let mut seen = Vec::new();
        let round = time(&Plan { warm: 2, turns: 7, stretch: 3, singles: 4 }, |n| seen.push(n));
        assert_eq!(seen, (1..=2 + 7 + 4).collect::<Vec<_>>());
        assert_eq!(round.singles.len(), 4);
        time(&Plan { stretch: 9, ..Plan::at_once(0, 3) }, |n| seen.push(n));
        assert_eq!(seen[13..], [1, 2, 3]);
    }
}
