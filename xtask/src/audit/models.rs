//! One crate's models, built from the copy and run with a time limit.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::{Result, loom};

/// What the models said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All passed.
    Passed,
    /// The first that failed.
    Failed(String),
    /// The one that ran when the time was up.
    TimedOut(String),
}

/// Builds the models of `package` in the copy at `tree`; the program's path.
pub fn build(tree: &Path, target: &Path, package: &str) -> Result<PathBuf> {
    let output = Command::new("cargo")
        .args(["test", "--quiet", "--release", "--package", package, "--test", "loom"])
        .args(["--no-run", "--message-format=json"])
        .current_dir(tree)
        .env("RUSTFLAGS", loom::CFG)
        .env("CARGO_TARGET_DIR", target)
        // Changes how fast the models are built, and nothing that they could notice.
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .output()?;
    if !output.status.success() {
        let messages = String::from_utf8_lossy(&output.stdout);
        let first = messages.lines().find_map(compiler_error).unwrap_or_default();
        return Err(
            format!("the models of {package} do not compile: {first}; correct the mutant's form").into()
        );
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let program = messages.lines().filter_map(program).next_back();
    program.ok_or_else(|| format!("{package} has no models: they belong into tests/loom.rs").into())
}

fn program(message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    (message["target"]["name"] == "loom").then(|| message["executable"].as_str().map(PathBuf::from))?
}

fn compiler_error(message: &str) -> Option<String> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let error = &message["message"];
    (error["level"] == "error").then(|| error["message"].as_str().map(str::to_owned))?
}

/// Runs the models that `program` starts, for at most `limit`; what they print goes to `log`.
pub fn run(mut program: Command, log: &Path, limit: Duration) -> Result<Verdict> {
    let output = File::create(log)?;
    // One at a time, so that the log says which one was cut off.
    let mut models = program
        .arg("--test-threads=1")
        .env("LOOM_MAX_PREEMPTIONS", loom::QUICK_PREEMPTIONS)
        .stdin(Stdio::null())
        .stderr(output.try_clone()?)
        .stdout(output)
        .spawn()?;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = models.try_wait()? {
            break Some(status);
        }
        if start.elapsed() > limit {
            models.kill()?;
            models.wait()?;
            break None;
        }
        sleep(Duration::from_millis(20));
    };
    let text = String::from_utf8_lossy(&fs::read(log)?).into_owned();
    let failed = failing_test(&text);
    match status {
        Some(status) if status.success() && loom::passed(&text) > 0 => Ok(Verdict::Passed),
        Some(status) if status.success() => Err(format!("no model ran: see {}", log.display()).into()),
        Some(_) => failed.map(Verdict::Failed).ok_or_else(|| {
            format!("the models ended before one of them failed: see {}", log.display()).into()
        }),
        // A model that failed has noticed, whatever the others still do.
        None if text.contains(" ... FAILED") => Ok(Verdict::Failed(failed.unwrap_or_default())),
        None => Ok(Verdict::TimedOut(failed.unwrap_or_default())),
    }
}

/// The first test that a runner with one thread calls failed, or the one that it never finished.
fn failing_test(log: &str) -> Option<String> {
    let results = log.lines().filter_map(|line| line.strip_prefix("test ")?.split_once(" ... "));
    let bad = |(_, result): &(&str, &str)| !["ok", "ignored"].iter().any(|good| result.starts_with(good));
    results.filter(bad).map(|(name, _)| name.trim_end_matches(" - should panic").to_owned()).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_is_named() {
        let log = "running 4 tests\ntest a ... ok\ntest b ... ignored, why\ntest c ... FAILED\ntest d ... FAILED\n\n\
                   failures:\n\n---- c stdout ----\ntest result: FAILED. 1 passed; 2 failed;\n";
        assert_eq!(failing_test(log).as_deref(), Some("c"));
        assert_eq!(failing_test("test a ... ok\ntest result: ok. 1 passed; 0 failed;\n"), None);
    }

    #[test]
    fn a_test_that_aborts_or_never_ends_is_named() {
        assert_eq!(
            failing_test("test a ... ok\ntest b ... thread panicked while panicking").as_deref(),
            Some("b")
        );
        assert_eq!(failing_test("test a ... ok\ntest b - should panic ... ").as_deref(), Some("b"));
    }

    #[test]
    fn the_program_and_the_error_are_found_in_the_compilers_messages() {
        let built = r#"{"reason":"compiler-artifact","target":{"name":"loom"},"executable":"/t/loom-1"}"#;
        let library = r#"{"reason":"compiler-artifact","target":{"name":"loom"},"executable":null}"#;
        let other = r#"{"reason":"compiler-artifact","target":{"name":"api"},"executable":"/t/api-1"}"#;
        assert_eq!(program(built), Some(PathBuf::from("/t/loom-1")));
        assert_eq!((program(library), program(other), program("noise")), (None, None, None));
        let error =
            r#"{"reason":"compiler-message","message":{"level":"error","message":"mismatched types"}}"#;
        assert_eq!(compiler_error(error).as_deref(), Some("mismatched types"));
        assert_eq!(compiler_error(&error.replace("\"error\"", "\"warning\"")), None);
    }

    #[test]
    fn what_never_ends_is_cut_off_and_what_runs_nothing_is_an_error() {
        let here = std::env::temp_dir().join(format!("xbar-audit-models-{}", std::process::id()));
        fs::create_dir_all(&here).unwrap();
        let said = |script: &str, limit| {
            fs::write(here.join("models"), script).unwrap();
            let mut program = Command::new("sh");
            program.arg(here.join("models"));
            run(program, &here.join("log"), Duration::from_secs(limit)).ok()
        };
        assert_eq!(said("echo 'test a ... FAILED'; exit 101", 60), Some(Verdict::Failed("a".to_owned())));
        assert_eq!(said("echo 'test result: ok. 1 passed;'", 60), Some(Verdict::Passed));
        assert_eq!(said("printf 'test a ... '; exec sleep 60", 1), Some(Verdict::TimedOut("a".to_owned())));
        assert_eq!(said("true", 60), None);
        assert_eq!(said("exit 1", 60), None);
        fs::remove_dir_all(here).unwrap();
    }
}
