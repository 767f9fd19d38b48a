//! Which files of a folder are a log's: no two logs, and no two things of one log, ever share one.
//!
//! `NAME.000001.xlog` and so on are segments, `NAME.xlog-next` one that is being made, `NAME.xlog-lock` the writer's lock,
//! `NAME.CURSOR.xlog-cursor` a cursor. What stands between the last two dots has no dot in it, so that the rest is the name.

use xbar_shm::{Folder, RegionName};

use crate::error::LogError;

/// Digits of a segment's number, at least.
const DIGITS: usize = 6;

/// The file of segment `number`.
pub(crate) fn segment(log: &RegionName, number: u64) -> String {
    format!("{log}.{number:0DIGITS$}.xlog")
}

/// The file of the segment that is made ahead.
pub(crate) fn next(log: &RegionName) -> String {
    format!("{log}.xlog-next")
}

/// The file that the writer has locked.
pub(crate) fn lock(log: &RegionName) -> String {
    format!("{log}.xlog-lock")
}

/// The file of a cursor.
pub(crate) fn cursor(log: &RegionName, cursor: &str) -> String {
    format!("{log}.{cursor}.xlog-cursor")
}

/// The name of a log, checked.
pub(crate) fn log(name: &str) -> Result<RegionName, LogError> {
    RegionName::new(name).map_err(|error| LogError::Name { reason: error.to_string() })
}

/// Checks the name of a cursor.
pub(crate) fn check_cursor(name: &str) -> Result<(), LogError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !name.is_empty() && name.len() <= 64 && name.chars().all(fits) {
        return Ok(());
    }
    let shown: String = name.chars().take(32).collect();
    Err(LogError::Name {
        reason: format!("{shown:?} is no name of a cursor: use 1 to 64 of A-Z a-z 0-9 _ -"),
    })
}

/// The number of a segment, out of its file's name; `None` for everything else.
fn number(log: &RegionName, file: &str) -> Option<u64> {
    let digits = file.strip_prefix(log.as_str())?.strip_prefix('.')?.strip_suffix(".xlog")?;
    let number: u64 = digits.parse().ok()?;
    // One name for each number: none with a sign, or with more zeroes.
    (number > 0 && segment(log, number) == file).then_some(number)
}

/// Numbers of the segments that are there, sorted. A number between two of them that is not among them is not there.
pub(crate) fn segments(folder: &Folder, log: &RegionName) -> Result<Vec<u64>, LogError> {
    without_holes(|| {
        let mut numbers: Vec<_> = folder.names()?.iter().filter_map(|file| number(log, file)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    })
}

/// What is made while a folder is listed may be in the list or not, whatever came first: of two segments, the second alone. The first was
/// there when the second was made, so another list has it, unless it is deleted; what that has behind the first list may lack others.
fn without_holes<E>(list: impl Fn() -> Result<Vec<u64>, E>) -> Result<Vec<u64>, E> {
    let first = list()?;
    let is_hole = |pair: &[u64]| pair[1] - pair[0] > 1;
    match first.last() {
        Some(&last) if first.windows(2).any(is_hole) => {
            Ok(list()?.into_iter().filter(|number| *number <= last).collect())
        }
        _ => Ok(first),
    }
}

/// Files of the log's cursors.
pub(crate) fn cursors(folder: &Folder, log: &RegionName) -> Result<Vec<String>, LogError> {
    let is_cursor = |file: &String| {
        let middle = file
            .strip_suffix(".xlog-cursor")
            .and_then(|rest| rest.strip_prefix(log.as_str())?.strip_prefix('.'));
        middle.is_some_and(|cursor| check_cursor(cursor).is_ok())
    };
    Ok(folder.names()?.into_iter().filter(is_cursor).collect())
}

/// Names of the logs that have a segment in a folder, sorted.
pub(crate) fn logs(folder: &Folder) -> Result<Vec<RegionName>, LogError> {
    let name = |file: &String| {
        let (name, _) = file.strip_suffix(".xlog")?.rsplit_once('.')?;
        let name = RegionName::new(name).ok()?;
        number(&name, file).map(|_| name)
    };
    let mut logs: Vec<_> = folder.names()?.iter().filter_map(name).collect();
    logs.sort_unstable();
    logs.dedup();
    Ok(logs)
}

#[cfg(all(test, not(xbar_loom)))]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn a_segment_that_was_made_while_the_folder_was_listed_leaves_no_hole() {
        let numbers = |lists: [&[u64]; 2]| {
            let looks = Cell::new(0);
            without_holes(|| Ok::<_, Infallible>(lists[looks.replace(looks.get() + 1)].to_vec())).unwrap()
        };
        assert_eq!(numbers([&[4, 6], &[4, 5, 6, 8]]), [4, 5, 6], "8 may have come before 7 as well");
        assert_eq!(numbers([&[4, 6], &[4, 6]]), [4, 6], "5 is gone");
        assert_eq!(numbers([&[4, 5], &[]]), [4, 5]);
        assert!(numbers([&[], &[]]).is_empty());
    }

    #[test]
    fn a_file_is_of_one_log_and_of_one_kind() {
        let [a, a1, ax] = ["a", "a.000001", "a.xlog-lock"].map(|name| RegionName::new(name).unwrap());
        let mut files = Vec::new();
        for log in [&a, &a1, &ax] {
            files.extend([
                segment(log, 1),
                segment(log, 1_000_000),
                next(log),
                lock(log),
                cursor(log, "000001"),
            ]);
        }
        let all = files.len();
        files.sort();
        files.dedup();
        assert_eq!(files.len(), all, "{files:?}");
        assert_eq!(number(&a, "a.000001.xlog"), Some(1));
        assert_eq!(number(&a, "a.1000000.xlog"), Some(1_000_000));
        for no in
            ["a.1.xlog", "a.+00001.xlog", "a.0000001.xlog", "a.000000.xlog", "a.000001.000001.xlog", "a.xlog"]
        {
            assert_eq!(number(&a, no), None, "{no}");
        }
        assert!(check_cursor("a.b").is_err() && check_cursor("").is_err() && check_cursor("a-1_B").is_ok());
    }
}
