//! What can go wrong with a log, in words that say what to do.

use std::fmt;
use std::path::PathBuf;

use xbar_shm::ShmError;
use xbar_shm::memory::MemoryError;

/// Why a log cannot be written, opened or searched.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogError {
    /// A name that no log or cursor can have.
    Name {
        /// What is wrong with it.
        reason: String,
    },
    /// Sizes or numbers that no log can have.
    Options {
        /// What is wrong with them.
        reason: String,
    },
    /// There is no log of this name.
    NotFound {
        /// The name.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// Somebody writes this log already.
    Alive {
        /// The name.
        name: String,
        /// The process, if it said which.
        process: Option<u32>,
    },
    /// A message is longer than what fits a segment.
    TooLarge {
        /// Its bytes.
        bytes: usize,
        /// The most that fit.
        most_bytes: usize,
    },
    /// There is no room for another segment. Nothing was appended, and nothing is damaged.
    NoSpace {
        /// Where.
        path: PathBuf,
        /// Bytes needed.
        needed_bytes: u64,
        /// Bytes that are free.
        available_bytes: u64,
    },
    /// A file is no segment or cursor of a log, or is damaged.
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A message of this number was not appended yet.
    NotYet {
        /// The number.
        seq: u64,
        /// The number of the message that comes next.
        next_seq: u64,
    },
    /// The handle is a copy in a forked child: the parent has the log.
    Forked,
    /// The helper thread ended.
    Helper,
    /// The system said no.
    System(ShmError),
    /// The system did not give memory as wished.
    Memory(MemoryError),
}

impl From<ShmError> for LogError {
    fn from(error: ShmError) -> Self {
        match error {
            ShmError::NoSpace { path, needed_bytes, available_bytes } => {
                Self::NoSpace { path, needed_bytes, available_bytes }
            }
            ShmError::Holes { path, .. } => {
                Self::Damaged { path, what: "it has memory for a part of its bytes only" }
            }
            error => Self::System(error),
        }
    }
}

impl From<MemoryError> for LogError {
    fn from(error: MemoryError) -> Self {
        Self::Memory(error)
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { reason } | Self::Options { reason } => write!(f, "{reason}"),
            Self::NotFound { name, folder } => {
                write!(
                    f,
                    "there is no log {name} in {}: start its writer, or look elsewhere",
                    folder.display()
                )
            }
            Self::Alive { name, process: Some(process) } => {
                write!(
                    f,
                    "log {name} is written by process {process}: read it, choose another name, or stop that process"
                )
            }
            Self::Alive { name, process: None } => {
                write!(
                    f,
                    "log {name} is written by another process: read it, choose another name, or stop that process"
                )
            }
            Self::TooLarge { bytes, most_bytes } => {
                write!(
                    f,
                    "a message of {bytes} bytes is longer than the {most_bytes} that fit: make segments longer"
                )
            }
            Self::NoSpace { path, needed_bytes, available_bytes } => write!(
                f,
                "{needed_bytes} bytes are needed for {}, {available_bytes} are free: make room, keep less, or make segments \
                 shorter",
                path.display()
            ),
            Self::Damaged { path, what } => {
                write!(f, "{} cannot be used, {what}: move it away, or restore it", path.display())
            }
            Self::NotYet { seq, next_seq } => {
                write!(
                    f,
                    "message {seq} was not appended yet, {next_seq} comes next: wait for it at the live end"
                )
            }
            Self::Forked => write!(f, "the log belongs to the parent process: open it anew in the child"),
            Self::Helper => write!(f, "the helper thread of the log ended: open the log anew"),
            Self::System(error) => write!(f, "{error}"),
            Self::Memory(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for LogError {}

/// Why there is no record to read, from a call that does not wait.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryReadError {
    /// Nothing new.
    Empty,
    /// Segments that this reader had not read are deleted. Told once; the next read continues behind the gap.
    Lagged {
        /// Messages that were in them, exactly.
        missed: u64,
    },
    /// Bytes of a file are not what the writer wrote. Told once; the next read continues behind them.
    Damaged {
        /// The segment.
        segment: u64,
        /// Where in its file, in bytes.
        position: u64,
        /// Messages lost to it, exactly.
        missed: u64,
    },
    /// All is read, and nobody writes any more. Should somebody begin to, reading goes on.
    Disconnected {
        /// True when the writer closed the log, false when it died.
        clean: bool,
    },
    /// The next segment cannot be opened; reading can be tried again.
    Log(LogError),
}

/// Why there is no record to read, from a call that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// Nothing came in time.
    Timeout,
    /// The wait was told to stop: see [`Step::Stop`](xbar_ring::Step::Stop).
    Stopped,
    /// As [`TryReadError::Lagged`].
    Lagged {
        /// Messages lost, exactly.
        missed: u64,
    },
    /// As [`TryReadError::Damaged`].
    Damaged {
        /// The segment.
        segment: u64,
        /// Where in its file, in bytes.
        position: u64,
        /// Messages lost to it, exactly.
        missed: u64,
    },
    /// As [`TryReadError::Disconnected`].
    Disconnected {
        /// True when the writer closed the log, false when it died.
        clean: bool,
    },
    /// As [`TryReadError::Log`].
    Log(LogError),
}

impl ReadError {
    /// What a read that does not wait said, from one that does: nothing there means that the time is over.
    pub(crate) fn of(error: TryReadError) -> Self {
        match error {
            TryReadError::Empty => Self::Timeout,
            TryReadError::Lagged { missed } => Self::Lagged { missed },
            TryReadError::Damaged { segment, position, missed } => {
                Self::Damaged { segment, position, missed }
            }
            TryReadError::Disconnected { clean } => Self::Disconnected { clean },
            TryReadError::Log(error) => Self::Log(error),
        }
    }
}

fn lagged(f: &mut fmt::Formatter<'_>, missed: u64) -> fmt::Result {
    write!(f, "{missed} messages were deleted before they were read: keep more, or read with a cursor")
}

fn damaged(f: &mut fmt::Formatter<'_>, segment: u64, position: u64, missed: u64) -> fmt::Result {
    write!(
        f,
        "segment {segment} is damaged at byte {position}, {missed} messages are lost: read on behind them"
    )
}

fn disconnected(f: &mut fmt::Formatter<'_>, clean: bool) -> fmt::Result {
    let how = if clean { "closed the log" } else { "died" };
    write!(f, "the writer {how}, and all is read: wait for another one")
}

impl fmt::Display for TryReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "no message yet: read again later"),
            Self::Lagged { missed } => lagged(f, *missed),
            Self::Damaged { segment, position, missed } => damaged(f, *segment, *position, *missed),
            Self::Disconnected { clean } => disconnected(f, *clean),
            Self::Log(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for TryReadError {}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => write!(f, "no message came in time: wait for longer"),
            Self::Stopped => {
                write!(f, "told to stop before a message came: read what is left without waiting")
            }
            Self::Lagged { missed } => lagged(f, *missed),
            Self::Damaged { segment, position, missed } => damaged(f, *segment, *position, *missed),
            Self::Disconnected { clean } => disconnected(f, *clean),
            Self::Log(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for ReadError {}

#[cfg(all(test, not(xbar_loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_one_lower_case_line_that_says_what_to_do() {
        let path = || PathBuf::from("/x/ticks.000001.xlog");
        let logs = [
            LogError::NotFound { name: "ticks".into(), folder: "/x".into() },
            LogError::Alive { name: "ticks".into(), process: Some(7) },
            LogError::Alive { name: "ticks".into(), process: None },
            LogError::TooLarge { bytes: 2, most_bytes: 1 },
            LogError::NoSpace { path: path(), needed_bytes: 2, available_bytes: 1 },
            LogError::Damaged { path: path(), what: "its header is damaged" },
            LogError::NotYet { seq: 2, next_seq: 1 },
            LogError::Forked,
            LogError::Helper,
            crate::names::log("").unwrap_err(),
            crate::names::check_cursor("a b").unwrap_err(),
        ];
        let reads = [
            TryReadError::Empty,
            TryReadError::Lagged { missed: 1 },
            TryReadError::Damaged { segment: 1, position: 2, missed: 3 },
            TryReadError::Disconnected { clean: true },
            TryReadError::Disconnected { clean: false },
        ];
        let lines = logs.iter().map(ToString::to_string);
        let lines = lines.chain(reads.iter().map(ToString::to_string));
        let lines = lines.chain(reads.iter().map(|error| ReadError::of(error.clone()).to_string()));
        for line in lines {
            assert!(!line.contains('\n') && !line.starts_with(|c: char| c.is_ascii_uppercase()), "{line}");
            assert!(line.contains(": ") || line.contains("use "), "says what to do: {line}");
        }
    }
}
