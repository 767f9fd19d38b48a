//! A message of a log, in place: its payload and, in front of it, what its writer noted.

#![allow(unsafe_code)] // words that nobody stores to any more, seen as bytes

use std::fmt;
use std::ops::Deref;
use std::slice;

use xbar_layout::sync::ReadU64;

use crate::record::{HEAD, tag_of};

/// A message of a log, in place.
///
/// The bytes stay as they are for as long as the borrow: the writer never writes them again, and a segment that is deleted lives on
/// while it is mapped. Whoever truncates a file of the log ends the processes that read it (SIGBUS); keep others from writing
/// in its folder.
///
/// Invariant 1: behind `head`, in the same mapping, are the words of `bytes` bytes, which were committed.
#[derive(Clone, Copy)]
pub struct Record<'r> {
    head: &'r [ReadU64; HEAD],
    payload: &'r [u8],
}

impl<'r> Record<'r> {
    /// The message of `bytes` that was found at the beginning of `words`: that it was committed, the caller has seen.
    #[inline(always)]
    pub(crate) fn new(words: &'r [ReadU64], bytes: usize) -> Option<Self> {
        let (head, behind) = words.split_first_chunk()?;
        let payload = behind.get(..bytes.div_ceil(8))?;
        // SAFETY: within the words, which live as long as they are borrowed; and the writer stores no more to what it has
        // committed.
        let payload = unsafe { slice::from_raw_parts(payload.as_ptr().cast(), bytes) };
        Some(Self { head, payload })
    }

    /// Its number: the first message of a log has 0.
    #[inline]
    pub fn seq(&self) -> u64 {
        self.head[1].load_relaxed()
    }

    /// When it was appended, ns since 1970.
    #[inline]
    pub fn timestamp_ns(&self) -> u64 {
        self.head[2].load_relaxed()
    }

    /// The writer's tag.
    #[inline]
    pub fn tag(&self) -> u16 {
        tag_of(self.head[0].load_relaxed())
    }

    /// Its bytes; they begin at a multiple of 8.
    #[inline]
    pub const fn payload(&self) -> &'r [u8] {
        self.payload
    }
}

impl Deref for Record<'_> {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        self.payload
    }
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("seq", &self.seq())
            .field("timestamp_ns", &self.timestamp_ns())
            .field("tag", &self.tag())
            .field("bytes", &self.payload.len())
            .finish()
    }
}
