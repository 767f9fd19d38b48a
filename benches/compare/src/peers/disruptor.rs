//! disruptor: a lossless ring whose readers are event pollers, so that the harness pins their threads.

use disruptor::{
    BusySpin, EventPoller, MultiProducer, MultiProducerBarrier, Producer, SingleConsumerBarrier,
    SingleProducer, SingleProducerBarrier, build_multi_producer, build_single_producer,
};

use crate::contract::{Channel, ManyWriters, Payload, Receives, Sends, Staged};

/// `build_single_producer`, one reader.
#[derive(Debug)]
pub struct Single;

/// `build_multi_producer`, one reader.
#[derive(Debug)]
pub struct Multi;

/// A writing end of either.
pub struct Writer<P>(P);

/// A reading end of either.
pub struct Poller<T, B>(EventPoller<T, B>);

impl<T: Payload> Channel<T> for Single {
    type Sender = Writer<SingleProducer<T, SingleConsumerBarrier>>;
    type Receiver = Poller<T, SingleProducerBarrier>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let (poller, builder) = build_single_producer(slots, T::zeroed, BusySpin).new_event_poller();
        let mut only = Some(Poller(poller));
        (Writer(builder.build()), std::array::from_fn(|_| only.take().expect("ask for one reader")))
    }
}

impl<T: Payload> Channel<T> for Multi {
    type Sender = Writer<MultiProducer<T, SingleConsumerBarrier>>;
    type Receiver = Poller<T, MultiProducerBarrier>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let (poller, builder) = build_multi_producer(slots, T::zeroed, BusySpin).new_event_poller();
        let mut only = Some(Poller(poller));
        (Writer(builder.build()), std::array::from_fn(|_| only.take().expect("ask for one reader")))
    }
}

impl<T: Payload> ManyWriters<T> for Multi {
    fn another(sender: &Self::Sender) -> Self::Sender {
        Writer(sender.0.clone())
    }
}

impl<T: Payload, P: Producer<T>> Sends<T> for Writer<P> {
    #[inline(always)]
    fn send(&mut self, value: &T) {
        self.0.publish(|slot| *slot = *value);
    }

    #[inline(always)]
    fn send_many(&mut self, values: &[T]) {
        self.0.batch_publish(values.len(), |slots| {
            for (slot, value) in slots.zip(values) {
                *slot = *value;
            }
        });
    }
}

/// `build_single_producer`, one reader and then another.
#[derive(Debug)]
pub struct Stages;

impl<T: Payload> Staged<T> for Stages {
    type Sender = Writer<SingleProducer<T, SingleConsumerBarrier>>;
    type First = Poller<T, SingleProducerBarrier>;
    type Second = Poller<T, SingleConsumerBarrier>;

    fn open(slots: usize) -> (Self::Sender, Self::First, Self::Second) {
        let (first, builder) = build_single_producer(slots, T::zeroed, BusySpin).new_event_poller();
        let (second, builder) = builder.and_then().new_event_poller();
        (Writer(builder.build()), Poller(first), Poller(second))
    }
}

macro_rules! receives {
    ($barrier:ty) => {
        impl<T: Payload> Receives<T> for Poller<T, $barrier> {
            #[inline(always)]
            fn take<R>(&mut self, read: impl FnOnce(&T) -> R) -> Option<R> {
                let mut events = self.0.take(1).ok()?;
                (&mut events).next().map(read)
            }

            #[inline(always)]
            fn wait<R>(&mut self, read: impl FnOnce(&T) -> R) -> R {
                loop {
                    if let Ok(mut events) = self.0.take(1) {
                        return read((&mut events).next().expect("an event"));
                    }
                }
            }

            #[inline(always)]
            fn drain(&mut self, most: usize, mut read: impl FnMut(&T)) -> usize {
                let Ok(mut events) = self.0.take(most as u64) else { return 0 };
                let there = (&mut events).len();
                (&mut events).for_each(&mut read);
                there
            }
        }
    };
}

// The trait that all barriers share is not public.
receives!(SingleProducerBarrier);
receives!(MultiProducerBarrier);
receives!(SingleConsumerBarrier);
