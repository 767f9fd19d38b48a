//! What a log is to be like: how long its segments are, what is kept, how soon it is on the disk.

use std::time::Duration;

use crate::error::LogError;
use crate::layout::{LEAST_SEGMENT_BYTES, MOST_SEGMENT_BYTES, PAGE};

/// Where the time of a record comes from. It never goes back within a log: a clock that does is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Times {
    /// The kernel's last tick: some milliseconds off, for a few nanoseconds.
    #[default]
    Coarse,
    /// The clock, to the nanosecond: some 20 ns a record.
    Exact,
}

/// When records are written to the disk. Readers see a record before that: as soon as it is appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// When the system thinks fit, and at [`flush`](crate::Writer::flush): nothing is lost by the death of a process, the last
    /// seconds by the death of the machine.
    #[default]
    None,
    /// Every so many milliseconds, by a thread of its own.
    EveryMs(u32),
    /// Behind every so many records.
    EveryRecords(u32),
    /// Behind every record, and every batch: appending returns when it is on the disk.
    EveryRecord,
}

/// What is deleted when a segment is full. The segment that is being written never is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    pub(crate) bytes: Option<u64>,
    pub(crate) age_ns: Option<u64>,
    pub(crate) records: Option<u64>,
    pub(crate) despite_cursors: bool,
}

impl Retention {
    /// Everything is kept.
    pub const fn everything() -> Self {
        Self { bytes: None, age_ns: None, records: None, despite_cursors: false }
    }

    /// Oldest segments go while all of them have more than so many bytes.
    #[must_use]
    pub const fn bytes(self, bytes: u64) -> Self {
        Self { bytes: Some(bytes), ..self }
    }

    /// Segments go whose last record is older.
    #[must_use]
    pub fn age(self, age: Duration) -> Self {
        Self { age_ns: Some(u64::try_from(age.as_nanos()).unwrap_or(u64::MAX)), ..self }
    }

    /// Oldest segments go while the others have at least so many records.
    #[must_use]
    pub const fn records(self, records: u64) -> Self {
        Self { records: Some(records), ..self }
    }

    /// Also segments go that a named cursor has not passed: its reader will be told how many messages it missed.
    #[must_use]
    pub const fn despite_cursors(self) -> Self {
        Self { despite_cursors: true, ..self }
    }
}

/// How a log is written.
///
/// ```
/// use std::time::Duration;
/// use xbar_log::{Durability, LogOptions, Retention};
///
/// let options = LogOptions::new()
///     .segment_bytes(16 << 20)
///     .durability(Durability::EveryMs(10))
///     .retention(Retention::everything().bytes(10 << 30).age(Duration::from_secs(86_400)));
/// # let _ = options;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct LogOptions {
    pub(crate) segment_bytes: u64,
    pub(crate) times: Times,
    pub(crate) durability: Durability,
    pub(crate) retention: Retention,
    pub(crate) prefault: bool,
    pub(crate) helper: bool,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl LogOptions {
    /// Segments of 64 MiB, made ahead by a helper thread; coarse times; everything is kept, and written to the disk when the
    /// system thinks fit.
    pub const fn new() -> Self {
        Self {
            segment_bytes: 64 << 20,
            times: Times::Coarse,
            durability: Durability::None,
            retention: Retention::everything(),
            prefault: true,
            helper: true,
        }
    }

    /// Bytes of each new segment, in whole pages: 16 KiB to 32 GiB. Disk and, as long as it is written, memory.
    pub const fn segment_bytes(mut self, bytes: u64) -> Self {
        self.segment_bytes = bytes;
        self
    }

    /// Where times come from.
    pub const fn times(mut self, times: Times) -> Self {
        self.times = times;
        self
    }

    /// When records are written to the disk.
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// What is deleted.
    pub const fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Whether the pages of a segment are touched when it is made, so that no record pays for that: yes, unless told otherwise.
    pub const fn prefault(mut self, prefault: bool) -> Self {
        self.prefault = prefault;
        self
    }

    /// Whether a thread makes each segment while the one before is filled: yes, unless told otherwise. Without it, the record
    /// that begins a segment takes as long as making it: tens of milliseconds for 64 MiB.
    pub const fn helper(mut self, helper: bool) -> Self {
        self.helper = helper;
        self
    }

    /// Checks the numbers.
    pub(crate) fn check(&self) -> Result<(), LogError> {
        let wrong = |reason| Err(LogError::Options { reason });
        let bytes = self.segment_bytes;
        if !(LEAST_SEGMENT_BYTES..=MOST_SEGMENT_BYTES).contains(&bytes) || bytes % PAGE != 0 {
            return wrong(format!(
                "segments of {bytes} bytes are impossible: use {LEAST_SEGMENT_BYTES} to {MOST_SEGMENT_BYTES}, a multiple of {PAGE}"
            ));
        }
        match self.durability {
            Durability::EveryMs(0) => wrong("every 0 ms is impossible: use 1 or more".into()),
            Durability::EveryRecords(0) => wrong("every 0 records is impossible: use 1 or more".into()),
            _ => Ok(()),
        }
    }
}
