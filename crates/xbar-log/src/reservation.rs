//! A message that is written in place: a record's payload, borrowed until it is committed or dropped.

#![allow(unsafe_code)] // words that nobody else touches, seen as bytes

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::slice;

use crate::error::LogError;
use crate::writer::Writer;

/// Room for one message. Dropped without a commit, also by a panic, it leaves nothing.
///
/// Invariant 1: the writer's reserved words are at least as many as `bytes` take, and behind a commit word that is zero: no
/// reader looks at them, and the writer is borrowed.
#[must_use = "nothing is appended unless it is committed"]
pub struct Reservation<'w> {
    writer: &'w mut Writer,
    bytes: usize,
    tag: u16,
}

impl<'w> Reservation<'w> {
    /// The caller has reserved words for `bytes`.
    pub(crate) fn new(writer: &'w mut Writer, bytes: usize) -> Self {
        let bytes = bytes.min(writer.reserved_words().len() * 8);
        Self { writer, bytes, tag: 0 }
    }

    /// Gives the message a tag.
    pub const fn tag(mut self, tag: u16) -> Self {
        self.tag = tag;
        self
    }

    /// Appends the message, and says its number.
    ///
    /// # Errors
    ///
    /// As [`Writer::append`]: only what [`Durability`](crate::Durability) adds, for there is room.
    pub fn commit(self) -> Result<u64, LogError> {
        let (tag, bytes) = (self.tag, self.bytes);
        // What is reserved is a record then, and the drop finds nothing to clean up.
        self.writer.commit_reserved(tag, bytes)
    }
}

impl Deref for Reservation<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let words = self.writer.reserved_words();
        // SAFETY: within the reserved words, which live as long as the writer is borrowed, and which nobody stores to through
        // anything but the exclusive borrow below (invariant 1).
        unsafe { slice::from_raw_parts(words.as_ptr().cast(), self.bytes) }
    }
}

impl DerefMut for Reservation<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        let words = self.writer.reserved_words();
        // The words are cells: a pointer to them may be written through.
        let place = words.as_ptr().cast::<u8>().cast_mut();
        // SAFETY: as in `deref`, and `self` is borrowed exclusively.
        unsafe { slice::from_raw_parts_mut(place, self.bytes) }
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.writer.clear_reserved();
    }
}

impl fmt::Debug for Reservation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation")
            .field("bytes", &self.bytes)
            .field("tag", &self.tag)
            .finish_non_exhaustive()
    }
}
