//! Many writers, lossy: the many-writer ring with typed slots.

use core::fmt;

use bytemuck::Pod;
use xbar_layout::Lent;
use xbar_layout::sync::{AtomicU64, Ordering, ReadU64};

use crate::channel::Subscribers;
use crate::copy::{load_bytes, load_value, store_part, store_value};
use crate::heap::Heap;
use crate::mpmc::{Claim, Glimpse, HEAD_WORDS, Poll, Reader, Writer};
use crate::source::{Look, Lossy, Source};
use crate::stride::ValueStride;
use crate::subscriber::Subscriber;

/// Slots of `T` in a many-writer ring.
pub(crate) type Slots<T> = ValueStride<T, HEAD_WORDS>;

/// Makes the subscribers of a [`channel_mpmc`].
pub type MpSubscribers<T, K = Heap> = Subscribers<Shared<T, K>>;

/// Receives from a [`channel_mpmc`].
pub type MpSubscriber<T, K = Heap> = Subscriber<Shared<T, K>>;

/// A lossy channel with any number of writers: clone the publisher, one for each thread.
///
/// All subscribers see all messages in one order, in which each publisher's own are in the order in which it published
/// them. A value of up to 48 bytes costs one line transfer.
///
/// # Panics
///
/// When `capacity < 2`, or when there is not so much memory.
///
/// ```
/// let (mut publisher, subscribers) = xbar_ring::channel_mpmc::<u64>(64);
/// let mut subscriber = subscribers.subscribe();
/// let mut other = publisher.clone();
/// std::thread::spawn(move || other.publish(1)).join().unwrap();
/// publisher.publish(2);
/// assert_eq!((subscriber.recv(), subscriber.recv()), (Ok(1), Ok(2)));
/// ```
#[cfg(feature = "alloc")]
pub fn channel_mpmc<T: Pod>(capacity: usize) -> (MpPublisher<T>, MpSubscribers<T>) {
    channel_mpmc_in(capacity, None)
}

/// As [`channel_mpmc`], with the values in `backing`: at least [`channel_bytes`](super::channel_bytes) of memory that
/// somebody lends.
///
/// # Panics
///
/// As [`channel_mpmc`], and when `backing` is too small.
#[cfg(feature = "alloc")]
pub fn channel_mpmc_in<T: Pod>(
    capacity: usize,
    backing: crate::slots::Backing,
) -> (MpPublisher<T>, MpSubscribers<T>) {
    let lines = crate::heap::ring_lines::<T>(capacity, Slots::<T>::WORDS, 2, backing);
    let (words, head, writers) = (lines.from(2), lines.first_of(0), lines.first_of(1));
    let read_words = words.part(|words| ReadU64::of_slice(words));
    let read_head = head.part(ReadU64::of);
    // Threads do not die between claim and commit, so claims in one process need no names.
    let ends = Writer::join(words, head, Slots::<T>::NEW, 0)
        .and_then(|writer| Ok((writer, Reader::join(read_words, read_head, Slots::<T>::NEW)?)));
    let (writer, reader) = ends.unwrap_or_else(|error| panic!("{error}"));
    // ORDERING: none; nobody else has seen the channel.
    writers.store(1, Ordering::Relaxed);
    let shared = Shared { reader, writers: writers.part(ReadU64::of) };
    (MpPublisher { writer, writers }, Subscribers::new(shared))
}

/// A writing end of a [`channel_mpmc`]. Lock-free: no call waits for a subscriber or for another publisher.
///
/// When the last one is dropped, the stream ends.
pub struct MpPublisher<T: Pod, K = Heap> {
    writer: Writer<K, Slots<T>>,
    writers: Lent<AtomicU64, K>,
}

impl<T: Pod, K> MpPublisher<T, K> {
    /// Publishes `value`.
    #[inline(always)]
    pub fn publish(&mut self, value: T) {
        self.publish_from(&value);
    }

    /// Publishes a copy of `value`: one copy less than [`publish`](Self::publish) makes of a large one.
    #[inline(always)]
    pub fn publish_from(&mut self, value: &T) {
        let claim = self.writer.claim();
        store_value(Slots::<T>::value(claim.words()), value);
        claim.commit();
    }

    /// Publishes what `fill` makes of a zeroed value. If it panics, nothing is published.
    #[inline]
    pub fn publish_with(&mut self, fill: impl FnOnce(&mut T)) {
        let mut value = T::zeroed();
        fill(&mut value);
        self.publish(value);
    }

    /// Publishes `values` in order; other publishers' may come between them.
    #[inline]
    pub fn publish_batch(&mut self, values: &[T]) {
        values.iter().for_each(|value| self.publish_from(value));
    }

    /// The next value's slot, to be written in place and [committed](MpReserved::commit).
    ///
    /// It takes its place in the order at once. Subscribers wait for it, at most until the other publishers have filled the
    /// ring; then they count it as missed. Dropped, also by a panic, it leaves a message that every subscriber counts as
    /// missed.
    #[inline]
    pub fn reserve(&mut self) -> MpReserved<'_, T, K> {
        MpReserved { claim: self.writer.claim() }
    }

    /// Values published so far by all publishers, those included that were reserved and given up.
    pub fn published(&self) -> u64 {
        self.writer.taken()
    }

    /// Slots.
    pub fn capacity(&self) -> usize {
        self.writer.capacity()
    }
}

/// Another publisher of the same channel.
impl<T: Pod, K: Clone> Clone for MpPublisher<T, K> {
    fn clone(&self) -> Self {
        // ORDERING: none; this handle keeps the count from ending.
        self.writers.fetch_add(1, Ordering::Relaxed);
        Self { writer: self.writer.sibling(0), writers: self.writers.clone() }
    }
}

impl<T: Pod, K> Drop for MpPublisher<T, K> {
    fn drop(&mut self) {
        // ORDERING: writers-gone: release pairs with the reader that finds no writer: all that was published is there. The
        // counts of the writers before are part of the same release sequence.
        self.writers.fetch_sub(1, Ordering::Release);
    }
}

impl<T: Pod, K> fmt::Debug for MpPublisher<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MpPublisher").field("capacity", &self.capacity()).finish_non_exhaustive()
    }
}

/// A slot that is claimed and not yet published: see [`MpPublisher::reserve`]. As
/// [`Reserved`](crate::channel::Reserved), parts are stored by their place.
pub struct MpReserved<'p, T: Pod, K = Heap> {
    claim: Claim<'p, K, Slots<T>>,
}

impl<T: Pod, K> MpReserved<'_, T, K> {
    /// Stores the whole value.
    #[inline(always)]
    pub fn write(&mut self, value: T) {
        store_value(Slots::<T>::value(self.claim.words()), &value);
    }

    /// Stores `part` from byte `offset` of the value on.
    ///
    /// # Panics
    ///
    /// When it reaches beyond the value.
    #[inline]
    pub fn write_part<U: Pod>(&mut self, offset: usize, part: &U) {
        store_part::<T>(Slots::<T>::value(self.claim.words()), offset, bytemuck::bytes_of(part));
    }

    /// Its place in the order of all messages.
    #[inline]
    pub const fn sequence(&self) -> u64 {
        self.claim.sequence()
    }

    /// Publishes what was written.
    #[inline(always)]
    pub fn commit(self) {
        self.claim.commit();
    }
}

impl<T: Pod, K> fmt::Debug for MpReserved<'_, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MpReserved").field("sequence", &self.sequence()).finish()
    }
}

/// A reading end that knows when all writers are gone.
pub struct Shared<T: Pod, K = Heap> {
    reader: Reader<K, Slots<T>>,
    writers: Lent<ReadU64, K>,
}

impl<T: Pod, K> Shared<T, K> {
    #[inline(always)]
    fn writers_are_gone(&self) -> bool {
        // ORDERING: writers-gone: pairs with the release of every writer that left.
        self.writers.load_acquire() == 0
    }

    /// One look, without the end.
    #[inline(always)]
    fn look_once<R>(&mut self, read: impl FnOnce(Glimpse<'_, Slots<T>>) -> Option<R>) -> Look<R> {
        match self.reader.poll() {
            Poll::Ready(glimpse) => match read(glimpse) {
                Some(value) => Look::Value(value),
                None => Look::Overtaken,
            },
            Poll::Empty | Poll::Ended => Look::Empty,
            Poll::Overtaken => Look::Overtaken,
        }
    }

    #[inline(always)]
    fn look_to_the_end<R>(&mut self, mut read: impl FnMut(Glimpse<'_, Slots<T>>) -> Option<R>) -> Look<R> {
        match self.look_once(&mut read) {
            // What the last one published just before it left is there now.
            Look::Empty if self.writers_are_gone() => match self.look_once(read) {
                Look::Empty => Look::Ended,
                found => found,
            },
            found => found,
        }
    }
}

impl<T: Pod, K> Source for Shared<T, K> {
    type Value = T;

    #[inline(always)]
    fn look(&mut self) -> Look<T> {
        self.look_to_the_end(|glimpse| load_value(Slots::<T>::value(glimpse.words()), || glimpse.accept()))
    }

    #[inline(always)]
    fn look_into(&mut self, place: &mut T) -> Look<()> {
        self.look_to_the_end(|glimpse| {
            load_bytes(bytemuck::bytes_of_mut(place), Slots::<T>::value(glimpse.words()));
            glimpse.accept().then_some(())
        })
    }

    fn catch_up(&mut self) -> u64 {
        self.reader.catch_up()
    }

    #[inline(always)]
    fn is_empty(&self) -> bool {
        self.reader.is_empty() && !self.writers_are_gone()
    }

    #[inline(always)]
    fn position(&self) -> u64 {
        self.reader.next()
    }

    fn pending(&self) -> u64 {
        self.reader.pending()
    }
}

impl<T: Pod, K: Clone> Lossy for Shared<T, K> {
    fn skip_all(&mut self) {
        self.reader.skip_all();
    }

    fn rewind(&mut self) {
        self.reader.rewind();
    }

    fn skip_to_newest(&mut self) -> u64 {
        self.reader.skip_to_newest()
    }
}

impl<T: Pod, K: Clone> Clone for Shared<T, K> {
    fn clone(&self) -> Self {
        Self { reader: self.reader.clone(), writers: self.writers.clone() }
    }
}

impl<T: Pod, K> fmt::Debug for Shared<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("reader", &self.reader).finish_non_exhaustive()
    }
}
