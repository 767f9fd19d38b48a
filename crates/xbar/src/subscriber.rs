//! Receiving.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use xbar_discovery::Uri;
use xbar_layout::{Delivery, ValueType};
use xbar_ring::{Adaptive, WaitStrategy};
use xbar_shm::{BaseDir, RegionName};
use xbar_topic as topic;
use xbar_topic::Start;

use crate::config::base;
use crate::{RecvError, RegionError, Sample, TryRecvError};

/// A handle that receives from a region, through a read-only mapping.
///
/// `Send` and `Sync`; its streams may outlive it.
pub struct Subscriber(pub(crate) topic::Subscriber);

impl Subscriber {
    /// Joins the living region `name`.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when there is no such region, its publishers are dead, its memory is damaged or of another
    /// version, or it has no room for another subscriber.
    pub fn connect(name: &str) -> Result<Self, RegionError> {
        Self::connect_at(None, name)
    }

    /// As [`Subscriber::connect`], with regions living in `dir`.
    ///
    /// # Errors
    ///
    /// As [`Subscriber::connect`].
    pub fn connect_in(dir: impl AsRef<Path>, name: &str) -> Result<Self, RegionError> {
        Self::connect_at(Some(dir.as_ref()), name)
    }

    pub(crate) fn connect_at(dir: Option<&Path>, name: &str) -> Result<Self, RegionError> {
        topic::Subscriber::connect(&base(dir), &RegionName::new(name)?).map(Self)
    }

    /// Joins the region `name` of another user, who shares it ([`Config::shared_with`](crate::Config::shared_with)) and whom
    /// this process trusts: what that user can do to it at worst is to truncate a file that is mapped here, which ends it.
    ///
    /// # Errors
    ///
    /// As [`Subscriber::connect`]; also when the region belongs to neither of the two users, nor to root.
    pub fn connect_to_user(uid: u32, name: &str) -> Result<Self, RegionError> {
        topic::Subscriber::connect(&BaseDir::of_user(uid), &RegionName::new(name)?).map(Self)
    }

    /// As [`Subscriber::connect_to_user`], with regions living in `dir`.
    ///
    /// # Errors
    ///
    /// As [`Subscriber::connect_to_user`].
    pub fn connect_to_user_in(uid: u32, dir: impl AsRef<Path>, name: &str) -> Result<Self, RegionError> {
        let base = base(Some(dir.as_ref())).trusting(uid);
        topic::Subscriber::connect(&base, &RegionName::new(name)?).map(Self)
    }

    /// As [`Subscriber::connect`], waiting up to `timeout` for the region to appear.
    ///
    /// # Errors
    ///
    /// [`RegionError::TimedOut`] with what the last look said; at once, when waiting cannot help.
    pub fn connect_timeout(name: &str, timeout: Duration) -> Result<Self, RegionError> {
        topic::Subscriber::connect_timeout(&base(None), &RegionName::new(name)?, timeout).map(Self)
    }

    /// As [`Subscriber::connect_timeout`], with regions living in `dir`.
    ///
    /// # Errors
    ///
    /// As [`Subscriber::connect_timeout`].
    pub fn connect_timeout_in(
        dir: impl AsRef<Path>,
        name: &str,
        timeout: Duration,
    ) -> Result<Self, RegionError> {
        let base = base(Some(dir.as_ref()));
        topic::Subscriber::connect_timeout(&base, &RegionName::new(name)?, timeout).map(Self)
    }

    /// Receives what is published on topic `uri` from now on. Of a lossless topic, publishers wait for this stream from now on.
    ///
    /// # Errors
    ///
    /// [`RegionError::NoTopic`] when nobody has registered it.
    pub fn subscribe(&self, uri: &str) -> Result<Stream, RegionError> {
        self.subscribe_at(uri, Start::Now)
    }

    /// As [`Subscriber::subscribe`], beginning with what was published before and is still readable: up to the topic's
    /// depth.
    ///
    /// # Errors
    ///
    /// As [`Subscriber::subscribe`].
    pub fn subscribe_from_oldest(&self, uri: &str) -> Result<Stream, RegionError> {
        self.subscribe_at(uri, Start::Last(u64::MAX))
    }

    /// As [`Subscriber::subscribe`], beginning with the last `messages` that were published before, as far as they are still
    /// readable.
    ///
    /// # Errors
    ///
    /// As [`Subscriber::subscribe`].
    pub fn subscribe_last(&self, uri: &str, messages: u64) -> Result<Stream, RegionError> {
        self.subscribe_at(uri, Start::Last(messages))
    }

    fn subscribe_at(&self, uri: &str, start: Start) -> Result<Stream, RegionError> {
        self.0.subscribe(&Uri::new(uri)?, start).map(Stream)
    }

    /// As [`Subscriber::subscribe`], waiting up to `timeout` for the topic to be registered.
    ///
    /// # Errors
    ///
    /// [`RegionError::TimedOut`]; at once, when the region's publishers are gone.
    pub fn subscribe_timeout(&self, uri: &str, timeout: Duration) -> Result<Stream, RegionError> {
        self.0.subscribe_timeout(&Uri::new(uri)?, Start::Now, timeout).map(Stream)
    }

    /// As [`Publisher::apply_memory`](crate::Publisher::apply_memory), for this process.
    ///
    /// # Errors
    ///
    /// As [`Publisher::apply_memory`](crate::Publisher::apply_memory).
    pub fn apply_memory(&self, memory: &crate::memory::Memory) -> Result<(), crate::memory::MemoryError> {
        memory.apply(self.0.view().data())
    }

    /// The topics registered so far.
    pub fn topics(&self) -> Vec<String> {
        self.0.view().topics().map(|topic| topic.uri().as_str().to_owned()).collect()
    }

    /// Publisher handles of the region that are alive, by their kernel locks.
    pub fn publisher_count(&self) -> usize {
        self.0.view().publishers()
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

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One topic as one subscriber receives it.
///
/// `Send`, not `Sync`. Every receive either brings the next message or says why not; messages that were overwritten are
/// counted, once each.
///
/// ```compile_fail
/// fn after_the_stream(subscriber: xbar::Subscriber) -> xbar::Sample<'static> {
///     let stream = subscriber.subscribe("/a").unwrap();
///     stream.recv().unwrap()
/// }
/// ```
///
/// ```
/// fn after_the_stream(subscriber: xbar::Subscriber) -> xbar::OwnedSample {
///     let stream = subscriber.subscribe("/a").unwrap();
///     stream.recv().unwrap().into_owned()
/// }
/// ```
pub struct Stream(pub(crate) topic::Stream);

impl Stream {
    /// The next message, if there is one; of a pinned topic the latest, if it was not received yet. Never waits.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] when there is none yet, [`Lagged`](TryRecvError::Lagged) with the number of messages
    /// overwritten, [`Disconnected`](TryRecvError::Disconnected) when the publisher is gone and everything was received.
    #[inline(always)]
    pub fn try_recv(&self) -> Result<Sample<'_>, TryRecvError> {
        self.0.try_recv()
    }

    /// The next message, however long that takes: spins for a moment ([`Adaptive`](crate::Adaptive)), then sleeps
    /// until woken.
    ///
    /// # Errors
    ///
    /// [`RecvError`], never `Timeout`. A killed publisher is noticed within 100 ms.
    #[inline]
    pub fn recv(&self) -> Result<Sample<'_>, RecvError> {
        self.0.recv()
    }

    /// The next message, waiting up to `timeout`. Zero looks once.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    #[inline]
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Sample<'_>, RecvError> {
        self.0.recv_timeout(timeout)
    }

    /// The next message, waiting as `strategy` says: [`BusySpin`](crate::BusySpin) on a core of its own,
    /// [`Park`](crate::Park) to sleep at once, or your own.
    ///
    /// # Errors
    ///
    /// [`RecvError`], never `Timeout`.
    #[inline]
    pub fn recv_with(&self, strategy: impl WaitStrategy) -> Result<Sample<'_>, RecvError> {
        self.0.recv_with(strategy, None)
    }

    /// As [`Stream::recv_with`], up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    #[inline]
    pub fn recv_with_timeout(
        &self,
        strategy: impl WaitStrategy,
        timeout: Duration,
    ) -> Result<Sample<'_>, RecvError> {
        self.0.recv_with(strategy, Some(timeout))
    }

    /// The latest message of a pinned topic, received already or not: the same until there is a newer one. Never waits, and
    /// never makes the publisher wait.
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("xbar-doc-pin-{}", std::process::id()));
    /// use xbar::{Config, Publisher, Subscriber, TopicConfig};
    ///
    /// let publisher = Publisher::create("robot", &Config::new().dir(&dir))?;
    /// let pose = publisher.register_with("/pose", &TopicConfig::new().pinned())?;
    /// let stream = Subscriber::connect_in(&dir, "robot")?.subscribe("/pose")?;
    ///
    /// let mut loan = publisher.loan_pinned(&pose, 1000)?;
    /// loan.fill(1);
    /// loan.publish();
    /// assert_eq!(stream.try_recv_pinned()?[999], 1);
    /// assert_eq!(stream.try_recv_pinned()?[999], 1);
    /// # drop((pose, publisher));
    /// # std::fs::remove_dir_all(&dir).ok();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] only before the first message, [`TryRecvError::NotPinned`] when the topic is not.
    #[inline(always)]
    pub fn try_recv_pinned(&self) -> Result<Sample<'_>, TryRecvError> {
        self.0.try_recv_pinned()
    }

    /// As [`Stream::try_recv_pinned`], waiting for the first message.
    ///
    /// # Errors
    ///
    /// [`RecvError`], never `Timeout`.
    pub fn recv_pinned(&self) -> Result<Sample<'_>, RecvError> {
        self.0.recv_pinned_with(Adaptive, None)
    }

    /// As [`Stream::recv_pinned`], waiting up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    pub fn recv_pinned_timeout(&self, timeout: Duration) -> Result<Sample<'_>, RecvError> {
        self.0.recv_pinned_with(Adaptive, Some(timeout))
    }

    /// How the topic's messages are delivered.
    pub const fn delivery(&self) -> Delivery {
        self.0.shape().delivery
    }

    /// The type that all messages of the topic have, if it was registered with one: size, alignment, perhaps a name.
    pub const fn value_type(&self) -> Option<ValueType> {
        self.0.shape().value
    }

    /// True while a publisher has the topic registered, and was alive when the kernel was asked last: every 100 ms of
    /// receiving nothing.
    pub fn is_connected(&self) -> bool {
        self.0.is_connected()
    }

    /// Waits up to `timeout` for a publisher to have the topic registered; says whether one has. Asks the kernel whether it
    /// lives.
    pub fn wait_connected(&self, timeout: Duration) -> bool {
        self.0.wait_connected(timeout)
    }

    /// The topic's name.
    pub fn uri(&self) -> &str {
        self.0.uri().as_str()
    }

    /// Messages received so far.
    pub fn received(&self) -> u64 {
        self.0.received()
    }

    /// Messages missed so far; received + missed = published since the stream began, once it is drained.
    pub fn missed(&self) -> u64 {
        self.0.missed()
    }

    /// Messages published and not yet received, as far as this moment tells.
    pub fn pending(&self) -> u64 {
        self.0.pending()
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
