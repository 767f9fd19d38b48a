//! The receiving end of every channel: all forms of receiving, and their account.
//!
//! Invariant: `position - start` = received + missed. So received is never counted, only computed.

use core::fmt;

use crate::error::{RecvError, TryRecvError};
use crate::source::{Look, Lossy, Source};
use crate::wait::{Adaptive, Rest, Step, WaitStrategy};

/// Receives the messages of one channel.
///
/// - **Allocates?** Never. **Blocks?** Only [`recv`](Self::recv), [`recv_with`](Self::recv_with) and
///   `recv_timeout`; all others take a bounded number of steps.
/// - **Who may call?** One thread at a time. Subscribers do not disturb one another.
/// - **Loses?** As the channel: a lossy one reports what was lost, by every form of receiving, once and exactly.
///   [`received`](Self::total_received) + [`missed`](Self::total_missed) = published since it subscribed, at every
///   moment at which it is drained.
///
/// ```
/// use xbar_ring::{TryRecvError, channel};
///
/// let (mut publisher, subscribers) = channel::<u32>(4);
/// let mut subscriber = subscribers.subscribe();
/// publisher.publish(7);
/// assert_eq!(subscriber.recv(), Ok(7));
/// assert_eq!(subscriber.try_recv(), Err(TryRecvError::Empty));
/// (0..100).for_each(|n| publisher.publish(n));
/// // Three of four slots are readable.
/// assert_eq!(subscriber.try_recv(), Err(TryRecvError::Lagged { missed: 97 }));
/// assert_eq!(subscriber.drain().collect::<Vec<_>>(), [Ok(97), Ok(98), Ok(99)]);
/// drop(publisher);
/// assert_eq!(subscriber.try_recv(), Err(TryRecvError::Disconnected));
/// ```
pub struct Subscriber<S> {
    source: S,
    start: u64,
    missed: u64,
    skipped: u64,
}

impl<S: Source> Subscriber<S> {
    /// A subscriber that begins where `source` stands.
    pub fn new(source: S) -> Self {
        Self { start: source.position(), source, missed: 0, skipped: 0 }
    }

    /// The next message, if there is one.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    #[inline(always)]
    pub fn try_recv(&mut self) -> Result<S::Value, TryRecvError> {
        match self.source.look() {
            Look::Value(value) => Ok(value),
            Look::Empty => Err(TryRecvError::Empty),
            Look::Ended => Err(TryRecvError::Disconnected),
            Look::Overtaken => Err(self.lagged()),
        }
    }

    /// The next message, if there is one, into `place`: one copy less than [`try_recv`](Self::try_recv) makes of a large
    /// one. Without one, what `place` holds afterwards is some value.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    #[inline(always)]
    pub fn try_recv_into(&mut self, place: &mut S::Value) -> Result<(), TryRecvError> {
        match self.source.look_into(place) {
            Look::Value(()) => Ok(()),
            Look::Empty => Err(TryRecvError::Empty),
            Look::Ended => Err(TryRecvError::Disconnected),
            Look::Overtaken => Err(self.lagged()),
        }
    }

    #[inline(always)]
    fn lagged(&mut self) -> TryRecvError {
        let missed = self.source.catch_up();
        self.missed = self.missed.wrapping_add(missed);
        TryRecvError::Lagged { missed }
    }

    /// The next message, however long that takes, waiting as [`Adaptive`] does.
    ///
    /// # Errors
    ///
    /// [`RecvError`], but never [`RecvError::Timeout`].
    #[inline]
    pub fn recv(&mut self) -> Result<S::Value, RecvError> {
        self.recv_with(Adaptive)
    }

    /// The next message, however long that takes, waiting as `strategy` says, until it says to stop.
    ///
    /// # Errors
    ///
    /// [`RecvError`], but never [`RecvError::Timeout`].
    #[inline]
    pub fn recv_with(&mut self, mut strategy: impl WaitStrategy) -> Result<S::Value, RecvError> {
        let mut looks = 0_u32;
        loop {
            match self.try_recv() {
                Ok(value) => return Ok(value),
                Err(TryRecvError::Empty) => {}
                Err(error) => return Err(RecvError::of(error)),
            }
            looks = looks.saturating_add(1);
            match strategy.step(looks) {
                Step::Look => {}
                Step::Sleep => self.source.sleep(Rest { longest: None, stop: strategy.stop() }),
                Step::Stop => return Err(RecvError::Stopped),
            }
        }
    }

    /// The next message, waiting up to `timeout` as [`Adaptive`] does. A timeout of zero is one look.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    #[cfg(feature = "std")]
    pub fn recv_timeout(&mut self, timeout: core::time::Duration) -> Result<S::Value, RecvError> {
        self.recv_timeout_with(Adaptive, timeout)
    }

    /// The next message, waiting up to `timeout` as `strategy` says. A timeout of zero is one look.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    #[cfg(feature = "std")]
    pub fn recv_timeout_with(
        &mut self,
        mut strategy: impl WaitStrategy,
        timeout: core::time::Duration,
    ) -> Result<S::Value, RecvError> {
        let mut deadline = crate::wait::Deadline::new(timeout);
        let mut looks = 0_u32;
        loop {
            match self.try_recv() {
                Ok(value) => return Ok(value),
                Err(TryRecvError::Empty) => {}
                Err(error) => return Err(RecvError::of(error)),
            }
            looks = looks.saturating_add(1);
            let step = strategy.step(looks);
            match deadline.left(looks, step) {
                // One last look: what came while the clock was read is not late.
                Some(left) if left.is_zero() => return self.try_recv().map_err(RecvError::of),
                left if step == Step::Sleep => {
                    self.source.sleep(Rest { longest: left, stop: strategy.stop() })
                }
                _ if step == Step::Stop => return Err(RecvError::Stopped),
                _ => {}
            }
        }
    }

    /// As many messages as are there and `into` has room for; says how many. 0 only when `into` is empty.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`], when not even one message is there: what stopped a batch is told by the next receive.
    #[inline]
    pub fn recv_batch(&mut self, into: &mut [S::Value]) -> Result<usize, TryRecvError> {
        match self.source.take(into) {
            0 => match into.first_mut() {
                Some(first) => {
                    *first = self.try_recv()?;
                    Ok(1)
                }
                None => Ok(0),
            },
            taken => Ok(taken),
        }
    }

    /// Gives `read` each message that is there, `most` at most; says how many. A batch without a place to copy it to: of a
    /// lossless channel, the way to receive most per second: room is made once for all of them, and after a short batch the
    /// next call gives the publisher a moment to get ahead. For the lowest latency, [`try_recv`](Self::try_recv).
    ///
    /// ```
    /// let (mut publisher, subscribers) = xbar_ring::channel_bounded::<u64>(64);
    /// let mut subscriber = subscribers.subscribe()?;
    /// publisher.publish_batch(&[1, 2, 3])?;
    /// let mut sum = 0;
    /// assert_eq!(subscriber.try_recv_each(usize::MAX, |value| sum += value), Ok(3));
    /// assert_eq!(sum, 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`TryRecvError`], when not even one message is there: what stopped a batch is told by the next receive.
    // Called instead of inlined, it would leave what `read` counts or sums in memory: each message behind the store of the last.
    #[inline(always)]
    pub fn try_recv_each(
        &mut self,
        most: usize,
        mut read: impl FnMut(S::Value),
    ) -> Result<usize, TryRecvError> {
        match self.source.each(most, &mut read) {
            0 if most > 0 => self.try_recv().map(|value| {
                read(value);
                1
            }),
            taken => Ok(taken),
        }
    }

    /// All messages that are there now, one by one, and what was lost among them. What is published meanwhile is left
    /// for the next time, so that a fast publisher cannot hold a caller here.
    #[inline]
    pub fn drain(&mut self) -> Drain<'_, S> {
        let end = self.source.position().saturating_add(self.source.pending());
        Drain { subscriber: self, end }
    }

    /// The sequence number of the next message.
    #[inline]
    pub fn cursor(&self) -> u64 {
        self.source.position()
    }

    /// Messages published and not yet received, as far as this moment tells; more than can still be received when this
    /// subscriber has been overtaken.
    #[inline]
    pub fn pending(&self) -> u64 {
        self.source.pending()
    }

    /// Messages received since it subscribed.
    #[inline]
    pub fn total_received(&self) -> u64 {
        // Wrapping: in damaged memory a position may be anything.
        self.source.position().wrapping_sub(self.start).wrapping_sub(self.missed)
    }

    /// Messages not received since it subscribed: those that [`TryRecvError::Lagged`] told, and those that
    /// [`latest`](Self::latest) skipped.
    #[inline]
    pub const fn total_missed(&self) -> u64 {
        self.missed
    }

    /// Those of [`total_missed`](Self::total_missed) that [`latest`](Self::latest) skipped.
    #[inline]
    pub const fn total_skipped(&self) -> u64 {
        self.skipped
    }

    /// Received / (received + missed): 1.0 when nothing was missed, also before anything came.
    pub fn receive_ratio(&self) -> f64 {
        let (received, missed) = (self.total_received() as f64, self.missed as f64);
        if missed == 0.0 { 1.0 } else { received / (received + missed) }
    }

    /// The ring's reading end.
    pub const fn source(&self) -> &S {
        &self.source
    }

    /// The same subscriber, with its account, through another source: one that can sleep, say. `wrap` may not move it.
    pub fn through<R: Source>(self, wrap: impl FnOnce(S) -> R) -> Subscriber<R> {
        let Self { source, start, missed, skipped } = self;
        Subscriber { source: wrap(source), start, missed, skipped }
    }

    /// Waits a while, as [`Source::sleep`].
    #[cfg(feature = "alloc")]
    pub(crate) fn sleep(&mut self, rest: Rest<'_>) {
        self.source.sleep(rest);
    }
}

impl<S: Lossy> Subscriber<S> {
    /// The newest message, skipping those before it: they count as missed, and are not told as lag. Never the same
    /// message twice, never an older one.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]; a subscriber that was overtaken is told so first.
    #[inline]
    pub fn latest(&mut self) -> Result<S::Value, TryRecvError> {
        let skipped = self.source.skip_to_newest();
        self.missed = self.missed.wrapping_add(skipped);
        self.skipped = self.skipped.wrapping_add(skipped);
        self.try_recv()
    }
}

/// A second subscriber at the same place, with the same account.
impl<S: Lossy + Clone> Clone for Subscriber<S> {
    fn clone(&self) -> Self {
        let Self { ref source, start, missed, skipped } = *self;
        Self { source: source.clone(), start, missed, skipped }
    }
}

impl<S: Source> fmt::Debug for Subscriber<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber")
            .field("cursor", &self.cursor())
            .field("received", &self.total_received())
            .field("missed", &self.missed)
            .finish_non_exhaustive()
    }
}

/// What [`Subscriber::drain`] yields: messages, and [`TryRecvError::Lagged`] where some were lost.
pub struct Drain<'s, S> {
    subscriber: &'s mut Subscriber<S>,
    end: u64,
}

impl<S: Source> Iterator for Drain<'_, S> {
    type Item = Result<S::Value, TryRecvError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.subscriber.cursor() >= self.end {
            return None;
        }
        match self.subscriber.try_recv() {
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
            found => Some(found),
        }
    }
}

impl<S: Source> fmt::Debug for Drain<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self.end.saturating_sub(self.subscriber.cursor());
        f.debug_struct("Drain").field("left", &left).finish()
    }
}
