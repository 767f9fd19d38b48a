//! `xbar log`: logs on disk, looked at, printed, followed and verified.

mod info;
mod print;

use std::path::PathBuf;
use std::process::ExitCode;

use xbar::log::{LogError, inspect, list};

use crate::Result;

/// What to do with logs.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Show logs, their segments and cursors
    Info(info::Arguments),
    /// Print messages from the oldest one on, or from elsewhere, to the live end
    Cat(print::Arguments),
    /// Print messages as they are appended, until the writer ends
    Tail(print::Arguments),
    /// Compute every checksum, and say what is wrong
    Verify(Which),
}

/// Which log.
#[derive(clap::Args)]
pub struct Which {
    /// The folder that the log is in
    folder: PathBuf,
    /// The log; may be left out where there is only one
    name: Option<String>,
}

impl Which {
    /// Its name.
    fn name(&self) -> Result<String> {
        if let Some(name) = &self.name {
            return Ok(name.clone());
        }
        let mut names = list(&self.folder)?;
        match (names.pop(), names.is_empty()) {
            (Some(name), true) => Ok(name),
            (Some(last), false) => {
                let names = names.join(", ");
                Err(format!("{} has several logs: say {names} or {last}", self.folder.display()).into())
            }
            (None, _) => Err(format!("there is no log in {}: look elsewhere", self.folder.display()).into()),
        }
    }
}

/// Does it.
pub fn run(arguments: &Arguments) -> Result {
    match &arguments.command {
        Command::Info(arguments) => info::run(arguments),
        Command::Cat(arguments) => print::cat(arguments),
        Command::Tail(arguments) => print::tail(arguments),
        Command::Verify(which) => verify(which),
    }
}

/// Exits with 1 when anything is wrong.
fn verify(which: &Which) -> Result {
    let info = inspect(&which.folder, &which.name()?)?;
    let faults = info.faults();
    for fault in &faults {
        println!("{fault}");
    }
    // A cursor that cannot be read keeps everything from being deleted.
    let cursors: Vec<&LogError> = info.cursors.iter().filter_map(|(_, seq)| seq.as_ref().err()).collect();
    for error in &cursors {
        println!("{error}");
    }
    if faults.is_empty() && cursors.is_empty() {
        println!(
            "log {}: {} messages in {} segments, all as they were written",
            info.name,
            info.records(),
            info.segments.len()
        );
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}
