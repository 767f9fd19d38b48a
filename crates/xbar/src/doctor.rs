//! What is wrong with the regions of this machine, in plain words; and what can be done about it, done.

mod places;
mod regions;

use std::fmt;
use std::path::Path;

use xbar_shm::{BaseDir, sweep_leftovers};

use crate::config::base;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Verdict {
    /// As it should be.
    Well,
    /// Worth knowing; nothing needs to be done.
    Note,
    /// It was wrong, and is mended.
    Fixed,
    /// Something is wrong.
    Wrong,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Well => "well",
            Self::Note => "note",
            Self::Fixed => "fixed",
            Self::Wrong => "wrong",
        })
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// How bad it is.
    pub verdict: Verdict,
    /// What it is about: `region market`, a path, `open files`.
    pub about: String,
    /// What was found, in plain words.
    pub what: String,
    /// What to do about it, or what was done; empty where nothing is to be done.
    pub advice: String,
}

impl Finding {
    fn new(verdict: Verdict, about: impl Into<String>, what: impl Into<String>) -> Self {
        Self { verdict, about: about.into(), what: what.into(), advice: String::new() }
    }

    fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:5}  {}: {}", self.verdict, self.about, self.what)?;
        if !self.advice.is_empty() {
            write!(f, ": {}", self.advice)?;
        }
        Ok(())
    }
}

/// Whether only to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// Changes nothing.
    Look,
    /// Recovers what dead participants left behind, and removes what nobody alive publishes: regions, and the remains of regions
    /// half built or half removed. Under the same locks as publishers that come and go, so that the living notice nothing.
    Fix,
}

/// Looks at the directory of regions, at each region, and at this process's limits; mends what can be mended, if asked to.
///
/// ```
/// # let dir = std::env::temp_dir().join(format!("xbar-doc-doctor-{}", std::process::id()));
/// use xbar::doctor::{Treatment, Verdict, examine_in};
/// use xbar::{Config, Publisher};
///
/// let publisher = Publisher::create("market", &Config::new().dir(&dir))?;
/// let findings = examine_in(&dir, Treatment::Look);
/// let market = findings.iter().find(|finding| finding.about == "region market").ok_or("not found")?;
/// assert_eq!(market.verdict, Verdict::Well);
/// # drop(publisher);
/// # std::fs::remove_dir_all(&dir).ok();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn examine(treatment: Treatment) -> Vec<Finding> {
    examine_base(&base(None), treatment)
}

/// As [`examine`], with regions living in `dir`.
pub fn examine_in(dir: impl AsRef<Path>, treatment: Treatment) -> Vec<Finding> {
    examine_base(&base(Some(dir.as_ref())), treatment)
}

fn examine_base(base: &BaseDir, treatment: Treatment) -> Vec<Finding> {
    let mut findings = Vec::new();
    let leftovers = places::examine(base, &mut findings);
    if !leftovers.is_empty() {
        findings.push(leftovers_of(base, &leftovers, treatment));
    }
    regions::examine(base, treatment, &mut findings);
    findings
}

/// What builders and removers left that were killed at work.
fn leftovers_of(base: &BaseDir, leftovers: &[String], treatment: Treatment) -> Finding {
    let about = base.path().display().to_string();
    let what = format!(
        "{} left by processes that were killed while they built or removed a region ({})",
        count(leftovers.len(), "directory", "directories"),
        leftovers.join(", ")
    );
    if treatment == Treatment::Look {
        let advice = "xbar doctor --fix removes it, and so does whoever creates a region next";
        return Finding::new(Verdict::Wrong, about, what).advise(advice);
    }
    sweep_leftovers(base);
    let left = base.checkup().ok().flatten().map_or(0, |checkup| checkup.leftovers.len());
    match left {
        0 => Finding::new(Verdict::Fixed, about, what).advise("removed"),
        _ => {
            Finding::new(Verdict::Wrong, about, what).advise("they could not be removed: remove them by hand")
        }
    }
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Bytes for people.
fn bytes(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        10_000_000..10_000_000_000 => format!("{:.0} MB", bytes as f64 / 1e6),
        _ => format!("{:.0} GB", bytes as f64 / 1e9),
    }
}
