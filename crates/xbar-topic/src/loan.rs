//! A loan: a block that this process alone can reach, until it is published or dropped.

#![allow(unsafe_code)] // the bytes of a block that the loan owns

use std::fmt;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::time::Duration;

use xbar_pool::Block;
use xbar_ring::mpmc::Refused;
use xbar_ring::{Adaptive, WaitStrategy};

use crate::error::PublishError;
use crate::pools::Pool;
use crate::publisher::Publisher;
use crate::room::Patience;
use crate::topic::Topic;

/// A block to be written in place and published. Dropped unpublished, it goes back and nobody notices.
///
/// The bytes are those of an earlier message until they are written.
pub struct Loan<'p> {
    publisher: &'p Publisher,
    topic: &'p Topic,
    pool: &'p Pool,
    /// Invariant 1: taken from `pool.supply` and given nowhere while the loan lives.
    block: ManuallyDrop<Block>,
    /// All bytes of the block. A pointer, because a reader in another thread may have the block before `publish` returns.
    bytes: NonNull<[u8]>,
    /// Bytes of the message so far, at most the block's.
    length: usize,
    /// True once `io::Write` has begun from the front.
    streaming: bool,
}

/// A lossless topic has no room: here is the loan again.
#[derive(Debug)]
pub struct NoRoom<L>(pub L);

impl<L> fmt::Display for NoRoom<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the topic is full: wait for its slowest reader, or register it with a larger `depth`")
    }
}

impl<L: fmt::Debug> std::error::Error for NoRoom<L> {}

impl<'p> Loan<'p> {
    #[inline(always)]
    pub(crate) fn new(
        publisher: &'p Publisher,
        topic: &'p Topic,
        pool: &'p Pool,
        block: Block,
        length: usize,
    ) -> Self {
        pool.loans.set(pool.loans.get() + 1);
        // SAFETY: the supply gave this block to nobody else, and it stays with the loan, which is the only one to use the
        // slice; a publisher's mapping is writable.
        let bytes = unsafe { pool.payload.bytes_mut(block.index(), pool.payload.block_bytes()) };
        let bytes = NonNull::from(bytes);
        Self { publisher, topic, pool, block: ManuallyDrop::new(block), bytes, length, streaming: false }
    }

    /// Bytes that the block can take.
    pub const fn capacity(&self) -> usize {
        self.bytes.len()
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

    /// Publishes the message; returns its sequence number. Up to 48 bytes (40 with many publishers) are copied into the slot,
    /// as by [`Publisher::send`]; larger messages stay in their block. Waits for room where the topic is lossless.
    #[inline(always)]
    pub fn publish(self) -> u64 {
        self.publish_at_once().unwrap_or_else(Late::persist_for_ever)
    }

    /// As [`Loan::publish`], without waiting.
    ///
    /// # Errors
    ///
    /// The loan comes back when a lossless topic has no room.
    #[inline(always)]
    pub fn try_publish(self) -> Result<u64, NoRoom<Self>> {
        self.publish_within(Patience::Never)
    }

    /// As [`Loan::publish`], waiting up to `timeout`.
    ///
    /// # Errors
    ///
    /// As [`Loan::try_publish`].
    pub fn publish_timeout(self, timeout: Duration) -> Result<u64, NoRoom<Self>> {
        self.publish_within(Patience::As(&mut Adaptive, Some(timeout)))
    }

    /// As [`Loan::publish`], waiting as `strategy` says, up to `timeout` if there is one.
    ///
    /// # Errors
    ///
    /// The loan comes back when the time is over, or the strategy ends the wait.
    pub fn publish_with(
        self,
        mut strategy: impl WaitStrategy,
        timeout: Option<Duration>,
    ) -> Result<u64, NoRoom<Self>> {
        self.publish_within(Patience::As(&mut strategy, timeout))
    }

    #[inline(always)]
    pub(crate) fn publish_within(self, patience: Patience<'_>) -> Result<u64, NoRoom<Self>> {
        self.publish_at_once().or_else(|late| late.persist(patience))
    }

    /// Publishes the message, if there is room at once.
    #[inline(always)]
    fn publish_at_once(self) -> Result<u64, Late<'p>> {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used again, nor dropped.
        let block = unsafe { ManuallyDrop::take(&mut this.block) };
        let Self { publisher, topic, pool, bytes, length, streaming, .. } = *this;
        let way = Way { publisher, topic, pool, bytes, length };
        way.attempt(block).map_err(|(refused, block)| Late { way, block, refused, streaming })
    }
}

/// A loan for which there was no room at first.
struct Late<'p> {
    way: Way<'p>,
    block: Block,
    refused: Refused,
    streaming: bool,
}

impl<'p> Late<'p> {
    #[cold]
    #[inline(never)]
    fn persist_for_ever(self) -> u64 {
        match self.persist(Patience::As(&mut Adaptive, None)) {
            Ok(sequence) => sequence,
            // Waiting without an end has no such end, but for a damaged ring.
            Err(NoRoom(loan)) => loan.topic.writer().next(),
        }
    }

    /// Goes on trying, as long as `patience` lasts.
    #[cold]
    #[inline(never)]
    fn persist(self, patience: Patience<'_>) -> Result<u64, NoRoom<Loan<'p>>> {
        let Self { way, block, refused, streaming } = self;
        let mut kept = Some(block);
        let attempt = || {
            let block = kept.take().ok_or(Refused::AllClaimed)?;
            way.attempt(block).map_err(|(refused, block)| {
                kept = Some(block);
                refused
            })
        };
        let next = || way.topic.writer().next();
        let sent = way.publisher.persist(&way.topic.room, refused, patience, next, attempt);
        match (sent, kept) {
            (None, Some(block)) => {
                let Way { publisher, topic, pool, bytes, length } = way;
                let block = ManuallyDrop::new(block);
                Err(NoRoom(Loan { publisher, topic, pool, block, bytes, length, streaming }))
            }
            (sent, _) => Ok(sent.unwrap_or_default()),
        }
    }
}

/// From whom, where and how much: what publishing needs of a loan besides its block. Passed by value, so that a loan that is
/// published at once never has to be in memory.
#[derive(Clone, Copy)]
struct Way<'p> {
    publisher: &'p Publisher,
    topic: &'p Topic,
    pool: &'p Pool,
    /// The block's.
    bytes: NonNull<[u8]>,
    length: usize,
}

impl Way<'_> {
    /// Publishes `block`, which was the loan's, if there is room.
    #[inline(always)]
    fn attempt(self, block: Block) -> Result<u64, (Refused, Block)> {
        let Self { publisher, topic, pool, bytes, length } = self;
        if length <= topic.inline_bytes {
            // SAFETY: the bytes of `block`, which is still nobody else's.
            let bytes = unsafe { bytes.as_ref() };
            return match publisher.put(topic, &bytes[..length]) {
                Ok(sequence) => {
                    pool.loans.set(pool.loans.get() - 1);
                    pool.supply().give_back(block);
                    Ok(sequence)
                }
                Err(refused) => Err((refused, block)),
            };
        }
        let time = publisher.clock().stamp();
        let length = length as u32; // at most a block's bytes, which fit
        let sequence = {
            let mut supply = pool.supply();
            topic.writer().block(&mut supply, topic.room.limit(), (block, length), time)?
        };
        pool.loans.set(pool.loans.get() - 1);
        publisher.published_on(topic);
        pool.supply().settle(|| publisher.readers());
        Ok(sequence)
    }

    /// Gives `block` back unpublished.
    #[cold]
    #[inline(never)]
    fn abandon(self, block: Block) {
        if self.publisher.seat().was_forked() {
            return; // the block is the parent process's
        }
        self.pool.loans.set(self.pool.loans.get() - 1);
        self.pool.supply().give_back(block);
        self.publisher.aborted();
    }
}

impl Deref for Loan<'_> {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        // SAFETY: invariant 1: nobody else reaches the block, and `self` is borrowed.
        let bytes = unsafe { self.bytes.as_ref() };
        &bytes[..self.length]
    }
}

impl DerefMut for Loan<'_> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: invariant 1: nobody else reaches the block, and `self` is borrowed exclusively.
        let bytes = unsafe { self.bytes.as_mut() };
        &mut bytes[..self.length]
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
    #[inline(always)]
    fn drop(&mut self) {
        let Self { publisher, topic, pool, bytes, length, .. } = *self;
        // SAFETY: dropped once, and not used behind this.
        let block = unsafe { ManuallyDrop::take(&mut self.block) };
        Way { publisher, topic, pool, bytes, length }.abandon(block);
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
