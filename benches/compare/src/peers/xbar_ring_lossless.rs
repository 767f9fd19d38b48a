//! Ours: xbar-ring, the lossless channels of one process.

use xbar_ring::channel::{
    Bounded as Settings, BoundedPublisher, BoundedSubscriber, MpBoundedPublisher, MpBoundedSubscriber,
};
use xbar_ring::{BusySpin, Source, Stage, Subscriber};

use super::xbar_ring::SourceOf;
use crate::contract::{Channel, ManyWriters, Payload, Receives, Sends, Staged};

/// `channel_bounded`: one writer, waits for the slowest reader.
#[derive(Debug)]
pub struct Bounded;

/// `channel_bounded_mpmc`: many writers, which wait for the slowest reader.
#[derive(Debug)]
pub struct ManyBounded;

/// The reading end of a lossless channel, and room for what it takes at once: it tells the writer once for each batch.
pub struct Inbox<S: Source> {
    subscriber: Subscriber<S>,
    room: Vec<S::Value>,
}

impl<T: Payload, S: Source<Value = T>> Inbox<S> {
    fn new(subscriber: Subscriber<S>) -> Self {
        Self { subscriber, room: vec![T::zeroed(); 64] }
    }
}

impl<T: Payload> Channel<T> for Bounded {
    type Sender = BoundedPublisher<T>;
    type Receiver = Inbox<SourceOf<BoundedSubscriber<T>>>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let (publisher, subscribers) = Settings::new(slots).subscribers(READERS.max(1)).build();
        let inbox = |_| Inbox::new(subscribers.subscribe().expect("room for every reader"));
        (publisher, std::array::from_fn(inbox))
    }
}

impl<T: Payload> Channel<T> for ManyBounded {
    type Sender = MpBoundedPublisher<T>;
    type Receiver = Inbox<SourceOf<MpBoundedSubscriber<T>>>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let (publisher, subscribers) = Settings::new(slots).subscribers(READERS.max(1)).build_mpmc();
        let inbox = |_| Inbox::new(subscribers.subscribe().expect("room for every reader"));
        (publisher, std::array::from_fn(inbox))
    }
}

impl<T: Payload> ManyWriters<T> for ManyBounded {
    fn another(sender: &Self::Sender) -> Self::Sender {
        sender.clone()
    }
}

/// `channel_bounded` with a stage behind another.
#[derive(Debug)]
pub struct Stages;

impl<T: Payload> Staged<T> for Stages {
    type Sender = BoundedPublisher<T>;
    type First = Stage<SourceOf<BoundedSubscriber<T>>>;
    type Second = Stage<SourceOf<BoundedSubscriber<T>>>;

    fn open(slots: usize) -> (Self::Sender, Self::First, Self::Second) {
        let (publisher, subscribers) = Settings::new(slots).subscribers(2).build();
        let first = subscribers.subscribe().expect("room for two").into_stage([]);
        let second = subscribers.subscribe().expect("room for two").into_stage([first.progress()]);
        (publisher, first, second)
    }
}

impl<T: Payload, S: Source<Value = T>> Receives<T> for Stage<S> {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&T) -> R) -> Option<R> {
        self.try_handle(|value| read(&value)).ok()
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&T) -> R) -> R {
        self.handle_with(BusySpin, |value| read(&value)).expect("a message")
    }
}

macro_rules! sends_lossless {
    ($publisher:ty) => {
        impl<T: Payload> Sends<T> for $publisher {
            #[inline(always)]
            fn send(&mut self, value: &T) {
                self.publish_waiting(*value, BusySpin).expect("a reader");
            }

            #[inline(always)]
            fn send_many(&mut self, values: &[T]) {
                self.publish_batch(values).expect("a reader");
            }
        }
    };
}

sends_lossless!(BoundedPublisher<T>);
sends_lossless!(MpBoundedPublisher<T>);

impl<T: Payload, S: Source<Value = T>> Receives<T> for Inbox<S> {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&T) -> R) -> Option<R> {
        self.subscriber.try_recv().ok().map(|value| read(&value))
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.subscriber.recv_with(BusySpin).expect("a message"))
    }

    #[inline(always)]
    fn drain(&mut self, most: usize, read: impl FnMut(&T)) -> usize {
        let room = most.min(self.room.len());
        let taken = self.subscriber.recv_batch(&mut self.room[..room]).unwrap_or(0);
        self.room[..taken].iter().for_each(read);
        taken
    }
}
