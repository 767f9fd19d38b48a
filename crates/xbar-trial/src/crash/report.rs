//! What came of the campaign: a table for people, target/crash/report.json for tools, an error unless all is well.

use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::fault::{Checked, During, ensure};

/// What came of one operation.
#[derive(Debug)]
pub struct Outcome {
    pub name: &'static str,
    /// Instructions that it takes.
    pub instructions: usize,
    /// Those of them after which somebody was to be killed: all of a short operation; of a long one all that others can see
    /// something of, and a sample of the others.
    pub places: usize,
    /// Victims that died at the very instruction.
    pub kills: usize,
    /// Victims that went another way and died there: looked at, not counted as kills.
    pub elsewhere: usize,
    pub wrong: Vec<Wrong>,
    /// The longest that the survivors took for all that they do after a death.
    pub slowest: Duration,
    pub elapsed: Duration,
}

/// Something that is wrong after a kill.
#[derive(Debug)]
pub struct Wrong {
    /// After which instruction; one behind the last ones: asleep.
    pub k: usize,
    /// Function and line, if known.
    pub place: String,
    pub what: String,
}

impl Outcome {
    pub fn new(name: &'static str) -> Self {
        let (slowest, elapsed) = (Duration::ZERO, Duration::ZERO);
        Self { name, instructions: 0, places: 0, kills: 0, elsewhere: 0, wrong: Vec::new(), slowest, elapsed }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, instructions, places, kills, elsewhere, wrong, slowest, elapsed } = self;
        let (failures, slowest, seconds) = (wrong.len(), slowest.as_secs_f32(), elapsed.as_secs_f32());
        write!(
            f,
            "{name:<46} {instructions:>8} {places:>7} {kills:>7} {elsewhere:>9} {failures:>8} {slowest:>6.2} s {seconds:>5.1} s"
        )?;
        if let Some(Wrong { k, place, what }) = wrong.first() {
            write!(f, "\n    after {k}: {what}\n    {place}")?;
        }
        Ok(())
    }
}

/// Prints the table, writes the file.
pub fn report(outcomes: &[Outcome], elapsed: Duration, quick: bool) -> Checked {
    let (all, instr, rep, kills, other, wrong, slowest, time) =
        ("operation", "instrs", "places", "kills", "elsewhere", "failures", "slowest", "time");
    println!("{all:<46} {instr:>8} {rep:>7} {kills:>7} {other:>9} {wrong:>8} {slowest:>8} {time:>7}");
    outcomes.iter().for_each(|outcome| println!("{outcome}"));
    let sum = |figure: fn(&Outcome) -> usize| outcomes.iter().map(figure).sum::<usize>();
    let (kills, failures) = (sum(|outcome| outcome.kills), sum(|outcome| outcome.wrong.len()));
    let seconds = elapsed.as_secs_f32();
    println!("{kills} kills, {failures} failures, {seconds:.1} s");

    let operations: Vec<_> = outcomes
        .iter()
        .map(|outcome| {
            let wrong = outcome
                .wrong
                .iter()
                .map(|Wrong { k, place, what }| json!({"after": k, "place": place, "what": what}));
            json!({
                "operation": outcome.name,
                "instructions": outcome.instructions,
                "places": outcome.places,
                "is_every_instruction": outcome.places == outcome.instructions,
                "kills": outcome.kills,
                "killed_elsewhere": outcome.elsewhere,
                "failures": wrong.collect::<Vec<_>>(),
                "slowest_seconds": outcome.slowest.as_secs_f32(),
                "seconds": outcome.elapsed.as_secs_f32(),
            })
        })
        .collect();
    let report = json!({
        "quick": quick, "kills": kills, "failures": failures, "seconds": seconds, "operations": operations,
    });
    let path = Path::new("target/crash/report.json");
    fs::create_dir_all("target/crash").during("writing the report")?;
    fs::write(path, format!("{report:#}\n")).during("writing the report")?;
    judge(outcomes)
}

/// What keeps the campaign from passing.
fn judge(outcomes: &[Outcome]) -> Checked {
    let failures: usize = outcomes.iter().map(|outcome| outcome.wrong.len()).sum();
    ensure(failures == 0, || format!("{failures} failures: see target/crash/report.json"))?;
    ensure(!outcomes.is_empty(), || "no operation has such a name: see --list".to_owned())?;
    match outcomes.iter().find(|outcome| outcome.kills == 0) {
        Some(outcome) => Err(format!("nobody was killed in {:?}: nothing was tried", outcome.name)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_killed_or_anything_wrong_is_no_pass() {
        let mut outcome = Outcome::new("publish");
        assert!(judge(&[]).is_err());
        assert!(judge(&[Outcome::new("publish")]).is_err());
        outcome.kills = 1;
        assert!(judge(std::slice::from_ref(&outcome)).is_ok());
        outcome.wrong.push(Wrong { k: 1, place: String::new(), what: "a block is lost".to_owned() });
        assert!(judge(&[outcome]).is_err());
    }
}
