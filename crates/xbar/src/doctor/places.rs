//! The directory of regions, its file system, and what this process may have.

use xbar_shm::{BaseDir, ProcessLimits};

use super::{Finding, Verdict, bytes};
use crate::Config;

/// Files that a process with a few handles has open; each handle takes about five.
const FEW_FILES: u64 = 256;

/// Looks at all of it; returns the leftovers that are in the directory.
pub(super) fn examine(base: &BaseDir, findings: &mut Vec<Finding>) -> Vec<String> {
    let about = base.path().display().to_string();
    // A region of the defaults: the least that there should be room for.
    let usual_bytes = Config::new().footprint_bytes().unwrap_or_default() as u64;
    limits(&ProcessLimits::of_this_process(), usual_bytes, findings);
    let checkup = match base.checkup() {
        Ok(Some(checkup)) => checkup,
        Ok(None) => {
            let what = "does not exist: there are no regions, the first one makes it";
            findings.push(Finding::new(Verdict::Well, about, what));
            return Vec::new();
        }
        Err(error) => {
            // The error names the path, and says what to do.
            findings.push(Finding::new(Verdict::Wrong, "directory of regions", error.to_string()));
            return Vec::new();
        }
    };
    if checkup.mode & 0o077 != 0 {
        let what = format!("has mode {:03o}: other users may look at the names of regions", checkup.mode);
        findings.push(
            Finding::new(Verdict::Note, &*about, what).advise("chmod it to 700 if that is not what you want"),
        );
    }
    let place = if checkup.in_memory { "in memory" } else { "on a disk" };
    findings.push(match checkup.available_bytes {
        Some(available) if available < usual_bytes => Finding::new(
            Verdict::Wrong,
            &*about,
            format!("{} are free, a region of the default size takes {}", bytes(available), bytes(usual_bytes)),
        )
        .advise(
            "make room, mount it larger (mount -o remount,size=1G /dev/shm; docker run --shm-size=1g), set XBAR_DIR to another \
             place, or use smaller regions",
        ),
        Some(available) => Finding::new(
            Verdict::Well,
            &*about,
            format!("yours, {place}, {} free for new regions", bytes(available)),
        ),
        None => Finding::new(Verdict::Well, &*about, format!("yours, {place}")),
    });
    if !checkup.in_memory {
        let what =
            "is not on a file system in memory: what is published is written to its disk sooner or later";
        findings.push(
            Finding::new(Verdict::Note, &*about, what).advise("set XBAR_DIR to a place under /dev/shm"),
        );
    }
    if !checkup.strangers.is_empty() {
        let what = format!("has files that are no regions: {}", checkup.strangers.join(", "));
        findings.push(
            Finding::new(Verdict::Note, &*about, what).advise("nobody minds; remove them if they are yours"),
        );
    }
    checkup.leftovers
}

fn limits(limits: &ProcessLimits, usual_bytes: u64, findings: &mut Vec<Finding>) {
    findings.push(match limits.open_files {
        Some(files) if files < FEW_FILES => Finding::new(
            Verdict::Wrong,
            "open files",
            format!("this process may have {files}, each publisher or subscriber takes about five"),
        )
        .advise(format!("ulimit -n {}", 4 * FEW_FILES)),
        Some(files) => {
            Finding::new(Verdict::Well, "open files", format!("this process may have {files} (ulimit -n)"))
        }
        None => Finding::new(Verdict::Well, "open files", "no limit"),
    });
    if let Some(file_bytes) = limits.file_bytes.filter(|&file_bytes| file_bytes < usual_bytes) {
        findings.push(
            Finding::new(
                Verdict::Wrong,
                "file size",
                format!(
                    "this process may make files of {}, a region of the default size takes {}",
                    bytes(file_bytes),
                    bytes(usual_bytes)
                ),
            )
            .advise("ulimit -f unlimited"),
        );
    }
    findings.push(match limits.locked_bytes {
        Some(locked) if locked < usual_bytes => Finding::new(
            Verdict::Note,
            "locked memory",
            format!(
                "this process may lock {}: no region, if it wants to keep one from being paged out",
                bytes(locked)
            ),
        )
        .advise("ulimit -l unlimited, where memory is locked"),
        Some(locked) => Finding::new(
            Verdict::Well,
            "locked memory",
            format!("this process may lock {} (ulimit -l)", bytes(locked)),
        ),
        None => Finding::new(Verdict::Well, "locked memory", "no limit"),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tight_limits_are_told_with_what_to_type() {
        let of = |locked_bytes, open_files, file_bytes| {
            let mut findings = Vec::new();
            limits(&ProcessLimits { locked_bytes, open_files, file_bytes }, 1 << 20, &mut findings);
            findings.sort_by_key(|finding| finding.verdict);
            findings.pop().map(|worst| worst.to_string()).unwrap_or_default()
        };
        assert!(of(None, None, None).starts_with("well "));
        assert!(of(Some(1 << 30), Some(1024), Some(1 << 30)).starts_with("well "));
        assert!(of(Some(1 << 16), None, None).starts_with("note   locked memory: this process may lock"));
        assert_eq!(
            of(None, Some(64), None),
            "wrong  open files: this process may have 64, each publisher or subscriber takes about five: ulimit -n 1024"
        );
        assert!(of(None, None, Some(100)).contains("file size: this process may make files of 100 bytes"));
    }
}
