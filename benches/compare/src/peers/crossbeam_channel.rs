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
    fn send(&mut self, mut value: T) {
        while let Err(TrySendError::Full(back)) = self.try_send(value) {
            value = back;
        }
    }
}

impl<T: Payload> Receives<T> for Receiver<T> {
    #[inline(always)]
    fn receive(&mut self) -> Option<T> {
        self.try_recv().ok()
    }
}
