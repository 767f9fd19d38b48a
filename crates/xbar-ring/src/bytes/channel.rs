//! A byte ring between threads: its ends, and where they come from.

use core::fmt;

use xbar_layout::Lent;
use xbar_layout::sync::{AtomicU64, ReadU64};

use crate::bytes::{ByteClaim, ByteReader, ByteRingError, ByteSubscriber, ByteWriter, TooLarge};
use crate::heap::Heap;

/// A lossy channel of byte messages, of any length up to a quarter of `capacity_bytes` less a word: one publisher, any number
/// of subscribers, none of which it ever waits for.
///
/// A message takes its bytes, up to the next multiple of eight, and eight more. Of what was sent, the
/// newest three quarters of the ring stay readable, less the longest message and what is claimed for the next.
///
/// # Panics
///
/// When `capacity_bytes` is not a power of two from 64 to 2^33, or when there is not so much memory.
///
/// ```
/// let (mut publisher, subscribers) = xbar_ring::bytes::channel(4096);
/// let mut subscriber = subscribers.subscribe();
/// let reader = std::thread::spawn(move || subscriber.recv(&mut [0; 100]).map(|message| message.bytes.to_vec()));
/// publisher.send(b"of any length")?;
/// assert_eq!(reader.join().unwrap()?, b"of any length");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "alloc")]
pub fn channel(capacity_bytes: usize) -> (BytePublisher, ByteSubscribers) {
    channel_in(capacity_bytes, None)
}

/// As [`channel`], in `backing`: at least [`channel_bytes`] of memory that somebody lends.
///
/// # Panics
///
/// As [`channel`], and when `backing` is too small.
#[cfg(feature = "alloc")]
pub fn channel_in(capacity_bytes: usize, backing: crate::slots::Backing) -> (BytePublisher, ByteSubscribers) {
    use crate::bytes::memory::{is_capacity, ring_words};
    use crate::stride::LINE_WORDS;
    assert!(
        is_capacity(capacity_bytes),
        "a byte ring needs a power of two of bytes from {} to {}, not {capacity_bytes}",
        crate::bytes::LEAST_BYTES,
        crate::bytes::MOST_BYTES
    );
    let what = alloc::format!("a byte ring of {capacity_bytes} bytes");
    let lines = crate::heap::HeapLines::new_in(ring_words(capacity_bytes) / LINE_WORDS, &what, backing);
    ends(&lines.from(0)).unwrap_or_else(|error| panic!("{error}"))
}

/// Bytes that [`channel_in`] takes at most.
#[cfg(feature = "alloc")]
pub const fn channel_bytes(capacity_bytes: usize) -> usize {
    let lines = super::ring_words(capacity_bytes).div_ceil(crate::stride::LINE_WORDS);
    crate::slots::Slots::<crate::line::Line>::bytes(lines)
}

/// The two ends of a ring in lent memory.
pub(crate) fn ends<K: Clone>(
    words: &Lent<[AtomicU64], K>,
) -> Result<(BytePublisher<K>, ByteSubscribers<K>), ByteRingError> {
    let writer = ByteWriter::resume(words)?;
    let reader = ByteReader::join(&words.part(|words| ReadU64::of_slice(words)))?;
    Ok((BytePublisher { writer }, ByteSubscribers { reader }))
}

/// The writing end of a [`channel`]. Wait-free: no call waits for a subscriber.
///
/// Dropped, it ends the stream: subscribers that have received everything find `Disconnected`.
pub struct BytePublisher<K = Heap> {
    writer: ByteWriter<K>,
}

impl<K> BytePublisher<K> {
    /// Sends a message of kind 0; returns its number.
    ///
    /// # Errors
    ///
    /// [`TooLarge`]; nothing was sent.
    #[inline(always)]
    pub fn send(&mut self, message: &[u8]) -> Result<u64, TooLarge> {
        self.writer.send(0, message)
    }

    /// Sends a message of a kind, by which subscribers may pass it over; returns its number.
    ///
    /// # Errors
    ///
    /// [`TooLarge`]; nothing was sent.
    #[inline(always)]
    pub fn send_as(&mut self, kind: u16, message: &[u8]) -> Result<u64, TooLarge> {
        self.writer.send(kind, message)
    }

    /// Room for a message of `bytes` bytes, to be written in place and [committed](ByteClaim::commit). Dropped, it leaves no
    /// trace.
    ///
    /// # Errors
    ///
    /// [`TooLarge`].
    #[inline(always)]
    pub fn claim(&mut self, bytes: usize) -> Result<ByteClaim<'_, K>, TooLarge> {
        self.writer.claim(bytes)
    }

    /// Sends messages, each with its kind; subscribers find as many at once as an eighth of the ring holds. Says how many were
    /// sent.
    ///
    /// # Errors
    ///
    /// [`TooLarge`], of the first message that is; those in front of it were sent.
    #[inline]
    pub fn send_batch<'m>(
        &mut self,
        messages: impl IntoIterator<Item = (u16, &'m [u8])>,
    ) -> Result<u64, TooLarge> {
        self.writer.send_batch(messages)
    }

    /// Messages sent so far.
    #[inline]
    pub const fn sent(&self) -> u64 {
        self.writer.sent()
    }

    /// Bytes of the ring.
    pub fn capacity_bytes(&self) -> usize {
        self.writer.capacity_bytes()
    }

    /// The longest message.
    pub fn most_bytes(&self) -> usize {
        self.writer.most_bytes()
    }
}

impl<K> Drop for BytePublisher<K> {
    #[inline]
    fn drop(&mut self) {
        self.writer.end();
    }
}

impl<K> fmt::Debug for BytePublisher<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BytePublisher").field("writer", &self.writer).finish()
    }
}

/// Makes the subscribers of a [`channel`]; clone it to make them in several places.
#[derive(Clone)]
pub struct ByteSubscribers<K = Heap> {
    reader: ByteReader<K>,
}

impl<K: Clone> ByteSubscribers<K> {
    /// A subscriber of what is sent from now on.
    pub fn subscribe(&self) -> ByteSubscriber<K> {
        let mut reader = self.reader.clone();
        reader.skip_all();
        ByteSubscriber::new(reader)
    }

    /// A subscriber that begins with the oldest message that is noted and readable: about the last lap.
    pub fn subscribe_from_oldest(&self) -> ByteSubscriber<K> {
        let mut reader = self.reader.clone();
        reader.rewind();
        ByteSubscriber::new(reader)
    }
}

impl<K> fmt::Debug for ByteSubscribers<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteSubscribers").finish_non_exhaustive()
    }
}
