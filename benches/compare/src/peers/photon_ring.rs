//! photon-ring: seqlock-stamped broadcast rings, `atomic-slots` as by default.

use photon_ring::{
    DependencyBarrier, MpPublisher, PublishError, Publisher, Subscribable, Subscriber, WaitStrategy,
};

use crate::contract::{Channel, ManyWriters, Payload, Receives, Sends, Staged};

fn subscribers<T: Payload, const READERS: usize>(ring: &Subscribable<T>) -> [Subscriber<T>; READERS] {
    std::array::from_fn(|_| ring.subscribe())
}

/// `channel`: one writer, lossy.
#[derive(Debug)]
pub struct Lossy;

impl<T: Payload> Channel<T> for Lossy {
    type Sender = Publisher<T>;
    type Receiver = Subscriber<T>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let (publisher, ring) = photon_ring::channel(slots);
        (publisher, subscribers(&ring))
    }
}

/// `channel_bounded`: one writer, waits for the slowest reader.
#[derive(Debug)]
pub struct Bounded;

/// The writing end of [`Bounded`]: tries until there is room.
pub struct Waiting<T: Payload>(Publisher<T>);

impl<T: Payload> Channel<T> for Bounded {
    type Sender = Waiting<T>;
    type Receiver = Subscriber<T>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let (publisher, ring) = photon_ring::channel_bounded(slots, 0);
        (Waiting(publisher), subscribers(&ring))
    }
}

/// `channel_mpmc`: many writers, lossy.
#[derive(Debug)]
pub struct Many;

impl<T: Payload> Channel<T> for Many {
    type Sender = MpPublisher<T>;
    type Receiver = Subscriber<T>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let (publisher, ring) = photon_ring::channel_mpmc(slots);
        (publisher, subscribers(&ring))
    }
}

impl<T: Payload> ManyWriters<T> for Many {
    fn another(sender: &Self::Sender) -> Self::Sender {
        sender.clone()
    }
}

/// `channel_bounded` with a `DependencyBarrier`.
#[derive(Debug)]
pub struct Stages;

/// A subscriber behind a barrier.
pub struct Gated<T: Payload> {
    subscriber: Subscriber<T>,
    barrier: DependencyBarrier,
}

impl<T: Payload> Staged<T> for Stages {
    type Sender = Waiting<T>;
    type First = Subscriber<T>;
    type Second = Gated<T>;

    fn open(slots: usize) -> (Self::Sender, Self::First, Self::Second) {
        let (publisher, ring) = photon_ring::channel_bounded(slots, 0);
        let first = ring.subscribe_tracked();
        let barrier = DependencyBarrier::from_subscribers(&[&first]);
        (Waiting(publisher), first, Gated { subscriber: ring.subscribe(), barrier })
    }
}

impl<T: Payload> Receives<T> for Gated<T> {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&T) -> R) -> Option<R> {
        self.subscriber.try_recv_gated(&self.barrier).ok().map(|value| read(&value))
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.subscriber.recv_gated(&self.barrier))
    }
}

impl<T: Payload> Sends<T> for Publisher<T> {
    #[inline(always)]
    fn send(&mut self, value: &T) {
        self.publish(*value);
    }

    #[inline(always)]
    fn send_many(&mut self, values: &[T]) {
        self.publish_batch(values);
    }
}

impl<T: Payload> Sends<T> for Waiting<T> {
    #[inline(always)]
    fn send(&mut self, value: &T) {
        let mut value = *value;
        while let Err(PublishError::Full(back)) = self.0.try_publish(value) {
            value = back;
        }
    }

    #[inline(always)]
    fn send_many(&mut self, values: &[T]) {
        self.0.publish_batch(values);
    }
}

impl<T: Payload> Sends<T> for MpPublisher<T> {
    #[inline(always)]
    fn send(&mut self, value: &T) {
        self.publish(*value);
    }
}

impl<T: Payload> Receives<T> for Subscriber<T> {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&T) -> R) -> Option<R> {
        self.try_recv().ok().map(|value| read(&value))
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.recv_with(WaitStrategy::BusySpin))
    }
}
