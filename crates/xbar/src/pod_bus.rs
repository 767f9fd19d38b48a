//! A bus of plain values between processes.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bytemuck::Pod;
use xbar_layout::{Content, TopicShape};
use xbar_ring::WaitStrategy;
use xbar_topic::{self as topic, BusPublisher, Start};

use crate::bus_region::{BusRegion, Readers};
use crate::{Delivery, PublishError, RegionError, TopicConfig};

/// One writer, any number of readers in any process, values of one plain type: the ring of
/// [`xbar::ring::channel`](crate::ring::channel()) in shared memory. A value of up to 56 bytes costs one cache line transfer.
///
/// - **Loses?** [`create`](Self::create) makes a lossy bus, which overwrites its oldest value; readers learn how many they
///   missed, and map everything read-only. [`create_bounded`](Self::create_bounded) makes one that waits for its
///   slowest reader; without readers nobody is waited for.
/// - **Restarts?** A bus whose writer was killed is gone on with by the next [`create`](Self::create) of the same type and
///   capacity, or by [`open`](Self::open): readers stay connected, sequence numbers go on, the epoch rises. A writer that is
///   dropped removes its bus.
///
/// ```
/// # let dir = std::env::temp_dir().join(format!("xbar-doc-bus-{}", std::process::id()));
/// use xbar::{BusConfig, PodBus};
///
/// let config = BusConfig::new().dir(&dir);
/// let bus = PodBus::<[f64; 2]>::create_with("quotes", 1024, &config)?;
/// let mut quotes = config.connect::<[f64; 2]>("quotes")?; // in another process
///
/// bus.publish(&[223.01, 223.02]);
/// assert_eq!(quotes.recv()?, [223.01, 223.02]);
/// # drop(bus);
/// # std::fs::remove_dir_all(&dir).ok();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PodBus<T: Pod>(BusPublisher<T>);

/// Receives a [`PodBus`]: `try_recv`, `recv`, `recv_timeout`, `recv_batch`, `drain`, `latest` and what it missed, as
/// [`xbar_ring::Subscriber`].
pub type BusSubscriber<T> = topic::BusSubscriber<T>;

/// What a bus is created with besides its capacity; the same says where to find it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct BusConfig {
    subscribers: u32,
    streams: u32,
    type_name: String,
    dir: Option<PathBuf>,
}

impl Default for BusConfig {
    fn default() -> Self {
        Self { subscribers: 64, streams: 1, type_name: String::new(), dir: None }
    }
}

impl BusConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Subscribers alive at once, 1 to 4096. Default 64.
    pub const fn subscribers(mut self, subscribers: u32) -> Self {
        self.subscribers = subscribers;
        self
    }

    /// A name for the type, of which the first 64 bytes count: checked where both ends give one. Size and alignment always
    /// are.
    pub fn type_name(mut self, name: impl Into<String>) -> Self {
        self.type_name = name.into();
        self
    }

    /// Where buses live. Default: the environment's `XBAR_DIR`, else a directory of this user's under `/dev/shm`.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Joins bus `name` as a reader, from now on.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when there is no such bus, it is of another type, its writer is dead, or it has no room for another
    /// reader.
    pub fn connect<T: Pod>(&self, name: &str) -> Result<BusSubscriber<T>, RegionError> {
        self.join(name, Start::Now)
    }

    /// As [`BusConfig::connect`], beginning with what is still readable of what was published before.
    ///
    /// # Errors
    ///
    /// As [`BusConfig::connect`].
    pub fn connect_from_oldest<T: Pod>(&self, name: &str) -> Result<BusSubscriber<T>, RegionError> {
        self.join(name, Start::Last(u64::MAX))
    }

    /// As [`BusConfig::connect`], waiting up to `timeout` for the bus to appear.
    ///
    /// # Errors
    ///
    /// [`RegionError::TimedOut`] with what the last look said; at once, when waiting cannot help.
    pub fn connect_timeout<T: Pod>(
        &self,
        name: &str,
        timeout: Duration,
    ) -> Result<BusSubscriber<T>, RegionError> {
        // All of it again each time: a region is there before its bus is, and another may take its place.
        topic::wait_for(timeout, || self.connect(name))
    }

    fn join<T: Pod>(&self, name: &str, start: Start) -> Result<BusSubscriber<T>, RegionError> {
        let region = BusRegion::new(self.dir.as_deref(), name)?;
        region.subscriber()?.subscribe_bus(&region.uri, &self.type_name, start)
    }
}

impl<T: Pod> PodBus<T> {
    /// Creates the lossy bus `name` of which the newest `capacity` values are readable, or goes on with one like it whose
    /// writer was killed.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when a living process writes it, `capacity` is not 1 to 2^20 - 1, `T` has no size or more than 1 GiB, or
    /// the memory is not to be had.
    pub fn create(name: &str, capacity: u32) -> Result<Self, RegionError> {
        Self::create_with(name, capacity, &BusConfig::new())
    }

    /// As [`PodBus::create`], for a bus that waits for its slowest reader, of which `capacity` values may be unread.
    ///
    /// # Errors
    ///
    /// As [`PodBus::create`].
    pub fn create_bounded(name: &str, capacity: u32) -> Result<Self, RegionError> {
        Self::create_bounded_with(name, capacity, &BusConfig::new())
    }

    /// As [`PodBus::create`], configured.
    ///
    /// # Errors
    ///
    /// As [`PodBus::create`].
    pub fn create_with(name: &str, capacity: u32, config: &BusConfig) -> Result<Self, RegionError> {
        Self::make(name, capacity, Delivery::Lossy, config)
    }

    /// As [`PodBus::create_bounded`], configured.
    ///
    /// # Errors
    ///
    /// As [`PodBus::create`].
    pub fn create_bounded_with(name: &str, capacity: u32, config: &BusConfig) -> Result<Self, RegionError> {
        Self::make(name, capacity, Delivery::Lossless, config)
    }

    /// Goes on with bus `name` of the type `T`, whose writer was killed, as it is: lossy or bounded, of any capacity.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when there is no such bus, it is of another type, or somebody alive writes it.
    pub fn open(name: &str) -> Result<Self, RegionError> {
        Self::open_with(name, &BusConfig::new())
    }

    /// As [`PodBus::open`], configured.
    ///
    /// # Errors
    ///
    /// As [`PodBus::open`].
    pub fn open_with(name: &str, config: &BusConfig) -> Result<Self, RegionError> {
        let region = BusRegion::new(config.dir.as_deref(), name)?;
        let found = region.look()?;
        let asked = topic::value_type::<T>(&region.uri)?.named(&config.type_name);
        let delivery = match found {
            Some(TopicShape { delivery, content: Content::Values, value: Some(value), .. })
                if value.agrees_with(&asked) =>
            {
                delivery
            }
            _ => return Err(region.differs(format!("a bus of values {asked}"), found.as_ref())),
        };
        let publisher = region.revive()?;
        BusPublisher::register(publisher, &region.uri, topic_config(delivery), &config.type_name).map(Self)
    }

    /// Joins bus `name` as a reader, from now on: [`BusConfig::connect`] with the defaults.
    ///
    /// # Errors
    ///
    /// As [`BusConfig::connect`].
    pub fn connect(name: &str) -> Result<BusSubscriber<T>, RegionError> {
        BusConfig::new().connect(name)
    }

    fn make(name: &str, capacity: u32, delivery: Delivery, config: &BusConfig) -> Result<Self, RegionError> {
        let wanted = topic_config(delivery).depth(capacity);
        let region = BusRegion::new(config.dir.as_deref(), name)?;
        let uri = &region.uri;
        let asked = topic::value_type::<T>(uri)?.named(&config.type_name);
        let is_like = |found: &TopicShape| {
            found.content == Content::Values
                && found.delivery == delivery
                && found.slots.checked_sub(1) == Some(capacity)
                && found.value.is_some_and(|value| value.agrees_with(&asked))
        };
        let shape = || {
            let shape = TopicShape {
                delivery: Delivery::Lossy,
                many: false,
                content: Content::Values,
                pool: None,
                slots: capacity.saturating_add(1),
                value: Some(asked),
            };
            let depth = || RegionError::Depth { uri: uri.clone(), depth: capacity };
            shape.has_possible_slots().then_some(shape).ok_or_else(depth)
        };
        let readers = Readers { subscribers: config.subscribers, streams: config.streams };
        let publisher = region.go_on_or_create(is_like, shape, readers)?;
        BusPublisher::register(publisher, uri, wanted, &config.type_name).map(Self)
    }

    /// Publishes `value`. Waits for room where the bus is bounded.
    #[inline(always)]
    pub fn publish(&self, value: &T) {
        self.0.publish(value);
    }

    /// As [`PodBus::publish`], without waiting.
    ///
    /// # Errors
    ///
    /// [`PublishError::Full`] when the bus is bounded and has no room, with the process that is waited for.
    #[inline(always)]
    pub fn try_publish(&self, value: &T) -> Result<(), PublishError> {
        self.0.try_publish(value)
    }

    /// As [`PodBus::publish`], waiting up to `timeout`.
    ///
    /// # Errors
    ///
    /// As [`PodBus::try_publish`].
    pub fn publish_timeout(&self, value: &T, timeout: Duration) -> Result<(), PublishError> {
        self.0.publish_timeout(value, timeout)
    }

    /// As [`PodBus::publish`], waiting as `strategy` says.
    ///
    /// # Errors
    ///
    /// [`PublishError::Stopped`] when the strategy ends the wait: a [`Shutdown`](crate::Shutdown) was stopped.
    pub fn publish_with(&self, value: &T, strategy: impl WaitStrategy) -> Result<(), PublishError> {
        self.0.publish_with(value, strategy, None)
    }

    /// Publishes `values` in order, and wakes sleeping readers once.
    #[inline]
    pub fn publish_batch(&self, values: &[T]) {
        self.0.publish_batch(values);
    }

    /// Values published so far, by all writers that the bus has had.
    pub fn published(&self) -> u64 {
        self.0.sequence()
    }

    /// Increases each time a writer creates the bus or goes on with it.
    pub fn epoch(&self) -> u64 {
        self.0.publisher().view().epoch()
    }

    /// Readers that are alive, by their kernel locks.
    pub fn subscriber_count(&self) -> usize {
        self.0.publisher().view().subscribers()
    }
}

/// What a bus is registered as.
fn topic_config(delivery: Delivery) -> TopicConfig {
    match delivery {
        Delivery::Lossless => TopicConfig::new().lossless(),
        _ => TopicConfig::new(),
    }
}

impl<T: Pod> fmt::Debug for PodBus<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PodBus").field("published", &self.published()).finish_non_exhaustive()
    }
}
