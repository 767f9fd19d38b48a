//! The project's own commands: `cargo xtask <command>`.

mod audit;
mod compare;
mod crash;
mod demo;
mod firmware;
mod fuzz;
mod header;
mod install_c;
mod loom;
mod python;
mod sections;
mod soak;
mod test;
mod tidy;
mod tsan;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <command>

  test                 everything that must hold: format, lints, docs, tests, models, tidy, the demo
  loom [--thorough]    the models alone; --thorough lifts the bound on preemptions from 3 to 5 (hours)
  audit [--only WORD] [--list]
                       weakens every memory ordering of the rings and the pool in turn and names the model that notices;
                       --only: in files and functions with WORD in their name; --list: only says what it would weaken
  tsan [--quick]       the stress tests under ThreadSanitizer (needs a nightly compiler), ten times, or once with --quick
  fuzz [--seconds N] [--only WORD]
                       every fuzz target for N seconds (60) under AddressSanitizer (needs a nightly compiler and cargo-fuzz)
  crash [--quick] [--only WORD] [--list]
                       every operation killed after each of its instructions, and what the survivors say (needs ptrace);
                       --quick: some instructions of each, under a minute; writes target/crash/report.json
  firmware             a ring in a static, in a program without any library: built, inspected, run
  header               writes crates/xbar-ffi/include/xbar.h from crates/xbar-ffi/src; tidy says when it is not that
  install-c PREFIX     builds the library for C and C++, and installs it with its headers and pkg-config file below PREFIX
  python               builds the module for Python, and runs its tests: python3, or $PYTHON, of 3.11 or later
  tidy                 the house rules alone: arrows, headers, the shim, ordering edges, unsafe code
  soak [--seconds N] [--seed N] [--only WORD] [--spoil drop|repeat|tear|recovery|hang]
                       real processes of every kind at once, killed, stopped, started and ended at random for N seconds (10), all
                       counts held against each other after each; --spoil: broken on purpose, which it must find
  compare [FLAGS]      ours and the peers in one run: --quick (50 s), --only WORD, --check (1 when a goal is missed),
                       --rounds N, --write-docs; writes target/compare/; or --instructions [--accept]: counted, not timed
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["test"] => test::run(),
        ["loom"] => loom::run(loom::Bound::Quick),
        ["loom", "--thorough"] => loom::run(loom::Bound::Thorough),
        ["audit", ref options @ ..] => match audit::Options::parse(options) {
            Some(options) => audit::run(&options),
            None => return usage(),
        },
        ["tsan"] => tsan::run(tsan::Effort::Often),
        ["tsan", "--quick"] => tsan::run(tsan::Effort::Once),
        ["fuzz", ref flags @ ..] => match fuzz::Options::parse(flags) {
            Some(options) => fuzz::run(&options),
            None => return usage(),
        },
        ["crash", ref flags @ ..] => crash::run(flags),
        ["firmware"] => firmware::run(),
        ["header"] => header::write(),
        ["install-c", prefix] => install_c::run(prefix),
        ["python"] => python::run(),
        ["tidy"] => tidy::run(),
        ["soak", ref flags @ ..] => soak::run(flags),
        ["compare", ref flags @ ..] => return compare::run(flags),
        _ => return usage(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprint!("{USAGE}");
    ExitCode::from(2)
}

/// Whatever went wrong, in one line.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The repository's root.
fn root() -> std::path::PathBuf {
    // Asked for when it runs: the folder may have been moved since this was built, and what was built came along.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let here = std::path::Path::new(&here);
    here.parent().unwrap_or(here).to_owned()
}
