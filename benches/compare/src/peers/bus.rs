//! bus: one writer, lossless, every reader gets every message.

use bus::{Bus, BusReader};

use crate::contract::{Channel, Payload, Receives, Sends};

/// A bus; its slots are what others call one more than they hold.
#[derive(Debug)]
pub struct Broadcast;

impl<T: Payload> Channel<T> for Broadcast {
    type Sender = Bus<T>;
    type Receiver = BusReader<T>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let mut bus = Bus::new(slots);
        let readers = std::array::from_fn(|_| bus.add_rx());
        (bus, readers)
    }
}

impl<T: Payload> Sends<T> for Bus<T> {
    #[inline(always)]
    fn send(&mut self, value: &T) {
        let mut value = *value;
        while let Err(back) = self.try_broadcast(value) {
            value = back;
        }
    }
}

impl<T: Payload> Receives<T> for BusReader<T> {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&T) -> R) -> Option<R> {
        self.try_recv().ok().map(|value| read(&value))
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&T) -> R) -> R {
        loop {
            if let Ok(value) = self.try_recv() {
                return read(&value);
            }
        }
    }
}
