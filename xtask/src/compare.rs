//! `compare`: ours and the peers in one run. The package that does it lives outside the workspace, in benches/compare.

use std::process::{Command, ExitCode};

use crate::root;

/// Loops begin on a cache line, those of all contenders alike. Where else they would begin is chance, and changes with any line of the
/// package: the eight instructions that handle an event took 0.6 ns within a line and 1.1 ns across two.
const LOOPS_ALIGNED: &str = r#"build.rustflags=["-C", "llvm-args=-align-loops=64"]"#;

/// Builds the package in release and runs it with `flags`; its exit code is ours.
pub fn run(flags: &[&str]) -> ExitCode {
    let mut command = Command::new("cargo");
    command.args([
        "run",
        "--quiet",
        "--config",
        LOOPS_ALIGNED,
        "--release",
        "--locked",
        "--manifest-path",
        "benches/compare/Cargo.toml",
        "--",
    ]);
    match command.args(flags).current_dir(root()).status() {
        // No code: killed by a signal.
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(error) => {
            eprintln!("xtask: cannot start cargo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Counts the instructions of the hot paths; fails when one has grown, or shrunk, by more than 2 %. Needs valgrind.
pub fn count_instructions() -> crate::Result {
    if run(&["--instructions"]) == ExitCode::SUCCESS {
        return Ok(());
    }
    Err("instruction counts differ, or could not be had: install valgrind, see above".into())
}
