//! One topic of a bus: its ring, and its publishers while nobody has them.
//!
//! Invariant: the only publisher of a topic is either in the topic or out with somebody; it is never made anew, so the stream goes
//! on from one to the next.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use xbar_ring::channel::{MpPublisher, MpSubscribers, OneSubscribers, Publisher, Shared, Slots};
use xbar_ring::heap::Heap;
use xbar_ring::{Pod, Reader, Subscriber};

use super::{BusError, Either, Writers};
use crate::bell::Parked;
use crate::thread_channel::{LossyPublisher, LossySubscribers, ThreadChannel};

type OneSource<T> = Parked<Reader<Heap, Slots<T>>>;

/// Receives from a topic of a bus: all forms of receiving of [`Subscriber`].
pub type BusSubscriber<T> = Subscriber<Either<OneSource<T>, Parked<Shared<T>>>>;

/// A topic.
pub(super) enum Topic<T: Pod> {
    One {
        /// None while somebody has it.
        publisher: Mutex<Option<LossyPublisher<Publisher<T>>>>,
        subscribers: LossySubscribers<OneSubscribers<T>>,
    },
    Many {
        publisher: Mutex<LossyPublisher<MpPublisher<T>>>,
        subscribers: LossySubscribers<MpSubscribers<T>>,
    },
}

impl<T: Pod + Send> Topic<T> {
    pub(super) fn new(channel: ThreadChannel, writers: Writers) -> Result<Self, BusError> {
        Ok(match writers {
            Writers::One => {
                let (publisher, subscribers) = channel.lossy()?;
                Self::One { publisher: Mutex::new(Some(publisher)), subscribers }
            }
            Writers::Many => {
                let (publisher, subscribers) = channel.lossy_many()?;
                Self::Many { publisher: Mutex::new(publisher), subscribers }
            }
        })
    }

    pub(super) fn subscribe(&self, from_oldest: bool) -> BusSubscriber<T> {
        match self {
            Self::One { subscribers, .. } if from_oldest => {
                subscribers.subscribe_from_oldest().through(Either::One)
            }
            Self::One { subscribers, .. } => subscribers.subscribe().through(Either::One),
            Self::Many { subscribers, .. } if from_oldest => {
                subscribers.subscribe_from_oldest().through(Either::Many)
            }
            Self::Many { subscribers, .. } => subscribers.subscribe().through(Either::Many),
        }
    }

    /// A publisher; none while somebody has the only one.
    pub(super) fn publisher(self: &Arc<Self>) -> Option<BusPublisher<T>> {
        let end = match &**self {
            Self::One { publisher, .. } => End::One(Some(lock(publisher).take()?)),
            Self::Many { publisher, .. } => End::Many(lock(publisher).clone()),
        };
        Some(BusPublisher { end, topic: Arc::clone(self) })
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

enum End<T: Pod> {
    /// None once it is given back.
    One(Option<LossyPublisher<Publisher<T>>>),
    Many(LossyPublisher<MpPublisher<T>>),
}

/// Publishes on a topic of a bus. No call waits, none fails. Dropped, it is given back.
pub struct BusPublisher<T: Pod> {
    end: End<T>,
    topic: Arc<Topic<T>>,
}

impl<T: Pod> BusPublisher<T> {
    /// Publishes `value`.
    #[inline]
    pub fn publish(&mut self, value: T) {
        match &mut self.end {
            End::One(Some(publisher)) => publisher.publish(value),
            End::One(None) => {} // given back: there is nobody who could call this
            End::Many(publisher) => publisher.publish(value),
        }
    }

    /// Publishes `values` in order.
    #[inline]
    pub fn publish_batch(&mut self, values: &[T]) {
        match &mut self.end {
            End::One(Some(publisher)) => publisher.publish_batch(values),
            End::One(None) => {} // as above
            End::Many(publisher) => publisher.publish_batch(values),
        }
    }

    /// Values published on the topic so far.
    pub fn published(&self) -> u64 {
        match &self.end {
            End::One(publisher) => publisher.as_ref().map_or(0, LossyPublisher::<Publisher<T>>::published),
            End::Many(publisher) => publisher.published(),
        }
    }
}

impl<T: Pod> Drop for BusPublisher<T> {
    fn drop(&mut self) {
        if let (End::One(publisher), Topic::One { publisher: place, .. }) = (&mut self.end, &*self.topic) {
            *lock(place) = publisher.take();
        }
    }
}

impl<T: Pod> fmt::Debug for BusPublisher<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusPublisher").field("published", &self.published()).finish_non_exhaustive()
    }
}
