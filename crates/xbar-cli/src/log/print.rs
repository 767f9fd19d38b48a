//! `xbar log cat` and `xbar log tail`: messages, one a line.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use xbar::Park;
use xbar::log::{ReadError, Reader, Record, Start, TryReadError};

use super::Which;
use crate::Result;
use crate::echo::{seconds, text};
use crate::signals::Stop;

/// What to print.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Begin with the message of this number
    #[arg(long, conflicts_with = "since_ns")]
    from: Option<u64>,
    /// Begin with the first message of this time or a later one, in ns since 1970
    #[arg(long)]
    since_ns: Option<u64>,
    /// Messages after which to end
    #[arg(long)]
    count: Option<u64>,
    /// Seconds without a message after which `tail` gives up
    #[arg(long, value_parser = seconds)]
    timeout: Option<Duration>,
    /// Print bytes as hexadecimal numbers
    #[arg(long)]
    hex: bool,
    /// Print number, time in ns since 1970 and tag in front of each message
    #[arg(long)]
    long: bool,
}

/// How long one wait lasts before the flag and the timeout are looked at.
const LOOK: Duration = Duration::from_millis(20);

impl Arguments {
    fn open(&self, otherwise: Start) -> Result<Reader> {
        let mut reader = Reader::open(&self.which.folder, &self.which.name()?)?;
        reader.seek(match (self.from, self.since_ns) {
            (Some(seq), _) => Start::Seq(seq),
            (None, Some(time)) => Start::Time(time),
            (None, None) => otherwise,
        })?;
        Ok(reader)
    }

    fn line(&self, record: Record<'_>) -> String {
        let text = text(&record, self.hex);
        if self.long {
            format!("{} {} {} {text}", record.seq(), record.timestamp_ns(), record.tag())
        } else {
            text
        }
    }
}

/// Prints what is there. Exits with 1 when messages were missed.
pub fn cat(arguments: &Arguments) -> Result {
    let mut reader = arguments.open(Start::Oldest)?;
    let (mut out, mut printed, mut whole) = (std::io::stdout().lock(), 0, true);
    while arguments.count.is_none_or(|count| printed < count) {
        match reader.try_next() {
            Ok(record) => {
                writeln!(out, "{}", arguments.line(record))?;
                printed += 1;
            }
            Err(TryReadError::Empty | TryReadError::Disconnected { .. }) => break,
            Err(TryReadError::Log(error)) => return Err(error.into()),
            Err(error) => {
                eprintln!("xbar: {error}");
                whole = false;
            }
        }
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints what comes. Exits with 1 when messages were missed, or the writer died.
pub fn tail(arguments: &Arguments) -> Result {
    let mut reader = arguments.open(Start::Live)?;
    let stop = Stop::on_signals()?;
    let (mut printed, mut whole, mut last) = (0, true, Instant::now());
    while !stop.wanted() && arguments.count.is_none_or(|count| printed < count) {
        match reader.next_timeout(Park, LOOK) {
            Ok(record) => {
                let mut out = std::io::stdout().lock();
                writeln!(out, "{}", arguments.line(record))?;
                out.flush()?;
                printed += 1;
                last = Instant::now();
            }
            Err(ReadError::Timeout) => {
                if let Some(timeout) = arguments.timeout
                    && last.elapsed() >= timeout
                {
                    return Err(format!("no message for {timeout:?}: wait for longer").into());
                }
            }
            Err(ReadError::Disconnected { clean }) => {
                eprintln!("xbar: {}", ReadError::Disconnected { clean });
                return Ok(if clean && whole { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
            Err(ReadError::Log(error)) => return Err(error.into()),
            Err(error) => {
                eprintln!("xbar: {error}");
                whole = false;
            }
        }
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
