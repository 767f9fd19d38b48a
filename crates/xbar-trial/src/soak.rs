//! The soak: every kind of exchange at once, in real processes that are killed, stopped, ended and started again for minutes; after
//! each round all counts must add up, and in the end nothing may be left.

mod cast;
mod message;
mod orders;
mod parts;
mod random;
mod round;
mod stage;
mod verdict;

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use self::stage::Stage;

const USAGE: &str = "\
usage: xbar-trial soak [--seconds N] [--seed N] [--only WORD] [--spoil drop|repeat|tear|recovery|hang]
       --only takes those at places with WORD in their name, and disturbs them so much the more
       --spoil breaks something on purpose, which the soak must find";

/// What to do.
#[derive(Debug, Clone)]
struct Options {
    time: Duration,
    seed: u64,
    /// A word in the places' names; empty = all places.
    only: String,
    /// What is broken on purpose: a word for the parts, or `recovery`; empty = nothing.
    spoil: String,
}

/// What is wrong, in one line.
type Violation = String;

/// Runs the soak, or, as one of its processes, a part.
pub fn run(arguments: &[String]) -> ExitCode {
    match arguments.split_first() {
        Some((word, rest)) if word == "part" => return parts::play(rest),
        _ => {}
    }
    let Some(options) = parse(arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    println!("soak: {} s, seed {}", options.time.as_secs(), options.seed);
    let done = Stage::build(options.clone()).and_then(Stage::perform);
    match done {
        Ok(tally) => {
            println!("{tally}");
            println!("soak: nothing lost, torn, doubled or left behind");
            ExitCode::SUCCESS
        }
        Err(violation) => {
            eprintln!(
                "soak: {violation} (again with --seconds {} --seed {})",
                options.time.as_secs(),
                options.seed
            );
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Option<Options> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seed = u64::from(now.subsec_nanos()) ^ now.as_secs();
    let mut options =
        Options { time: Duration::from_secs(10), seed, only: String::new(), spoil: String::new() };
    for pair in arguments.chunks(2) {
        let [flag, value] = pair else { return None };
        match flag.as_str() {
            "--seconds" => options.time = Duration::from_secs(value.parse().ok()?),
            "--seed" => options.seed = value.parse().ok()?,
            "--only" => options.only.clone_from(value),
            "--spoil" => options.spoil.clone_from(value),
            _ => return None,
        }
    }
    Some(options)
}
