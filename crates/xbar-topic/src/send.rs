//! Sending by copy.

use std::time::Duration;

use xbar_layout::ring::INLINE_BYTES;
use xbar_ring::mpmc::Refused;
use xbar_ring::{Adaptive, WaitStrategy};

use crate::error::PublishError;
use crate::loan::NoRoom;
use crate::pools::Pool;
use crate::publisher::Publisher;
use crate::room::Patience;
use crate::topic::Topic;

impl Publisher {
    /// Publishes a copy of `bytes`: in the slot itself up to 48 bytes (40 with many publishers), in a block above. Returns the
    /// sequence number. Waits for room where the topic is lossless.
    ///
    /// # Errors
    ///
    /// As [`Publisher::loan`]; up to 48 bytes only [`PublishError::ForeignTopic`].
    #[inline]
    pub fn send(&self, topic: &Topic, bytes: &[u8]) -> Result<u64, PublishError> {
        self.send_within(topic, bytes, Patience::As(&mut Adaptive, None))
    }

    /// As [`Publisher::send`], without waiting.
    ///
    /// # Errors
    ///
    /// As [`Publisher::send`], and [`PublishError::Full`].
    #[inline]
    pub fn try_send(&self, topic: &Topic, bytes: &[u8]) -> Result<u64, PublishError> {
        self.send_within(topic, bytes, Patience::Never)
    }

    /// As [`Publisher::send`], waiting up to `timeout`.
    ///
    /// # Errors
    ///
    /// As [`Publisher::send`], and [`PublishError::Full`].
    pub fn send_timeout(&self, topic: &Topic, bytes: &[u8], timeout: Duration) -> Result<u64, PublishError> {
        self.send_within(topic, bytes, Patience::As(&mut Adaptive, Some(timeout)))
    }

    /// As [`Publisher::send`], waiting as `strategy` says, up to `timeout` if there is one.
    ///
    /// # Errors
    ///
    /// As [`Publisher::send`], [`PublishError::Full`] when the time is over, and [`PublishError::Stopped`] when the strategy ends
    /// the wait.
    pub fn send_with(
        &self,
        topic: &Topic,
        bytes: &[u8],
        mut strategy: impl WaitStrategy,
        timeout: Option<Duration>,
    ) -> Result<u64, PublishError> {
        self.send_within(topic, bytes, Patience::As(&mut strategy, timeout))
    }

    #[inline(always)]
    fn send_within(&self, topic: &Topic, bytes: &[u8], patience: Patience<'_>) -> Result<u64, PublishError> {
        if bytes.len() > topic.inline_bytes {
            return self.send_in_block(topic, bytes, patience);
        }
        let Some(pool) = self.pools.get(topic.pool).filter(|_| self.owns(topic)) else {
            return Err(self.refusal(topic, bytes.len()));
        };
        match self.try_inline(topic, pool, bytes) {
            Ok(sequence) => Ok(sequence),
            Err(refused) => self.send_late(topic, pool, bytes, refused, patience),
        }
    }

    /// Publishes `bytes` in a slot, if there is room.
    #[inline(always)]
    fn try_inline(&self, topic: &Topic, pool: &Pool, bytes: &[u8]) -> Result<u64, Refused> {
        let time = self.clock().stamp();
        let mut supply = pool.supply();
        let sequence = topic.writer().inline(&mut supply, topic.room.limit(), bytes, time)?;
        self.published_on(topic, &mut supply);
        Ok(sequence)
    }

    /// What follows when there was no room at first.
    #[cold]
    #[inline(never)]
    fn send_late(
        &self,
        topic: &Topic,
        pool: &Pool,
        bytes: &[u8],
        refused: Refused,
        patience: Patience<'_>,
    ) -> Result<u64, PublishError> {
        let next = || topic.writer().next();
        let attempt = || self.try_inline(topic, pool, bytes);
        let sent = self.persist(&topic.room, refused, patience, next, attempt);
        sent.ok_or_else(|| self.no_room(topic.uri(), &topic.room))
    }

    #[inline(never)]
    fn send_in_block(
        &self,
        topic: &Topic,
        bytes: &[u8],
        patience: Patience<'_>,
    ) -> Result<u64, PublishError> {
        let mut loan = self.loan(topic, bytes.len())?;
        loan.copy_from_slice(bytes);
        loan.publish_within(patience).map_err(|NoRoom(_)| self.no_room(topic.uri(), &topic.room))
    }
}

/// Bytes of a message that ride in a slot: none where values of a type want more alignment than a slot's words have.
pub(crate) fn inline_bytes(shape: &xbar_layout::TopicShape) -> usize {
    match shape.value {
        Some(value) if value.align > 8 => 0,
        _ => INLINE_BYTES - if shape.many { 8 } else { 0 },
    }
}
