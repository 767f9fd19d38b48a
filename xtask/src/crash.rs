//! `crash`: every operation killed after each of its instructions, by crates/xbar-trial.

use xshell::{Shell, cmd};

use crate::{Result, root};

/// Runs the campaign with its own flags; the release build, because that is what ships.
pub fn run(flags: &[&str]) -> Result {
    let sh = Shell::new()?;
    sh.change_dir(root());
    Ok(cmd!(sh, "cargo run --quiet --release -p xbar-trial -- crash {flags...}").run()?)
}
