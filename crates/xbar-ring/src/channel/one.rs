//! One writer, lossy: the broadcast ring with typed slots.

use core::fmt;

use bytemuck::Pod;

use crate::broadcast::{Claim, HEAD_WORDS, Poll, Reader, Writer};
use crate::channel::Subscribers;
use crate::copy::{load_bytes, load_value, store_part, store_value};
use crate::heap::Heap;
use crate::source::{Look, Lossy, Source};
use crate::stride::ValueStride;
use crate::subscriber::Subscriber;

/// Slots of `T` in a broadcast ring of one process.
pub type Slots<T> = ValueStride<T, HEAD_WORDS, true>;

/// Makes the subscribers of a [`channel`].
pub type OneSubscribers<T, K = Heap> = Subscribers<Reader<K, Slots<T>>>;

/// Receives from a [`channel`].
pub type OneSubscriber<T, K = Heap> = Subscriber<Reader<K, Slots<T>>>;

/// A lossy channel with one writer: the newest `capacity - 1` values, for any number of subscribers, none of which the
/// publisher ever waits for.
///
/// A value lies beside the stamp that says which it is: up to 56 bytes cost one line transfer. Values of up to 24 bytes share
/// their lines, two or four of them one.
///
/// # Panics
///
/// When `capacity < 2`, or when there is not so much memory.
///
/// ```
/// let (mut publisher, subscribers) = xbar_ring::channel::<[f64; 2]>(1024);
/// let mut subscriber = subscribers.subscribe();
/// let reader = std::thread::spawn(move || subscriber.recv());
/// publisher.publish([1.5, 2.5]);
/// assert_eq!(reader.join().unwrap(), Ok([1.5, 2.5]));
/// ```
///
/// Values are plain data. A reference, say, is refused when compiled:
///
/// ```compile_fail,E0277
/// let (publisher, subscribers) = xbar_ring::channel::<&'static str>(8);
/// ```
///
/// ```
/// let (publisher, subscribers) = xbar_ring::channel::<[u8; 16]>(8);
/// ```
#[cfg(feature = "alloc")]
pub fn channel<T: Pod>(capacity: usize) -> (Publisher<T>, OneSubscribers<T>) {
    channel_in(capacity, None)
}

/// As [`channel`], with the values in `backing`: at least [`channel_bytes`] of memory that somebody lends.
///
/// # Panics
///
/// As [`channel`], and when `backing` is too small.
#[cfg(feature = "alloc")]
pub fn channel_in<T: Pod>(
    capacity: usize,
    backing: crate::slots::Backing,
) -> (Publisher<T>, OneSubscribers<T>) {
    let lines = crate::heap::ring_lines::<T>(capacity, Slots::<T>::WORDS, 1, backing);
    let (words, head) = (lines.from(1), lines.first_of(0));
    channel_over(words.part(|words| &words[..capacity * Slots::<T>::WORDS]), head)
}

/// Bytes that [`channel_in`] and [`channel_mpmc_in`](super::channel_mpmc_in) take at most.
#[cfg(feature = "alloc")]
pub const fn channel_bytes<T: Pod>(capacity: usize) -> usize {
    // A many-writer slot has the larger head.
    let lines = ValueStride::<T, { crate::mpmc::HEAD_WORDS }>::LINES;
    crate::slots::Slots::<crate::line::Line>::bytes(capacity.saturating_mul(lines).saturating_add(2))
}

/// The two ends of a ring in lent memory.
pub(crate) fn channel_over<T: Pod, K: Clone>(
    words: xbar_layout::Lent<[xbar_layout::sync::AtomicU64], K>,
    head: xbar_layout::Lent<xbar_layout::sync::AtomicU64, K>,
) -> (Publisher<T, K>, OneSubscribers<T, K>) {
    use xbar_layout::sync::ReadU64;
    let read_words = words.part(|words| ReadU64::of_slice(words));
    let read_head = head.part(ReadU64::of);
    let ends = Writer::resume(words, head, Slots::<T>::NEW)
        .and_then(|writer| Ok((writer, Reader::join(read_words, read_head, Slots::<T>::NEW)?)));
    let (writer, reader) = ends.unwrap_or_else(|error| panic!("{error}"));
    (Publisher { writer }, Subscribers::new(reader))
}

/// The writing end of a [`channel`]. Wait-free: no call waits for a subscriber, none fails.
///
/// Dropped, it ends the stream: subscribers that have received everything find `Disconnected`.
pub struct Publisher<T: Pod, K = Heap> {
    writer: Writer<K, Slots<T>>,
}

impl<T: Pod, K> Publisher<T, K> {
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

    /// Publishes `values` in order.
    #[inline]
    pub fn publish_batch(&mut self, values: &[T]) {
        values.iter().for_each(|value| self.publish_from(value));
    }

    /// The next value's slot, to be written in place and [committed](Reserved::commit). Dropped, it leaves no trace.
    #[inline]
    pub fn reserve(&mut self) -> Reserved<'_, T> {
        Reserved { claim: self.writer.claim() }
    }

    /// Values published so far.
    #[inline]
    pub const fn published(&self) -> u64 {
        self.writer.next()
    }

    /// Slots; one less is readable.
    pub fn capacity(&self) -> usize {
        self.writer.capacity()
    }
}

impl<T: Pod, K> Drop for Publisher<T, K> {
    #[inline]
    fn drop(&mut self) {
        self.writer.end();
    }
}

impl<T: Pod, K> fmt::Debug for Publisher<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("published", &self.published())
            .field("capacity", &self.capacity())
            .finish()
    }
}

/// A slot that nobody reads yet: see [`Publisher::reserve`].
///
/// Readers of an earlier value may still be copying from it (and will notice), so there is no `&mut T` to be had:
/// parts are stored by their place. What is not written keeps what the slot held before.
///
/// ```
/// use core::mem::offset_of;
///
/// #[derive(Clone, Copy, PartialEq, Debug, xbar_ring::bytemuck::Pod, xbar_ring::bytemuck::Zeroable)]
/// #[bytemuck(crate = "xbar_ring::bytemuck")]
/// #[repr(C)]
/// struct Frame {
///     id: u64,
///     pixels: [u8; 4096],
/// }
///
/// let (mut publisher, subscribers) = xbar_ring::channel::<Frame>(4);
/// let mut subscriber = subscribers.subscribe();
/// let mut slot = publisher.reserve();
/// slot.write_part(offset_of!(Frame, id), &7_u64);
/// slot.write_part(offset_of!(Frame, pixels), &[255_u8; 4096]);
/// slot.commit();
/// assert_eq!(subscriber.recv(), Ok(Frame { id: 7, pixels: [255; 4096] }));
/// ```
///
/// It cannot outlive its publication, and there is one at a time:
///
/// ```compile_fail,E0382
/// let (mut publisher, _) = xbar_ring::channel::<u64>(4);
/// let mut slot = publisher.reserve();
/// slot.commit();
/// slot.write(7);
/// ```
///
/// ```compile_fail,E0499
/// let (mut publisher, _) = xbar_ring::channel::<u64>(4);
/// let (first, second) = (publisher.reserve(), publisher.reserve());
/// first.commit();
/// ```
///
/// ```
/// let (mut publisher, _) = xbar_ring::channel::<u64>(4);
/// let mut slot = publisher.reserve();
/// slot.write(7);
/// slot.commit();
/// publisher.reserve().commit();
/// ```
pub struct Reserved<'p, T: Pod> {
    claim: Claim<'p, Slots<T>>,
}

impl<T: Pod> Reserved<'_, T> {
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

    /// The number of values published before this one.
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

impl<T: Pod> fmt::Debug for Reserved<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reserved").field("sequence", &self.sequence()).finish()
    }
}

impl<T: Pod, K, const DENSE: bool> Source for Reader<K, ValueStride<T, HEAD_WORDS, DENSE>> {
    type Value = T;

    #[inline(always)]
    fn look(&mut self) -> Look<T> {
        match self.poll() {
            Poll::Ready(glimpse) => {
                match load_value(ValueStride::<T, HEAD_WORDS, DENSE>::value(glimpse.words()), || {
                    glimpse.accept()
                }) {
                    Some(value) => Look::Value(value),
                    None => Look::Overtaken,
                }
            }
            Poll::Empty => Look::Empty,
            Poll::Ended => Look::Ended,
            Poll::Overtaken => Look::Overtaken,
        }
    }

    #[inline(always)]
    fn look_into(&mut self, place: &mut T) -> Look<()> {
        match self.poll() {
            Poll::Ready(glimpse) => {
                load_bytes(
                    bytemuck::bytes_of_mut(place),
                    ValueStride::<T, HEAD_WORDS, DENSE>::value(glimpse.words()),
                );
                if glimpse.accept() { Look::Value(()) } else { Look::Overtaken }
            }
            Poll::Empty => Look::Empty,
            Poll::Ended => Look::Ended,
            Poll::Overtaken => Look::Overtaken,
        }
    }

    #[inline(always)]
    fn catch_up(&mut self) -> u64 {
        self.catch_up()
    }

    #[inline(always)]
    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    #[inline(always)]
    fn position(&self) -> u64 {
        self.next()
    }

    fn pending(&self) -> u64 {
        self.pending()
    }
}

impl<T: Pod, K, const DENSE: bool> Lossy for Reader<K, ValueStride<T, HEAD_WORDS, DENSE>> {
    fn skip_all(&mut self) {
        self.skip_all();
    }

    fn rewind(&mut self) {
        self.rewind();
    }

    fn skip_to_newest(&mut self) -> u64 {
        self.skip_to_newest()
    }
}
