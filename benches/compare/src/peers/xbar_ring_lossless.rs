//! Ours: xbar-ring, the lossless channels of one process.

use xbar_ring::channel::{
    Bounded as Settings, BoundedPublisher, BoundedSubscriber, MpBoundedPublisher, MpBoundedSubscriber,
};
use xbar_ring::{BusySpin, Source, Stage};

use super::xbar_ring::SourceOf;
use crate::contract::{Channel, ManyWriters, Payload, Receives, Sends, Staged};

/// `channel_bounded`: one writer, waits for the slowest reader.
#[derive(Debug)]
pub struct Bounded;

/// `channel_bounded_mpmc`: many writers, which wait for the slowest reader.
#[derive(Debug)]
pub struct ManyBounded;

impl<T: Payload> Channel<T> for Bounded {
    type Sender = BoundedPublisher<T>;
    type Receiver = BoundedSubscriber<T>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let (publisher, subscribers) = Settings::new(slots).subscribers(READERS.max(1)).build();
        let subscriber = |_| subscribers.subscribe().expect("room for every reader");
        (publisher, std::array::from_fn(subscriber))
    }
}

impl<T: Payload> Channel<T> for ManyBounded {
    type Sender = MpBoundedPublisher<T>;
    type Receiver = MpBoundedSubscriber<T>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let (publisher, subscribers) = Settings::new(slots).subscribers(READERS.max(1)).build_mpmc();
        let subscriber = |_| subscribers.subscribe().expect("room for every reader");
        (publisher, std::array::from_fn(subscriber))
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

    #[inline(always)]
    fn drain(&mut self, most: usize, mut read: impl FnMut(&T)) -> usize {
        self.try_handle_each(most, |value| read(&value)).unwrap_or(0)
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

macro_rules! receives_lossless {
    ($subscriber:ty) => {
        impl<T: Payload> Receives<T> for $subscriber {
            #[inline(always)]
            fn take<R>(&mut self, read: impl FnOnce(&T) -> R) -> Option<R> {
                self.try_recv().ok().map(|value| read(&value))
            }

            #[inline(always)]
            fn wait<R>(&mut self, read: impl FnOnce(&T) -> R) -> R {
                read(&self.recv_with(BusySpin).expect("a message"))
            }

            #[inline(always)]
            fn drain(&mut self, most: usize, mut read: impl FnMut(&T)) -> usize {
                self.try_recv_each(most, |value| read(&value)).unwrap_or(0)
            }
        }
    };
}

receives_lossless!(BoundedSubscriber<T>);
receives_lossless!(MpBoundedSubscriber<T>);
