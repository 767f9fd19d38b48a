//! Rows, and the report that they make: `target/compare/report.json`.

use serde_json::{Value, json};

use crate::case::{Case, Contender};
use crate::contract::Outcome;
use crate::goals;
use crate::rounds::{ENOUGH, Figures, Measured, Pairs, median, quantile, typical};

/// Percentiles of single turns, in ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// Half are faster.
    pub p50: u64,
    /// One of 100 is slower.
    pub p99: u64,
    /// One of 1000 is slower.
    pub p999: u64,
}

/// Ours beside one other in one case.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What `--only` selects.
    pub family: &'static str,
    /// What is done.
    pub case: &'static str,
    /// Bytes of one message.
    pub payload: u64,
    /// What varies in a series.
    pub at: Option<u64>,
    /// Median of the rounds, in ns a turn; none when ours could not.
    pub ours_ns: Option<f64>,
    /// The other.
    pub peer: &'static str,
    /// Median of the rounds; none when the other could not.
    pub peer_ns: Option<f64>,
    /// Median of ours / other round by round.
    pub ratio: Option<f64>,
    /// First and third quartile of these.
    pub quartiles: Option<[f64; 2]>,
    /// All rounds, and those in which the cores were the harness' own. If the latter are too few, all count.
    pub rounds: [usize; 2],
    /// Median of the bare machine.
    pub limit_ns: Option<f64>,
    /// Ratio at most.
    pub goal: Option<f64>,
    /// Percentiles of ours.
    pub ours_latency: Option<Latency>,
    /// Percentiles of the other.
    pub peer_latency: Option<Latency>,
    /// What differs, or what went wrong.
    pub note: String,
}

impl Row {
    /// Whether the goal is met; none when there is no goal. What was not measured is not met.
    pub fn met(&self) -> Option<bool> {
        self.goal.map(|most| self.ratio.is_some_and(|ratio| ratio <= most))
    }

    /// The row as an object of the report.
    pub fn json(&self) -> Value {
        let latency = |latency: Option<Latency>| {
            latency.map(|Latency { p50, p99, p999 }| json!({"p50_ns": p50, "p99_ns": p99, "p999_ns": p999}))
        };
        json!({
            "family": self.family, "case": self.case, "payload": self.payload, "at": self.at,
            "ours_ns": self.ours_ns, "peer": self.peer, "peer_ns": self.peer_ns,
            "ratio": self.ratio, "ratio_quartiles": self.quartiles, "limit_ns": self.limit_ns,
            "rounds": self.rounds[0], "undisturbed_rounds": self.rounds[1],
            "goal": self.goal, "met": self.met(),
            "ours_latency": latency(self.ours_latency), "peer_latency": latency(self.peer_latency),
            "note": self.note,
        })
    }
}

/// The rows of one case: the limit first, then the peers.
pub fn rows(case: &Case, measured: &Measured) -> Vec<Row> {
    let limit = case.limit.iter().zip(&measured.limit);
    let peers = case.peers.iter().zip(&measured.peers);
    limit.chain(peers).map(|(other, outcome)| row(case, measured, other, outcome)).collect()
}

fn row(case: &Case, measured: &Measured, other: &Contender, outcome: &Outcome<Figures>) -> Row {
    let figures =
        |outcome: &Option<Outcome<Figures>>| outcome.as_ref().and_then(|outcome| outcome.clone().ok());
    let (ours, limit, theirs) = (figures(&measured.ours), figures(&measured.limit), outcome.as_ref().ok());
    let pairs = ours.as_ref().zip(theirs).map(|(ours, theirs)| Pairs::of(&ours.rounds, &theirs.rounds));
    let ratios = pairs.as_ref().map_or_else(Vec::new, Pairs::ratios);
    let some = !ratios.is_empty();
    let rounds = ours.as_ref().map_or(0, |ours| ours.rounds.len());
    Row {
        family: case.family,
        case: case.name,
        payload: case.payload,
        at: case.at,
        ours_ns: ours.as_ref().map(|figures| typical(&figures.rounds)),
        peer: other.name,
        peer_ns: theirs.map(|figures| typical(&figures.rounds)),
        ratio: some.then(|| median(&ratios)),
        quartiles: some.then(|| [quantile(&ratios, 0.25), quantile(&ratios, 0.75)]),
        rounds: [rounds, pairs.as_ref().map_or(0, |pairs| pairs.undisturbed)],
        limit_ns: limit.map(|figures| typical(&figures.rounds)),
        goal: goals::find(case, other.name),
        ours_latency: ours.as_ref().and_then(latency),
        peer_latency: theirs.and_then(latency),
        note: note(case, measured, (other, outcome), pairs.as_ref()),
    }
}

fn latency(figures: &Figures) -> Option<Latency> {
    let at = |part| figures.singles.value_at_quantile(part);
    (!figures.singles.is_empty()).then(|| Latency { p50: at(0.5), p99: at(0.99), p999: at(0.999) })
}

fn note(
    case: &Case,
    measured: &Measured,
    (other, outcome): (&Contender, &Outcome<Figures>),
    pairs: Option<&Pairs>,
) -> String {
    let mut parts = vec![other.note.clone()];
    match (&case.ours, &measured.ours) {
        (None, _) => parts.push("ours is not written yet".into()),
        (Some(_), Some(Err(error))) => parts.push(format!("ours failed: {error}")),
        (Some(ours), _) => parts.push(ours.note.clone()),
    }
    if let Err(error) = outcome {
        parts.push(format!("{} failed: {error}", other.name));
    }
    if pairs.is_some_and(|pairs| pairs.undisturbed < ENOUGH.min(pairs.ours.len())) {
        parts.push("the cores were shared".into());
    }
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}

/// Of all rounds, the part in which the cores were the harness' own.
pub fn undisturbed(rows: &[Row]) -> f64 {
    let [all, undisturbed] = [0, 1].map(|which| rows.iter().map(|row| row.rounds[which]).sum::<usize>());
    undisturbed as f64 / all.max(1) as f64
}

/// The whole report.
pub fn json(machine: &Value, rows: &[Row]) -> Value {
    json!({"machine": machine, "rows": rows.iter().map(Row::json).collect::<Vec<_>>()})
}

#[cfg(test)]
pub mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Round;
    use crate::rounds::{Effort, work};

    fn steady(name: &'static str, ns: f64) -> Contender {
        Contender::bare(name, move |plan| Round { ns, singles: vec![7; plan.singles as usize] })
    }

    /// Rows of a case with a goal of 0.65, with ours at `ours` times the reference.
    pub fn example(ours: f64) -> Vec<Row> {
        let case = Case::new("ring", "ring: publish + receive", 8)
            .latency()
            .ours(steady("xbar", 10.0 * ours))
            .limit(steady("a bare store", 1.0))
            .peer(steady("photon-ring", 10.0).note("lossy too"))
            .peer(Contender::new("hft-channel", || Err("went away".into()), |_| Err(String::new())));
        let slice = Duration::from_micros(10);
        let effort = Effort { rounds: 3, slice, budget: Duration::ZERO, are_whole: |_| true };
        rows(&case, &work(&case, effort))
    }

    #[test]
    fn a_goal_is_met_up_to_its_ratio_and_others_have_none() {
        let met = |ours| example(ours).iter().map(Row::met).collect::<Vec<_>>();
        assert_eq!(met(0.65), [None, Some(true), None]);
        assert_eq!(met(0.66), [None, Some(false), None]);
    }

    #[test]
    fn what_was_not_measured_is_not_met() {
        let mut row = example(0.1).remove(1);
        row.ratio = None;
        assert_eq!(row.met(), Some(false));
    }

    #[test]
    fn a_row_says_everything() {
        let row = example(0.5).remove(1).json();
        assert_eq!(row["ours_ns"], 5.0);
        assert_eq!(row["peer"], "photon-ring");
        assert_eq!(row["peer_ns"], 10.0);
        assert_eq!(row["ratio"], 0.5);
        assert_eq!(row["limit_ns"], 1.0);
        assert_eq!(row["goal"], 0.65);
        assert_eq!(row["met"], true);
        assert_eq!(row["ours_latency"]["p999_ns"], 7);
        assert_eq!(row["note"], "lossy too");
    }

    #[test]
    fn a_peer_that_failed_leaves_a_row_that_says_why() {
        let row = example(0.5).remove(2).json();
        assert_eq!((&row["peer_ns"], &row["ratio"], &row["met"]), (&Value::Null, &Value::Null, &Value::Null));
        assert_eq!(row["note"], "hft-channel failed: went away");
    }
}
