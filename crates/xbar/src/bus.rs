//! Buses: many topics by name, in one process, each a lossy channel whose ends sleep while they wait.
//!
//! - **Loses?** As any lossy channel: a subscriber that is overtaken learns exactly how many messages it missed.
//! - **Blocks?** Publishing never; making ends takes a lock, which publishing and receiving do not.
//! - **Allocates?** When a topic is first used.
//!
//! ```
//! use xbar::Bus;
//!
//! let bus = Bus::<[f64; 2]>::new(1024);
//! let mut apple = bus.subscribe("/tick/AAPL")?; // the topic is there from its first use
//! let mut publisher = bus.publisher("/tick/AAPL")?;
//! assert!(bus.publisher("/tick/AAPL").is_err(), "one writer a topic, unless asked for more");
//! publisher.publish([223.02, 100.0]);
//! assert_eq!(apple.recv()?, [223.02, 100.0]);
//! drop(publisher); // given back: the stream goes on with the next one
//! bus.publisher("/tick/AAPL")?.publish([223.05, 5.0]);
//! assert_eq!(apple.recv()?, [223.05, 5.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod either;
mod topic;
mod typed;

use std::fmt;
use std::marker::PhantomData;

use xbar_discovery::{Pattern, Uri, UriError};
use xbar_ring::Pod;
use xbar_shm::memory::{Memory, MemoryError};

pub use either::Either;
pub use topic::{BusPublisher, BusSubscriber};
pub use typed::{BusTopic, TypedBus};

/// How many may publish on a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Writers {
    /// One at a time: whoever has the publisher, until it is dropped.
    #[default]
    One,
    /// Any number.
    Many,
}

/// Why a bus gives no end of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BusError {
    /// That is no topic's name.
    Uri(UriError),
    /// Somebody has the topic's only publisher.
    Taken {
        /// The topic.
        topic: Uri,
    },
    /// The topic's values are of another type.
    WrongType {
        /// The topic.
        topic: Uri,
        /// The type that it has.
        has: &'static str,
        /// The type that was asked for.
        asked: &'static str,
    },
    /// The topic is there already, with other writers.
    WrongWriters {
        /// The topic.
        topic: Uri,
        /// What it has.
        has: Writers,
    },
    /// A wish about memory was refused.
    Memory(MemoryError),
}

impl fmt::Display for BusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uri(error) => write!(f, "{error}"),
            Self::Taken { topic } => write!(
                f,
                "topic {} has a publisher already: drop it first, or declare the topic with many writers",
                topic.as_str()
            ),
            Self::WrongType { topic, has, asked } => {
                write!(
                    f,
                    "topic {} carries {has}, not {asked}: ask for that, or use another name",
                    topic.as_str()
                )
            }
            Self::WrongWriters { topic, has } => {
                write!(
                    f,
                    "topic {} is there with {has:?} writers: declare it before its first use",
                    topic.as_str()
                )
            }
            Self::Memory(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for BusError {}

impl From<UriError> for BusError {
    fn from(error: UriError) -> Self {
        Self::Uri(error)
    }
}

impl From<MemoryError> for BusError {
    fn from(error: MemoryError) -> Self {
        Self::Memory(error)
    }
}

/// Topics of one type; clone it for each thread: see [the module](self). [`TypedBus`] has topics of many types.
pub struct Bus<T> {
    typed: TypedBus,
    of: PhantomData<fn(T) -> T>,
}

impl<T: Pod + Send> Bus<T> {
    /// A bus of topics that keep the newest `capacity - 1` values each, with one writer a topic.
    ///
    /// # Panics
    ///
    /// When `capacity < 2`.
    pub fn new(capacity: usize) -> Self {
        Self { typed: TypedBus::new(capacity), of: PhantomData }
    }

    /// How many may publish on topics that were not [declared](Self::declare).
    #[must_use]
    pub fn writers(self, writers: Writers) -> Self {
        Self { typed: self.typed.writers(writers), of: PhantomData }
    }

    /// Lets the topics that are made from now on lie in memory as wished.
    #[must_use]
    pub fn memory(self, memory: Memory) -> Self {
        Self { typed: self.typed.memory(memory), of: PhantomData }
    }

    /// Makes a topic with so many writers.
    ///
    /// # Errors
    ///
    /// [`BusError`].
    pub fn declare(&self, topic: &str, writers: Writers) -> Result<(), BusError> {
        self.typed.declare::<T>(topic, writers)
    }

    /// A publisher of `topic`; dropped, it is given back, and the stream does not end.
    ///
    /// # Errors
    ///
    /// [`BusError`].
    pub fn publisher(&self, topic: &str) -> Result<BusPublisher<T>, BusError> {
        self.typed.publisher(topic)
    }

    /// A subscriber of what is published on `topic` from now on.
    ///
    /// # Errors
    ///
    /// [`BusError`].
    pub fn subscribe(&self, topic: &str) -> Result<BusSubscriber<T>, BusError> {
        self.typed.subscribe(topic)
    }

    /// A subscriber of `topic` that begins with the oldest value that is still readable.
    ///
    /// # Errors
    ///
    /// [`BusError`].
    pub fn subscribe_from_oldest(&self, topic: &str) -> Result<BusSubscriber<T>, BusError> {
        self.typed.subscribe_from_oldest(topic)
    }

    /// Subscribers of all topics that there are now and that match.
    pub fn subscribe_matching(&self, pattern: &Pattern) -> Vec<(Uri, BusSubscriber<T>)> {
        self.typed.subscribe_matching(pattern)
    }

    /// The topics that there are, by name.
    pub fn topics(&self) -> Vec<BusTopic> {
        self.typed.topics()
    }

    /// Removes a topic; says whether it was there. Its stream ends when its publishers are dropped, and its name is free at once.
    pub fn remove(&self, topic: &str) -> bool {
        self.typed.remove(topic)
    }
}

impl<T> Clone for Bus<T> {
    fn clone(&self) -> Self {
        Self { typed: self.typed.clone(), of: PhantomData }
    }
}

impl<T> fmt::Debug for Bus<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bus").field(&self.typed).finish()
    }
}
