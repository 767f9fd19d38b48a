//! Ours: xbar-ring, the channels of one process.

use xbar_ring::channel::{MpPublisher, MpSubscriber, OneSubscriber, Publisher};
use xbar_ring::{BusySpin, Source, Subscriber, channel, channel_mpmc};

use crate::contract::{Channel, Payload, Receives, Sends};

/// `channel`: one writer, lossy.
#[derive(Debug)]
pub struct Lossy;

/// `channel_mpmc`: many writers, lossy.
#[derive(Debug)]
pub struct Many;

impl<T: Payload> Channel<T> for Lossy {
    type Sender = Publisher<T>;
    type Receiver = OneSubscriber<T>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let (publisher, subscribers) = channel(slots);
        (publisher, std::array::from_fn(|_| subscribers.subscribe()))
    }
}

impl<T: Payload> Channel<T> for Many {
    type Sender = MpPublisher<T>;
    type Receiver = MpSubscriber<T>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let (publisher, subscribers) = channel_mpmc(slots);
        (publisher, std::array::from_fn(|_| subscribers.subscribe()))
    }
}

impl<T: Payload> Sends<T> for Publisher<T> {
    #[inline(always)]
    fn send(&mut self, value: T) {
        self.publish(value);
    }

    #[inline(always)]
    fn send_many(&mut self, values: &[T]) {
        self.publish_batch(values);
    }
}

impl<T: Payload> Sends<T> for MpPublisher<T> {
    #[inline(always)]
    fn send(&mut self, value: T) {
        self.publish(value);
    }

    #[inline(always)]
    fn send_many(&mut self, values: &[T]) {
        self.publish_batch(values);
    }
}

impl<T: Payload, S: Source<Value = T>> Receives<T> for Subscriber<S> {
    #[inline(always)]
    fn receive(&mut self) -> Option<T> {
        self.try_recv().ok()
    }

    #[inline(always)]
    fn wait(&mut self) -> T {
        self.recv_with(BusySpin).expect("a message")
    }
}
