//! Ours: xbar-ring, events in place.

use xbar_ring::event::{Events, Many, One, Order, Poller, Producer, Read};
use xbar_ring::{BusySpin, Quiet};

use crate::contract::{Channel, ManyWriters, Payload, Receives, Sends, Staged};

/// `Events::one_producer`, readers side by side.
#[derive(Debug)]
pub struct Single;

/// `Events::many_producers`, readers side by side.
#[derive(Debug)]
pub struct Multi;

/// `Events::one_producer`, one reader and then another.
#[derive(Debug)]
pub struct Stages;

impl<T: Payload> Channel<T> for Single {
    type Sender = Producer<T>;
    type Receiver = Poller<T>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let mut events = Events::one_producer(slots, T::zeroed);
        let readers = std::array::from_fn(|_| events.reader([]));
        (events.build(), readers)
    }
}

impl<T: Payload> Channel<T> for Multi {
    type Sender = Producer<T, Many>;
    type Receiver = Poller<T, Read, Many>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let mut events = Events::many_producers(slots, T::zeroed);
        let readers = std::array::from_fn(|_| events.reader([]));
        (events.build(), readers)
    }
}

impl<T: Payload> ManyWriters<T> for Multi {
    fn another(sender: &Self::Sender) -> Self::Sender {
        sender.clone()
    }
}

impl<T: Payload> Staged<T> for Stages {
    type Sender = Producer<T>;
    type First = Poller<T>;
    type Second = Poller<T>;

    fn open(slots: usize) -> (Self::Sender, Self::First, Self::Second) {
        let mut events = Events::one_producer(slots, T::zeroed);
        let first = events.reader([]);
        let second = events.reader([first.place()]);
        (events.build(), first, second)
    }
}

macro_rules! sends {
    ($order:ty) => {
        impl<T: Payload> Sends<T> for Producer<T, $order> {
            #[inline(always)]
            fn send(&mut self, value: &T) {
                if self.publish_waiting(BusySpin, |event| *event = *value).is_err() {
                    panic!("no stage is left");
                }
            }

            #[inline(always)]
            fn send_many(&mut self, values: &[T]) {
                self.publish_each_waiting(BusySpin, values.len(), |index, event| *event = values[index])
                    .expect("a stage");
            }
        }
    };
}

sends!(One);
sends!(Many);

impl<T: Payload, O: Order> Receives<T> for Poller<T, Read, O, Quiet> {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&T) -> R) -> Option<R> {
        self.try_handle(read).ok()
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&T) -> R) -> R {
        self.handle_with(BusySpin, read).expect("an event")
    }

    #[inline(always)]
    fn drain(&mut self, most: usize, mut read: impl FnMut(&T)) -> usize {
        self.try_each(most, |event, _| read(event)).unwrap_or(0)
    }
}
