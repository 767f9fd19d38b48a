//! What stands for the campaign on machines whose processes it cannot step: it says so, and fails.

use std::process::ExitCode;

/// Fails.
pub fn run(_arguments: &[String]) -> ExitCode {
    eprintln!("crash: victims are single-stepped on x86_64 Linux only: nothing was tried");
    ExitCode::FAILURE
}
