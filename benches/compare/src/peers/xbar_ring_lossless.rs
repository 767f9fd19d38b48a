//! Ours: xbar-ring, the lossless channels of one process.

use xbar_ring::channel::{
    Bounded as Settings, BoundedPublisher, BoundedSubscriber, MpBoundedPublisher, MpBoundedSubscriber,
};
use xbar_ring::{BusySpin, Source, Subscriber};

use super::xbar_ring::SourceOf;
use crate::contract::{Channel, ManyWriters, Payload, Receives, Sends};

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
