//! Where a message is copied to: a place of the receiver's, or a `Vec` that grows.

use crate::bytes::Message;
use crate::bytes::reader::Frame;
use crate::copy::load_message;
use crate::error::TryRecvError;

/// Where a message can be received into: bytes (`[u8]`, as many as there is room for), or a `Vec<u8>`, which grows.
///
/// Closed: what is copied may be torn until it was looked at again, so how is this crate's matter.
pub trait Destination: Copies {}

impl Destination for [u8] {}

#[cfg(feature = "alloc")]
impl Destination for alloc::vec::Vec<u8> {}

/// What was copied, for whoever has the place.
#[derive(Debug)]
pub struct Taken {
    kind: u16,
    sequence: u64,
    bytes: usize,
}

impl Taken {
    /// The message, in the place that it was copied to.
    #[inline(always)]
    pub(crate) fn message(self, place: &[u8]) -> Message<'_> {
        let Self { kind, sequence, bytes } = self;
        Message { kind, sequence, bytes: &place[..bytes] }
    }
}

/// How it is copied there.
pub trait Copies {
    /// Copies the message, whole or torn.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::TooSmall`].
    fn copy(&mut self, frame: &Frame<'_>) -> Result<Taken, TryRecvError>;

    /// What was copied, and perhaps more.
    fn bytes(&self) -> &[u8];
}

impl Copies for [u8] {
    // Not a closure of the caller's: that would be called, and give what it took through memory.
    #[inline(always)]
    fn copy(&mut self, frame: &Frame<'_>) -> Result<Taken, TryRecvError> {
        let Some(place) = self.get_mut(..frame.len()) else {
            return Err(TryRecvError::TooSmall { needed_bytes: frame.len() });
        };
        load_message(place, frame.words());
        Ok(Taken { kind: frame.kind(), sequence: frame.sequence(), bytes: frame.len() })
    }

    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        self
    }
}

#[cfg(feature = "alloc")]
impl Copies for alloc::vec::Vec<u8> {
    #[inline]
    fn copy(&mut self, frame: &Frame<'_>) -> Result<Taken, TryRecvError> {
        // Memory is asked for only when the length is the message's own.
        if frame.len() <= self.capacity() || frame.is_whole() {
            crate::copy::load_vec(self, frame.len(), frame.words());
        }
        Ok(Taken { kind: frame.kind(), sequence: frame.sequence(), bytes: self.len() })
    }

    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        self
    }
}
