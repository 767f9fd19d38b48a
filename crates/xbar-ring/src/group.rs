//! One read for several consumers that run in the same thread.

use core::fmt;

use crate::error::{RecvError, TryRecvError};
use crate::source::Source;
use crate::subscriber::Subscriber;
use crate::wait::WaitStrategy;

/// `N` consumers that share one place in the stream: each message is read from the ring once, and given to all.
///
/// `N` subscribers in one thread would copy every message `N` times. A group copies it once, and its account holds for
/// each of the consumers.
///
/// ```
/// let (mut publisher, subscribers) = xbar_ring::channel::<u64>(64);
/// let mut group = subscribers.subscribe().into_group::<2>();
/// let (mut sum, mut most) = (0, 0);
/// [3, 9, 4].map(|n| publisher.publish(n));
/// while group.try_dispatch(&mut [&mut |n| sum += n, &mut |n| most = most.max(n)]).is_ok() {}
/// assert_eq!((sum, most), (16, 9));
/// assert_eq!((group.total_received(), group.total_delivered()), (3, 6));
/// ```
///
/// ```compile_fail,E0080
/// let (_publisher, subscribers) = xbar_ring::channel::<u64>(64);
/// let group = subscribers.subscribe().into_group::<0>();
/// ```
pub struct SubscriberGroup<S, const N: usize> {
    subscriber: Subscriber<S>,
}

/// Something that is given each value.
pub type Consumer<'c, T> = &'c mut dyn FnMut(T);

impl<S: Source, const N: usize> SubscriberGroup<S, N> {
    /// A group at the place of `subscriber`.
    pub const fn new(subscriber: Subscriber<S>) -> Self {
        const { assert!(N >= 1, "a group needs at least one consumer") };
        Self { subscriber }
    }

    /// The next message, for all consumers.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]: once for the whole group.
    #[inline(always)]
    pub fn try_recv(&mut self) -> Result<S::Value, TryRecvError> {
        self.subscriber.try_recv()
    }

    /// The next message, given to each consumer in turn.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]: once for the whole group, and no consumer was called.
    #[inline]
    pub fn try_dispatch(&mut self, consumers: &mut [Consumer<'_, S::Value>; N]) -> Result<(), TryRecvError> {
        let value = self.try_recv()?;
        consumers.iter_mut().for_each(|consumer| consumer(value));
        Ok(())
    }

    /// The next message, for all consumers, waiting as `strategy` says.
    ///
    /// # Errors
    ///
    /// [`RecvError`], but never [`RecvError::Timeout`].
    #[inline]
    pub fn recv_with(&mut self, strategy: impl WaitStrategy) -> Result<S::Value, RecvError> {
        self.subscriber.recv_with(strategy)
    }

    /// As [`Subscriber::recv_batch`], for all consumers.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    #[inline]
    pub fn recv_batch(&mut self, into: &mut [S::Value]) -> Result<usize, TryRecvError> {
        self.subscriber.recv_batch(into)
    }

    /// Consumers: `N`.
    pub const fn consumers(&self) -> usize {
        N
    }

    /// The sequence number of the next message.
    pub fn cursor(&self) -> u64 {
        self.subscriber.cursor()
    }

    /// Messages published and not yet received.
    pub fn pending(&self) -> u64 {
        self.subscriber.pending()
    }

    /// Messages that each consumer received.
    pub fn total_received(&self) -> u64 {
        self.subscriber.total_received()
    }

    /// Messages that each consumer missed.
    pub const fn total_missed(&self) -> u64 {
        self.subscriber.total_missed()
    }

    /// Messages received by all consumers together.
    pub fn total_delivered(&self) -> u64 {
        self.total_received() * N as u64
    }

    /// The subscriber, without its group.
    pub fn into_subscriber(self) -> Subscriber<S> {
        self.subscriber
    }
}

impl<S: Source> Subscriber<S> {
    /// A group of `N` consumers at this subscriber's place.
    pub const fn into_group<const N: usize>(self) -> SubscriberGroup<S, N> {
        SubscriberGroup::new(self)
    }
}

impl<S: Source, const N: usize> fmt::Debug for SubscriberGroup<S, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriberGroup")
            .field("consumers", &N)
            .field("subscriber", &self.subscriber)
            .finish()
    }
}
