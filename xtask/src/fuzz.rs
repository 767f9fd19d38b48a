//! `fuzz`: every target of `fuzz/` for some time, under AddressSanitizer.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::sections::section;
use crate::{Result, root};

/// What to run, and for how long.
pub struct Options {
    seconds: u32,
    only: Option<String>,
}

impl Options {
    /// `None` when a flag is unknown or has no value.
    pub fn parse(flags: &[&str]) -> Option<Self> {
        let mut options = Self { seconds: 60, only: None };
        for flag in flags.chunks(2) {
            match *flag {
                ["--seconds", seconds] => {
                    options.seconds = seconds.parse().ok().filter(|&seconds| seconds > 0)?
                }
                ["--only", word] => options.only = Some(word.to_owned()),
                _ => return None,
            }
        }
        Some(options)
    }
}

/// What one run did.
#[derive(Debug, PartialEq, Eq)]
struct Done {
    runs: u64,
    edges: u64,
}

/// Runs the targets one after the other; fails when one finds something, does not run, or there is none.
pub fn run(options: &Options) -> Result {
    tools()?;
    let fuzz = root().join("fuzz");
    let mut targets = targets(&fuzz)?;
    if let Some(word) = &options.only {
        targets.retain(|target| target.contains(word.as_str()));
    }
    if targets.is_empty() {
        return Err("no such target: they are in fuzz/fuzz_targets".into());
    }
    section("build", || {
        let built = cargo_fuzz("build").status()?;
        built.success().then_some(()).ok_or_else(|| "the targets do not compile: read it above".into())
    })?;
    let mut lines = Vec::new();
    for target in &targets {
        section(target, || {
            let Done { runs, edges } = one(&fuzz, target, options.seconds)?;
            lines.push(format!("| {target} | {runs} | {edges} | 0 |"));
            Ok(())
        })?;
    }
    println!("| target | inputs in {} s | edges | findings |\n|---|---|---|---|", options.seconds);
    lines.iter().for_each(|line| println!("{line}"));
    Ok(())
}

/// Says what is missing, and how to get it.
fn tools() -> Result {
    let works = |command: &mut Command| {
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    if !works(Command::new("rustup").args(["run", "nightly", "cargo", "--version"])) {
        return Err("fuzzing needs a nightly compiler: `rustup toolchain install nightly`".into());
    }
    if !works(cargo_fuzz("--version").env_remove("RUSTFLAGS")) {
        return Err("fuzzing needs cargo-fuzz: `cargo install cargo-fuzz`".into());
    }
    Ok(())
}

fn cargo_fuzz(command: &str) -> Command {
    let mut cargo = Command::new("rustup");
    cargo.args(["run", "nightly", "cargo", "fuzz", command]).current_dir(root());
    // Those of the stable compiler that runs this.
    cargo.env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN");
    cargo
}

/// The targets' names.
fn targets(fuzz: &Path) -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for entry in fs::read_dir(fuzz.join("fuzz_targets"))? {
        let path = entry?.path();
        if let (Some(stem), true) = (path.file_stem(), path.extension().is_some_and(|end| end == "rs")) {
            targets.push(stem.to_string_lossy().into_owned());
        }
    }
    targets.sort();
    Ok(targets)
}

fn one(fuzz: &Path, target: &str, seconds: u32) -> Result<Done> {
    // The first is added to, the second is what found faults before.
    let folders = ["corpus", "regressions"].map(|folder| fuzz.join(folder).join(target));
    for folder in &folders {
        fs::create_dir_all(folder)?;
    }
    let output = cargo_fuzz("run")
        .arg(target)
        .args(&folders)
        .args(["--", "-timeout=60", "-rss_limit_mb=2048", "-max_len=1024", "-print_final_stats=1"])
        .arg(format!("-max_total_time={seconds}"))
        .output()?;
    // The fuzzer speaks there.
    let said = String::from_utf8_lossy(&output.stderr);
    judge(output.status.success(), &said).map_err(|error| {
        eprintln!("{said}");
        format!("{error}: {target}").into()
    })
}

/// What a run with this end and these words means.
fn judge(success: bool, said: &str) -> std::result::Result<Done, &'static str> {
    if !success {
        return Err(
            "found something, or did not run: read it above; mend it, and commit the input from fuzz/artifacts to \
                    fuzz/regressions, under a name that says what it found",
        );
    }
    let number = |before: &str| {
        let text = &said[said.rfind(before)? + before.len()..];
        text.split_whitespace().next()?.parse().ok()
    };
    match (number("stat::number_of_executed_units: "), number("cov: ")) {
        (Some(runs), Some(edges)) if runs > 0 && edges > 0 => Ok(Done { runs, edges }),
        _ => Err("ran nothing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_run_that_ended_well_and_did_something_passes() {
        let good = "#2 INITED cov: 3 ft: 3\n#9 DONE cov: 17 ft: 9\nstat::number_of_executed_units: 90\n";
        assert_eq!(judge(true, good), Ok(Done { runs: 90, edges: 17 }));
        assert!(judge(false, good).unwrap_err().contains("found something"));
        for nothing in
            ["", "cov: 17", "stat::number_of_executed_units: 0\ncov: 1", "stat::number_of_executed_units: 5"]
        {
            assert!(judge(true, nothing).is_err(), "{nothing}");
        }
    }

    #[test]
    fn flags_have_values() {
        assert!(Options::parse(&[]).is_some_and(|options| options.seconds == 60));
        let both = Options::parse(&["--only", "ring", "--seconds", "5"]).unwrap();
        assert_eq!((both.seconds, both.only.as_deref()), (5, Some("ring")));
        for wrong in [&["--seconds"][..], &["--seconds", "0"], &["--seconds", "x"], &["ring"], &["--only"]] {
            assert!(Options::parse(wrong).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn every_target_is_found() {
        let targets = targets(&root().join("fuzz")).unwrap();
        for target in ["region_gate", "ring_slots", "ledger", "participants"] {
            assert!(targets.iter().any(|found| found == target), "{target} of {targets:?}");
        }
    }
}
