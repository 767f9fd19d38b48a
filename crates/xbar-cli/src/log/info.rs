//! `xbar log info`: what logs a folder has, and what is in them.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};
use xbar::log::{LogInfo, inspect, list};

use crate::Result;

/// What to show.
#[derive(clap::Args)]
pub struct Arguments {
    /// The folder
    folder: PathBuf,
    /// The log; all of the folder, when it is left out
    name: Option<String>,
    /// One JSON array instead of text
    #[arg(long)]
    json: bool,
}

/// Shows them.
pub fn run(arguments: &Arguments) -> Result {
    let names = match &arguments.name {
        Some(name) => vec![name.clone()],
        None => list(&arguments.folder)?,
    };
    if names.is_empty() && !arguments.json {
        return Err(format!("there is no log in {}: look elsewhere", arguments.folder.display()).into());
    }
    let logs = names
        .iter()
        .map(|name| inspect(&arguments.folder, name))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let all: Value = logs.iter().map(as_json).collect();
        writeln!(out, "{all}")?;
        return Ok(ExitCode::SUCCESS);
    }
    for log in &logs {
        let written = match (log.is_written, log.process) {
            (true, Some(process)) => format!("written by process {process}"),
            (true, None) => "being written".into(),
            (false, _) => "not being written".into(),
        };
        writeln!(out, "log {}: {} messages, {written}", log.name, log.records())?;
        for segment in &log.segments {
            match &segment.contents {
                Ok(contents) => writeln!(
                    out,
                    "  segment {}: messages {} to {}, {} bytes{}",
                    segment.number,
                    contents.first_seq,
                    contents.next_seq,
                    contents.bytes,
                    if contents.is_ended { ", full" } else { "" }
                )?,
                Err(error) => writeln!(out, "  segment {}: {error}", segment.number)?,
            }
        }
        for (cursor, seq) in &log.cursors {
            match seq {
                Ok(seq) => writeln!(out, "  cursor {cursor}: needs message {seq} next")?,
                Err(error) => writeln!(out, "  cursor {cursor}: {error}")?,
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(log: &LogInfo) -> Value {
    let segments = log.segments.iter().map(|segment| match &segment.contents {
        Ok(contents) => json!({
            "number": segment.number,
            "bytes": contents.bytes,
            "first_seq": contents.first_seq,
            "next_seq": contents.next_seq,
            "records": contents.records,
            "lost": contents.lost,
            "full": contents.is_ended,
            "created_ns": contents.created_ns,
            "last_ns": contents.last_ns,
            "epoch": contents.epoch,
        }),
        Err(error) => json!({ "number": segment.number, "error": error.to_string() }),
    });
    let cursors = log.cursors.iter().map(|(cursor, seq)| match seq {
        Ok(seq) => json!({ "name": cursor, "seq": seq }),
        Err(error) => json!({ "name": cursor, "error": error.to_string() }),
    });
    json!({
        "name": log.name,
        "records": log.records(),
        "written": log.is_written,
        "process": log.process,
        "segments": segments.collect::<Value>(),
        "cursors": cursors.collect::<Value>(),
    })
}
