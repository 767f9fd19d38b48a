//! The part that a test binary plays that was started again as a child: what it is, and what it says to its parent.

use std::env;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

const PART: &str = "XBAR_TEST_PART";

/// The part that this process is to play, if it is a child: its name and folder.
pub fn part() -> Option<(String, PathBuf)> {
    let value = env::var(PART).ok()?;
    let (part, folder) = value.split_once(':')?;
    Some((part.to_owned(), folder.into()))
}

/// A command that starts test `test` of this binary again, to play `part` in `folder`.
pub(crate) fn command(test: &str, part: &str, folder: &Path) -> Command {
    let mut command = Command::new(env::current_exe().expect("this test has a file"));
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command.env(PART, format!("{part}:{}", folder.display()));
    command
}

/// In a child: tells the parent.
///
/// # Panics
///
/// When the parent is gone.
pub fn tell(word: &str) {
    let mut out = io::stdout();
    writeln!(out, "{word}").expect("the parent listens");
    out.flush().expect("the parent listens");
}

/// In a child: waits for the parent to say `word`.
///
/// # Panics
///
/// When it says something else, or is gone.
pub fn hear(word: &str) {
    let mut line = String::new();
    io::stdin().read_line(&mut line).expect("the parent speaks");
    assert_eq!(line.trim_end(), word);
}

/// In a child: stays until it is killed or the parent has nothing more to say.
pub fn stay() {
    let _ = io::stdin().read_to_end(&mut Vec::new());
}
