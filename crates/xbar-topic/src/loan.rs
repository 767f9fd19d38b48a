//! A loan: room for a message that this process alone can reach, until it is published or dropped.

#![allow(unsafe_code)] // the bytes of a block or a slip that the loan owns

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
use crate::slips::Slip;
use crate::topic::Topic;

/// Room for a message, to be written in place and published. Dropped unpublished, it goes back and nobody notices.
///
/// The bytes are those of an earlier message until they are written.
pub struct Loan<'p> {
    publisher: &'p Publisher,
    topic: &'p Topic,
    carrier: ManuallyDrop<Carrier<'p>>,
    /// All bytes of the carrier. A pointer, because a reader in another thread may have the block before `publish` returns.
    bytes: NonNull<[u8]>,
    /// Bytes of the message so far, at most the carrier's.
    length: usize,
    /// True once `io::Write` has begun from the front.
    streaming: bool,
}

/// What the message is written on.
enum Carrier<'p> {
    /// Copied into a slot when it is published. Invariant 1: given out, to this loan.
    Slip(&'p Slip),
    /// Named by a slot when it is published, unless the message turns out to be small. Invariant 2: taken from the pool's supply, and
    /// given nowhere while the loan lives.
    Block(&'p Pool, Block),
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
    /// A loan of a straight topic, whose message is small so far.
    #[inline(always)]
    pub(crate) fn on_slip(publisher: &'p Publisher, topic: &'p Topic, slip: &'p Slip, length: usize) -> Self {
        let bytes = slip.take();
        let carrier = ManuallyDrop::new(Carrier::Slip(slip));
        Self { publisher, topic, carrier, bytes, length, streaming: false }
    }

    #[inline(always)]
    pub(crate) fn in_block(
        publisher: &'p Publisher,
        topic: &'p Topic,
        (pool, block): (&'p Pool, Block),
        length: usize,
    ) -> Self {
        let bytes = bytes_of(pool, &block);
        let carrier = ManuallyDrop::new(Carrier::Block(pool, block));
        Self { publisher, topic, carrier, bytes, length, streaming: false }
    }

    /// Bytes that the message may have.
    pub fn capacity(&self) -> usize {
        match &*self.carrier {
            Carrier::Slip(_) => self.publisher.most_bytes(self.topic),
            Carrier::Block(..) => self.bytes.len(),
        }
    }

    /// Makes the message `length` bytes long, keeping what is written.
    ///
    /// # Errors
    ///
    /// [`PublishError::TooLarge`] when that is more than [`Loan::capacity`]. A loan that was small takes a block when it grows beyond
    /// 48 bytes: as [`Publisher::loan`]. Nothing changes then.
    pub fn set_len(&mut self, length: usize) -> Result<(), PublishError> {
        if length > self.bytes.len() {
            self.grow(length)?;
        }
        self.length = length;
        Ok(())
    }

    /// Goes on in a block, which is to take `length` bytes.
    #[cold]
    fn grow(&mut self, length: usize) -> Result<(), PublishError> {
        let &Carrier::Slip(slip) = &*self.carrier else { return Err(self.too_large(length)) };
        let (pool, block) = self.publisher.take_block(self.topic, length)?;
        let mut bytes = bytes_of(pool, &block);
        // SAFETY: the block is this loan's from here on (invariant 2), and nobody else has the slice.
        let room = unsafe { bytes.as_mut() };
        room[..self.length].copy_from_slice(self);
        slip.come_back();
        self.carrier = ManuallyDrop::new(Carrier::Block(pool, block));
        self.bytes = bytes;
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
        let carrier = unsafe { ManuallyDrop::take(&mut this.carrier) };
        let Self { publisher, topic, bytes, length, streaming, .. } = *this;
        let way = Way { publisher, topic, bytes, length };
        let late = |carrier, refused| Late { way, carrier, refused, streaming };
        match carrier {
            Carrier::Slip(slip) => match publisher.put_at_once(topic, way.message(&carrier)) {
                Some(sequence) => {
                    slip.come_back();
                    Ok(sequence)
                }
                None => Err(late(carrier, Refused::AllClaimed)), // only an attempt will tell
            },
            Carrier::Block(pool, block) => {
                way.pass_on(pool, block).map_err(|(refused, carrier)| late(carrier, refused))
            }
        }
    }
}

/// All bytes of a block.
#[inline(always)]
fn bytes_of(pool: &Pool, block: &Block) -> NonNull<[u8]> {
    // SAFETY: the supply gave this block to nobody else, and it stays with the loan, which is the only one to use the
    // slice; a publisher's mapping is writable.
    NonNull::from(unsafe { pool.payload.bytes_mut(block.index(), pool.payload.block_bytes()) })
}

/// A loan for which there was no room at first.
struct Late<'p> {
    way: Way<'p>,
    carrier: Carrier<'p>,
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
        let Self { way, carrier, refused, streaming } = self;
        let mut kept = Some(carrier);
        let attempt = || {
            let carrier = kept.take().ok_or(Refused::AllClaimed)?;
            way.attempt(carrier).map_err(|(refused, carrier)| {
                kept = Some(carrier);
                refused
            })
        };
        let next = || way.topic.writer().next();
        let sent = way.publisher.persist(&way.topic.room, refused, patience, next, attempt);
        match (sent, kept) {
            (None, Some(carrier)) => {
                let Way { publisher, topic, bytes, length } = way;
                let carrier = ManuallyDrop::new(carrier);
                Err(NoRoom(Loan { publisher, topic, carrier, bytes, length, streaming }))
            }
            (sent, _) => Ok(sent.unwrap_or_default()),
        }
    }
}

/// From whom, where and how much: what publishing needs of a loan besides its carrier. Passed by value, so that a loan that is
/// published at once never has to be in memory.
#[derive(Clone, Copy)]
struct Way<'p> {
    publisher: &'p Publisher,
    topic: &'p Topic,
    /// The carrier's.
    bytes: NonNull<[u8]>,
    length: usize,
}

impl<'p> Way<'p> {
    /// Publishes the message on `carrier`, which was the loan's, if there is room.
    fn attempt(self, carrier: Carrier<'p>) -> Result<u64, (Refused, Carrier<'p>)> {
        match carrier {
            Carrier::Slip(slip) => match self.publisher.put(self.topic, self.message(&carrier)) {
                Ok(sequence) => {
                    slip.come_back();
                    Ok(sequence)
                }
                Err(refused) => Err((refused, carrier)),
            },
            Carrier::Block(pool, block) => self.pass_on(pool, block),
        }
    }

    /// What is written on `carrier`, which was the loan's and is nobody else's meanwhile.
    #[inline(always)]
    fn message<'c>(&self, _carrier: &'c Carrier<'p>) -> &'c [u8] {
        // SAFETY: its bytes (invariants 1 and 2), which nobody else reaches while the carrier is borrowed.
        let bytes: &'c [u8] = unsafe { self.bytes.as_ref() };
        &bytes[..self.length]
    }

    /// Publishes the message in `block`, or, if it turned out to be small, in a slot.
    #[inline(always)]
    fn pass_on(self, pool: &'p Pool, block: Block) -> Result<u64, (Refused, Carrier<'p>)> {
        let Self { publisher, topic, length, .. } = self;
        if length <= topic.inline_bytes {
            return self.put(pool, block);
        }
        let time = publisher.clock().stamp();
        let length = length as u32; // at most a block's bytes, which fit
        let sequence = {
            let mut supply = pool.supply();
            let sent = topic.writer().block(&mut supply, topic.room.limit(), (block, length), time);
            sent.map_err(|(refused, block)| (refused, Carrier::Block(pool, block)))?
        };
        pool.loans.set(pool.loans.get() - 1);
        topic.published();
        pool.supply().settle(|| publisher.readers());
        Ok(sequence)
    }

    /// Publishes the message in `block` in a slot, and keeps the block.
    #[inline(never)]
    fn put(self, pool: &'p Pool, block: Block) -> Result<u64, (Refused, Carrier<'p>)> {
        let carrier = Carrier::Block(pool, block);
        let sent = self.publisher.put(self.topic, self.message(&carrier));
        match (sent, carrier) {
            (Ok(sequence), Carrier::Block(pool, block)) => {
                pool.loans.set(pool.loans.get() - 1);
                pool.supply().give_back(block);
                Ok(sequence)
            }
            (Ok(sequence), Carrier::Slip(_)) => Ok(sequence),
            (Err(refused), carrier) => Err((refused, carrier)),
        }
    }

    /// Gives `carrier` back unpublished.
    #[cold]
    #[inline(never)]
    fn abandon(self, carrier: Carrier<'p>) {
        let was_forked = self.publisher.seat().was_forked();
        match carrier {
            Carrier::Slip(slip) => slip.come_back(),
            Carrier::Block(..) if was_forked => {} // the parent process's
            Carrier::Block(pool, block) => {
                pool.loans.set(pool.loans.get() - 1);
                pool.supply().give_back(block);
            }
        }
        if !was_forked {
            self.publisher.aborted();
        }
    }
}

impl Deref for Loan<'_> {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        // SAFETY: invariants 1 and 2: nobody else reaches the bytes, and `self` is borrowed.
        let bytes = unsafe { self.bytes.as_ref() };
        &bytes[..self.length]
    }
}

impl DerefMut for Loan<'_> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: invariants 1 and 2: nobody else reaches the bytes, and `self` is borrowed exclusively.
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
        self.set_len(start + fits).map_err(io::Error::other)?;
        self.streaming = true;
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
        let Self { publisher, topic, bytes, length, .. } = *self;
        // SAFETY: dropped once, and not used behind this.
        let carrier = unsafe { ManuallyDrop::take(&mut self.carrier) };
        Way { publisher, topic, bytes, length }.abandon(carrier);
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
