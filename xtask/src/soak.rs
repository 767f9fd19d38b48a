//! `soak`: minutes of kills, stops, joins and leaves, in real processes; see docs/testing.md.

use xshell::{Shell, cmd};

use crate::{Result, root};

/// Runs the soak with these flags: `--seconds N`, `--seed N`, `--spoil WORD`.
pub fn run(flags: &[&str]) -> Result {
    let sh = Shell::new()?;
    sh.change_dir(root());
    cmd!(sh, "cargo build --quiet --release -p xbar-trial").run()?;
    Ok(cmd!(sh, "target/release/xbar-trial soak {flags...}").run()?)
}

/// What `cargo xtask test` runs.
pub fn run_briefly() -> Result {
    run(&["--seconds", "10"])
}
