//! `xbar doctor`: what is wrong, in plain words, and mended on request.

use std::io::Write;
use std::process::ExitCode;

use serde_json::json;
use xbar::doctor::{Finding, Treatment, Verdict, examine, examine_in};

use crate::{Dir, Result};

/// What to do about what is found.
#[derive(clap::Args)]
pub struct Arguments {
    /// Recover what dead processes left behind and remove regions that nobody alive publishes; without it, nothing is changed
    #[arg(long)]
    fix: bool,
    /// One JSON array instead of lines
    #[arg(long)]
    json: bool,
}

/// Tells every finding; fails when something is wrong and was not mended.
pub fn run(dir: Dir<'_>, arguments: &Arguments) -> Result {
    let treatment = if arguments.fix { Treatment::Fix } else { Treatment::Look };
    let findings = match dir {
        Some(dir) => examine_in(dir, treatment),
        None => examine(treatment),
    };
    let wrong = findings.iter().filter(|finding| finding.verdict == Verdict::Wrong).count();
    let mut out = std::io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::Value::from_iter(findings.iter().map(as_json)))?;
    } else {
        for finding in &findings {
            writeln!(out, "{finding}")?;
        }
        match wrong {
            0 => writeln!(out, "all is well")?,
            1 => writeln!(out, "1 thing is wrong")?,
            _ => writeln!(out, "{wrong} things are wrong")?,
        }
    }
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn as_json(finding: &Finding) -> serde_json::Value {
    json!({
        "verdict": finding.verdict.to_string(),
        "about": finding.about,
        "what": finding.what,
        "advice": finding.advice,
    })
}
