//! What a byte ring cannot do.

use core::fmt;

use crate::bytes::memory::{LEAST_BYTES, MOST_BYTES, RING_WORD};

/// Why memory cannot be a byte ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRingError {
    pub(crate) words: usize,
}

impl fmt::Display for ByteRingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { words } = self;
        write!(
            f,
            "{words} words cannot be a byte ring: it needs {RING_WORD}, and a power of two of bytes from {LEAST_BYTES} to \
             {MOST_BYTES} behind them"
        )
    }
}

impl core::error::Error for ByteRingError {}

/// A message that is longer than a byte ring takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge {
    pub(crate) bytes: usize,
    pub(crate) most: usize,
}

impl TooLarge {
    /// How long it is.
    pub const fn bytes(self) -> usize {
        self.bytes
    }

    /// The longest that the ring takes: a quarter of it, less a word.
    pub const fn most(self) -> usize {
        self.most
    }
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, most } = self;
        write!(
            f,
            "a message of {bytes} bytes is too long for this byte ring, which takes up to {most}: use a larger capacity"
        )
    }
}

impl core::error::Error for TooLarge {}
