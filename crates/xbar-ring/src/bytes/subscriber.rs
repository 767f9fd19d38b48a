//! The receiving end of a byte ring: the forms of receiving that do not wait, and their account.
//!
//! Invariant: `sequence - start` = received + skipped + missed. So received is never counted, only computed.

use core::fmt;

use crate::bytes::destination::{Destination, Taken};
use crate::bytes::frame::frame_bytes;
use crate::bytes::reader::{BytePoll, ByteReader};
use crate::bytes::{Alone, ByteAccount, ByteBatch, ByteWindow, Lookout};
use crate::error::TryRecvError;
use crate::wait::Rest;

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
/// - **Allocates?** Only into a `Vec`. **Blocks?** Only what is called `recv`, and `receive`; all others take a bounded number of
///   steps.
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
pub struct ByteSubscriber<K = crate::heap::Heap, L: Lookout = Alone> {
    pub(crate) reader: ByteReader<K>,
    lookout: L,
    start: u64,
    missed: u64,
    skipped: u64,
}

impl<K> ByteSubscriber<K> {
    /// A subscriber that begins where `reader` stands.
    pub const fn new(reader: ByteReader<K>) -> Self {
        Self::with(reader, Alone)
    }
}

impl<K, L: Lookout> ByteSubscriber<K, L> {
    /// A subscriber that begins where `reader` stands, and asks `lookout` when it finds nothing.
    pub const fn with(reader: ByteReader<K>, lookout: L) -> Self {
        Self { start: reader.next(), reader, lookout, missed: 0, skipped: 0 }
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
    pub(crate) fn take(
        &mut self,
        mut wanted: impl FnMut(u16) -> bool,
        place: &mut (impl Destination + ?Sized),
    ) -> Result<Taken, TryRecvError> {
        let (mut looks, mut deserted) = (0, false);
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
                BytePoll::Empty => match self.nothing(deserted) {
                    Some(nothing) => return Err(nothing),
                    None => {
                        deserted = true;
                        continue;
                    }
                },
                BytePoll::Ended => return Err(TryRecvError::Disconnected),
                BytePoll::Overtaken => {}
            }
            if let Some(lagged) = self.lagged() {
                return Err(lagged);
            }
        }
        Err(TryRecvError::Empty)
    }

    /// What a look that found nothing means; `None` when nobody is left who could send, and another look will tell:
    /// `deserted` then.
    #[inline(always)]
    fn nothing(&mut self, deserted: bool) -> Option<TryRecvError> {
        if deserted {
            let over = self.lookout.is_over();
            return Some(if over { TryRecvError::Disconnected } else { TryRecvError::Empty });
        }
        let account = self.account();
        (!self.lookout.is_deserted(account)).then_some(TryRecvError::Empty)
    }

    /// Waits a while, unless there is something.
    pub(crate) fn sleep(&mut self, rest: Rest<'_>) {
        let reader = &self.reader;
        self.lookout.sleep(|| !reader.is_empty(), rest);
    }

    /// The newest message that is there now, copied to `place`, skipping those before it. Never the same message twice, never
    /// an older one. Costs a look at the head of each message that it skips, a ring of them at most.
    ///
    /// ```
    /// let (mut publisher, subscribers) = xbar_ring::bytes::channel(4096);
    /// let (mut subscriber, mut buffer) = (subscribers.subscribe(), [0; 8]);
    /// (0..10_u8).try_for_each(|n| publisher.send(&[n]).map(drop))?;
    /// assert_eq!(subscriber.latest(&mut buffer)?.bytes, [9]);
    /// assert_eq!(subscriber.total_skipped(), 9);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]; a subscriber that was overtaken is told so first. Behind [`TryRecvError::TooSmall`] the message is
    /// the next one.
    pub fn latest<'b>(&mut self, place: &'b mut [u8]) -> Result<Message<'b>, TryRecvError> {
        self.skip_to_newest()?;
        self.try_recv(place)
    }

    /// As [`latest`](Self::latest), in place of what `place` holds, which grows as needed.
    ///
    /// # Errors
    ///
    /// As [`latest`](Self::latest), but never [`TryRecvError::TooSmall`].
    #[cfg(feature = "alloc")]
    pub fn latest_vec<'b>(
        &mut self,
        place: &'b mut alloc::vec::Vec<u8>,
    ) -> Result<Message<'b>, TryRecvError> {
        self.skip_to_newest()?;
        self.try_recv_vec(place)
    }

    /// Goes on to the newest message that is there now, if there is one.
    fn skip_to_newest(&mut self) -> Result<(), TryRecvError> {
        let end = self.reader.committed();
        let mut from = self.reader.next;
        let mut newest = from;
        for _ in 0..self.reader.capacity_bytes() / 8 {
            let here = self.reader.next;
            if here.position >= end {
                break;
            }
            let passed = match self.reader.poll() {
                BytePoll::Ready(frame) => frame.accept(),
                BytePoll::Overtaken => false,
                BytePoll::Empty | BytePoll::Ended => break,
            };
            if passed {
                newest = here;
                continue;
            }
            // What was passed meanwhile is lost as well: it was not received.
            self.reader.next = from;
            if let Some(lagged) = self.lagged() {
                return Err(lagged);
            }
            (from, newest) = (self.reader.next, self.reader.next);
        }
        self.reader.next = newest;
        self.skipped = self.skipped.wrapping_add(newest.sequence.wrapping_sub(from.sequence));
        Ok(())
    }

    /// All messages that are there now, one by one: what is sent meanwhile is left for the next time, so that a fast publisher
    /// cannot hold a caller here.
    #[inline]
    pub fn batch(&mut self) -> ByteBatch<'_, K, L> {
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
    pub fn bulk<'b>(&mut self, place: &'b mut [u8]) -> Result<ByteWindow<'_, 'b, K, L>, TryRecvError> {
        let mut deserted = false;
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
                BytePoll::Empty => match self.nothing(deserted) {
                    Some(nothing) => return Err(nothing),
                    None => {
                        deserted = true;
                        continue;
                    }
                },
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

    /// Messages of kinds that were not wanted, and those that [`latest`](Self::latest) passed over.
    #[inline]
    pub const fn total_skipped(&self) -> u64 {
        self.skipped
    }

    /// All three.
    #[inline(always)]
    pub const fn account(&self) -> ByteAccount {
        ByteAccount { received: self.total_received(), skipped: self.skipped, missed: self.missed }
    }

    /// The ring's reading end.
    pub const fn reader(&self) -> &ByteReader<K> {
        &self.reader
    }

    /// Whom it asks when it finds nothing.
    pub const fn lookout(&self) -> &L {
        &self.lookout
    }
}

impl<K, L: Lookout> Drop for ByteSubscriber<K, L> {
    #[inline(always)]
    fn drop(&mut self) {
        let account = self.account();
        self.lookout.leave(account);
    }
}

/// A second subscriber at the same place, with the same account.
impl<K: Clone, L: Lookout + Clone> Clone for ByteSubscriber<K, L> {
    fn clone(&self) -> Self {
        let Self { ref reader, ref lookout, start, missed, skipped } = *self;
        Self { reader: reader.clone(), lookout: lookout.clone(), start, missed, skipped }
    }
}

impl<K, L: Lookout> fmt::Debug for ByteSubscriber<K, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteSubscriber")
            .field("cursor", &self.cursor())
            .field("received", &self.total_received())
            .field("missed", &self.missed)
            .finish_non_exhaustive()
    }
}
