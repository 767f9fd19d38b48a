//! A bus whose topics have types of their own.

use std::any::{Any, type_name};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use xbar_discovery::{Pattern, Uri};
use xbar_ring::Pod;
use xbar_shm::memory::Memory;

use super::topic::{Topic, lock};
use super::{BusError, BusPublisher, BusSubscriber, Writers};
use crate::thread_channel::ThreadChannel;

/// A topic, as a bus lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BusTopic {
    /// Its name.
    pub uri: Uri,
    /// The type of its values, as the compiler calls it.
    pub type_name: &'static str,
    /// How many may publish.
    pub writers: Writers,
}

struct Entry {
    listed: BusTopic,
    /// A `Topic` of that type.
    topic: Arc<dyn Any + Send + Sync>,
}

/// Topics of many types; clone it for each thread. The first use of a topic decides its type; any other is refused.
///
/// ```
/// use xbar::{BusError, TypedBus};
///
/// let bus = TypedBus::new(64);
/// let mut ticks = bus.subscribe::<f64>("/tick")?;
/// bus.publisher::<f64>("/tick")?.publish(223.02);
/// assert_eq!(ticks.recv()?, 223.02);
/// assert!(matches!(bus.subscribe::<u32>("/tick"), Err(BusError::WrongType { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TypedBus {
    channel: ThreadChannel,
    writers: Writers,
    topics: Arc<Mutex<BTreeMap<String, Entry>>>,
}

impl TypedBus {
    /// A bus of topics that keep the newest `capacity - 1` values each, with one writer a topic.
    ///
    /// # Panics
    ///
    /// When `capacity < 2`.
    pub fn new(capacity: usize) -> Self {
        assert!(capacity >= 2, "a bus needs a capacity >= 2, not {capacity}");
        Self { channel: ThreadChannel::new(capacity), writers: Writers::One, topics: Arc::default() }
    }

    /// How many may publish on topics that this handle makes without [declaring](Self::declare) them.
    #[must_use]
    pub fn writers(self, writers: Writers) -> Self {
        Self { writers, ..self }
    }

    /// Lets the topics that this handle makes lie in memory as wished.
    #[must_use]
    pub fn memory(self, memory: Memory) -> Self {
        Self { channel: self.channel.memory(memory), ..self }
    }

    /// Makes a topic with so many writers.
    ///
    /// # Errors
    ///
    /// [`BusError`]; also when it is there with others.
    pub fn declare<T: Pod + Send>(&self, topic: &str, writers: Writers) -> Result<(), BusError> {
        let (_, listed) = self.topic::<T>(topic, writers)?;
        if listed.writers == writers {
            Ok(())
        } else {
            Err(BusError::WrongWriters { topic: listed.uri, has: listed.writers })
        }
    }

    /// A publisher of `topic`; dropped, it is given back, and the stream does not end.
    ///
    /// # Errors
    ///
    /// [`BusError`].
    pub fn publisher<T: Pod + Send>(&self, topic: &str) -> Result<BusPublisher<T>, BusError> {
        let (topic, listed) = self.topic::<T>(topic, self.writers)?;
        topic.publisher().ok_or(BusError::Taken { topic: listed.uri })
    }

    /// A subscriber of what is published on `topic` from now on.
    ///
    /// # Errors
    ///
    /// [`BusError`].
    pub fn subscribe<T: Pod + Send>(&self, topic: &str) -> Result<BusSubscriber<T>, BusError> {
        Ok(self.topic::<T>(topic, self.writers)?.0.subscribe(false))
    }

    /// A subscriber of `topic` that begins with the oldest value that is still readable.
    ///
    /// # Errors
    ///
    /// [`BusError`].
    pub fn subscribe_from_oldest<T: Pod + Send>(&self, topic: &str) -> Result<BusSubscriber<T>, BusError> {
        Ok(self.topic::<T>(topic, self.writers)?.0.subscribe(true))
    }

    /// Subscribers of all topics of that type that there are now and that match.
    pub fn subscribe_matching<T: Pod + Send>(&self, pattern: &Pattern) -> Vec<(Uri, BusSubscriber<T>)> {
        let topics = lock(&self.topics);
        let matching = topics.values().filter(|entry| pattern.matches(&entry.listed.uri));
        let subscribe = |entry: &Entry| {
            let topic = Arc::clone(&entry.topic).downcast::<Topic<T>>().ok()?;
            Some((entry.listed.uri.clone(), topic.subscribe(false)))
        };
        matching.filter_map(subscribe).collect()
    }

    /// The topics that there are, by name.
    pub fn topics(&self) -> Vec<BusTopic> {
        lock(&self.topics).values().map(|entry| entry.listed.clone()).collect()
    }

    /// Removes a topic; says whether it was there. Its stream ends when its publishers are dropped, and its name is free at once.
    pub fn remove(&self, topic: &str) -> bool {
        // Dropped outside the lock: that may wake subscribers.
        let removed = lock(&self.topics).remove(topic);
        removed.is_some()
    }

    /// The topic of that name, made with so many writers if it is not there.
    fn topic<T: Pod + Send>(
        &self,
        name: &str,
        writers: Writers,
    ) -> Result<(Arc<Topic<T>>, BusTopic), BusError> {
        let uri = Uri::new(name)?;
        let mut topics = lock(&self.topics);
        if let Some(Entry { listed, topic, .. }) = topics.get(name) {
            let wrong =
                |_| BusError::WrongType { topic: uri, has: listed.type_name, asked: type_name::<T>() };
            return Ok((Arc::clone(topic).downcast().map_err(wrong)?, listed.clone()));
        }
        let topic = Arc::new(Topic::<T>::new(self.channel, writers)?);
        let listed = BusTopic { uri, type_name: type_name::<T>(), writers };
        let entry = Entry { listed: listed.clone(), topic: Arc::<Topic<T>>::clone(&topic) };
        topics.insert(name.to_owned(), entry);
        Ok((topic, listed))
    }
}

impl fmt::Debug for TypedBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedBus").field("topics", &self.topics()).finish_non_exhaustive()
    }
}
