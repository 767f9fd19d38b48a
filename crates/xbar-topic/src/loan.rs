//! A loan: room for a message that this process alone can reach, until it is published or dropped.

#![allow(unsafe_code)] // the bytes of a block or a slip that the loan owns

use std::fmt;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::slice;
use std::time::Duration;

use xbar_layout::ring::INLINE_BYTES;
use xbar_pool::Block;
use xbar_ring::mpmc::Refused;
use xbar_ring::{Adaptive, WaitStrategy};

use crate::error::PublishError;
use crate::pools::{Blocks, Pool};
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
    /// The carrier's first byte. A pointer, because a reader in another thread may have the block before `publish` returns.
    start: NonNull<u8>,
    /// Bytes of the message so far. Invariant 3: at most the carrier's.
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
    /// A loan of a straight topic, for up to 48 bytes so far.
    #[inline(always)]
    pub(crate) fn on_slip(publisher: &'p Publisher, topic: &'p Topic, slip: &'p Slip, length: usize) -> Self {
        let start = slip.take();
        let carrier = ManuallyDrop::new(Carrier::Slip(slip));
        Self { publisher, topic, carrier, start, length: length.min(INLINE_BYTES), streaming: false }
    }

    /// A loan of a block that has `length` bytes at least.
    #[inline(always)]
    pub(crate) fn in_block(
        publisher: &'p Publisher,
        topic: &'p Topic,
        (pool, block): (&'p Pool, Block),
        length: usize,
    ) -> Self {
        let start = start_of(pool, &block, length);
        let carrier = ManuallyDrop::new(Carrier::Block(pool, block));
        Self { publisher, topic, carrier, start, length, streaming: false }
    }

    /// Bytes that the message may have.
    pub fn capacity(&self) -> usize {
        match &*self.carrier {
            Carrier::Slip(_) => self.publisher.most_bytes(self.topic),
            Carrier::Block(pool, _) => pool.payload.block_bytes(),
        }
    }

    /// Makes the message `length` bytes long, keeping what is written.
    ///
    /// # Errors
    ///
    /// [`PublishError::TooLarge`] when that is more than [`Loan::capacity`]. A loan that was small takes a block when it grows beyond
    /// 48 bytes: as [`Publisher::loan`]. Nothing changes then.
    pub fn set_len(&mut self, length: usize) -> Result<(), PublishError> {
        let room = match &*self.carrier {
            Carrier::Slip(_) => INLINE_BYTES,
            Carrier::Block(pool, _) => pool.payload.block_bytes(),
        };
        if length > room {
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
        let start = start_of(pool, &block, length);
        // SAFETY: the block is this loan's from here on (invariant 2), longer than the message was, and nobody else has the slice.
        let room = unsafe { slice::from_raw_parts_mut(start.as_ptr(), self.length) };
        room.copy_from_slice(self);
        slip.come_back();
        self.carrier = ManuallyDrop::new(Carrier::Block(pool, block));
        self.start = start;
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

    /// Publishes the message, if that is the straight way.
    ///
    /// In pieces that fit registers: a loan that is published at once never has to be in memory.
    #[inline(always)]
    fn publish_at_once(self) -> Result<u64, Late<'p>> {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used again, nor dropped.
        let carrier = unsafe { ManuallyDrop::take(&mut this.carrier) };
        let Self { publisher, topic, start, length, streaming, .. } = *this;
        let late = |carrier, refused| {
            let carrier = ManuallyDrop::new(carrier);
            Late { loan: Loan { publisher, topic, carrier, start, length, streaming }, refused }
        };
        match carrier {
            Carrier::Slip(slip) => {
                // SAFETY: invariants 1 and 3, and nobody writes them meanwhile.
                let message = unsafe { slice::from_raw_parts(start.as_ptr(), length) };
                match publisher.put_at_once(topic, message) {
                    Some(sequence) => {
                        slip.come_back();
                        Ok(sequence)
                    }
                    None => Err(late(carrier, UNKNOWN)),
                }
            }
            Carrier::Block(pool, block) if length > topic.inline_bytes => {
                match pass_on(publisher, topic, (pool, block), length) {
                    Ok(sequence) => Ok(sequence),
                    Err((refused, block)) => Err(late(Carrier::Block(pool, block), refused)),
                }
            }
            Carrier::Block(..) => Err(late(carrier, UNKNOWN)),
        }
    }

    /// Publishes the message, if there is room.
    fn attempt(self) -> Result<u64, (Refused, Self)> {
        if self.length <= self.topic.inline_bytes {
            return match self.publisher.put(self.topic, &self) {
                Ok(sequence) => {
                    self.come_back();
                    Ok(sequence)
                }
                Err(refused) => Err((refused, self)),
            };
        }
        self.publish_at_once().map_err(|Late { loan, refused }| (refused, loan))
    }

    /// The carrier is not needed any more.
    fn come_back(self) {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `this` is not used again, nor dropped.
        give_back(unsafe { ManuallyDrop::take(&mut this.carrier) });
    }
}

/// Publishes `length` bytes of `block`, if there is room.
#[inline(always)]
fn pass_on(
    publisher: &Publisher,
    topic: &Topic,
    (pool, block): (&Pool, Block),
    length: usize,
) -> Result<u64, (Refused, Block)> {
    let mut supply = pool.supply();
    // The length is at most a block's bytes, which fit.
    let message = (block, length as u32);
    let at_once = topic.writer().block_at_once(&mut supply, topic.straight_below.get(), message, 0);
    let sequence = match at_once {
        Ok(sequence) => {
            topic.published_straight();
            sequence
        }
        Err(block) => pass_on_the_long_way(publisher, topic, (&mut supply, block), length)?,
    };
    pool.loans.set(pool.loans.get() - 1);
    supply.settle(|| publisher.readers());
    if let Some(next) = supply.next() {
        pool.payload.prepare(next, length);
    }
    Ok(sequence)
}

/// The same but for what follows, where it takes more than the straight way.
#[inline(never)]
fn pass_on_the_long_way(
    publisher: &Publisher,
    topic: &Topic,
    (supply, block): (&mut Blocks, Block),
    length: usize,
) -> Result<u64, (Refused, Block)> {
    let (limit, time) = (topic.room.limit(), publisher.clock().stamp());
    let sequence = topic.writer().block(supply, limit, (block, length as u32), time)?;
    topic.published();
    topic.look_ahead();
    Ok(sequence)
}

fn give_back(carrier: Carrier<'_>) {
    match carrier {
        Carrier::Slip(slip) => slip.come_back(),
        Carrier::Block(pool, block) => {
            pool.loans.set(pool.loans.get() - 1);
            pool.supply().give_back(block);
        }
    }
}

/// The first of the bytes of a block that has `length` of them.
#[inline(always)]
fn start_of(pool: &Pool, block: &Block, length: usize) -> NonNull<u8> {
    // SAFETY: the supply gave this block to nobody else, and it stays with the loan, which is the only one to use the
    // bytes; a publisher's mapping is writable.
    NonNull::from(unsafe { pool.payload.bytes_mut(block.index(), length) }).cast()
}

/// Why a message was refused of which only a further attempt will tell.
const UNKNOWN: Refused = Refused::AllClaimed;

/// A loan that was not published at first.
struct Late<'p> {
    loan: Loan<'p>,
    refused: Refused,
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
        let Self { loan, refused } = self;
        let (publisher, topic) = (loan.publisher, loan.topic);
        let mut kept = Some(loan);
        let attempt = || {
            let loan = kept.take().ok_or(UNKNOWN)?;
            loan.attempt().map_err(|(refused, loan)| {
                kept = Some(loan);
                refused
            })
        };
        let next = || topic.writer().next();
        let sent = publisher.persist(&topic.room, refused, patience, next, attempt);
        match (sent, kept) {
            (None, Some(loan)) => Err(NoRoom(loan)),
            (sent, _) => Ok(sent.unwrap_or_default()),
        }
    }
}

impl Deref for Loan<'_> {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        // SAFETY: invariants 1 to 3: nobody else reaches the bytes, and `self` is borrowed.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl DerefMut for Loan<'_> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: invariants 1 to 3: nobody else reaches the bytes, and `self` is borrowed exclusively.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
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
        // SAFETY: dropped once, and not used behind this.
        let carrier = unsafe { ManuallyDrop::take(&mut self.carrier) };
        abandon(self.publisher, carrier);
    }
}

/// Gives `carrier` back unpublished.
#[cold]
#[inline(never)]
fn abandon(publisher: &Publisher, carrier: Carrier<'_>) {
    if !publisher.seat().was_forked() {
        give_back(carrier);
        publisher.aborted();
    } else if let Carrier::Slip(slip) = carrier {
        slip.come_back(); // a block is the parent process's
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
