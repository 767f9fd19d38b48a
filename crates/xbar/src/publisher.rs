//! Publishing.

use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::path::Path;

use xbar_discovery::Uri;
use xbar_shm::RegionName;
use xbar_topic as topic;

use crate::config::{Config, base};
use crate::{PublishError, RegionError};

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
pub struct Publisher(topic::Publisher);

/// A topic that a publisher registered, and publishes. One publisher at a time; dropping it lets another register it.
pub struct Topic(topic::Topic);

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
        topic::Publisher::create(&config.base(), &name, &config.options()).map(Self)
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

    fn open_at(dir: Option<&Path>, name: &str) -> Result<Self, RegionError> {
        topic::Publisher::open(&base(dir), &RegionName::new(name)?).map(Self)
    }

    /// Registers topic `uri`: `/` and segments of letters, digits, `.`, `_`, `-`, at most 255 bytes.
    ///
    /// A topic whose publisher is gone is taken over: its sequence numbers go on, and its readers too.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when somebody alive publishes it, or the region has no room for another topic.
    pub fn register(&self, uri: &str) -> Result<Topic, RegionError> {
        self.0.register(&Uri::new(uri)?).map(Topic)
    }

    /// Lends a block for a message of `len` bytes, to be written in place. Several loans may be out at once.
    ///
    /// # Errors
    ///
    /// [`PublishError`] when `len` is more than the region's `block_bytes`, or too many loans are out.
    #[inline(always)]
    pub fn loan<'p>(&'p self, topic: &'p Topic, len: usize) -> Result<Loan<'p>, PublishError> {
        self.0.loan(&topic.0, len).map(Loan)
    }

    /// Publishes a copy of `bytes`; returns its sequence number. Up to [`INLINE_BYTES`](crate::INLINE_BYTES) it rides in
    /// the ring slot itself.
    ///
    /// # Errors
    ///
    /// As [`Publisher::loan`].
    #[inline(always)]
    pub fn send(&self, topic: &Topic, bytes: &[u8]) -> Result<u64, PublishError> {
        self.0.send(&topic.0, bytes)
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
        self.0.view().facts().epoch
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

    /// Publishes the message; returns its sequence number. O(1), whatever its size.
    #[inline(always)]
    pub fn publish(self) -> u64 {
        self.0.publish()
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
