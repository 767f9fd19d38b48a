//! Ours: xbar-ring, the lossy channels of one process.

use xbar_ring::channel::{MpPublisher, MpSubscriber, OneSubscriber, Publisher};
use xbar_ring::{BusySpin, Source, Subscriber, channel, channel_mpmc};

use crate::contract::{Channel, Payload, Receives, Sends};

/// `channel`: one writer, lossy.
#[derive(Debug)]
pub struct Lossy;

/// `channel_mpmc`: many writers, lossy.
#[derive(Debug)]
pub struct Many;

/// Messages up to this size are received as values, larger ones into a place: as the documentation advises.
const SMALL_BYTES: usize = 64;

/// The reading end of a lossy channel, and a place for large messages.
pub struct Reader<S: Source> {
    subscriber: Subscriber<S>,
    place: Box<S::Value>,
}

impl<T: Payload, S: Source<Value = T>> Reader<S> {
    fn new(subscriber: Subscriber<S>) -> Self {
        Self { subscriber, place: Box::new(T::zeroed()) }
    }
}

impl<T: Payload> Channel<T> for Lossy {
    type Sender = Publisher<T>;
    type Receiver = Reader<SourceOf<OneSubscriber<T>>>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let (publisher, subscribers) = channel(slots);
        (publisher, std::array::from_fn(|_| Reader::new(subscribers.subscribe())))
    }
}

impl<T: Payload> Channel<T> for Many {
    type Sender = MpPublisher<T>;
    type Receiver = Reader<SourceOf<MpSubscriber<T>>>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let (publisher, subscribers) = channel_mpmc(slots);
        (publisher, std::array::from_fn(|_| Reader::new(subscribers.subscribe())))
    }
}

impl<T: Payload> Sends<T> for Publisher<T> {
    #[inline(always)]
    fn send(&mut self, value: &T) {
        self.publish_from(value);
    }

    #[inline(always)]
    fn send_many(&mut self, values: &[T]) {
        self.publish_batch(values);
    }
}

impl<T: Payload> Sends<T> for MpPublisher<T> {
    #[inline(always)]
    fn send(&mut self, value: &T) {
        self.publish_from(value);
    }

    #[inline(always)]
    fn send_many(&mut self, values: &[T]) {
        self.publish_batch(values);
    }
}

impl<T: Payload, S: Source<Value = T>> Receives<T> for Reader<S> {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&T) -> R) -> Option<R> {
        if size_of::<T>() <= SMALL_BYTES {
            return self.subscriber.try_recv().ok().map(|value| read(&value));
        }
        self.subscriber.try_recv_into(&mut self.place).ok().map(|()| read(&self.place))
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.subscriber.recv_with(BusySpin).expect("a message"))
    }

    #[inline(always)]
    fn drain(&mut self, most: usize, mut read: impl FnMut(&T)) -> usize {
        self.subscriber.try_recv_each(most, |value| read(&value)).unwrap_or(0)
    }
}

/// What a kind of subscriber reads from.
pub type SourceOf<S> = <S as Reads>::Source;

/// Names the source of a subscriber, whose type is an alias there.
pub trait Reads {
    /// What it reads from.
    type Source: Source;
}

impl<S: Source> Reads for Subscriber<S> {
    type Source = S;
}
