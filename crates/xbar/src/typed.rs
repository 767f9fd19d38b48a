//! Messages of one type: no unsafe code, no copies, both ends checked.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use bytemuck::Pod;
use xbar_discovery::Uri;
use xbar_layout::ValueType;
use xbar_ring::{Adaptive, WaitStrategy};
use xbar_topic::value_type;

use crate::{
    Loan, NoRoom, PublishError, Publisher, RecvError, RegionError, Sample, Stream, Subscriber, Timestamp,
    Topic, TopicConfig, TryRecvError,
};

/// A topic of values of `T`, as its publisher has it.
///
/// ```
/// # let dir = std::env::temp_dir().join(format!("xbar-doc-typed-{}", std::process::id()));
/// use xbar::bytemuck::{Pod, Zeroable};
/// use xbar::{Config, Publisher, Subscriber};
///
/// #[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
/// #[bytemuck(crate = "xbar::bytemuck")]
/// #[repr(C)]
/// struct Quote {
///     bid: f64,
///     ask: f64,
/// }
///
/// let publisher = Publisher::create("quotes", &Config::new().dir(&dir))?;
/// let apple = publisher.register_typed::<Quote>("/quote/AAPL")?;
/// let subscriber = Subscriber::connect_in(&dir, "quotes")?;
/// let quotes = subscriber.subscribe_typed::<Quote>("/quote/AAPL")?;
///
/// publisher.send_typed(&apple, &Quote { bid: 223.01, ask: 223.02 })?;
/// let mut loan = publisher.loan_typed(&apple)?;
/// loan.bid = 223.02;
/// loan.ask = 223.03;
/// loan.publish();
///
/// assert_eq!(quotes.recv()?.ask, 223.02);
/// assert_eq!(*quotes.recv()?, Quote { bid: 223.02, ask: 223.03 });
///
/// // Another type is refused, with both in the message.
/// let error = subscriber.subscribe_typed::<[u32; 3]>("/quote/AAPL").unwrap_err().to_string();
/// assert!(error.contains("12 bytes") && error.contains("16 bytes"), "{error}");
/// # drop(publisher);
/// # std::fs::remove_dir_all(&dir).ok();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A type with bit patterns that mean nothing, or with padding, does not compile:
///
/// ```compile_fail,E0277
/// fn register(publisher: &xbar::Publisher) {
///     let _ = publisher.register_typed::<bool>("/flag");
/// }
/// ```
///
/// ```
/// fn register(publisher: &xbar::Publisher) {
///     let _ = publisher.register_typed::<u8>("/flag");
/// }
/// ```
pub struct TypedTopic<T> {
    topic: Topic,
    _value: PhantomData<fn(T)>,
}

impl<T> TypedTopic<T> {
    /// Its name.
    pub fn uri(&self) -> &str {
        self.topic.uri()
    }
}

impl Publisher {
    /// Registers a topic of which every message is one `T`: plain data, of at most 1 GiB and 64 bytes of alignment. Size and
    /// alignment are checked at both ends.
    ///
    /// # Errors
    ///
    /// As [`Publisher::register`], and [`RegionError::Type`] when `T` cannot be a message.
    pub fn register_typed<T: Pod>(&self, uri: &str) -> Result<TypedTopic<T>, RegionError> {
        self.register_typed_with(uri, &TopicConfig::new())
    }

    /// As [`Publisher::register_typed`], for a topic of another kind.
    ///
    /// # Errors
    ///
    /// As [`Publisher::register_typed`].
    pub fn register_typed_with<T: Pod>(
        &self,
        uri: &str,
        config: &TopicConfig,
    ) -> Result<TypedTopic<T>, RegionError> {
        self.register_named(uri, config, "")
    }

    /// As [`Publisher::register_typed_with`], under a name for the type, of which the first 64 bytes count: it is checked too
    /// where both ends give one.
    ///
    /// # Errors
    ///
    /// As [`Publisher::register_typed`].
    pub fn register_named<T: Pod>(
        &self,
        uri: &str,
        config: &TopicConfig,
        name: &str,
    ) -> Result<TypedTopic<T>, RegionError> {
        let config = config.value_type(value_type::<T>(&Uri::new(uri)?)?.named(name));
        Ok(TypedTopic { topic: self.register_with(uri, &config)?, _value: PhantomData })
    }

    /// Lends a block for a `T`, to be written in place. It holds the bytes of an earlier message.
    ///
    /// # Errors
    ///
    /// As [`Publisher::loan`].
    #[inline(always)]
    pub fn loan_typed<'p, T: Pod>(
        &'p self,
        topic: &'p TypedTopic<T>,
    ) -> Result<TypedLoan<'p, T>, PublishError> {
        Ok(TypedLoan { loan: self.loan(&topic.topic, size_of::<T>())?, _value: PhantomData })
    }

    /// Publishes a copy of `value`; returns its sequence number. Waits for room where the topic is lossless.
    ///
    /// # Errors
    ///
    /// As [`Publisher::send`].
    #[inline(always)]
    pub fn send_typed<T: Pod>(&self, topic: &TypedTopic<T>, value: &T) -> Result<u64, PublishError> {
        self.send(&topic.topic, bytemuck::bytes_of(value))
    }

    /// As [`Publisher::send_typed`], without waiting.
    ///
    /// # Errors
    ///
    /// As [`Publisher::try_send`].
    #[inline(always)]
    pub fn try_send_typed<T: Pod>(&self, topic: &TypedTopic<T>, value: &T) -> Result<u64, PublishError> {
        self.try_send(&topic.topic, bytemuck::bytes_of(value))
    }
}

/// A block that is lent for one `T`. As [`Loan`], it goes back when it is dropped unpublished.
pub struct TypedLoan<'p, T> {
    // Invariant: as long as a `T`; a block is aligned to 64 bytes.
    loan: Loan<'p>,
    _value: PhantomData<fn(T)>,
}

impl<T: Pod> TypedLoan<'_, T> {
    /// Publishes the value; returns its sequence number. Waits for room where the topic is lossless.
    #[inline(always)]
    pub fn publish(self) -> u64 {
        self.loan.publish()
    }

    /// As [`TypedLoan::publish`], without waiting.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] with the loan, when a lossless topic is full.
    #[inline(always)]
    pub fn try_publish(self) -> Result<u64, NoRoom<Self>> {
        self.loan.try_publish().map_err(|NoRoom(loan)| NoRoom(Self { loan, _value: PhantomData }))
    }
}

impl<T: Pod> Deref for TypedLoan<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        bytemuck::from_bytes(&self.loan)
    }
}

impl<T: Pod> DerefMut for TypedLoan<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        bytemuck::from_bytes_mut(&mut self.loan)
    }
}

impl Subscriber {
    /// Receives values of `T` from topic `uri`, from now on.
    ///
    /// # Errors
    ///
    /// As [`Subscriber::subscribe`], and [`RegionError::Differs`] when the topic has another type, or none.
    pub fn subscribe_typed<T: Pod>(&self, uri: &str) -> Result<TypedStream<T>, RegionError> {
        self.subscribe_named(uri, "")
    }

    /// As [`Subscriber::subscribe_typed`], under a name for the type, which must be the publisher's if that gave one.
    ///
    /// # Errors
    ///
    /// As [`Subscriber::subscribe_typed`].
    pub fn subscribe_named<T: Pod>(&self, uri: &str, name: &str) -> Result<TypedStream<T>, RegionError> {
        let asked = value_type::<T>(&Uri::new(uri)?)?.named(name);
        self.subscribe(uri)?.typed(&asked, self.region())
    }

    /// As [`Subscriber::subscribe_typed`], beginning with the last `messages` that were published before, as far as they are
    /// still readable.
    ///
    /// # Errors
    ///
    /// As [`Subscriber::subscribe_typed`].
    pub fn subscribe_typed_last<T: Pod>(
        &self,
        uri: &str,
        messages: u64,
    ) -> Result<TypedStream<T>, RegionError> {
        self.subscribe_last(uri, messages)?.typed(&value_type::<T>(&Uri::new(uri)?)?, self.region())
    }
}

impl Stream {
    fn typed<T: Pod>(self, asked: &ValueType, region: &str) -> Result<TypedStream<T>, RegionError> {
        let found = match &self.0.shape().value {
            Some(found) if found.agrees_with(asked) => {
                return Ok(TypedStream { stream: self, _value: PhantomData });
            }
            Some(found) => format!("of type {found}"),
            None => "of any bytes".to_owned(),
        };
        Err(RegionError::Differs {
            region: xbar_shm::RegionName::new(region)?,
            uri: self.0.uri().clone(),
            asked: format!("of type {asked}"),
            found,
        })
    }

    /// The next message as a `T`, of a topic of any kind, if there is one.
    ///
    /// # Errors
    ///
    /// As [`Stream::try_recv`], and [`TryRecvError::WrongType`] when the message has another size or alignment: it counts as
    /// received.
    #[inline(always)]
    pub fn try_recv_typed<T: Pod>(&self) -> Result<TypedSample<'_, T>, TryRecvError> {
        TypedSample::new(self.try_recv()?)
    }
}

/// A topic of values of `T`, as one subscriber receives it.
pub struct TypedStream<T> {
    stream: Stream,
    _value: PhantomData<fn() -> T>,
}

impl<T: Pod> TypedStream<T> {
    /// The next value, if there is one; of a pinned topic the latest, if it was not received yet.
    ///
    /// # Errors
    ///
    /// As [`Stream::try_recv_typed`].
    #[inline(always)]
    pub fn try_recv(&self) -> Result<TypedSample<'_, T>, TryRecvError> {
        self.stream.try_recv_typed()
    }

    /// The next value, however long that takes.
    ///
    /// # Errors
    ///
    /// As [`Stream::recv`].
    pub fn recv(&self) -> Result<TypedSample<'_, T>, RecvError> {
        self.recv_with(Adaptive)
    }

    /// The next value, waiting up to `timeout`.
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_timeout`].
    pub fn recv_timeout(&self, timeout: Duration) -> Result<TypedSample<'_, T>, RecvError> {
        TypedSample::new(self.stream.recv_timeout(timeout)?).map_err(RecvError::from)
    }

    /// The next value, waiting as `strategy` says.
    ///
    /// # Errors
    ///
    /// As [`Stream::recv_with`].
    pub fn recv_with(&self, strategy: impl WaitStrategy) -> Result<TypedSample<'_, T>, RecvError> {
        TypedSample::new(self.stream.recv_with(strategy)?).map_err(RecvError::from)
    }

    /// The latest value of a pinned topic, received already or not.
    ///
    /// # Errors
    ///
    /// As [`Stream::try_recv_pinned`].
    #[inline(always)]
    pub fn try_recv_pinned(&self) -> Result<TypedSample<'_, T>, TryRecvError> {
        TypedSample::new(self.stream.try_recv_pinned()?)
    }

    /// The stream of bytes beneath: its counts and its name.
    pub const fn stream(&self) -> &Stream {
        &self.stream
    }
}

/// A received value; its block stays as it is until this is dropped.
pub struct TypedSample<'s, T> {
    // Invariant: as long as a `T`, and aligned as one.
    sample: Sample<'s>,
    _value: PhantomData<fn() -> T>,
}

impl<'s, T: Pod> TypedSample<'s, T> {
    #[inline(always)]
    fn new(sample: Sample<'s>) -> Result<Self, TryRecvError> {
        // The payload of a slot is aligned to 8, that of a block to 64.
        let aligned = align_of::<T>() <= 8 || (sample.as_ptr() as usize) % align_of::<T>() == 0;
        if sample.len() != size_of::<T>() || !aligned {
            let (bytes, size, align) = (sample.len(), size_of::<T>(), align_of::<T>());
            return Err(TryRecvError::WrongType { bytes, size, align });
        }
        Ok(Self { sample, _value: PhantomData })
    }

    /// Its place in the topic's stream, from 0.
    pub fn sequence(&self) -> u64 {
        self.sample.sequence()
    }

    /// When it was published; `None` unless the region was created to keep publish times.
    pub fn publish_time(&self) -> Option<Timestamp> {
        self.sample.publish_time()
    }
}

impl<T: Pod> Deref for TypedSample<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        bytemuck::from_bytes(&self.sample)
    }
}

impl<T> fmt::Debug for TypedTopic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedTopic").field(&self.topic).finish()
    }
}

impl<T> fmt::Debug for TypedLoan<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedLoan").field(&self.loan).finish()
    }
}

impl<T> fmt::Debug for TypedStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedStream").field(&self.stream).finish()
    }
}

impl<T> fmt::Debug for TypedSample<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedSample").field(&self.sample).finish()
    }
}
