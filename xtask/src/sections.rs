//! Timed sections of a longer command.

use std::time::Instant;

use crate::Result;

/// Runs one section: says its name before, its time after; an error names the section.
pub fn section(name: &str, work: impl FnOnce() -> Result) -> Result {
    eprintln!("== {name}");
    let start = Instant::now();
    work().map_err(|error| format!("{name}: {error}"))?;
    eprintln!("== {name}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
