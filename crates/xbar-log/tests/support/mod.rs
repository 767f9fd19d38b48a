//! A folder of logs for one test, gone when the test ends; and the test binary started again as a child.
#![allow(dead_code, unused_imports)] // each test binary uses its part

use std::path::{Path, PathBuf};

use xbar_log::{LogOptions, Reader, TryReadError, Writer};
use xbar_testing::Folder;
pub use xbar_testing::{Other, hear, line, part, pattern, stay, tell};

/// Where one test's logs live.
pub struct Dir(Folder);

impl Dir {
    pub fn new() -> Self {
        Self(Folder::new())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Opens log `log` with short segments, made without a helper.
    pub fn writer(&self) -> Writer {
        self.writer_of(&small())
    }

    pub fn writer_of(&self, options: &LogOptions) -> Writer {
        Writer::open(self.path(), "log", options).unwrap()
    }

    pub fn reader(&self) -> Reader {
        Reader::open(self.path(), "log").unwrap()
    }

    /// The file of a segment.
    pub fn segment(&self, number: u64) -> PathBuf {
        self.path().join(format!("log.{number:06}.xlog"))
    }

    /// Names of what is in the directory.
    pub fn contents(&self) -> Vec<String> {
        self.0.contents()
    }
}

impl AsRef<Path> for Dir {
    fn as_ref(&self) -> &Path {
        self.path()
    }
}

/// Segments as short as can be, so that they are many.
pub fn small() -> LogOptions {
    LogOptions::new().segment_bytes(xbar_log::LEAST_SEGMENT_BYTES).helper(false)
}

/// The message that number `n` has in most tests: its length and bytes follow from it.
pub fn message(n: u64) -> Vec<u8> {
    let bytes = (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize;
    let mut message = n.to_le_bytes().to_vec();
    message.extend((0..bytes).map(|index| (n as usize + index) as u8));
    message
}

/// All that can be read at once: the numbers of the messages, each compared, and how many were missed.
pub fn read_all(reader: &mut Reader) -> (Vec<u64>, u64) {
    let (mut numbers, mut missed) = (Vec::new(), 0);
    loop {
        match reader.try_next() {
            Ok(record) => {
                assert_eq!(*record, message(record.seq())[..], "message {}", record.seq());
                numbers.push(record.seq());
            }
            Err(TryReadError::Lagged { missed: more } | TryReadError::Damaged { missed: more, .. }) => {
                missed += more
            }
            Err(TryReadError::Empty | TryReadError::Disconnected { .. }) => return (numbers, missed),
            Err(error) => panic!("{error}"),
        }
    }
}

/// The last number that a child has acknowledged, of all that it had said when it was killed.
pub fn acknowledged(other: &mut Other) -> u64 {
    let said = other.rest();
    // A line that was cut off by the kill says nothing.
    let lines = said.split_inclusive(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    let mut numbers = lines.filter_map(|line| line.strip_prefix("ack ")?.strip_suffix('\n')?.parse().ok());
    numbers.next_back().unwrap_or(0)
}
