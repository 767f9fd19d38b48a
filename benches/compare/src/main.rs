//! Ours and the peers, alternately, in one run: figures, their ratios, and whether the goals are met.
#![deny(unsafe_code)]

mod arguments;
mod bus;
mod case;
mod cases;
mod clock;
mod contract;
mod cores;
mod document;
mod folder;
mod goals;
mod instructions;
mod limits;
mod machine;
mod peers;
mod pin;
mod plot;
mod report;
mod rounds;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::cores::are_whole;
use arguments::Arguments;
use case::Case;
use cases::{scale, topic_round_trip};
use plot::Plot;
use report::Row;
use rounds::{Effort, Measured};

/// All that `--quick` may take, and a little less.
const QUICK: Duration = Duration::from_secs(44);

/// How often cases that miss goals are worked once more.
const AGAIN: usize = 2;

/// Rounds of each case, if there is time; of those on two cores twice as many, unless told.
const ROUNDS: usize = 31;

fn main() -> ExitCode {
    end_with_any_thread();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.split_first().map(|(word, rest)| (word.as_str(), rest)) {
        Some((topic_round_trip::ANSWER, rest)) => topic_round_trip::answer_as_told(rest).map(|()| true),
        Some((scale::DIE, rest)) => scale::die_as_told(rest).map(|()| true),
        Some((instructions::WORK, rest)) => instructions::work_as_told(rest).map(|()| true),
        _ => match Arguments::parse(words) {
            Ok(arguments) if arguments.instructions => instructions::run(arguments.accept),
            Ok(arguments) => run(&arguments),
            Err(error) => {
                eprintln!("compare: {error}");
                return ExitCode::from(2);
            }
        },
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A thread that panics ends the program: another one would wait for its answers for ever.
fn end_with_any_thread() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        tell(info);
        std::process::exit(101);
    }));
}

/// Works all cases that are asked for; false when goals are missed and that matters.
fn run(arguments: &Arguments) -> Result<bool, String> {
    let mut machine = machine::describe(&warnings());
    println!("{}\n\n{}", machine::text(&machine), table::head());
    let rows = work(asked_for(arguments), arguments);
    for line in table::latencies(&rows) {
        println!("{line}");
    }
    machine["undisturbed"] = format!("{:.0} %", 100.0 * report::undisturbed(&rows)).into();
    println!("\nrounds on cores of their own: {}", machine["undisturbed"].as_str().unwrap_or("?"));
    let folder = write(&report::json(&machine, &rows), &rows)?;
    println!("\nwritten: {}", folder.display());
    if arguments.write_docs {
        let told = |error: std::io::Error| format!("cannot write {}: {error}", document::FILE);
        let text = fs::read_to_string(document::FILE).map_err(told)?;
        let text = document::with_figures(&text, &machine, &rows)?;
        fs::write(document::FILE, text).map_err(told)?;
        println!("written: {}", document::FILE);
        let folder = Path::new(document::PLOTS);
        write_plots(folder, plot::all(&rows).into_iter().filter(|plot| plot.is_overview))?;
        println!("written: {}", folder.display());
    }
    Ok(!arguments.check || is_as_known(&rows))
}

/// Tells which goals are missed; true when all of them are known to be, and by so much.
fn is_as_known(rows: &[Row]) -> bool {
    let missed: Vec<_> = rows.iter().filter(|row| row.met() == Some(false)).collect();
    let (known, unknown): (Vec<_>, Vec<_>) =
        missed.into_iter().partition(|row| goals::known_cause(row).is_some());
    for (rows, what) in [(&known, "missed as known"), (&unknown, "missed")] {
        if !rows.is_empty() {
            println!("\n{} goals are {what}:\n{}", rows.len(), table::head());
        }
        for row in rows {
            println!("{}", table::row(row));
            if let Some(cause) = goals::known_cause(row) {
                println!("    {cause}");
            }
        }
    }
    unknown.is_empty()
}

/// The cases of the families that are wanted.
fn asked_for(arguments: &Arguments) -> Vec<Case> {
    let mut cases = cases::all();
    cases.retain(|case| arguments.only.is_none_or(|family| family == case.family));
    cases
}

/// Why figures may be off. Leaves this thread pinned, if that works.
fn warnings() -> Vec<String> {
    let mut warnings = Vec::new();
    if pin::cores().len() < 2 {
        warnings.push("one core: two threads share it, and their figures say nothing".into());
    }
    if !pin::pin(0) {
        warnings.push("threads cannot be pinned: figures will scatter".into());
    }
    if cfg!(debug_assertions) {
        warnings.push("not optimised: build with --release".into());
    }
    warnings
}

/// The rows of all cases, printed as they come.
fn work(cases: Vec<Case>, arguments: &Arguments) -> Vec<Row> {
    let start = Instant::now();
    let count = cases.len();
    let mut works: Vec<Work> = Vec::new();
    // One by one: what a case keeps goes when it is done.
    for (index, case) in cases.into_iter().enumerate() {
        let left = QUICK.saturating_sub(start.elapsed()) / (count - index) as u32;
        works.push(Work::of(&case, effort(&case, arguments, left)));
    }
    if !arguments.quick {
        again(&mut works, arguments);
    }
    println!("\n{count} cases in {:.1} s", start.elapsed().as_secs_f64());
    works.into_iter().flat_map(|work| work.rows).collect()
}

/// What a case gave.
struct Work {
    measured: Measured,
    rows: Vec<Row>,
}

impl Work {
    fn of(case: &Case, effort: Effort) -> Self {
        let measured = rounds::work(case, effort);
        let work = Self { rows: report::rows(case, &measured), measured };
        work.print();
        work
    }

    fn add(&mut self, case: &Case, effort: Effort) {
        self.measured.add(rounds::work(case, effort));
        self.rows = report::rows(case, &self.measured);
        self.print();
    }

    fn print(&self) {
        for row in &self.rows {
            println!("{}", table::row(row));
        }
    }

    fn misses(&self) -> bool {
        self.rows.iter().any(|row| row.met() == Some(false))
    }
}

/// Works the cases that miss goals at other times too: the host may have been busy, or the cores far from one another. All rounds
/// count, those of before as well.
fn again(works: &mut [Work], arguments: &Arguments) {
    for _ in 0..AGAIN {
        if works.iter().any(Work::misses) {
            println!("\nonce more, with the rounds of before:");
        }
        for (work, case) in works.iter_mut().zip(asked_for(arguments)) {
            if work.misses() {
                work.add(&case, effort(&case, arguments, Duration::MAX));
            }
        }
    }
}

/// How much work is put into `case` when `left` is what there is for it.
fn effort(case: &Case, arguments: &Arguments, left: Duration) -> Effort {
    if arguments.quick {
        let contenders = 1 + case.peers.len() as u32;
        let slice = (left / contenders / 16).min(Duration::from_millis(4));
        Effort { rounds: arguments.rounds.unwrap_or(ROUNDS), slice, budget: left, are_whole }
    } else {
        // Short in one thread: whoever shares a core with others is alone for some milliseconds now and then. Many on two
        // cores: where two threads meet their lines differs from round to round.
        let (rounds, slice) = if case.cores == 1 { (ROUNDS, 5) } else { (2 * ROUNDS, 10) };
        Effort {
            rounds: arguments.rounds.unwrap_or(rounds),
            slice: Duration::from_millis(slice),
            budget: Duration::from_secs(60),
            are_whole,
        }
    }
}

/// Writes the report and the plots; returns where.
fn write(report: &serde_json::Value, rows: &[Row]) -> Result<PathBuf, String> {
    let folder = Path::new("target/compare");
    write_plots(folder, plot::all(rows))?;
    let told = |error: std::io::Error| format!("cannot write into {}: {error}", folder.display());
    fs::write(folder.join("report.json"), format!("{report:#}\n")).map_err(told)?;
    Ok(folder.to_owned())
}

fn write_plots(folder: &Path, plots: impl IntoIterator<Item = Plot>) -> Result<(), String> {
    let told = |error: std::io::Error| format!("cannot write into {}: {error}", folder.display());
    fs::create_dir_all(folder).map_err(told)?;
    for plot in plots {
        fs::write(folder.join(format!("{}.svg", plot.name)), plot.svg).map_err(told)?;
    }
    Ok(())
}
