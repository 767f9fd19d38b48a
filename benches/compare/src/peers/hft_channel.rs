//! hft-channel: a lossy broadcast ring on the heap (`local_channel`).

use bytemuck::Zeroable;
use hft_channel::spmc_broadcast::{HeapReceiver, HeapSender, local_channel};

use crate::contract::{Channel, Payload, Receives, Sends};

/// `local_channel`.
#[derive(Debug)]
pub struct Local;

/// A payload with the default value that hft-channel asks for, which long arrays do not have.
#[derive(Debug, Clone, Copy)]
#[repr(transparent)]
pub struct Slot<T>(T);

impl<T: Zeroable> Default for Slot<T> {
    fn default() -> Self {
        Self(T::zeroed())
    }
}

impl<T: Payload> Channel<T> for Local {
    type Sender = HeapSender<Slot<T>>;
    type Receiver = HeapReceiver<Slot<T>>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let (sender, receiver) = local_channel(slots);
        (sender, std::array::from_fn(|_| receiver.clone()))
    }
}

impl<T: Payload> Sends<T> for HeapSender<Slot<T>> {
    #[inline(always)]
    fn send(&mut self, value: &T) {
        HeapSender::send(self, Slot(*value));
    }
}

impl<T: Payload> Receives<T> for HeapReceiver<Slot<T>> {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&T) -> R) -> Option<R> {
        self.try_recv().1.map(|slot| read(&slot.0))
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.recv().1.0)
    }
}
