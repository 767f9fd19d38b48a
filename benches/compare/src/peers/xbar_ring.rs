//! Ours: xbar-ring, the rings of one process.

use std::mem::size_of;
use std::sync::Arc;

use xbar_ring::{HeapRing, Reader, Received, Writer};

use crate::contract::{Channel, Payload, Receives, Sends};

/// The broadcast ring: one writer, lossy.
#[derive(Debug)]
pub struct Lossy;

impl<T: Payload> Channel<T> for Lossy {
    type Sender = Writer<Arc<HeapRing>>;
    type Receiver = Reader<Arc<HeapRing>>;

    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]) {
        let ring = HeapRing::new(slots, size_of::<T>() / size_of::<u64>());
        (ring.writer(), std::array::from_fn(|_| ring.reader()))
    }
}

impl<T: Payload> Sends<T> for Writer<Arc<HeapRing>> {
    #[inline(always)]
    fn send(&mut self, value: T) {
        self.publish(bytemuck::cast_slice(std::slice::from_ref(&value)));
    }
}

impl<T: Payload> Receives<T> for Reader<Arc<HeapRing>> {
    #[inline(always)]
    fn receive(&mut self) -> Option<T> {
        let mut value = T::zeroed();
        match Reader::receive(self, bytemuck::cast_slice_mut(std::slice::from_mut(&mut value))) {
            Received::Message { .. } => Some(value),
            Received::Empty | Received::Lagged { .. } => None,
        }
    }
}
