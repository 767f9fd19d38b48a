//! A loan: a block that this process alone can reach, until it is published or dropped.

#![allow(unsafe_code)] // the bytes of a block that the loan owns

use std::fmt;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

use xbar_pool::Block;

use crate::error::PublishError;
use crate::publisher::{Publisher, Topic};

/// A block to be written in place and published. Dropped unpublished, it goes back and nobody notices.
///
/// The bytes are those of an earlier message until they are written.
pub struct Loan<'p> {
    publisher: &'p Publisher,
    topic: &'p Topic,
    /// Invariant 1: taken from `publisher.supply` and given nowhere while the loan lives.
    block: ManuallyDrop<Block>,
    /// Bytes of the message so far, at most a block's.
    length: usize,
    /// True once `io::Write` has begun from the front.
    streaming: bool,
}

impl<'p> Loan<'p> {
    #[inline(always)]
    pub(crate) fn new(publisher: &'p Publisher, topic: &'p Topic, block: Block, length: usize) -> Self {
        publisher.loans.set(publisher.loans.get() + 1);
        Self { publisher, topic, block: ManuallyDrop::new(block), length, streaming: false }
    }

    /// Bytes that the block can take.
    pub fn capacity(&self) -> usize {
        self.publisher.payload.block_bytes()
    }

    /// Makes the message `length` bytes long, keeping what is written.
    ///
    /// # Errors
    ///
    /// [`PublishError::TooLarge`] when that is more than [`Loan::capacity`]; nothing changes then.
    pub fn set_len(&mut self, length: usize) -> Result<(), PublishError> {
        if length > self.capacity() {
            return Err(self.too_large(length));
        }
        self.length = length;
        Ok(())
    }

    /// Makes the message a copy of `data`.
    ///
    /// # Errors
    ///
    /// [`PublishError::TooLarge`] when `data` is longer than [`Loan::capacity`]; nothing changes then.
    pub fn set_data(&mut self, data: &[u8]) -> Result<(), PublishError> {
        self.set_len(data.len())?;
        self.copy_from_slice(data);
        self.streaming = true;
        Ok(())
    }

    fn too_large(&self, bytes: usize) -> PublishError {
        PublishError::TooLarge { uri: self.topic.uri().clone(), bytes, most: self.capacity() }
    }

    /// Publishes the message; returns its sequence number.
    #[inline(always)]
    pub fn publish(self) -> u64 {
        let mut this = ManuallyDrop::new(self);
        let (publisher, topic) = (this.publisher, this.topic);
        // SAFETY: `this` is never used again, nor dropped.
        let block = unsafe { ManuallyDrop::take(&mut this.block) };
        publisher.loans.set(publisher.loans.get() - 1);
        let time = publisher.clock().stamp();
        let mut supply = publisher.supply.borrow_mut();
        let length = this.length as u32; // at most a block's bytes, which fit
        let sequence = topic.writer.borrow_mut().block(&mut supply, block, length, time);
        publisher.published_on(topic, &mut supply);
        sequence
    }
}

impl Deref for Loan<'_> {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        // SAFETY: invariant 1: nobody else reaches the block, and `self` is borrowed.
        unsafe { self.publisher.payload.bytes(self.block.index(), self.length) }
    }
}

impl DerefMut for Loan<'_> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: invariant 1: nobody else reaches the block, and `self` is borrowed exclusively; a publisher's mapping
        // is writable.
        unsafe { self.publisher.payload.bytes_mut(self.block.index(), self.length) }
    }
}

/// The first write begins at the front; the message ends where the last one did. Behind [`Loan::set_data`], writes
/// append.
impl io::Write for Loan<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let start = if self.streaming { self.length } else { 0 };
        let fits = data.len().min(self.capacity() - start);
        if fits == 0 && !data.is_empty() {
            return Err(io::Error::new(io::ErrorKind::WriteZero, self.too_large(start + data.len())));
        }
        self.streaming = true;
        self.length = start + fits;
        self[start..].copy_from_slice(&data[..fits]);
        Ok(fits)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Loan<'_> {
    #[inline]
    fn drop(&mut self) {
        let publisher = self.publisher;
        // SAFETY: dropped once, and not used behind this.
        let block = unsafe { ManuallyDrop::take(&mut self.block) };
        publisher.loans.set(publisher.loans.get() - 1);
        publisher.supply.borrow_mut().give_back(block);
        publisher.aborted();
    }
}

impl fmt::Debug for Loan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loan")
            .field("uri", &self.topic.uri())
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
