//! Lossless: the publisher waits for the slowest subscriber, or says that it would have to.

use alloc::sync::Arc;
use core::fmt;

use crate::bounded::{many, one};
use crate::error::{PublishError, TooManySubscribers};
use crate::gate::Gate;
use crate::heap::Heap;
use crate::sink::Sink;
use crate::slots::Backing;
use crate::source::Source;
use crate::subscriber::Subscriber;
use crate::wait::{Adaptive, Rest, Step, WaitStrategy};

/// The writing end of a [`channel_bounded`].
pub type BoundedPublisher<T> = Lossless<one::Writer<T>>;
/// Makes the subscribers of a [`channel_bounded`].
pub type BoundedSubscribers<T> = LosslessSubscribers<one::Ring<T>>;
/// Receives from a [`channel_bounded`].
pub type BoundedSubscriber<T> = Subscriber<one::Reader<T>>;

/// A writing end of a [`channel_bounded_mpmc`]: clone it, one for each thread.
pub type MpBoundedPublisher<T> = Lossless<many::Writer<T>>;
/// Makes the subscribers of a [`channel_bounded_mpmc`].
pub type MpBoundedSubscribers<T> = LosslessSubscribers<many::Ring<T>>;
/// Receives from a [`channel_bounded_mpmc`].
pub type MpBoundedSubscriber<T> = Subscriber<many::Reader<T>>;

/// A lossless channel with one writer; [`Bounded`] sets more than the capacity.
///
/// # Panics
///
/// When `capacity < 2`, or when there is not so much memory.
///
/// ```
/// use xbar_ring::{PublishError, channel_bounded};
///
/// let (mut publisher, subscribers) = channel_bounded::<u64>(2);
/// let mut subscriber = subscribers.subscribe().unwrap();
/// publisher.try_publish(1).unwrap();
/// publisher.try_publish(2).unwrap();
/// assert_eq!(publisher.try_publish(3), Err(PublishError::Full(3)));
/// assert_eq!(subscriber.recv(), Ok(1));
/// publisher.try_publish(3).unwrap();
/// ```
pub fn channel_bounded<T: Copy + Send>(capacity: usize) -> (BoundedPublisher<T>, BoundedSubscribers<T>) {
    Bounded::new(capacity).build()
}

/// A lossless channel with any number of writers: clone the publisher, one for each thread.
///
/// # Panics
///
/// When `capacity < 2`, or when there is not so much memory.
///
/// ```
/// let (mut publisher, subscribers) = xbar_ring::channel_bounded_mpmc::<(u32, f32)>(64);
/// let mut subscriber = subscribers.subscribe().unwrap();
/// let mut other = publisher.clone();
/// std::thread::spawn(move || other.publish((1, 0.5)).unwrap()).join().unwrap();
/// publisher.publish((2, 1.5)).unwrap();
/// drop(publisher);
/// assert_eq!(subscriber.drain().map(Result::unwrap).collect::<Vec<_>>(), [(1, 0.5), (2, 1.5)]);
/// ```
pub fn channel_bounded_mpmc<T: Copy + Send>(
    capacity: usize,
) -> (MpBoundedPublisher<T>, MpBoundedSubscribers<T>) {
    Bounded::new(capacity).build_mpmc()
}

/// Settings of a lossless channel.
///
/// ```
/// use xbar_ring::channel::Bounded;
///
/// let (mut publisher, subscribers) = Bounded::new(8).watermark(6).subscribers(1).build::<u8>();
/// let subscriber = subscribers.subscribe().unwrap();
/// assert_eq!(publisher.try_publish_batch(&[1, 2, 3]), Ok(2));
/// assert!(subscribers.subscribe().is_err());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Bounded {
    capacity: usize,
    watermark: usize,
    subscribers: usize,
}

impl Bounded {
    /// A channel of `capacity` values, without a watermark, for up to 16 subscribers.
    pub const fn new(capacity: usize) -> Self {
        Self { capacity, watermark: 0, subscribers: 16 }
    }

    /// Slots that stay free: the publisher waits when only so many are left. 0 to `capacity - 1`.
    #[must_use]
    pub const fn watermark(self, slots: usize) -> Self {
        Self { watermark: slots, ..self }
    }

    /// Subscribers that there can be at a time, from 1: one cache line each, which the publisher reads when it has used up
    /// the room that it knew of.
    #[must_use]
    pub const fn subscribers(self, subscribers: usize) -> Self {
        Self { subscribers, ..self }
    }

    /// A channel with one writer.
    ///
    /// # Panics
    ///
    /// When `capacity < 2`, `watermark >= capacity`, `subscribers < 1`, or there is not so much memory.
    pub fn build<T: Copy + Send>(self) -> (BoundedPublisher<T>, BoundedSubscribers<T>) {
        self.build_in(None)
    }

    /// As [`build`](Self::build), with the values in `backing`: memory of at least [`one::Ring::bytes`] that somebody lends.
    ///
    /// # Panics
    ///
    /// As [`build`](Self::build), and when `backing` is too small.
    pub fn build_in<T: Copy + Send>(self, backing: Backing) -> (BoundedPublisher<T>, BoundedSubscribers<T>) {
        let (ring, sink) = one::Ring::new_in(self.capacity, self.room(), self.subscribers, backing);
        ends(sink, ring)
    }

    /// A channel with any number of writers.
    ///
    /// # Panics
    ///
    /// As [`build`](Self::build).
    pub fn build_mpmc<T: Copy + Send>(self) -> (MpBoundedPublisher<T>, MpBoundedSubscribers<T>) {
        self.build_mpmc_in(None)
    }

    /// As [`build_in`](Self::build_in), with any number of writers: at least [`many::Ring::bytes`].
    ///
    /// # Panics
    ///
    /// As [`build_in`](Self::build_in).
    pub fn build_mpmc_in<T: Copy + Send>(
        self,
        backing: Backing,
    ) -> (MpBoundedPublisher<T>, MpBoundedSubscribers<T>) {
        let (ring, sink) = many::Ring::new_in(self.capacity, self.room(), self.subscribers, backing);
        ends(sink, ring)
    }

    fn room(self) -> usize {
        let Self { capacity, watermark, subscribers } = self;
        assert!(capacity >= 2, "a channel needs a capacity >= 2, not {capacity}");
        assert!(watermark < capacity, "a watermark must be < the capacity {capacity}, not {watermark}");
        assert!(subscribers >= 1, "a lossless channel needs room for >= 1 subscriber, not {subscribers}");
        capacity - watermark
    }
}

fn ends<W, R: Join>(sink: W, ring: Arc<R>) -> (Lossless<W>, LosslessSubscribers<R>) {
    ring.gate().attend();
    (Lossless { sink }, LosslessSubscribers { ring })
}

/// A writing end of a lossless channel. Dropped, the last one ends the stream.
///
/// What is published while nobody has subscribed is kept for
/// [`subscribe_from_oldest`](LosslessSubscribers::subscribe_from_oldest), until the ring is full; then the channel is as
/// full as with a subscriber that does not receive. Once all subscribers, and everything that could make one, are gone,
/// a publisher is told `Disconnected` when the ring is full.
#[derive(Clone)]
pub struct Lossless<W> {
    sink: W,
}

impl<W> Lossless<W> {
    /// The same end through another sink: one that wakes sleeping readers, say.
    pub fn through<V>(self, wrap: impl FnOnce(W) -> V) -> Lossless<V> {
        Lossless { sink: wrap(self.sink) }
    }
}

impl<W: Sink> Lossless<W> {
    /// Publishes `value` if there is room.
    ///
    /// # Errors
    ///
    /// [`PublishError`], with the value.
    #[inline(always)]
    pub fn try_publish(&mut self, value: W::Value) -> Result<(), PublishError<W::Value>> {
        self.sink.offer(value).map_err(|value| self.refused(value))
    }

    #[inline(always)]
    fn refused(&self, value: W::Value) -> PublishError<W::Value> {
        if self.sink.is_deserted() { PublishError::Disconnected(value) } else { PublishError::Full(value) }
    }

    /// Publishes `value`, waiting for room as [`Adaptive`] does, however long that takes.
    ///
    /// # Errors
    ///
    /// [`PublishError::Disconnected`], with the value.
    #[inline]
    pub fn publish(&mut self, value: W::Value) -> Result<(), PublishError<W::Value>> {
        self.publish_waiting(value, Adaptive)
    }

    /// Publishes `value`, waiting for room as `strategy` says, however long that takes.
    ///
    /// # Errors
    ///
    /// [`PublishError::Disconnected`], with the value; [`PublishError::Stopped`] when `strategy` says so.
    #[inline]
    pub fn publish_waiting(
        &mut self,
        mut value: W::Value,
        mut strategy: impl WaitStrategy,
    ) -> Result<(), PublishError<W::Value>> {
        let mut looks = 0_u32;
        loop {
            value = match self.try_publish(value) {
                Err(PublishError::Full(value)) => value,
                done => return done,
            };
            looks = looks.saturating_add(1);
            match strategy.step(looks) {
                Step::Look => {}
                Step::Sleep => self.sink.sleep(Rest { longest: None, stop: strategy.stop() }),
                Step::Stop => return Err(PublishError::Stopped(value)),
            }
        }
    }

    /// Publishes `value`, waiting for room up to `timeout`, as [`Adaptive`] does. A timeout of zero is one attempt.
    ///
    /// # Errors
    ///
    /// [`PublishError`], with the value.
    #[cfg(feature = "std")]
    pub fn publish_timeout(
        &mut self,
        mut value: W::Value,
        timeout: core::time::Duration,
    ) -> Result<(), PublishError<W::Value>> {
        let mut deadline = crate::wait::Deadline::new(timeout);
        let mut looks = 0_u32;
        loop {
            value = match self.try_publish(value) {
                Err(PublishError::Full(value)) => value,
                done => return done,
            };
            looks = looks.saturating_add(1);
            let step = Adaptive.step(looks);
            match deadline.left(looks, step) {
                Some(left) if left.is_zero() => return self.try_publish(value),
                left if step == Step::Sleep => self.sink.sleep(Rest { longest: left, stop: None }),
                _ => {}
            }
        }
    }

    /// Publishes the first of `values`, as many as there is room for, shown to subscribers at once by one store (with one
    /// writer); says how many.
    ///
    /// # Errors
    ///
    /// [`PublishError`], when there is no room for even one.
    #[inline]
    pub fn try_publish_batch(&mut self, values: &[W::Value]) -> Result<usize, PublishError<()>> {
        match self.sink.offer_batch(values) {
            0 if values.is_empty() => Ok(0),
            0 if self.sink.is_deserted() => Err(PublishError::Disconnected(())),
            0 => Err(PublishError::Full(())),
            published => Ok(published),
        }
    }

    /// Publishes all of `values`, waiting for room as [`Adaptive`] does.
    ///
    /// # Errors
    ///
    /// [`PublishError::Disconnected`] with the number of values that were published before.
    pub fn publish_batch(&mut self, values: &[W::Value]) -> Result<(), PublishError<usize>> {
        let (mut published, mut looks) = (0, 0_u32);
        while published < values.len() {
            match self.try_publish_batch(&values[published..]) {
                Ok(more) => (published, looks) = (published + more, 0),
                Err(PublishError::Disconnected(())) => return Err(PublishError::Disconnected(published)),
                Err(_) => {
                    looks = looks.saturating_add(1);
                    if Adaptive.step(looks) == Step::Sleep {
                        self.sink.sleep(Rest::default());
                    }
                }
            }
        }
        Ok(())
    }

    /// Values published so far, by all publishers.
    pub fn published(&self) -> u64 {
        self.sink.published()
    }

    /// Slots.
    pub fn capacity(&self) -> usize {
        self.sink.capacity()
    }

    /// Subscribers that there are now.
    pub fn subscriber_count(&self) -> usize {
        self.sink.readers()
    }
}

impl<W: Sink> fmt::Debug for Lossless<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lossless")
            .field("published", &self.published())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}

/// A lossless ring that readers can join.
pub trait Join {
    /// Their kind.
    type Reader: Source;

    /// A reader of what is published from now on, or from the oldest message that is certain to be there.
    ///
    /// # Errors
    ///
    /// [`TooManySubscribers`].
    fn join(self: &Arc<Self>, from_oldest: bool) -> Result<Self::Reader, TooManySubscribers>;

    /// What keeps its writers behind its readers.
    fn gate(&self) -> &Gate<Heap>;
}

impl<T: Copy + Send> Join for one::Ring<T> {
    type Reader = one::Reader<T>;

    fn join(self: &Arc<Self>, from_oldest: bool) -> Result<Self::Reader, TooManySubscribers> {
        if from_oldest { self.reader_from_oldest() } else { self.reader() }
    }

    fn gate(&self) -> &Gate<Heap> {
        self.gate()
    }
}

impl<T: Copy + Send> Join for many::Ring<T> {
    type Reader = many::Reader<T>;

    fn join(self: &Arc<Self>, from_oldest: bool) -> Result<Self::Reader, TooManySubscribers> {
        if from_oldest { self.reader_from_oldest() } else { self.reader() }
    }

    fn gate(&self) -> &Gate<Heap> {
        self.gate()
    }
}

/// Makes subscribers of one lossless channel; clone it to make them in several places. Subscribers come and go at any
/// time; the publisher waits for those that there are.
///
/// Invariant 1: counted among the ring's audience.
pub struct LosslessSubscribers<R: Join> {
    ring: Arc<R>,
}

impl<R: Join> LosslessSubscribers<R> {
    /// A subscriber of what is published from now on.
    ///
    /// # Errors
    ///
    /// [`TooManySubscribers`].
    pub fn subscribe(&self) -> Result<Subscriber<R::Reader>, TooManySubscribers> {
        self.ring.join(false).map(Subscriber::new)
    }

    /// A subscriber that begins with the oldest message that the publisher has not overwritten, or might be overwriting
    /// now. With no subscriber before it, that is everything that was published, as long as the ring had room.
    ///
    /// # Errors
    ///
    /// [`TooManySubscribers`].
    pub fn subscribe_from_oldest(&self) -> Result<Subscriber<R::Reader>, TooManySubscribers> {
        self.ring.join(true).map(Subscriber::new)
    }
}

impl<R: Join> Clone for LosslessSubscribers<R> {
    fn clone(&self) -> Self {
        self.ring.gate().attend();
        Self { ring: Arc::clone(&self.ring) }
    }
}

impl<R: Join> Drop for LosslessSubscribers<R> {
    fn drop(&mut self) {
        self.ring.gate().depart();
    }
}

impl<R: Join> fmt::Debug for LosslessSubscribers<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LosslessSubscribers").finish_non_exhaustive()
    }
}
