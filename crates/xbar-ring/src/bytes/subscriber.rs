//! The receiving end of a byte ring: all forms of receiving, and their account.
//!
//! Invariant: `sequence - start` = received + skipped + missed. So received is never counted, only computed.

use core::fmt;

use crate::bytes::frame::frame_bytes;
use crate::bytes::reader::{BytePoll, ByteReader, Frame};
use crate::bytes::{ByteBatch, ByteWindow};
use crate::copy::load_message;
use crate::error::{RecvError, TryRecvError};
use crate::wait::{Adaptive, Step, WaitStrategy, give_way};

/// A message that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'b> {
    /// What its writer calls it.
    pub kind: u16,
    /// Its place in the stream, from 0.
    pub sequence: u64,
    /// The message, in the receiver's own memory.
    pub bytes: &'b [u8],
}

/// Receives the messages of one byte ring.
///
/// - **Allocates?** Only into a `Vec`. **Blocks?** Only [`recv`](Self::recv), [`recv_with`](Self::recv_with) and
///   `recv_timeout`; all others
///   take a bounded number of steps.
/// - **Who may call?** One thread at a time. Subscribers disturb neither one another nor the writer.
/// - **Loses?** What is overwritten before it comes for it, and every form of receiving tells so, once and exactly:
///   [`received`](Self::total_received) + [`skipped`](Self::total_skipped) + [`missed`](Self::total_missed) = sent since it subscribed, at
///   every moment at which it has received all.
///
/// ```
/// use xbar_ring::TryRecvError;
///
/// let (mut publisher, subscribers) = xbar_ring::bytes::channel(64);
/// let (mut subscriber, mut buffer) = (subscribers.subscribe(), [0; 8]);
/// (0..100).for_each(|n| publisher.send(&[n]).map(drop).expect("short"));
/// // A frame takes two words here, so a lap is four messages.
/// let Err(TryRecvError::Lagged { missed }) = subscriber.try_recv(&mut buffer) else { panic!("lagged") };
/// assert_eq!(subscriber.try_recv(&mut buffer)?.bytes, [missed as u8]);
/// # Ok::<(), TryRecvError>(())
/// ```
pub struct ByteSubscriber<K = crate::heap::Heap> {
    pub(crate) reader: ByteReader<K>,
    start: u64,
    missed: u64,
    skipped: u64,
}

/// What was copied, for whoever has the place.
pub(crate) struct Taken {
    kind: u16,
    sequence: u64,
    bytes: usize,
}

impl Taken {
    /// The message, in the place that it was copied to.
    #[inline(always)]
    fn message(self, place: &[u8]) -> Message<'_> {
        let Self { kind, sequence, bytes } = self;
        Message { kind, sequence, bytes: &place[..bytes] }
    }
}

impl<K> ByteSubscriber<K> {
    /// A subscriber that begins where `reader` stands.
    pub const fn new(reader: ByteReader<K>) -> Self {
        Self { start: reader.next(), reader, missed: 0, skipped: 0 }
    }

    /// The next message, if there is one, copied to `place`. Without one, what `place` holds afterwards is anything.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]. Behind [`TryRecvError::TooSmall`] the message is still the next one.
    #[inline(always)]
    pub fn try_recv<'b>(&mut self, place: &'b mut [u8]) -> Result<Message<'b>, TryRecvError> {
        self.take(|_| true, place).map(|taken| taken.message(place))
    }

    /// As [`try_recv`](Self::try_recv), the next message of a kind that `wanted` says yes to. Others are passed over without
    /// being copied, and count as skipped, also when nothing wanted is there; a ring of them at most in one call. `wanted` may
    /// also be asked about a message that turns out to be overwritten.
    ///
    /// ```
    /// let (mut publisher, subscribers) = xbar_ring::bytes::channel(4096);
    /// let (mut subscriber, mut buffer) = (subscribers.subscribe(), [0; 8]);
    /// (0..10_u16).try_for_each(|kind| publisher.send_as(kind, &[1; 8]).map(drop))?;
    /// assert_eq!(subscriber.try_recv_where(&mut buffer, |kind| kind == 7)?.kind, 7);
    /// assert_eq!(subscriber.total_skipped(), 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Self::try_recv).
    #[inline]
    pub fn try_recv_where<'b>(
        &mut self,
        place: &'b mut [u8],
        wanted: impl FnMut(u16) -> bool,
    ) -> Result<Message<'b>, TryRecvError> {
        self.take(wanted, place).map(|taken| taken.message(place))
    }

    /// The next message, if there is one, in place of what `place` holds, which grows as needed. Without one, what it holds
    /// afterwards is anything.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`], but never [`TryRecvError::TooSmall`].
    #[cfg(feature = "alloc")]
    #[inline]
    pub fn try_recv_vec<'b>(
        &mut self,
        place: &'b mut alloc::vec::Vec<u8>,
    ) -> Result<Message<'b>, TryRecvError> {
        self.take(|_| true, place).map(|taken| taken.message(place))
    }

    /// One look after the other until one finds something; each passes over a frame, so there are no more than words in the
    /// ring.
    #[inline(always)]
    fn take(
        &mut self,
        mut wanted: impl FnMut(u16) -> bool,
        place: &mut (impl Destination + ?Sized),
    ) -> Result<Taken, TryRecvError> {
        let mut looks = 0;
        // Counted where it goes on, which it hardly ever does.
        while looks <= self.reader.capacity_bytes() {
            looks += 8;
            match self.reader.poll() {
                BytePoll::Ready(frame) => {
                    if wanted(frame.kind()) {
                        let taken = place.copy(&frame);
                        // What a frame says that was overwritten means nothing, also that it is too long.
                        let whole = if taken.is_ok() { frame.accept() } else { frame.is_whole() };
                        if whole {
                            return taken;
                        }
                    } else if frame.accept() {
                        self.skipped = self.skipped.wrapping_add(1);
                        continue;
                    }
                }
                BytePoll::Empty => return Err(TryRecvError::Empty),
                BytePoll::Ended => return Err(TryRecvError::Disconnected),
                BytePoll::Overtaken => {}
            }
            if let Some(lagged) = self.lagged() {
                return Err(lagged);
            }
        }
        Err(TryRecvError::Empty)
    }

    /// The next message, however long that takes, copied to `place`, waiting as [`Adaptive`] does.
    ///
    /// # Errors
    ///
    /// [`RecvError`], but never [`RecvError::Timeout`].
    #[inline]
    pub fn recv<'b>(&mut self, place: &'b mut [u8]) -> Result<Message<'b>, RecvError> {
        self.recv_with(Adaptive, place)
    }

    /// The next message, however long that takes, copied to `place`, waiting as `strategy` says, until it says to stop.
    ///
    /// # Errors
    ///
    /// [`RecvError`], but never [`RecvError::Timeout`].
    #[inline]
    pub fn recv_with<'b>(
        &mut self,
        mut strategy: impl WaitStrategy,
        place: &'b mut [u8],
    ) -> Result<Message<'b>, RecvError> {
        let mut looks = 0_u32;
        let taken = loop {
            match self.take(|_| true, place) {
                Ok(taken) => break taken,
                Err(TryRecvError::Empty) => {}
                Err(error) => return Err(RecvError::of(error)),
            }
            looks = looks.saturating_add(1);
            match strategy.step(looks) {
                Step::Look => {}
                Step::Sleep => give_way(),
                Step::Stop => return Err(RecvError::Stopped),
            }
        };
        Ok(taken.message(place))
    }

    /// The next message, waiting up to `timeout` as [`Adaptive`] does, copied to `place`. A timeout of zero is one look.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    #[cfg(feature = "std")]
    pub fn recv_timeout<'b>(
        &mut self,
        place: &'b mut [u8],
        timeout: core::time::Duration,
    ) -> Result<Message<'b>, RecvError> {
        self.recv_timeout_with(Adaptive, place, timeout)
    }

    /// The next message, waiting up to `timeout` as `strategy` says, copied to `place`. A timeout of zero is one look.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    #[cfg(feature = "std")]
    pub fn recv_timeout_with<'b>(
        &mut self,
        mut strategy: impl WaitStrategy,
        place: &'b mut [u8],
        timeout: core::time::Duration,
    ) -> Result<Message<'b>, RecvError> {
        let mut deadline = crate::wait::Deadline::new(timeout);
        let mut looks = 0_u32;
        let taken = loop {
            match self.take(|_| true, place) {
                Ok(taken) => break taken,
                Err(TryRecvError::Empty) => {}
                Err(error) => return Err(RecvError::of(error)),
            }
            looks = looks.saturating_add(1);
            let step = strategy.step(looks);
            match deadline.left(looks, step) {
                // One last look: what came while the clock was read is not late.
                Some(left) if left.is_zero() => return self.try_recv(place).map_err(RecvError::of),
                _ if step == Step::Sleep => give_way(),
                _ if step == Step::Stop => return Err(RecvError::Stopped),
                _ => {}
            }
        };
        Ok(taken.message(place))
    }

    /// All messages that are there now, one by one: what is sent meanwhile is left for the next time, so that a fast publisher
    /// cannot hold a caller here.
    #[inline]
    pub fn batch(&mut self) -> ByteBatch<'_, K> {
        let end = self.reader.committed();
        ByteBatch::new(self, end)
    }

    /// The messages that are there now, as many as lie in one piece and `place` has room for (each with eight bytes, and up to
    /// a multiple of eight), copied once and read where they were copied to. Those that are not read are received again.
    ///
    /// ```
    /// let (mut publisher, subscribers) = xbar_ring::bytes::channel(4096);
    /// let (mut subscriber, mut buffer) = (subscribers.subscribe(), [0; 1024]);
    /// publisher.send_batch([(1, &b"one"[..]), (2, b"two")])?;
    /// let all: Vec<_> = subscriber.bulk(&mut buffer)?.map(|message| (message.kind, message.bytes)).collect();
    /// assert_eq!(all, [(1, &b"one"[..]), (2, b"two")]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]; [`TryRecvError::TooSmall`] when not even one message fits.
    #[inline]
    pub fn bulk<'b>(&mut self, place: &'b mut [u8]) -> Result<ByteWindow<'_, 'b, K>, TryRecvError> {
        for _ in 0..self.reader.capacity_bytes() / 8 {
            match self.reader.poll() {
                BytePoll::Ready(frame) => {
                    let needed = frame_bytes(frame.len() as u64);
                    if needed <= place.len() as u64 {
                        // Its head is there before `committed` says so.
                        let end = self.reader.committed().max(self.reader.position().wrapping_add(needed));
                        if let Some(bytes) = self.reader.copy_to(end, place) {
                            return Ok(ByteWindow::new(self, &place[..bytes]));
                        }
                    } else if frame.is_whole() {
                        return Err(TryRecvError::TooSmall { needed_bytes: needed as usize });
                    }
                }
                BytePoll::Empty => return Err(TryRecvError::Empty),
                BytePoll::Ended => return Err(TryRecvError::Disconnected),
                BytePoll::Overtaken => {}
            }
            if let Some(lagged) = self.lagged() {
                return Err(lagged);
            }
        }
        Err(TryRecvError::Empty)
    }

    /// Behind a gap; nothing when no message was in it.
    #[inline(always)]
    fn lagged(&mut self) -> Option<TryRecvError> {
        let missed = self.reader.catch_up();
        self.missed = self.missed.wrapping_add(missed);
        (missed > 0).then_some(TryRecvError::Lagged { missed })
    }

    /// The number of the next message.
    #[inline]
    pub const fn cursor(&self) -> u64 {
        self.reader.next()
    }

    /// How many bytes are sent and not yet received, heads and padding included; more than can still be received when this
    /// subscriber has been overtaken.
    #[inline]
    pub fn pending_bytes(&self) -> u64 {
        self.reader.pending_bytes()
    }

    /// Messages received since it subscribed.
    #[inline]
    pub const fn total_received(&self) -> u64 {
        // Wrapping: in damaged memory a number may be anything.
        let passed = self.reader.next().wrapping_sub(self.start);
        passed.wrapping_sub(self.missed).wrapping_sub(self.skipped)
    }

    /// Messages not received since it subscribed: those that [`TryRecvError::Lagged`] told.
    #[inline]
    pub const fn total_missed(&self) -> u64 {
        self.missed
    }

    /// Messages of kinds that were not wanted.
    #[inline]
    pub const fn total_skipped(&self) -> u64 {
        self.skipped
    }

    /// The ring's reading end.
    pub const fn reader(&self) -> &ByteReader<K> {
        &self.reader
    }
}

/// Where a message is copied to.
trait Destination {
    /// Copies it, whole or torn.
    fn copy(&mut self, frame: &Frame<'_>) -> Result<Taken, TryRecvError>;
}

impl Destination for [u8] {
    // Not a closure of the caller's: that would be called, and give what it took through memory.
    #[inline(always)]
    fn copy(&mut self, frame: &Frame<'_>) -> Result<Taken, TryRecvError> {
        let Some(place) = self.get_mut(..frame.len()) else {
            return Err(TryRecvError::TooSmall { needed_bytes: frame.len() });
        };
        load_message(place, frame.words());
        Ok(Taken { kind: frame.kind(), sequence: frame.sequence(), bytes: frame.len() })
    }
}

#[cfg(feature = "alloc")]
impl Destination for alloc::vec::Vec<u8> {
    #[inline]
    fn copy(&mut self, frame: &Frame<'_>) -> Result<Taken, TryRecvError> {
        // Memory is asked for only when the length is the message's own.
        if frame.len() <= self.capacity() || frame.is_whole() {
            crate::copy::load_vec(self, frame.len(), frame.words());
        }
        Ok(Taken { kind: frame.kind(), sequence: frame.sequence(), bytes: self.len() })
    }
}

/// A second subscriber at the same place, with the same account.
impl<K: Clone> Clone for ByteSubscriber<K> {
    fn clone(&self) -> Self {
        let Self { ref reader, start, missed, skipped } = *self;
        Self { reader: reader.clone(), start, missed, skipped }
    }
}

impl<K> fmt::Debug for ByteSubscriber<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteSubscriber")
            .field("cursor", &self.cursor())
            .field("received", &self.total_received())
            .field("missed", &self.missed)
            .finish_non_exhaustive()
    }
}
