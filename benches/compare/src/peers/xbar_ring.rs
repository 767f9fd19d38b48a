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

/// A reading end, and room for what it takes at once.
pub struct Inbox<S: Source> {
    subscriber: Subscriber<S>,
    room: Vec<S::Value>,
}

impl<T: Payload, S: Source<Value = T>> Inbox<S> {
    fn new(subscriber: Subscriber<S>) -> Self {
        Self { subscriber, room: vec![T::zeroed(); 64] }
    }
}

impl<T: Payload> Channel<T> for Lossy {
    type Sender = Publisher<T>;
    type Receiver = Inbox<SourceOf<OneSubscriber<T>>>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let (publisher, subscribers) = channel(slots);
        (publisher, std::array::from_fn(|_| Inbox::new(subscribers.subscribe())))
    }
}

impl<T: Payload> Channel<T> for Many {
    type Sender = MpPublisher<T>;
    type Receiver = Inbox<SourceOf<MpSubscriber<T>>>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let (publisher, subscribers) = channel_mpmc(slots);
        (publisher, std::array::from_fn(|_| Inbox::new(subscribers.subscribe())))
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

impl<T: Payload, S: Source<Value = T>> Receives<T> for Inbox<S> {
    #[inline(always)]
    fn receive(&mut self) -> Option<T> {
        self.subscriber.try_recv().ok()
    }

    #[inline(always)]
    fn wait(&mut self) -> T {
        self.subscriber.recv_with(BusySpin).expect("a message")
    }

    #[inline(always)]
    fn drain(&mut self, most: usize, mut each: impl FnMut(T)) -> usize {
        let room = most.min(self.room.len());
        let taken = self.subscriber.recv_batch(&mut self.room[..room]).unwrap_or(0);
        self.room[..taken].iter().for_each(|value| each(*value));
        taken
    }
}

/// What a kind of subscriber reads from.
type SourceOf<S> = <S as Reads>::Source;

/// Names the source of a subscriber, whose type is an alias there.
pub trait Reads {
    /// What it reads from.
    type Source: Source;
}

impl<S: Source> Reads for Subscriber<S> {
    type Source = S;
}
