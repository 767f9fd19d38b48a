//! Several messages at once: what is there now, one by one, or copied once and read off the ring.

use core::fmt;

use crate::bytes::frame::{Head, WORD, frame_bytes};
use crate::bytes::memory::Place;
use crate::bytes::{Alone, ByteSubscriber, Lookout, Message};
use crate::error::TryRecvError;

/// What [`ByteSubscriber::batch`] yields: messages, and [`TryRecvError::Lagged`] where some were lost.
///
/// ```
/// let (mut publisher, subscribers) = xbar_ring::bytes::channel(4096);
/// let (mut subscriber, mut buffer) = (subscribers.subscribe(), [0; 8]);
/// publisher.send_batch([(0, &[1; 4][..]), (0, &[2; 4])])?;
/// let mut batch = subscriber.batch();
/// publisher.send(&[3; 4])?;
/// let mut lengths = 0;
/// while let Some(message) = batch.next(&mut buffer) {
///     lengths += message?.bytes.len();
/// }
/// assert_eq!(lengths, 8, "not what came later");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ByteBatch<'s, K, L: Lookout = Alone> {
    subscriber: &'s mut ByteSubscriber<K, L>,
    end: u64,
}

impl<'s, K, L: Lookout> ByteBatch<'s, K, L> {
    pub(crate) const fn new(subscriber: &'s mut ByteSubscriber<K, L>, end: u64) -> Self {
        Self { subscriber, end }
    }

    /// The next message that was there when the batch began, copied to `place`; `None` behind the last one.
    #[inline]
    pub fn next<'b>(&mut self, place: &'b mut [u8]) -> Option<Result<Message<'b>, TryRecvError>> {
        if self.subscriber.reader().position() >= self.end {
            return None;
        }
        match self.subscriber.try_recv(place) {
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
            found => Some(found),
        }
    }
}

impl<K, L: Lookout> fmt::Debug for ByteBatch<'_, K, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self.end.saturating_sub(self.subscriber.reader().position());
        f.debug_struct("ByteBatch").field("left_bytes", &left).finish()
    }
}

/// What [`ByteSubscriber::bulk`] yields. The copy was seen whole: nothing that it holds is lost any more.
pub struct ByteWindow<'s, 'b, K, L: Lookout = Alone> {
    subscriber: &'s mut ByteSubscriber<K, L>,
    /// Behind the last message that was read: where the subscriber goes on.
    next: Place,
    /// The frames that were not read yet, the last one perhaps cut off.
    rest: &'b [u8],
}

impl<'s, 'b, K, L: Lookout> ByteWindow<'s, 'b, K, L> {
    pub(crate) const fn new(subscriber: &'s mut ByteSubscriber<K, L>, rest: &'b [u8]) -> Self {
        Self { next: subscriber.reader.next, subscriber, rest }
    }
}

impl<'b, K, L: Lookout> Iterator for ByteWindow<'_, 'b, K, L> {
    type Item = Message<'b>;

    #[inline]
    fn next(&mut self) -> Option<Message<'b>> {
        let (head, message) = self.rest.split_first_chunk()?;
        let (bytes, kind) = Head::message(u64::from_ne_bytes(*head))?;
        let frame = usize::try_from(frame_bytes(bytes.into()) - WORD).ok()?;
        let (frame, rest) = message.split_at_checked(frame)?;
        self.rest = rest;
        let sequence = self.next.sequence;
        self.next = self.next.behind(bytes.into());
        // Stored and never loaded here, so that no message waits for the one before.
        self.subscriber.reader.next = self.next;
        Some(Message { kind, sequence, bytes: &frame[..bytes as usize] })
    }
}

impl<K, L: Lookout> fmt::Debug for ByteWindow<'_, '_, K, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteWindow").field("left_bytes", &self.rest.len()).finish()
    }
}
