//! What lies between two stages: a ring of items that move, of items that are copied, or a lossy one.

use std::sync::Arc;

use xbar_layout::sync::{AtomicU64, Ordering};
use xbar_ring::channel::Publisher;
use xbar_ring::event::{Change, Events, Many, Order, Poller, Producer};
use xbar_ring::{Pod, PublishError, RecvError, Source, Subscriber, WaitStrategy, bounded};
use xbar_shm::memory::{Memory, MemoryError};

use crate::bell::{Bell, Parked};
use crate::shutdown::Until;
use crate::thread_channel::{LosslessPublisher, LossyPublisher, ThreadChannel};

/// How a stage waits, at both its ends.
pub(super) type Patience = Until<Box<dyn WaitStrategy + Send>>;

/// Items that a stage takes before it looks whether it was stopped.
const MOST: usize = 64;

/// Why no more items move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The other side is gone, and nothing is left.
    Gone,
    /// Told to stop.
    Stopped,
}

/// The end of a link that items enter.
pub(super) trait Outlet<T>: Send {
    fn send(&mut self, item: T, patience: &mut Patience) -> Result<(), End>;
}

/// The end of a link that items leave.
pub(super) trait Inlet<T>: Send {
    /// Gives `take` what is there, at least one item, waiting for it.
    fn each(&mut self, patience: &mut dyn WaitStrategy, take: &mut dyn FnMut(T)) -> Result<(), RecvError>;

    /// The next item.
    fn next(&mut self, patience: &mut dyn WaitStrategy) -> Result<T, RecvError>;
}

pub(super) type Ends<T> = (Box<dyn Outlet<T>>, Box<dyn Inlet<T>>);

/// A link with many entrances.
pub(super) type Entrances<T> = (Slots<T, Many>, Box<dyn Inlet<T>>);

/// What is counted of a link, for people.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Items that entered.
    pub(super) entered: Count,
    /// Items that left.
    pub(super) left: Count,
    /// Items that were overwritten before they left.
    pub(super) missed: Count,
}

/// One number, on a line of its own.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Count(AtomicU64);

impl Count {
    /// Adds, where nobody else does.
    #[inline]
    pub(super) fn add(&self, more: u64) {
        // ORDERING: none; a figure for people.
        let now = self.0.load(Ordering::Relaxed);
        // ORDERING: none; as above, and nobody else writes it.
        self.0.store(now + more, Ordering::Relaxed);
    }

    /// Adds beside others.
    #[inline]
    pub(super) fn add_beside(&self, more: u64) {
        // ORDERING: none; a figure for people.
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        // ORDERING: none; a figure for people.
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for Count {
    fn default() -> Self {
        Self(AtomicU64::new(0))
    }
}

/// How large a link is, where, and who counts it.
#[derive(Debug, Clone)]
pub(super) struct Size {
    pub(super) capacity: usize,
    pub(super) memory: Option<Memory>,
    pub(super) counts: Arc<Counts>,
}

impl Size {
    fn channel(&self) -> ThreadChannel {
        let channel = ThreadChannel::new(self.capacity).subscribers(1);
        self.memory.map_or(channel, |memory| channel.memory(memory))
    }
}

/// Makes a link; chosen by the stage behind it.
pub(super) type MakeLink<T> = fn(&Size) -> Result<Ends<T>, MemoryError>;

/// Items move through an event ring, in an `Option` that stays.
type Slots<T, O> = Producer<Option<T>, O, Bell>;

struct Moving<T: 'static, O: Order> {
    producer: Slots<T, O>,
    counts: Arc<Counts>,
    is_alone: bool,
}

/// A link for any item.
pub(super) fn moved<T: Send + 'static>(size: &Size) -> Result<Ends<T>, MemoryError> {
    let events = size.channel().events(|| None)?;
    let (producer, inlet) = through(events, size);
    Ok((Box::new(Moving { producer, counts: Arc::clone(&size.counts), is_alone: true }), inlet))
}

/// A link with many entrances.
pub(super) fn entrances<T: Send + 'static>(size: &Size) -> Result<Entrances<T>, MemoryError> {
    Ok(through(size.channel().events_many(|| None)?, size))
}

/// One of those entrances.
pub(super) fn entrance<T: Send + 'static>(
    producer: Slots<T, Many>,
    counts: &Arc<Counts>,
) -> Box<dyn Outlet<T>> {
    Box::new(Moving { producer, counts: Arc::clone(counts), is_alone: false })
}

fn through<T: Send + 'static, O: Order>(
    mut events: Events<Option<T>, O, Bell>,
    size: &Size,
) -> (Slots<T, O>, Box<dyn Inlet<T>>) {
    let poller = events.changer([]);
    (events.build(), Box::new(Taking { poller, counts: Arc::clone(&size.counts) }))
}

/// Sends `item`, which is handed back when it cannot be sent.
pub(super) fn put<T: Send + 'static, O: Order>(
    producer: &mut Slots<T, O>,
    item: T,
    patience: &mut dyn WaitStrategy,
) -> Result<(), (End, Option<T>)> {
    let mut item = Some(item);
    let sent = producer.publish_waiting(patience, |slot| *slot = item.take()).map_err(|error| match error {
        PublishError::Stopped(_) => End::Stopped,
        _ => End::Gone,
    });
    sent.map_err(|end| (end, item))
}

impl<T: Send + 'static, O: Order> Outlet<T> for Moving<T, O> {
    fn send(&mut self, item: T, patience: &mut Patience) -> Result<(), End> {
        put(&mut self.producer, item, patience).map_err(|(end, _)| end)?;
        if self.is_alone {
            self.counts.entered.add(1)
        } else {
            self.counts.entered.add_beside(1)
        }
        Ok(())
    }
}

struct Taking<T: 'static, O: Order> {
    poller: Poller<Option<T>, Change, O, Bell>,
    counts: Arc<Counts>,
}

impl<T: Send + 'static, O: Order> Inlet<T> for Taking<T, O> {
    fn each(&mut self, patience: &mut dyn WaitStrategy, take: &mut dyn FnMut(T)) -> Result<(), RecvError> {
        let Self { poller, counts } = self;
        poller.each_with(patience, MOST, |slot, _| {
            if let Some(item) = slot.take() {
                counts.left.add(1);
                take(item);
            }
        })?;
        Ok(())
    }

    fn next(&mut self, patience: &mut dyn WaitStrategy) -> Result<T, RecvError> {
        loop {
            if let Some(item) = self.poller.handle_with(&mut *patience, Option::take)? {
                self.counts.left.add(1);
                return Ok(item);
            }
        }
    }
}

/// A link of values that are copied: through a lossless ring of one writer.
pub(super) fn copied<T: Copy + Send + 'static>(size: &Size) -> Result<Ends<T>, MemoryError> {
    let (publisher, subscribers) = size.channel().lossless::<T>()?;
    let subscriber =
        subscribers.subscribe().unwrap_or_else(|error| panic!("a link without a reader: {error}"));
    let counts = Arc::clone(&size.counts);
    Ok((
        Box::new(Copying { publisher, counts: Arc::clone(&counts) }),
        Box::new(Receiving { subscriber, counts }),
    ))
}

struct Copying<T: Copy + Send> {
    publisher: LosslessPublisher<bounded::one::Writer<T>>,
    counts: Arc<Counts>,
}

impl<T: Copy + Send> Outlet<T> for Copying<T> {
    fn send(&mut self, item: T, patience: &mut Patience) -> Result<(), End> {
        self.publisher.publish_waiting(item, patience).map_err(|error| match error {
            PublishError::Stopped(_) => End::Stopped,
            _ => End::Gone,
        })?;
        self.counts.entered.add(1);
        Ok(())
    }
}

struct Receiving<S> {
    subscriber: Subscriber<Parked<S>>,
    counts: Arc<Counts>,
}

impl<S: Source> Receiving<S> {
    fn count(&self) {
        let Self { subscriber, counts } = self;
        counts.left.add(subscriber.total_received() - counts.left.get());
        counts.missed.add(subscriber.total_missed() - counts.missed.get());
    }
}

impl<S: Source + Send> Inlet<S::Value> for Receiving<S> {
    fn each(
        &mut self,
        patience: &mut dyn WaitStrategy,
        take: &mut dyn FnMut(S::Value),
    ) -> Result<(), RecvError> {
        let first = self.next(patience)?;
        take(first);
        // What stops it is told by the next one.
        let _ = self.subscriber.try_recv_each(MOST - 1, take);
        self.count();
        Ok(())
    }

    fn next(&mut self, patience: &mut dyn WaitStrategy) -> Result<S::Value, RecvError> {
        loop {
            let received = self.subscriber.recv_with(&mut *patience);
            self.count();
            // Counted, and readable in the stage's figures.
            if !matches!(received, Err(RecvError::Lagged { .. })) {
                return received;
            }
        }
    }
}

/// A link whose entrance never waits: the oldest items are overwritten, and counted.
pub(super) fn lossy<T: Pod + Send>(size: &Size) -> Result<Ends<T>, MemoryError> {
    let (publisher, subscribers) = size.channel().lossy::<T>()?;
    let counts = Arc::clone(&size.counts);
    let inlet = Receiving { subscriber: subscribers.subscribe(), counts: Arc::clone(&counts) };
    Ok((Box::new(Overwriting { publisher, counts }), Box::new(inlet)))
}

struct Overwriting<T: Pod> {
    publisher: LossyPublisher<Publisher<T>>,
    counts: Arc<Counts>,
}

impl<T: Pod + Send> Outlet<T> for Overwriting<T> {
    fn send(&mut self, item: T, _patience: &mut Patience) -> Result<(), End> {
        self.publisher.publish(item);
        self.counts.entered.add(1);
        Ok(())
    }
}

/// Every item for every branch.
pub(super) struct FanOut<T>(pub(super) Vec<Box<dyn Outlet<T>>>);

impl<T: Clone + Send> Outlet<T> for FanOut<T> {
    /// A branch that is gone is left out: its panic is told by the pipeline, and the others go on.
    fn send(&mut self, item: T, patience: &mut Patience) -> Result<(), End> {
        let mut end = End::Gone;
        self.0.retain_mut(|branch| match branch.send(item.clone(), patience) {
            Ok(()) => true,
            Err(why) => {
                end = why;
                false
            }
        });
        if self.0.is_empty() { Err(end) } else { Ok(()) }
    }
}

/// Nobody wants the items.
pub(super) struct Nowhere;

impl<T> Outlet<T> for Nowhere {
    fn send(&mut self, _item: T, _patience: &mut Patience) -> Result<(), End> {
        Ok(())
    }
}
