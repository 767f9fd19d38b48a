//! `tsan`: the stress scenarios under ThreadSanitizer, which watches every access of one real run.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::sections::section;
use crate::{Result, loom, root};

/// What the sanitizer can be built for here: it needs the target's name, so that build scripts stay as they are.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The sanitizer, and the word loop instead of assembly that it cannot look into.
const FLAGS: &str = "-Zsanitizer=thread --cfg xbar_tsan";

/// How often every scenario runs: the sanitizer sees only what happened.
const TURNS: u32 = 10;

/// How much to look.
#[derive(Clone, Copy)]
pub enum Effort {
    /// Every scenario once.
    Once,
    /// Every scenario [`TURNS`] times.
    Often,
}

/// Runs the stress tests of all crates; fails when one fails, when none ran, or when the sanitizer reports something.
pub fn run(effort: Effort) -> Result {
    nightly()?;
    let packages = packages(&root())?;
    if packages.is_empty() {
        return Err("no stress test found: they belong into crates/*/tests/stress.rs".into());
    }
    for package in &packages {
        section(package, || stress(package, effort))?;
    }
    Ok(())
}

/// Says what is missing of the nightly compiler and its sources.
fn nightly() -> Result {
    let installed = Command::new("rustup")
        .args(["component", "list", "--toolchain", "nightly", "--installed"])
        .stderr(Stdio::null())
        .output();
    let install = "`rustup toolchain install nightly --component rust-src`";
    match installed {
        Ok(output) if !output.status.success() => {
            Err(format!("the sanitizer needs a nightly compiler: {install}").into())
        }
        Ok(output) if !has_sources(&String::from_utf8_lossy(&output.stdout)) => {
            Err(format!("the sanitizer needs the sources of std, to watch it too: {install}").into())
        }
        Ok(_) => Ok(()),
        Err(_) => {
            Err(format!("the sanitizer needs rustup and a nightly compiler: install rustup, then {install}")
                .into())
        }
    }
}

fn has_sources(components: &str) -> bool {
    components.lines().any(|component| component.starts_with("rust-src"))
}

/// The crates that have stress tests.
fn packages(root: &Path) -> Result<Vec<String>> {
    let mut packages = Vec::new();
    for entry in fs::read_dir(root.join("crates"))? {
        let entry = entry?;
        let tests = entry.path().join("tests");
        if tests.join("stress.rs").is_file() || tests.join("stress/main.rs").is_file() {
            packages.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    packages.sort();
    Ok(packages)
}

fn stress(package: &str, effort: Effort) -> Result {
    let turns = match effort {
        Effort::Once => 1,
        Effort::Often => TURNS,
    };
    for _ in 0..turns {
        let output = Command::new("rustup")
            .args(["run", "nightly", "cargo", "test", "--release", "-Zbuild-std", "--target", TARGET])
            .args(["--package", package, "--test", "stress"])
            // Tests that run beside each other share the runner's locks, and locks hide races.
            .args(["--", "--test-threads=1"])
            .current_dir(root())
            .env("RUSTFLAGS", FLAGS)
            .env("CARGO_TARGET_DIR", "target/tsan")
            // Std is built as well, which takes long enough.
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .output()?;
        let (text, errors) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        print!("{text}");
        if let Err(error) = judge(output.status.success(), &text, &errors) {
            eprint!("{errors}");
            return Err(error.into());
        }
    }
    Ok(())
}

/// What a run with this end, this output and these errors means.
fn judge(success: bool, output: &str, errors: &str) -> std::result::Result<(), &'static str> {
    // The runner shows a report where it came up: a test's output is not caught below its own threads.
    if [output, errors].iter().any(|text| text.contains("WARNING: ThreadSanitizer")) {
        return Err(
            "the sanitizer reported something: read it above, and docs/testing.md on what it cannot see",
        );
    }
    if !success {
        return Err("a stress test failed, or did not compile: read it above");
    }
    if loom::passed(output) == 0 {
        return Err("no stress test ran: look at the cfg of tests/stress.rs");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_run_without_reports_that_ran_something_passes() {
        let ok = "test result: ok. 1 passed; 0 failed;";
        assert_eq!(judge(true, ok, "   Compiling xbar-ring"), Ok(()));
        let report = "WARNING: ThreadSanitizer: data race (pid=1)";
        let report_between = format!("{report}\n{ok}");
        for (success, output, errors) in [
            (true, ok, report),
            (true, &report_between, ""),
            (false, ok, report),
            (false, "test result: FAILED. 1 passed; 1 failed;", ""),
            (false, ok, ""),
            (true, "test result: ok. 0 passed; 0 failed;", ""),
            (true, "", ""),
        ] {
            assert!(judge(success, output, errors).is_err(), "{output} {errors}");
        }
        assert!(judge(false, ok, report).unwrap_err().starts_with("the sanitizer"));
    }

    #[test]
    fn the_sources_of_std_are_looked_for() {
        assert!(has_sources("rustc-x86_64-unknown-linux-gnu\nrust-src\n"));
        assert!(!has_sources("rustc-x86_64-unknown-linux-gnu\nrust-std\n"));
    }

    #[test]
    fn the_crates_with_stress_tests_are_found() {
        let packages = packages(&root()).unwrap();
        assert!(packages.iter().any(|package| package == "xbar-ring"), "{packages:?}");
        assert!(!packages.iter().any(|package| package == "xbar-layout"), "{packages:?}");
    }
}
