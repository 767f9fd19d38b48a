//! A bus of byte messages between processes.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use xbar_layout::{Content, Delivery, TopicShape};
use xbar_ring::bytes::TooLarge;
use xbar_topic::{self as topic, ByteBusPublisher, Start};

use crate::RegionError;
use crate::bus_region::{BusRegion, Readers};

pub use xbar_topic::{BusLookout, ByteBusClaim};

/// One writer, any number of readers in any process, messages of any length: the ring of
/// [`xbar::ring::bytes`](crate::ring::bytes) in shared memory. A message costs its reader the lines that it lies on, and no other.
///
/// - **Loses?** The writer never waits: it overwrites the oldest messages. A reader that is overtaken learns exactly how many it
///   missed: received + skipped by its own choice + missed = sent, always. Of what was sent, about the newest three quarters of
///   the capacity stay readable.
/// - **How long is a message?** Up to a quarter of the capacity, less eight bytes ([`most_bytes`](Self::most_bytes)). Each takes its
///   bytes, up to the next multiple of eight, and eight more.
/// - **Allocates? Blocks?** Only when made; never.
/// - **Who may call?** One thread at a time. Readers map everything read-only and make no difference to the writer, except that it
///   wakes those who sleep: one load when nobody does.
/// - **Restarts?** A bus whose writer was killed is gone on with by the next [`create`](Self::create) of the same capacity, or by
///   [`open`](Self::open): readers stay connected, message numbers go on, the epoch rises. A message that was being sent then
///   was sent whole or not at all. A writer that is dropped removes its bus; its readers receive what is there, then learn
///   `Disconnected`.
///
/// ```
/// # let dir = std::env::temp_dir().join(format!("xbar-doc-byte-bus-{}", std::process::id()));
/// use xbar::{ByteBus, ByteBusConfig};
///
/// let config = ByteBusConfig::new().dir(&dir);
/// let mut bus = ByteBus::create_with("events", 64 << 10, &config)?;
/// let mut events = config.connect("events")?; // in another process
///
/// bus.send(b"a few bytes")?;
/// bus.send_as(7, &[1; 1000])?; // with a kind, by which readers may pass it over
/// let mut claim = bus.claim(11)?; // written in place
/// claim.write(0, b"hello ");
/// claim.write(6, b"world");
/// claim.commit(0);
///
/// let (mut buffer, mut message) = ([0; 100], Vec::new());
/// assert_eq!(events.recv(&mut buffer)?.bytes, b"a few bytes");
/// assert_eq!(events.recv_vec(&mut message)?.kind, 7);
/// assert_eq!(events.try_recv(&mut buffer)?.bytes, b"hello world");
/// # drop(bus);
/// # std::fs::remove_dir_all(&dir).ok();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// When not to use it: for values of one type ([`PodBus`](crate::PodBus)); when nothing may be lost, or messages shall be read
/// where they lie (topics of a [`Publisher`](crate::Publisher)).
pub struct ByteBus(ByteBusPublisher);

/// Receives a [`ByteBus`], in all the ways of [`ByteSubscriber`](crate::ring::bytes::ByteSubscriber): `try_recv`, `recv`,
/// `recv_timeout`, the same into a `Vec` or of some kinds, `latest`, `batch`, `bulk`, and what it missed. Asleep while it waits;
/// [`lookout`](crate::ring::bytes::ByteSubscriber::lookout) says whether there is a writer.
pub type ByteBusSubscriber = topic::ByteBusSubscriber;

/// What a byte bus is created with besides its capacity; the same says where to find it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct ByteBusConfig {
    subscribers: u32,
    dir: Option<PathBuf>,
}

impl Default for ByteBusConfig {
    fn default() -> Self {
        Self { subscribers: 64, dir: None }
    }
}

impl ByteBusConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Subscribers alive at once, 1 to 4096. Default 64.
    pub const fn subscribers(mut self, subscribers: u32) -> Self {
        self.subscribers = subscribers;
        self
    }

    /// Where buses live. Default: the environment's `XBAR_DIR`, else a directory of this user's under `/dev/shm`.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Joins byte bus `name` as a reader, from now on.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when there is no such bus, it is something else, its writer is dead, or it has no room for another reader.
    pub fn connect(&self, name: &str) -> Result<ByteBusSubscriber, RegionError> {
        self.join(name, Start::Now)
    }

    /// As [`ByteBusConfig::connect`], beginning with about the oldest message that is still readable: the first of an eighth of the
    /// ring.
    ///
    /// # Errors
    ///
    /// As [`ByteBusConfig::connect`].
    pub fn connect_from_oldest(&self, name: &str) -> Result<ByteBusSubscriber, RegionError> {
        self.join(name, Start::Last(u64::MAX))
    }

    /// As [`ByteBusConfig::connect`], beginning with the last `messages` messages that were sent before, as far as they are still
    /// readable.
    ///
    /// # Errors
    ///
    /// As [`ByteBusConfig::connect`].
    pub fn connect_last(&self, name: &str, messages: u64) -> Result<ByteBusSubscriber, RegionError> {
        self.join(name, Start::Last(messages))
    }

    /// As [`ByteBusConfig::connect`], waiting up to `timeout` for the bus to appear.
    ///
    /// # Errors
    ///
    /// [`RegionError::TimedOut`] with what the last look said; at once, when waiting cannot help.
    pub fn connect_timeout(&self, name: &str, timeout: Duration) -> Result<ByteBusSubscriber, RegionError> {
        // All of it again each time: a region is there before its bus is, and another may take its place.
        topic::wait_for(timeout, || self.connect(name))
    }

    /// As [`ByteBusConfig::connect_from_oldest`], waiting up to `timeout` for the bus to appear: for a reader that is to have all of it.
    ///
    /// # Errors
    ///
    /// As [`ByteBusConfig::connect_timeout`].
    pub fn connect_from_oldest_timeout(
        &self,
        name: &str,
        timeout: Duration,
    ) -> Result<ByteBusSubscriber, RegionError> {
        topic::wait_for(timeout, || self.connect_from_oldest(name))
    }

    fn join(&self, name: &str, start: Start) -> Result<ByteBusSubscriber, RegionError> {
        let region = BusRegion::new(self.dir.as_deref(), name)?;
        region.subscriber()?.subscribe_bytes(&region.uri, start)
    }
}

impl ByteBus {
    /// Creates byte bus `name` with a ring of `capacity_bytes`, or goes on with one like it whose writer was killed.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when a living process writes it, `capacity_bytes` is not a power of two from 64 to 2^33, or the memory is
    /// not to be had.
    pub fn create(name: &str, capacity_bytes: usize) -> Result<Self, RegionError> {
        Self::create_with(name, capacity_bytes, &ByteBusConfig::new())
    }

    /// As [`ByteBus::create`], configured.
    ///
    /// # Errors
    ///
    /// As [`ByteBus::create`].
    pub fn create_with(
        name: &str,
        capacity_bytes: usize,
        config: &ByteBusConfig,
    ) -> Result<Self, RegionError> {
        let region = BusRegion::new(config.dir.as_deref(), name)?;
        let bytes = capacity_bytes as u64;
        let shape = TopicShape {
            delivery: Delivery::Lossy,
            many: false,
            content: Content::Bytes,
            pool: None,
            // What does not fit is not possible either.
            slots: u32::try_from(bytes / 64).unwrap_or(u32::MAX),
            value: None,
        };
        if !shape.has_possible_slots() || shape.capacity_bytes() != Some(bytes) {
            return Err(RegionError::Capacity { region: region.name().clone(), bytes });
        }
        let readers = Readers { subscribers: config.subscribers, streams: 0 };
        let publisher = region.go_on_or_create(|found| *found == shape, || Ok(shape), readers)?;
        ByteBusPublisher::register(publisher, &region.uri, Some(shape.slots)).map(Self)
    }

    /// Goes on with byte bus `name`, whose writer was killed, as it is, of any capacity.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when there is no such bus, it is something else, or somebody alive writes it.
    pub fn open(name: &str) -> Result<Self, RegionError> {
        Self::open_with(name, &ByteBusConfig::new())
    }

    /// As [`ByteBus::open`], configured.
    ///
    /// # Errors
    ///
    /// As [`ByteBus::open`].
    pub fn open_with(name: &str, config: &ByteBusConfig) -> Result<Self, RegionError> {
        let region = BusRegion::new(config.dir.as_deref(), name)?;
        let found = region.look()?;
        if found.is_none_or(|shape| shape.content != Content::Bytes) {
            return Err(region.differs("a byte bus".to_owned(), found.as_ref()));
        }
        ByteBusPublisher::register(region.revive()?, &region.uri, None).map(Self)
    }

    /// Joins byte bus `name` as a reader, from now on: [`ByteBusConfig::connect`] with the defaults.
    ///
    /// # Errors
    ///
    /// As [`ByteBusConfig::connect`].
    pub fn connect(name: &str) -> Result<ByteBusSubscriber, RegionError> {
        ByteBusConfig::new().connect(name)
    }

    /// Sends a message of kind 0; returns its number, from 0.
    ///
    /// # Errors
    ///
    /// [`TooLarge`], with its length and the longest there can be; nothing was sent.
    #[inline(always)]
    pub fn send(&mut self, message: &[u8]) -> Result<u64, TooLarge> {
        self.0.send(0, message)
    }

    /// Sends a message of a kind, by which readers may pass it over; returns its number.
    ///
    /// # Errors
    ///
    /// As [`ByteBus::send`].
    #[inline(always)]
    pub fn send_as(&mut self, kind: u16, message: &[u8]) -> Result<u64, TooLarge> {
        self.0.send(kind, message)
    }

    /// Room for a message of `bytes` bytes, to be written in place and [committed](ByteBusClaim::commit). Dropped, it leaves no
    /// trace.
    ///
    /// # Errors
    ///
    /// As [`ByteBus::send`].
    #[inline(always)]
    pub fn claim(&mut self, bytes: usize) -> Result<ByteBusClaim<'_>, TooLarge> {
        self.0.claim(bytes)
    }

    /// Sends messages, each with its kind, and wakes sleeping readers once. Says how many were sent.
    ///
    /// # Errors
    ///
    /// [`TooLarge`], of the first message that is; those in front of it were sent.
    #[inline]
    pub fn send_batch<'m>(
        &mut self,
        messages: impl IntoIterator<Item = (u16, &'m [u8])>,
    ) -> Result<u64, TooLarge> {
        self.0.send_batch(messages)
    }

    /// Messages sent so far, by all writers that the bus has had.
    pub const fn sent(&self) -> u64 {
        self.0.sent()
    }

    /// Bytes of the ring.
    pub fn capacity_bytes(&self) -> usize {
        self.0.capacity_bytes()
    }

    /// The longest message: a quarter of the capacity, less eight bytes.
    pub fn most_bytes(&self) -> usize {
        self.0.most_bytes()
    }

    /// Increases each time a writer creates the bus or goes on with it.
    pub fn epoch(&self) -> u64 {
        self.0.publisher().view().epoch()
    }

    /// Readers that are alive, by their kernel locks. One is counted a moment before its place in the stream is fixed: who waits for
    /// readers here, and sends what they must not miss, has them connect from the oldest message on.
    pub fn subscriber_count(&self) -> usize {
        self.0.publisher().view().subscribers()
    }
}

impl fmt::Debug for ByteBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteBus")
            .field("sent", &self.sent())
            .field("capacity_bytes", &self.capacity_bytes())
            .finish_non_exhaustive()
    }
}
