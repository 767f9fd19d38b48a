//! Channels between the threads of one process whose ends sleep while they wait.

use std::fmt;

use xbar_layout::Space;
use xbar_ring::channel::{
    Bounded, Join, Lossless, LosslessSubscribers as RingSubscribers, MpPublisher, MpSubscribers,
    OneSubscribers, Publisher, Subscribers as LossyRingSubscribers, channel_bytes, channel_in,
    channel_mpmc_in,
};
use xbar_ring::event::{Events, Many, One};
use xbar_ring::slots::Backing;
use xbar_ring::{Lossy, Pod, Subscriber, TooManySubscribers, Wake, bounded};
use xbar_shm::memory::{Memory, MemoryError};

use crate::bell::{Bell, Parked, Ringing, RingsLast};

/// Settings of a channel between threads: the rings of [`ring`](crate::ring), with ends that sleep while they wait, in memory as
/// wished.
///
/// ```
/// use xbar::ThreadChannel;
///
/// let (mut publisher, subscribers) = ThreadChannel::new(1024).lossless::<u64>()?;
/// let mut subscriber = subscribers.subscribe()?;
/// let receiving = std::thread::spawn(move || subscriber.recv());
/// publisher.publish(7)?;
/// assert_eq!(receiving.join().unwrap()?, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct ThreadChannel {
    capacity: usize,
    subscribers: usize,
    memory: Option<Memory>,
}

/// The writing end of a lossless channel; of one with many writers, clone it.
pub type LosslessPublisher<W> = Lossless<Ringing<W>>;

/// Both ends of a lossless channel.
pub type LosslessEnds<W, R> = (LosslessPublisher<W>, LosslessSubscribers<R>);

/// Both ends of a lossy channel.
pub type LossyEnds<P, S> = (LossyPublisher<P>, LossySubscribers<S>);

impl ThreadChannel {
    /// A channel of `capacity` values, from 2.
    pub const fn new(capacity: usize) -> Self {
        Self { capacity, subscribers: 16, memory: None }
    }

    /// Subscribers of a lossless channel that there can be at a time. Default 16.
    pub const fn subscribers(self, subscribers: usize) -> Self {
        Self { subscribers, ..self }
    }

    /// Lets the values lie in memory as wished: huge pages, locked, near a core.
    pub const fn memory(self, memory: Memory) -> Self {
        Self { memory: Some(memory), ..self }
    }

    /// One writer, who waits for the slowest subscriber.
    ///
    /// # Errors
    ///
    /// [`MemoryError`] when a wish about memory is refused.
    ///
    /// # Panics
    ///
    /// When the capacity is below 2, there can be no subscriber, or there is not so much memory.
    pub fn lossless<T: Copy + Send>(
        self,
    ) -> Result<LosslessEnds<bounded::one::Writer<T>, bounded::one::Ring<T>>, MemoryError> {
        let backing = self.backing(bounded::one::Ring::<T>::bytes(self.capacity))?;
        let (publisher, subscribers) = self.bounded().build_in(backing);
        Ok(lossless(publisher, subscribers))
    }

    /// Any number of writers, who wait for the slowest subscriber: clone the publisher.
    ///
    /// # Errors
    ///
    /// As [`lossless`](Self::lossless).
    ///
    /// # Panics
    ///
    /// As [`lossless`](Self::lossless).
    pub fn lossless_many<T: Copy + Send>(
        self,
    ) -> Result<LosslessEnds<bounded::many::Writer<T>, bounded::many::Ring<T>>, MemoryError> {
        let backing = self.backing(bounded::many::Ring::<T>::bytes(self.capacity))?;
        let (publisher, subscribers) = self.bounded().build_mpmc_in(backing);
        Ok(lossless(publisher, subscribers))
    }

    /// One writer, who waits for nobody; a subscriber that is overtaken learns how many values it missed.
    ///
    /// # Errors
    ///
    /// As [`lossless`](Self::lossless).
    ///
    /// # Panics
    ///
    /// When the capacity is below 2, or there is not so much memory.
    pub fn lossy<T: Pod>(self) -> Result<LossyEnds<Publisher<T>, OneSubscribers<T>>, MemoryError> {
        let (publisher, subscribers) =
            channel_in(self.capacity, self.backing(channel_bytes::<T>(self.capacity))?);
        Ok(lossy(publisher, subscribers))
    }

    /// Any number of writers, who wait for nobody: clone the publisher.
    ///
    /// # Errors
    ///
    /// As [`lossless`](Self::lossless).
    ///
    /// # Panics
    ///
    /// As [`lossy`](Self::lossy).
    pub fn lossy_many<T: Pod>(self) -> Result<LossyEnds<MpPublisher<T>, MpSubscribers<T>>, MemoryError> {
        let (publisher, subscribers) =
            channel_mpmc_in(self.capacity, self.backing(channel_bytes::<T>(self.capacity))?);
        Ok(lossy(publisher, subscribers))
    }

    /// A ring of events made by `make`, for one producer, with stages that sleep: see [`event`](crate::event).
    ///
    /// # Errors
    ///
    /// As [`lossless`](Self::lossless).
    ///
    /// # Panics
    ///
    /// When the capacity is below 2, or there is not so much memory.
    pub fn events<E: Send>(self, make: impl FnMut() -> E) -> Result<Events<E, One, Bell>, MemoryError> {
        let backing = self.backing(Events::<E, One, Bell>::bytes(self.capacity))?;
        Ok(Events::new(self.capacity, make, <[Bell; 2]>::default(), backing))
    }

    /// As [`events`](Self::events), for producers that are cloned.
    ///
    /// # Errors
    ///
    /// As [`lossless`](Self::lossless).
    ///
    /// # Panics
    ///
    /// As [`events`](Self::events).
    pub fn events_many<E: Send>(self, make: impl FnMut() -> E) -> Result<Events<E, Many, Bell>, MemoryError> {
        let backing = self.backing(Events::<E, Many, Bell>::bytes(self.capacity))?;
        Ok(Events::new(self.capacity, make, <[Bell; 2]>::default(), backing))
    }

    const fn bounded(self) -> Bounded {
        Bounded::new(self.capacity).subscribers(self.subscribers)
    }

    fn backing(self, bytes: usize) -> Result<Backing, MemoryError> {
        backing(self.memory, bytes)
    }
}

/// Memory as wished, for a ring.
pub(crate) fn backing(memory: Option<Memory>, bytes: usize) -> Result<Backing, MemoryError> {
    let lend = |memory: Memory| memory.lend(bytes).map(|lent| Box::new(lent) as Box<dyn Space>);
    memory.map(lend).transpose()
}

fn lossless<W, R: Join>(publisher: Lossless<W>, subscribers: RingSubscribers<R>) -> LosslessEnds<W, R> {
    let [news, room] = [(); 2].map(|()| Bell::default());
    let publisher = publisher.through(|sink| Ringing::new(sink, &news, &room));
    (publisher, LosslessSubscribers { subscribers, news, room: RingsLast(room) })
}

fn lossy<P, S>(publisher: P, subscribers: S) -> LossyEnds<P, S> {
    let news = Bell::default();
    (LossyPublisher { publisher, news: RingsLast(news.clone()) }, LossySubscribers { subscribers, news })
}

/// Makes subscribers of one lossless channel; clone it to make them in several places.
pub struct LosslessSubscribers<R: Join> {
    subscribers: RingSubscribers<R>,
    news: Bell,
    room: RingsLast,
}

impl<R: Join> LosslessSubscribers<R> {
    /// A subscriber of what is published from now on.
    ///
    /// # Errors
    ///
    /// [`TooManySubscribers`].
    pub fn subscribe(&self) -> Result<Subscriber<Parked<R::Reader>>, TooManySubscribers> {
        Ok(self.park(self.subscribers.subscribe()?))
    }

    /// A subscriber that begins with the oldest value that is certain to be there.
    ///
    /// # Errors
    ///
    /// [`TooManySubscribers`].
    pub fn subscribe_from_oldest(&self) -> Result<Subscriber<Parked<R::Reader>>, TooManySubscribers> {
        Ok(self.park(self.subscribers.subscribe_from_oldest()?))
    }

    fn park(&self, subscriber: Subscriber<R::Reader>) -> Subscriber<Parked<R::Reader>> {
        subscriber.through(|source| Parked::new(source, &self.news, Some(&self.room.0)))
    }
}

impl<R: Join> Clone for LosslessSubscribers<R> {
    fn clone(&self) -> Self {
        Self { subscribers: self.subscribers.clone(), news: self.news.clone(), room: self.room.clone() }
    }
}

impl<R: Join> fmt::Debug for LosslessSubscribers<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LosslessSubscribers").finish_non_exhaustive()
    }
}

/// Makes subscribers of one lossy channel; clone it to make them in several places.
#[derive(Debug, Clone)]
pub struct LossySubscribers<S> {
    subscribers: S,
    news: Bell,
}

impl<S: Lossy + Clone> LossySubscribers<LossyRingSubscribers<S>> {
    /// A subscriber of what is published from now on.
    pub fn subscribe(&self) -> Subscriber<Parked<S>> {
        self.park(self.subscribers.subscribe())
    }

    /// A subscriber that begins with the oldest value that is still readable.
    pub fn subscribe_from_oldest(&self) -> Subscriber<Parked<S>> {
        self.park(self.subscribers.subscribe_from_oldest())
    }

    fn park(&self, subscriber: Subscriber<S>) -> Subscriber<Parked<S>> {
        subscriber.through(|source| Parked::new(source, &self.news, None))
    }
}

/// The writing end of a lossy channel: no call waits, none fails. Dropped, the last one ends the stream.
#[derive(Debug, Clone)]
pub struct LossyPublisher<P> {
    publisher: P,
    news: RingsLast,
}

macro_rules! lossy_publisher {
    ($publisher:ident) => {
        impl<T: Pod> LossyPublisher<$publisher<T>> {
            /// Publishes `value`.
            #[inline(always)]
            pub fn publish(&mut self, value: T) {
                self.publisher.publish(value);
                self.news.0.ring();
            }

            /// Publishes `values` in order.
            #[inline]
            pub fn publish_batch(&mut self, values: &[T]) {
                self.publisher.publish_batch(values);
                self.news.0.ring();
            }

            /// Publishes what `fill` makes of a zeroed value. If it panics, nothing is published.
            #[inline]
            pub fn publish_with(&mut self, fill: impl FnOnce(&mut T)) {
                let mut value = T::zeroed();
                fill(&mut value);
                self.publish(value);
            }

            /// Values published so far, by all publishers.
            pub fn published(&self) -> u64 {
                self.publisher.published()
            }
        }
    };
}

lossy_publisher!(Publisher);
lossy_publisher!(MpPublisher);
