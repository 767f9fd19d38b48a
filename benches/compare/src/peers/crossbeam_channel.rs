//! crossbeam-channel: a bounded queue of many writers; each message goes to one reader.

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use crate::contract::{Channel, ManyWriters, Payload, Receives, Sends};

/// `bounded`.
#[derive(Debug)]
pub struct Bounded;

impl<T: Payload> Channel<T> for Bounded {
    type Sender = Sender<T>;
    type Receiver = Receiver<T>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let (sender, receiver) = bounded(slots);
        (sender, std::array::from_fn(|_| receiver.clone()))
    }
}

impl<T: Payload> ManyWriters<T> for Bounded {
    fn another(sender: &Self::Sender) -> Self::Sender {
        sender.clone()
    }
}

impl<T: Payload> Sends<T> for Sender<T> {
    #[inline(always)]
    fn send(&mut self, value: &T) {
        let mut value = *value;
        while let Err(TrySendError::Full(back)) = self.try_send(value) {
            value = back;
        }
    }
}

impl<T: Payload> Receives<T> for Receiver<T> {
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
