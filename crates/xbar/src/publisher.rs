//! Publishing.

use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::time::Duration;

use xbar_discovery::Uri;
use xbar_layout::Delivery;
use xbar_ring::WaitStrategy;
use xbar_shm::RegionName;
use xbar_topic as topic;

use crate::config::{Config, base};
use crate::{NoRoom, PublishError, RegionError, TopicConfig};

/// A handle that publishes into a region.
///
/// `Send`, not `Sync`: one thread uses it at a time. For a second thread, [`open`](Self::open) a second publisher.
/// Dropping the last publisher of a region removes it; readers keep what they hold.
///
/// ```compile_fail
/// fn from_another_thread(publisher: &xbar::Publisher) {
///     std::thread::scope(|scope| { scope.spawn(move || publisher.subscriber_count()); });
/// }
/// ```
///
/// ```
/// fn from_another_thread(publisher: xbar::Publisher) {
///     std::thread::scope(|scope| { scope.spawn(move || publisher.subscriber_count()); });
/// }
/// ```
pub struct Publisher(pub(crate) topic::Publisher);

/// A topic that a publisher registered, and publishes. Dropping it lets another register it.
pub struct Topic(pub(crate) topic::Topic);

impl Publisher {
    /// Creates region `name` (up to 100 letters, digits, `.`, `_`, `-`) and publishes there.
    ///
    /// A region of that name whose publishers are all dead is replaced, with a higher epoch.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when a living process publishes under that name, the configuration cannot work, or the memory is
    /// not to be had. Nothing is left behind.
    pub fn create(name: &str, config: &Config) -> Result<Self, RegionError> {
        let name = RegionName::new(name)?;
        topic::Publisher::create(&config.base(), &name, &config.options()?).map(Self)
    }

    /// Joins the living region `name` as one more publisher, for topics of its own.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when there is no such region, its publishers are dead, or it has no room for another.
    pub fn open(name: &str) -> Result<Self, RegionError> {
        Self::open_at(None, name)
    }

    /// As [`Publisher::open`], with regions living in `dir`.
    ///
    /// # Errors
    ///
    /// As [`Publisher::open`].
    pub fn open_in(dir: impl AsRef<Path>, name: &str) -> Result<Self, RegionError> {
        Self::open_at(Some(dir.as_ref()), name)
    }

    pub(crate) fn open_at(dir: Option<&Path>, name: &str) -> Result<Self, RegionError> {
        topic::Publisher::open(&base(dir), &RegionName::new(name)?).map(Self)
    }

    /// Registers topic `uri`: `/` and segments of letters, digits, `.`, `_`, `-`, at most 255 bytes. It is lossy, of one
    /// publisher, of the region's depth and block size.
    ///
    /// A topic whose publisher is gone is taken over: its sequence numbers go on, and its readers too.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when somebody alive publishes it, it is something else, or the region has no room for another topic.
    pub fn register(&self, uri: &str) -> Result<Topic, RegionError> {
        self.register_with(uri, &TopicConfig::new())
    }

    /// As [`Publisher::register`], for a topic of another kind: lossless, pinned, of many publishers, of another depth or
    /// message size.
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("xbar-doc-reg-{}", std::process::id()));
    /// use xbar::{Config, Publisher, TopicConfig};
    ///
    /// let publisher = Publisher::create("desk", &Config::new().dir(&dir))?;
    /// let orders = publisher.register_with("/orders", &TopicConfig::new().lossless().many_publishers())?;
    /// publisher.send(&orders, b"buy 100 AAPL")?;
    /// # drop((orders, publisher));
    /// # std::fs::remove_dir_all(&dir).ok();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Publisher::register`].
    pub fn register_with(&self, uri: &str, config: &TopicConfig) -> Result<Topic, RegionError> {
        self.0.register(&Uri::new(uri)?, config).map(Topic)
    }

    /// Lends room for a message of `len` bytes, to be written in place: a block, or, up to 48 bytes, a place of the publisher's own.
    /// Several loans may be out at once.
    ///
    /// # Errors
    ///
    /// [`PublishError`] when `len` is more than the topic's blocks have, or too many loans are out.
    #[inline(always)]
    pub fn loan<'p>(&'p self, topic: &'p Topic, len: usize) -> Result<Loan<'p>, PublishError> {
        self.0.loan(&topic.0, len).map(Loan)
    }

    /// As [`Publisher::loan`], for the next value of a pinned topic. Readers have the last one until it is published; dropped,
    /// it changes nothing.
    ///
    /// # Errors
    ///
    /// As [`Publisher::loan`], and [`PublishError::NotPinned`].
    #[inline(always)]
    pub fn loan_pinned<'p>(&'p self, topic: &'p Topic, len: usize) -> Result<Loan<'p>, PublishError> {
        if topic.delivery() != Delivery::Pinned {
            return Err(PublishError::NotPinned { uri: topic.0.uri().clone() });
        }
        self.loan(topic, len)
    }

    /// Publishes a copy of `bytes`; returns its sequence number. Up to [`INLINE_BYTES`](crate::INLINE_BYTES) it rides in
    /// the ring slot itself (eight bytes less where there are many publishers). Waits for room where the topic is lossless.
    ///
    /// # Errors
    ///
    /// As [`Publisher::loan`].
    #[inline(always)]
    pub fn send(&self, topic: &Topic, bytes: &[u8]) -> Result<u64, PublishError> {
        self.0.send(&topic.0, bytes)
    }

    /// As [`Publisher::send`], without waiting.
    ///
    /// # Errors
    ///
    /// As [`Publisher::send`], and [`PublishError::Full`] with whom it would wait for.
    #[inline(always)]
    pub fn try_send(&self, topic: &Topic, bytes: &[u8]) -> Result<u64, PublishError> {
        self.0.try_send(&topic.0, bytes)
    }

    /// As [`Publisher::send`], waiting up to `timeout`.
    ///
    /// # Errors
    ///
    /// As [`Publisher::try_send`].
    pub fn send_timeout(&self, topic: &Topic, bytes: &[u8], timeout: Duration) -> Result<u64, PublishError> {
        self.0.send_timeout(&topic.0, bytes, timeout)
    }

    /// As [`Publisher::send`], waiting as `strategy` says: a [`Shutdown`](crate::Shutdown)'s ends the wait when it is stopped.
    ///
    /// # Errors
    ///
    /// As [`Publisher::send`], and [`PublishError::Stopped`].
    pub fn send_with(
        &self,
        topic: &Topic,
        bytes: &[u8],
        strategy: impl WaitStrategy,
    ) -> Result<u64, PublishError> {
        self.0.send_with(&topic.0, bytes, strategy, None)
    }

    /// As [`Publisher::send_with`], waiting up to `timeout`.
    ///
    /// # Errors
    ///
    /// As [`Publisher::send_with`], and [`PublishError::Full`].
    pub fn send_with_timeout(
        &self,
        topic: &Topic,
        bytes: &[u8],
        strategy: impl WaitStrategy,
        timeout: Duration,
    ) -> Result<u64, PublishError> {
        self.0.send_with(&topic.0, bytes, strategy, Some(timeout))
    }

    /// Subscriber streams that a lossless topic's publishers wait for, as far as this moment tells; 0 of other topics.
    pub fn reader_count(&self, topic: &Topic) -> usize {
        self.0.readers_of(&topic.0)
    }

    /// Lets the region lie in memory as wished, in this process: locked, faulted in, near a node. Pages are those of the file
    /// system that the region is on.
    ///
    /// # Errors
    ///
    /// [`MemoryError`](crate::memory::MemoryError) when the system refuses a wish, with the limit to raise.
    pub fn apply_memory(&self, memory: &crate::memory::Memory) -> Result<(), crate::memory::MemoryError> {
        memory.apply(self.0.view().data())
    }

    /// Takes back at once what killed participants held: blocks, streams, claims. It happens by itself when somebody needs
    /// it; this is for tools, and for tests that count.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when the region's lock cannot be had.
    pub fn recover(&self) -> Result<(), RegionError> {
        self.0.recover()
    }

    /// The number of this handle among the region's publishers, from 0: no other that is alive has it.
    pub fn seat(&self) -> u32 {
        self.0.seat_index()
    }

    /// Whether the publisher on `seat` lives, by its kernel lock.
    pub(crate) fn seat_is_alive(&self, seat: u32) -> bool {
        self.0.view().segment().seat_is_alive(xbar_shm::SeatKind::Publisher, seat)
    }

    /// Subscriber handles of the region that are alive, by their kernel locks: exact at some moment during the call.
    pub fn subscriber_count(&self) -> usize {
        self.0.view().subscribers()
    }

    /// The region's name.
    pub fn region(&self) -> &str {
        self.0.view().segment().name().as_str()
    }

    /// Increases each time a region is created anew under the same name.
    pub fn epoch(&self) -> u64 {
        self.0.view().epoch()
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Topic {
    /// Its name.
    pub fn uri(&self) -> &str {
        self.0.uri().as_str()
    }

    /// How its messages are delivered.
    pub const fn delivery(&self) -> Delivery {
        self.0.shape().delivery
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A block that this process alone can reach, as a slice of the message's bytes, until it is published or dropped.
///
/// The message is as long as it was asked for, unless [`set_len`](Self::set_len), [`set_data`](Self::set_data) or
/// `io::Write` say otherwise. Bytes that are not written are those of an earlier message of this region. Dropped
/// unpublished, it goes back and nobody notices.
pub struct Loan<'p>(topic::Loan<'p>);

impl Loan<'_> {
    /// Bytes that the message can have at most.
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// Makes the message `len` bytes long, keeping what is written.
    ///
    /// # Errors
    ///
    /// [`PublishError::TooLarge`] when `len` is more than [`Loan::capacity`]; nothing changes then.
    pub fn set_len(&mut self, len: usize) -> Result<(), PublishError> {
        self.0.set_len(len)
    }

    /// Makes the message a copy of `data`.
    ///
    /// # Errors
    ///
    /// [`PublishError::TooLarge`] when `data` is longer than [`Loan::capacity`]; nothing changes then.
    pub fn set_data(&mut self, data: &[u8]) -> Result<(), PublishError> {
        self.0.set_data(data)
    }

    /// Publishes the message; returns its sequence number. O(1), whatever its size: up to 48 bytes (40 with many publishers)
    /// are copied into the ring's slot, larger messages stay in their block. Waits for room where the topic is lossless.
    #[inline(always)]
    pub fn publish(self) -> u64 {
        self.0.publish()
    }

    /// As [`Loan::publish`], without waiting.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] with the loan, when a lossless topic is full.
    #[inline(always)]
    pub fn try_publish(self) -> Result<u64, NoRoom<Self>> {
        self.0.try_publish().map_err(|NoRoom(loan)| NoRoom(Self(loan)))
    }

    /// As [`Loan::publish`], waiting up to `timeout`.
    ///
    /// # Errors
    ///
    /// As [`Loan::try_publish`].
    pub fn publish_timeout(self, timeout: Duration) -> Result<u64, NoRoom<Self>> {
        self.0.publish_timeout(timeout).map_err(|NoRoom(loan)| NoRoom(Self(loan)))
    }

    /// As [`Loan::publish`], waiting as `strategy` says.
    ///
    /// # Errors
    ///
    /// The loan comes back when the strategy ends the wait: a [`Shutdown`](crate::Shutdown) was stopped.
    pub fn publish_with(self, strategy: impl WaitStrategy) -> Result<u64, NoRoom<Self>> {
        self.0.publish_with(strategy, None).map_err(|NoRoom(loan)| NoRoom(Self(loan)))
    }
}

impl Deref for Loan<'_> {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Loan<'_> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// The first write begins at the front, or behind what [`Loan::set_data`] put there; the message ends where the last
/// write did. A write that does not fit whole writes what fits; one that fits not at all is an error.
impl io::Write for Loan<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Loan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
