//! Sending by copy.

use std::time::Duration;

use xbar_layout::ring::INLINE_BYTES;
use xbar_ring::{Adaptive, WaitStrategy};

use crate::error::PublishError;
use crate::loan::NoRoom;
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
        match self.send_at_once(topic, bytes) {
            Some(sequence) => Ok(sequence),
            None => self.send_otherwise(topic, bytes, Patience::As(&mut Adaptive, None)),
        }
    }

    /// As [`Publisher::send`], without waiting.
    ///
    /// # Errors
    ///
    /// As [`Publisher::send`], and [`PublishError::Full`].
    #[inline]
    pub fn try_send(&self, topic: &Topic, bytes: &[u8]) -> Result<u64, PublishError> {
        match self.send_at_once(topic, bytes) {
            Some(sequence) => Ok(sequence),
            None => self.send_otherwise(topic, bytes, Patience::Never),
        }
    }

    /// As [`Publisher::send`], waiting up to `timeout`.
    ///
    /// # Errors
    ///
    /// As [`Publisher::send`], and [`PublishError::Full`].
    pub fn send_timeout(&self, topic: &Topic, bytes: &[u8], timeout: Duration) -> Result<u64, PublishError> {
        self.send_otherwise(topic, bytes, Patience::As(&mut Adaptive, Some(timeout)))
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
        self.send_otherwise(topic, bytes, Patience::As(&mut strategy, timeout))
    }

    /// Publishes `bytes` in a slot; `None`, and nothing has happened, where that is not the straight way.
    #[inline(always)]
    fn send_at_once(&self, topic: &Topic, bytes: &[u8]) -> Option<u64> {
        if !self.owns(topic) {
            return None;
        }
        self.put_at_once(topic, bytes)
    }

    /// Publishes a copy of `bytes` in whatever way it takes.
    #[inline(never)]
    fn send_otherwise(
        &self,
        topic: &Topic,
        bytes: &[u8],
        patience: Patience<'_>,
    ) -> Result<u64, PublishError> {
        let no_room = || self.no_room(topic.uri(), &topic.room);
        if bytes.len() > topic.inline_bytes {
            let mut loan = self.loan(topic, bytes.len())?;
            loan.copy_from_slice(bytes);
            return loan.publish_within(patience).map_err(|NoRoom(_)| no_room());
        }
        if !self.owns(topic) {
            return Err(self.refusal(topic, bytes.len()));
        }
        let attempt = || self.put(topic, bytes);
        attempt().or_else(|refused| {
            let next = || topic.writer().next();
            self.persist(&topic.room, refused, patience, next, attempt).ok_or_else(no_room)
        })
    }
}

/// Bytes of a message that ride in a slot: none where values of a type want more alignment than a slot's words have.
pub(crate) fn inline_bytes(shape: &xbar_layout::TopicShape) -> usize {
    match shape.value {
        Some(value) if value.align > 8 => 0,
        _ => INLINE_BYTES - if shape.many { 8 } else { 0 },
    }
}
