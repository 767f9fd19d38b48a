//! A received message.

#![allow(unsafe_code)] // the bytes of a block that the sample holds

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::slice;
use std::sync::Arc;

use xbar_layout::ring::INLINE_WORDS;
use xbar_pool::{Held, OwnedHeld, Payload};

use crate::Keep;
use crate::receipts::Receipt;
use crate::seat::Seat;
use crate::stream::Stream;
use crate::time::{Clock, Timestamp};

/// A message, borrowed from its stream; its block stays as it is until the sample is dropped.
///
/// Several samples of one stream may be held at once, up to the region's `samples` per subscriber (messages of up to 48
/// bytes are copies and not counted).
pub struct Sample<'s> {
    /// Invariant 1: out, and this sample's alone, which is never at two places; `bytes` are `length` bytes, in the receipt itself or
    /// in the block that `cell` of the stream's ledger holds for this sample.
    receipt: &'s Receipt,
}

impl<'s> Sample<'s> {
    /// The sample of a receipt that was just given out for it.
    #[inline(always)]
    pub(crate) const fn new(receipt: &'s Receipt) -> Self {
        Self { receipt }
    }

    #[inline(always)]
    fn stream(&self) -> &'s Stream {
        // SAFETY: the stream, which is borrowed as long as there is a sample, and so stays where it is.
        unsafe { &*self.receipt.stream.get() }
    }

    /// The hold on its block, which the caller then has.
    #[inline(always)]
    fn held(&self) -> Option<Held<'s, Keep>> {
        let cell = self.receipt.cell()?;
        // SAFETY: invariant 1: from `Held::into_place`.
        Some(unsafe { self.stream().ledger.held(cell) })
    }

    /// Its place in the topic's stream, from 0.
    #[inline]
    pub fn sequence(&self) -> u64 {
        self.receipt.sequence.get()
    }

    /// When it was published; `None` unless the region was created to keep publish times.
    #[inline]
    pub fn publish_time(&self) -> Option<Timestamp> {
        self.stream().clock.timestamp(self.receipt.time())
    }

    /// The same message, free to go to another thread and to outlive the stream.
    pub fn into_owned(self) -> OwnedSample {
        let this = ManuallyDrop::new(self);
        let (stream, receipt) = (this.stream(), this.receipt);
        let length = receipt.length.get();
        let carried = match this.held() {
            Some(held) => OwnedCarried::Block {
                payload: stream.payload.clone(),
                index: stream.payload.index_of(receipt.bytes.get()),
                length,
                held: ManuallyDrop::new(held.into_owned()),
                seat: Arc::clone(&stream.watch.seat),
            },
            None => {
                let mut words = [0; INLINE_WORDS];
                bytemuck::bytes_of_mut(&mut words)[..length].copy_from_slice(&this);
                OwnedCarried::Inline { words, length }
            }
        };
        let (sequence, time) = (receipt.sequence.get(), receipt.time());
        receipt.come_back();
        OwnedSample { sequence, time, clock: stream.clock, carried }
    }
}

impl Deref for Sample<'_> {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        // SAFETY: invariant 1: bytes that nobody writes while the sample lives.
        unsafe { slice::from_raw_parts(self.receipt.bytes.get(), self.receipt.length.get()) }
    }
}

impl Drop for Sample<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(held) = self.held() {
            // The hold of a parent process is not its child's to end.
            if self.stream().watch.seat.was_forked() {
                held.into_place();
            }
        }
        self.receipt.come_back();
    }
}

impl AsRef<[u8]> for Sample<'_> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Sample<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sample").field("sequence", &self.sequence()).field("bytes", &self.len()).finish()
    }
}

/// A message on its own: [`Sample::into_owned`].
pub struct OwnedSample {
    sequence: u64,
    time: u64,
    clock: Clock,
    carried: OwnedCarried,
}

enum OwnedCarried {
    Inline {
        words: [u64; INLINE_WORDS],
        length: usize,
    },
    // Invariant 1: `held` holds block `index` of `payload`, and is not used behind `drop`. It ends there, before the seat can
    // be left.
    Block {
        payload: Payload<Keep>,
        index: u32,
        length: usize,
        held: ManuallyDrop<OwnedHeld<Keep>>,
        seat: Arc<Seat>,
    },
}

impl Drop for OwnedCarried {
    fn drop(&mut self) {
        match self {
            // The hold of a parent process is not its child's to end.
            Self::Block { held, seat, .. } if !seat.was_forked() => {
                // SAFETY: once, and not used behind this.
                unsafe { ManuallyDrop::drop(held) };
            }
            _ => {}
        }
    }
}

impl OwnedSample {
    /// Its place in the topic's stream, from 0.
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// When it was published; `None` unless the region was created to keep publish times.
    pub fn publish_time(&self) -> Option<Timestamp> {
        self.clock.timestamp(self.time)
    }
}

impl Deref for OwnedSample {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.carried {
            OwnedCarried::Inline { words, length } => &bytemuck::bytes_of(words)[..*length],
            // SAFETY: invariant 1, for as long as `self` is borrowed.
            OwnedCarried::Block { payload, index, length, .. } => unsafe { payload.bytes(*index, *length) },
        }
    }
}

impl AsRef<[u8]> for OwnedSample {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for OwnedSample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedSample").field("sequence", &self.sequence()).field("bytes", &self.len()).finish()
    }
}
