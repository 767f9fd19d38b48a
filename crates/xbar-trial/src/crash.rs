//! Death at every instruction: each operation of the library is killed after each of its instructions, and after each kill
//! the survivors must go on as if nothing had happened.
//!
//! - `campaign.rs` runs the operations, each in a worker process that may hang or fail without harm;
//! - `worker.rs` kills one operation's victims, one after the other, and has the survivors look;
//! - `victim.rs` is the process that dies: started by fork, driven by ptrace; `path.rs` what it executes, and how to come
//!   to an instruction quickly; `watch.rs` what others can see of it;
//! - `operations/` has what victims do and what survivors check, `region.rs` what they have in common;
//! - `ear.rs` and `words.rs` notice messages that are torn, doubled, out of order or lost; `census.rs` counts blocks.

mod campaign;
mod census;
mod ear;
mod fault;
mod operations;
mod path;
mod region;
mod report;
mod victim;
mod watch;
mod words;
mod worker;

use std::process::ExitCode;

const USAGE: &str = "\
usage: xbar-trial crash [--quick] [--only WORD] [--list]

  --quick      some instructions of every operation, under a minute
  --only WORD  operations with WORD in their name
  --list       only says which there are
";

/// Runs the campaign, or the part of it that `arguments` say.
pub fn run(arguments: &[String]) -> ExitCode {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["worker", name, dir, from, ref share @ ..] => worker::run(name, dir, from, share),
        ["sleeper", dir] => operations::park::sleeper(dir),
        ref flags => match campaign::Options::parse(flags) {
            Some(options) => campaign::run(&options),
            None => {
                eprint!("{USAGE}");
                ExitCode::from(2)
            }
        },
    }
}
