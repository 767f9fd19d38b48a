//! rtrb: a lossless ring of one writer and one reader.

use rtrb::{Consumer, Producer, PushError, RingBuffer};

use crate::contract::{Channel, Payload, Receives, Sends};

/// `RingBuffer`.
#[derive(Debug)]
pub struct Pair;

impl<T: Payload> Channel<T> for Pair {
    type Sender = Producer<T>;
    type Receiver = Consumer<T>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let (producer, consumer) = RingBuffer::new(slots);
        let mut only = Some(consumer);
        (producer, std::array::from_fn(|_| only.take().expect("rtrb has one reader: ask for one")))
    }
}

impl<T: Payload> Sends<T> for Producer<T> {
    #[inline(always)]
    fn send(&mut self, value: &T) {
        let mut value = *value;
        while let Err(PushError::Full(back)) = self.push(value) {
            value = back;
        }
    }

    #[inline(always)]
    fn send_many(&mut self, values: &[T]) {
        let mut rest = values;
        while !rest.is_empty() {
            rest = self.push_partial_slice(rest).1;
        }
    }
}

impl<T: Payload> Receives<T> for Consumer<T> {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&T) -> R) -> Option<R> {
        self.pop().ok().map(|value| read(&value))
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&T) -> R) -> R {
        loop {
            if let Ok(value) = self.pop() {
                return read(&value);
            }
        }
    }

    #[inline(always)]
    fn drain(&mut self, most: usize, mut read: impl FnMut(&T)) -> usize {
        let there = self.slots().min(most);
        let Ok(chunk) = self.read_chunk(there) else { return 0 };
        let (first, second) = chunk.as_slices();
        first.iter().chain(second).for_each(&mut read);
        chunk.commit_all();
        there
    }
}
