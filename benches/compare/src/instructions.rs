//! Instructions of one turn of ours, counted by valgrind: what no neighbour on the machine can change.
//!
//! The counts that hold are in benches/instructions.toml. A count is the difference of two runs of this program, with few
//! turns and with many, so that setting up drops out. The peers' are counted too, for information.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::case::Case;
use crate::cases;
use crate::clock::Plan;
use crate::contract::{Outcome, told};
use crate::goals::GOALS;
use crate::machine;
use crate::table;

/// Tells this program, started again, to work one case: its name, its payload, where in a series (or [`NOWHERE`]), who, and how many turns.
pub const WORK: &str = "--work";
const NOWHERE: &str = "-";
const FILE: &str = "benches/instructions.toml";
/// Ours among the contenders.
const OURS: &str = "xbar";
const FEW: u64 = 2_000;
const MANY: u64 = 12_000;
/// How far a count may be from the one that holds.
const TOLERANCE: f64 = 0.02;

/// The cases that are counted: of one thread, and of a series the one that has a goal.
fn counted(case: &Case) -> bool {
    let one_thread = !case.latency && ["ring", "topic", "bytes", "fan-out"].contains(&case.family);
    let one_of_series = case.at.is_none() || GOALS.iter().any(|goal| goal.is_of(case));
    one_thread && one_of_series && case.payload <= 1024 && case.ours.is_some()
}

/// Counts, and compares with what holds, or with `accept` makes them hold; false when something differs.
pub fn run(accept: bool) -> Outcome<bool> {
    let (mut counts, mut others) = (BTreeMap::new(), BTreeMap::<_, Vec<_>>::new());
    for (turn, count) in counted_turns() {
        let name = format!("{}, {}", table::name(turn.case, turn.at), table::size(turn.payload));
        let others = others.entry(name.clone()).or_default();
        match (turn.who, count) {
            (OURS, count) => drop(counts.insert(name, count?)),
            (peer, Ok(count)) => others.push(format!("{peer} {count:.0}")),
            (peer, Err(_)) => others.push(format!("{peer} -")),
        }
    }
    let compiler = machine::compiler();
    if accept {
        fs::write(FILE, text(&compiler, &counts)).map_err(|error| format!("cannot write {FILE}: {error}"))?;
        println!("written: {FILE}");
        return Ok(true);
    }
    let known = fs::read_to_string(FILE)
        .map_err(|error| format!("cannot read {FILE}: {error}: run with --instructions --accept once"))?;
    if !known.contains(&compiler) {
        println!("warning: the counts in {FILE} are of another compiler than {compiler}");
    }
    let lines = compare(&counts, &parse(&known));
    println!("{:52}{:>10}{:>10}", "instructions of one turn", "counted", "holds");
    for ((line, _), others) in lines.iter().zip(others.values()) {
        println!("{line:82}{}", others.join(", "));
    }
    let differing = lines.iter().filter(|(_, holds)| !holds).count();
    if differing > 0 {
        println!(
            "\n{differing} counts differ by more than 2 %: find out why, or run with --instructions --accept"
        );
    }
    Ok(differing == 0)
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turn {
    case: &'static str,
    payload: u64,
    at: Option<u64>,
    who: &'static str,
}

/// All turns with their counts, in the order of the cases; counted by as many at a time as there are cores, which changes no count.
fn counted_turns() -> Vec<(Turn, Outcome<f64>)> {
    let cases = cases::all();
    let turns = cases.iter().filter(|case| counted(case)).flat_map(|case| {
        let who = case.ours.iter().chain(&case.peers).map(|contender| contender.name);
        who.map(|who| Turn { case: case.name, payload: case.payload, at: case.at, who })
    });
    let turns: Vec<_> = turns.collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let take = || turns.get(next.fetch_add(1, Ordering::Relaxed)).copied();
        std::iter::from_fn(take).map(|turn| (turn, per_turn(turn))).collect::<Vec<_>>()
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let mut counts: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker ends")).collect()
    });
    counts.sort_by_key(|(turn, _)| turns.iter().position(|other| other == turn));
    counts
}

/// Instructions of one turn.
fn per_turn(turn: Turn) -> Outcome<f64> {
    Ok((collected(turn, MANY)? - collected(turn, FEW)?) / (MANY - FEW) as f64)
}

/// Instructions of a run of so many turns.
fn collected(Turn { case, payload, at, who }: Turn, turns: u64) -> Outcome<f64> {
    let program = std::env::current_exe().map_err(told)?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    let at = at.map_or_else(|| NOWHERE.to_owned(), |at| at.to_string());
    command.args([WORK, case, &payload.to_string(), &at, who, &turns.to_string()]);
    let output = command.output().map_err(|error| format!("cannot start valgrind, install it: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let reason =
            text.lines().find(|line| line.contains("Process terminating")).or_else(|| text.lines().last());
        return Err(format!("{case:?} fails under valgrind: {}", reason.unwrap_or("no reason given")));
    }
    let count = text.lines().find_map(|line| line.split("Collected :").nth(1)?.trim().parse().ok());
    count.ok_or_else(|| format!("valgrind counted nothing in {case:?}"))
}

/// What the program does when it is started again: `words` are those behind [`WORK`].
pub fn work_as_told(words: &[String]) -> Outcome<()> {
    let [name, payload, at, who, turns] = words else { return Err("working takes five words".into()) };
    let payload: u64 = payload.parse().map_err(told)?;
    let at = if at == NOWHERE { None } else { Some(at.parse().map_err(told)?) };
    let plan = Plan::at_once(0, turns.parse().map_err(told)?);
    let cases = cases::all();
    let case = cases.iter().find(|case| (case.name, case.payload, case.at) == (name, payload, at));
    let case = case.ok_or_else(|| format!("no case {name:?}"))?;
    let mut contenders = case.ours.iter().chain(&case.peers);
    let contender =
        contenders.find(|contender| contender.name == who).ok_or_else(|| format!("nobody is {who:?}"))?;
    contender.run(&plan).map(drop)
}

/// A line for each count, and whether it holds.
fn compare(counts: &BTreeMap<String, f64>, known: &BTreeMap<String, f64>) -> Vec<(String, bool)> {
    let line = |(name, count): (&String, &f64)| {
        let holds = known.get(name).is_some_and(|known| (count - known).abs() <= known * TOLERANCE);
        let known = known.get(name).map_or_else(|| "-".into(), |known| format!("{known:.1}"));
        let verdict = if holds { "" } else { "  DIFFERS" };
        (format!("{name:52}{count:>10.1}{known:>10}{verdict}"), holds)
    };
    counts.iter().map(line).collect()
}

fn text(compiler: &str, counts: &BTreeMap<String, f64>) -> String {
    let head = "# Instructions of one turn of ours: `cargo xtask compare --instructions` compares, `--accept` writes.\n";
    let lines: String = counts.iter().map(|(name, count)| format!("{name:?} = {count:.1}\n")).collect();
    format!("{head}compiler = {compiler:?}\n\n[instructions]\n{lines}")
}

fn parse(text: &str) -> BTreeMap<String, f64> {
    let count = |line: &str| {
        let (name, count) = line.rsplit_once(" = ")?;
        Some((name.trim_matches('"').to_owned(), count.parse().ok()?))
    };
    text.lines().filter_map(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(count: f64) -> BTreeMap<String, f64> {
        BTreeMap::from([("ring: publish + receive, 8 B".to_owned(), count)])
    }

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(parse(&text("rustc 1.95.0", &counts(31.5))), counts(31.5));
    }

    #[test]
    fn two_percent_hold_and_three_do_not_nor_does_what_is_not_known() {
        let holds = |count, known: &BTreeMap<_, _>| compare(&counts(count), known)[0].1;
        assert!(holds(102.0, &counts(100.0)) && holds(98.0, &counts(100.0)));
        assert!(!holds(103.0, &counts(100.0)) && !holds(97.0, &counts(100.0)));
        assert!(!holds(100.0, &BTreeMap::new()));
    }
}
