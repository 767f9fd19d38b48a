//! Interleaved rounds: everybody works in each round, and a ratio is of two figures of the same round.
//!
//! The machine's speed drifts; what drifts slower than a round drops out of the ratio. A round in which somebody else ran on the
//! core's other hardware thread says what the neighbour takes: it is left out, when enough are left.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::case::{Case, Contender};
use crate::clock::{Plan, Round};
use crate::contract::Outcome;

/// How much work is put into a case.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Rounds, if there is time; up to twice as many, as long as too few are undisturbed.
    pub rounds: usize,
    /// Time of one contender in one round.
    pub slice: Duration,
    /// Time of the whole case; [`FEWEST`] rounds are worked whatever it says.
    pub budget: Duration,
    /// Says whether so many cores are one's own: [`are_whole`](crate::cores::are_whole).
    pub are_whole: fn(usize) -> bool,
}

/// Rounds below which a median says nothing.
pub const FEWEST: usize = 3;
/// How long a contender waits for cores of its own before it works beside somebody else.
const PATIENCE: Duration = Duration::from_millis(10);
/// Undisturbed rounds that are enough to leave the others out.
pub const ENOUGH: usize = 7;
/// Turns before the clock starts, at least: more than any ring here has slots.
const WARM: u64 = 1500;
/// Turns of the first look at how long one takes.
const LOOK: u64 = 64;
/// Time between two readings of the clock: an interrupt makes one of them slow.
const STRETCH: Duration = Duration::from_micros(50);
/// Single turns of a round.
const SINGLES: u64 = 2000;

/// What one contender gave.
#[derive(Debug, Clone)]
pub struct Figures {
    /// Round by round.
    pub rounds: Vec<Figure>,
    /// ns of single turns, of all rounds together.
    pub singles: Histogram<u64>,
}

/// What one contender gave in one round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// ns of one turn.
    pub ns: f64,
    /// True when the cores were the contender's own, before and after.
    pub undisturbed: bool,
}

/// What a case gave: for each contender its figures, or why there are none.
#[derive(Debug)]
pub struct Measured {
    /// Of ours.
    pub ours: Option<Outcome<Figures>>,
    /// Of the limit.
    pub limit: Option<Outcome<Figures>>,
    /// Of the peers, in the case's order.
    pub peers: Vec<Outcome<Figures>>,
}

impl Measured {
    /// Takes more rounds of the same case in.
    pub fn add(&mut self, more: Self) {
        let ours = self.ours.iter_mut().zip(more.ours);
        let limit = self.limit.iter_mut().zip(more.limit);
        for (figures, more) in ours.chain(limit).chain(self.peers.iter_mut().zip(more.peers)) {
            match (figures, more) {
                (Ok(figures), Ok(more)) => figures.add(more),
                (Ok(_), Err(_)) => {}
                (figures, more) => *figures = more,
            }
        }
    }
}

impl Figures {
    fn add(&mut self, more: Self) {
        self.rounds.extend(more.rounds);
        self.singles.add(more.singles).expect("histograms of one range");
    }
}

struct Working<'c> {
    contender: &'c Contender,
    plan: Plan,
    outcome: Outcome<Figures>,
}

impl<'c> Working<'c> {
    /// Checks the contender and learns how long its turns are.
    fn start(contender: &'c Contender, slice: Duration, latency: bool) -> Self {
        let mut plan = Plan::at_once(LOOK, LOOK);
        let figures = Figures { rounds: Vec::new(), singles: histogram() };
        let mut look = |turns| {
            plan = Plan::at_once(WARM.min(turns), turns);
            contender.run(&plan).map(|round| round.ns)
        };
        // The first turns are slow ones: twice.
        let looked = contender.check().and_then(|()| look(LOOK)).and_then(|ns| look(turns_in(slice / 4, ns)));
        let outcome = looked.map(|ns| {
            plan.turns = turns_in(slice, ns);
            plan.stretch = turns_in(STRETCH, ns);
            plan.warm = WARM.min(plan.turns);
            plan.singles = if latency { SINGLES.min(plan.turns) } else { 0 };
            figures
        });
        Self { contender, plan, outcome }
    }

    fn round(&mut self, are_whole: impl Fn() -> bool) {
        let Ok(figures) = &mut self.outcome else { return };
        let start = Instant::now();
        let was_whole = loop {
            match are_whole() {
                false if start.elapsed() < PATIENCE => {}
                whole => break whole,
            }
        };
        match self.contender.run(&self.plan) {
            Ok(Round { ns, singles }) => {
                figures.rounds.push(Figure { ns, undisturbed: was_whole && are_whole() });
                for ns in singles {
                    figures.singles.saturating_record(ns);
                }
            }
            Err(error) => self.outcome = Err(error),
        }
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 1_000_000_000, 3).expect("bounds in order")
}

/// Turns of `ns` that fill `slice`.
fn turns_in(slice: Duration, ns: f64) -> u64 {
    ((slice.as_nanos() as f64 / ns.max(0.3)) as u64).clamp(16, 10_000_000)
}

/// Works a case.
pub fn work(case: &Case, effort: Effort) -> Measured {
    let start = Instant::now();
    let everybody = case.ours.iter().chain(&case.limit).chain(&case.peers);
    let mut working: Vec<_> =
        everybody.map(|contender| Working::start(contender, effort.slice, case.latency)).collect();
    for round in 0..2 * effort.rounds {
        let is_over = round >= effort.rounds && undisturbed(&working) >= ENOUGH.min(effort.rounds);
        if is_over || round >= FEWEST && start.elapsed() >= effort.budget {
            break;
        }
        let are_whole = || (effort.are_whole)(case.cores);
        // There and back, so that nobody always follows the same one.
        if round % 2 == 0 {
            working.iter_mut().for_each(|working| working.round(are_whole));
        } else {
            working.iter_mut().rev().for_each(|working| working.round(are_whole));
        }
    }
    let mut outcomes = working.into_iter().map(|working| working.outcome);
    let ours = case.ours.as_ref().and_then(|_| outcomes.next());
    let limit = case.limit.as_ref().and_then(|_| outcomes.next());
    Measured { ours, limit, peers: outcomes.collect() }
}

/// Rounds in which nobody was disturbed.
fn undisturbed(working: &[Working<'_>]) -> usize {
    let rounds = working.iter().filter_map(|working| Some(&working.outcome.as_ref().ok()?.rounds));
    let count = rounds.clone().map(Vec::len).max().unwrap_or(0);
    (0..count).filter(|&round| rounds.clone().all(|rounds| rounds[round].undisturbed)).count()
}

/// The `part`-quantile, 0 to 1.
pub fn quantile(figures: &[f64], part: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
}

/// The median.
pub fn median(figures: &[f64]) -> f64 {
    quantile(figures, 0.5)
}

/// Ours and another's figures, of the rounds that count.
#[derive(Debug, Clone, PartialEq)]
pub struct Pairs {
    /// ns of one turn of ours.
    pub ours: Vec<f64>,
    /// ns of one turn of the other's.
    pub other: Vec<f64>,
    /// Rounds in which neither was disturbed. If these are too few, all count.
    pub undisturbed: usize,
}

impl Pairs {
    /// The pairs of two that worked side by side.
    pub fn of(ours: &[Figure], other: &[Figure]) -> Self {
        let both = || ours.iter().zip(other);
        let is_undisturbed = |(ours, other): &(&Figure, &Figure)| ours.undisturbed && other.undisturbed;
        let undisturbed = both().filter(is_undisturbed).count();
        let counting = both().filter(|pair| undisturbed < ENOUGH || is_undisturbed(pair));
        let (ours, other) = counting.map(|(ours, other)| (ours.ns, other.ns)).unzip();
        Self { ours, other, undisturbed }
    }

    /// Ratios round by round.
    pub fn ratios(&self) -> Vec<f64> {
        self.ours.iter().zip(&self.other).map(|(ours, other)| ours / other).collect()
    }
}

/// ns of one turn: the median of the rounds that count.
pub fn typical(rounds: &[Figure]) -> f64 {
    median(&Pairs::of(rounds, rounds).ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_of_the_same_round() {
        // The machine halves its speed in the middle.
        let (ours, other) = ([1.0, 1.0, 2.0, 2.0, 2.0], [2.0, 2.0, 4.0, 4.0, 4.0]);
        let figures = |rounds: [f64; 5]| figures(&rounds.map(|ns| (ns, true)));
        assert_eq!(Pairs::of(&figures(ours), &figures(other)).ratios(), [0.5; 5]);
    }

    fn figures(rounds: &[(f64, bool)]) -> Vec<Figure> {
        rounds.iter().map(|&(ns, undisturbed)| Figure { ns, undisturbed }).collect()
    }

    #[test]
    fn disturbed_rounds_are_left_out_when_enough_are_left() {
        let mut ours = vec![(1.0, true); ENOUGH];
        ours.extend([(9.0, false); 20]);
        let other = vec![(2.0, true); ENOUGH + 20];
        let pairs = Pairs::of(&figures(&ours), &figures(&other));
        assert_eq!((pairs.undisturbed, pairs.ratios()), (ENOUGH, vec![0.5; ENOUGH]));
        assert_eq!(typical(&figures(&ours)), 1.0);
        // One fewer: all count.
        let pairs = Pairs::of(&figures(&ours[1..]), &figures(&other[1..]));
        assert_eq!((pairs.undisturbed, pairs.ours.len()), (ENOUGH - 1, ENOUGH + 19));
        assert_eq!(typical(&figures(&ours[1..])), 9.0);
    }

    #[test]
    fn quantiles_of_few_figures() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.0), 1.0);
        assert_eq!(quantile(&[3.0, 1.0, 2.0], 1.0), 3.0);
        assert!(median(&[]).is_nan());
    }

    fn effort(rounds: usize, budget: Duration) -> Effort {
        Effort { rounds, slice: Duration::from_micros(1), budget, are_whole: |_| true }
    }

    fn steady(ns: f64) -> Contender {
        Contender::bare("steady", move |_| Round { ns, singles: Vec::new() })
    }

    #[test]
    fn everybody_works_in_each_round_and_a_spent_budget_ends_them() {
        let case = || Case::new("ring", "test", 8).ours(steady(2.0)).limit(steady(1.0)).peer(steady(4.0));
        let rounds = |effort| {
            let measured = work(&case(), effort);
            let of = |outcome: &Outcome<Figures>| outcome.as_ref().expect("figures").rounds.len();
            [
                of(measured.ours.as_ref().unwrap()),
                of(measured.limit.as_ref().unwrap()),
                of(&measured.peers[0]),
            ]
        };
        assert_eq!(rounds(effort(7, Duration::from_secs(60))), [7; 3]);
        assert_eq!(rounds(effort(7, Duration::ZERO)), [FEWEST; 3]);
    }

    #[test]
    fn rounds_of_another_time_count_as_much() {
        let case = |ns| Case::new("ring", "test", 8).ours(steady(ns)).limit(steady(1.0)).peer(steady(4.0));
        let mut measured = work(&case(2.0), effort(3, Duration::ZERO));
        measured.add(work(&case(6.0), effort(3, Duration::ZERO)));
        let ns = |figures: &Outcome<Figures>| {
            figures.as_ref().unwrap().rounds.iter().map(|round| round.ns).collect::<Vec<_>>()
        };
        assert_eq!(ns(measured.ours.as_ref().unwrap()), [2.0, 2.0, 2.0, 6.0, 6.0, 6.0]);
        assert_eq!(ns(measured.limit.as_ref().unwrap()), [1.0; 6]);
        assert_eq!(ns(&measured.peers[0]), [4.0; 6]);
    }

    #[test]
    fn who_is_disturbed_goes_on_for_longer() {
        let case = Case::new("ring", "test", 8).ours(steady(2.0)).peer(steady(4.0));
        let disturbed = Effort { are_whole: |_| false, ..effort(7, Duration::from_secs(60)) };
        assert_eq!(work(&case, disturbed).ours.unwrap().unwrap().rounds.len(), 14);
    }

    #[test]
    fn one_who_fails_does_not_stop_the_others() {
        let failing = Contender::new("failing", || Err("no".into()), |_| panic!("never asked"));
        let measured =
            work(&Case::new("ring", "test", 8).ours(steady(1.0)).peer(failing), effort(3, Duration::ZERO));
        assert!(measured.ours.unwrap().is_ok());
        assert_eq!(measured.peers[0].as_ref().unwrap_err(), "no");
    }
}
