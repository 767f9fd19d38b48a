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
    /// None failed, but this one was not ready in time, or the model checker gave it up.
    GaveUp(String),
}

/// Models that were built.
pub struct Program {
    path: PathBuf,
    /// True when it was there already: nothing that it is made of has changed.
    pub was_there: bool,
}

impl Program {
    /// How it is started.
    pub fn start(&self) -> Command {
        Command::new(&self.path)
    }
}

/// Builds the models of `package` in the copy at `tree`.
pub fn build(tree: &Path, target: &Path, package: &str) -> Result<Program> {
    let output = Command::new("cargo")
        .args(["test", "--quiet", "--release", "--package", package, "--test", "loom"])
        .args(["--no-run", "--message-format=json"])
        .current_dir(tree)
        .env("RUSTFLAGS", loom::CFG)
        .env("CARGO_TARGET_DIR", target)
        // Changes how fast the models are built and run, and nothing that they could notice.
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
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

fn program(message: &str) -> Option<Program> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let path = (message["target"]["name"] == "loom").then(|| message["executable"].as_str())??;
    Some(Program { path: path.into(), was_there: message["fresh"] == true })
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
        // What a model says is wanted at once, so that a failure ends the run.
        .args(["--test-threads=1", "--nocapture"])
        .env("LOOM_MAX_PREEMPTIONS", loom::QUICK_PREEMPTIONS)
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stderr(output.try_clone()?)
        .stdout(output)
        .spawn()?;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = models.try_wait()? {
            break Some(status);
        }
        if let Some(model) = noticed(&String::from_utf8_lossy(&fs::read(log)?)) {
            models.kill()?;
            models.wait()?;
            return Ok(Verdict::Failed(model));
        }
        if start.elapsed() > limit {
            models.kill()?;
            models.wait()?;
            break None;
        }
        sleep(Duration::from_millis(20));
    };
    let text = String::from_utf8_lossy(&fs::read(log)?).into_owned();
    match (status, failed(&text)) {
        (Some(status), _) if status.success() && loom::passed(&text) > 0 => Ok(Verdict::Passed),
        (Some(status), _) if status.success() => Err(format!("no model ran: see {}", log.display()).into()),
        (Some(_), Some(verdict)) => Ok(verdict),
        (Some(_), None) => {
            Err(format!("the models ended before one of them failed: see {}", log.display()).into())
        }
        // A model that failed before the time was up has noticed all the same.
        (None, Some(Verdict::Failed(model))) if text.contains(&format!("test {model} ... FAILED")) => {
            Ok(Verdict::Failed(model))
        }
        (None, _) => Ok(Verdict::GaveUp(bad_tests(&text).last().unwrap_or_default().to_owned())),
    }
}

/// The model that has failed, for more than being too long, in the log of a run that may still go on.
fn noticed(log: &str) -> Option<String> {
    let (mut name, mut too_long) = ("", false);
    for line in log.lines() {
        if let Some((test, _)) = line.strip_prefix("test ").and_then(|test| test.split_once(" ... ")) {
            (name, too_long) = (test, false);
        }
        too_long |= line.contains(TOO_LONG);
        let is_over = line == "FAILED" || line.ends_with(" ... FAILED");
        if is_over && !too_long && !name.is_empty() {
            return Some(name.to_owned());
        }
    }
    None
}

/// What the model checker says when a model takes too many turns: that proves nothing.
const TOO_LONG: &str = "exceeded maximum number of branches";

/// The first test in the log that failed, and whether it failed for more than being too long.
fn failed(log: &str) -> Option<Verdict> {
    let is_proof = |name: &&str| {
        let said = log.split_once(&format!("---- {name} stdout ----")).map_or("", |(_, behind)| behind);
        !said.split("\n---- ").next().unwrap_or_default().contains(TOO_LONG)
    };
    let proof = bad_tests(log).find(is_proof).map(|name| Verdict::Failed(name.to_owned()));
    proof.or_else(|| bad_tests(log).next().map(|name| Verdict::GaveUp(name.to_owned())))
}

/// The tests that a runner with one thread calls failed, and the one that it never finished.
fn bad_tests(log: &str) -> impl Iterator<Item = &str> {
    let results = log.lines().filter_map(|line| line.strip_prefix("test ")?.split_once(" ... "));
    let bad = |(_, result): &(&str, &str)| !["ok", "ignored"].iter().any(|good| result.starts_with(good));
    results.filter(bad).map(|(name, _)| name.trim_end_matches(" - should panic"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(name: &str) -> Option<Verdict> {
        Some(Verdict::Failed(name.to_owned()))
    }

    #[test]
    fn the_first_failure_is_named() {
        let log = "running 4 tests\ntest a ... ok\ntest b ... ignored, why\ntest c ... FAILED\ntest d ... FAILED\n\n\
                   failures:\n\n---- c stdout ----\ntest result: FAILED. 1 passed; 2 failed;\n";
        assert_eq!(failed(log), fails("c"));
        assert_eq!(failed("test a ... ok\ntest result: ok. 1 passed; 0 failed;\n"), None);
    }

    #[test]
    fn a_failure_is_noticed_while_others_still_run() {
        let failed =
            "running 3 tests\ntest a ... ok\ntest b ... \nthread 'b' panicked at x.rs:1:\ntorn\nFAILED\n";
        assert_eq!(noticed(failed).as_deref(), Some("b"));
        assert_eq!(noticed(&format!("{failed}test c ... ")).as_deref(), Some("b"));
        assert_eq!(noticed(&failed.replace("torn", &format!("Model {TOO_LONG}."))), None);
        assert_eq!(noticed(&failed.replace("FAILED\n", "")), None, "not over yet");
        assert_eq!(noticed("test a ... ok\ntest b ... "), None);
    }

    #[test]
    fn a_test_that_aborts_is_named() {
        assert_eq!(failed("test a ... ok\ntest b ... thread panicked while panicking"), fails("b"));
        assert_eq!(failed("test a ... ok\ntest b - should panic ... "), fails("b"));
    }

    #[test]
    fn a_model_that_is_too_long_has_not_noticed() {
        let log = format!(
            "test a ... FAILED\ntest b ... FAILED\n\n---- a stdout ----\nModel {TOO_LONG}.\n\n---- b stdout ----\n"
        );
        assert_eq!(failed(&log), fails("b"));
        let log = log.replace("test b ... FAILED", "test b ... ok");
        assert_eq!(failed(&log), Some(Verdict::GaveUp("a".to_owned())));
    }

    #[test]
    fn the_program_and_the_error_are_found_in_the_compilers_messages() {
        let built = r#"{"reason":"compiler-artifact","target":{"name":"loom"},"executable":"/t/loom-1","fresh":false}"#;
        let library = r#"{"reason":"compiler-artifact","target":{"name":"loom"},"executable":null}"#;
        let other = r#"{"reason":"compiler-artifact","target":{"name":"api"},"executable":"/t/api-1"}"#;
        let is_there = |message: &str| program(message).map(|program| (program.path, program.was_there));
        assert_eq!(is_there(built), Some((PathBuf::from("/t/loom-1"), false)));
        assert_eq!(is_there(&built.replace("false", "true")), Some((PathBuf::from("/t/loom-1"), true)));
        assert_eq!((is_there(library), is_there(other), is_there("noise")), (None, None, None));
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
        assert_eq!(said("echo 'test a ... FAILED'; exit 101", 60), fails("a"));
        assert_eq!(said("echo 'test result: ok. 1 passed;'", 60), Some(Verdict::Passed));
        assert_eq!(
            said("echo 'test a ... ok'; printf 'test b ... '; exec sleep 60", 1),
            Some(Verdict::GaveUp("b".to_owned()))
        );
        assert_eq!(said("echo 'test a ... FAILED'; exec sleep 60", 1), fails("a"));
        assert_eq!(said("true", 60), None);
        assert_eq!(said("exit 1", 60), None);
        fs::remove_dir_all(here).unwrap();
    }
}
