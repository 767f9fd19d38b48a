//! Every file opens with a sentence, stays short, and leaves nothing for later.

use super::Source;

/// Lines of a file, documentation and tests included.
const MOST_LINES: usize = 600;

/// What is wrong with the files.
pub fn check(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for Source { path, text } in sources {
        if !text.starts_with("//! ") {
            wrong.push(format!("{path}:1: does not open with a `//!` sentence that says what it is"));
        }
        let lines = text.lines().count();
        if lines > MOST_LINES {
            wrong.push(format!("{path}: has {lines} lines, at most {MOST_LINES}: split it by concept"));
        }
        if path.starts_with("xtask/") {
            continue; // this rule names what it looks for
        }
        for (number, line) in text.lines().enumerate() {
            for leftover in ["todo!(", "unimplemented!(", "dbg!(", "#[ignore", "TODO", "FIXME"] {
                if line.contains(leftover) {
                    wrong.push(format!("{path}:{}: has {leftover:?}: finish it or remove it", number + 1));
                }
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    #[test]
    fn files_without_a_sentence_too_long_or_unfinished_are_noticed() {
        assert!(check(&[source("crates/a/src/lib.rs", "//! Good.\n")]).is_empty());
        let long = format!("//! Long.\n{}", "//\n".repeat(MOST_LINES));
        for bad in ["use std;\n", "//! A.\nfn f() { todo!() }\n", "//! A.\n// FIXME\n", long.as_str()] {
            assert_eq!(check(&[source("crates/a/src/lib.rs", bad)]).len(), 1, "{bad:.40}");
        }
    }
}
