//! A received message.

#![allow(unsafe_code)] // the bytes of a block that the sample holds

use std::fmt;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::Deref;
use std::sync::Arc;
use std::{ptr, slice};

use xbar_layout::ring::INLINE_WORDS;
use xbar_pool::{Held, OwnedHeld, Payload};

use crate::Keep;
use crate::reader::{InBlock, Inline};
use crate::seat::Seat;
use crate::stream::Stream;
use crate::time::{Clock, Timestamp};

/// A message, borrowed from its stream; its block stays as it is until the sample is dropped.
///
/// Several samples of one stream may be held at once, up to the region's `samples` per subscriber (messages of up to 48
/// bytes are copies and not counted).
pub struct Sample<'s> {
    stream: &'s Stream,
    sequence: u64,
    time: u64,
    /// Where the bytes are; null when they are the first of `words`. One flat struct rather than an enum, because the
    /// compiler keeps its parts in registers.
    ///
    /// Invariant 1: not null, they are of the block that cell `place` of the stream's ledger holds for this sample.
    bytes: *const u8,
    length: usize,
    /// The block and its cell.
    index: u32,
    place: usize,
    /// Invariant 2: written when `bytes` is null, and then at least `length` bytes long.
    words: MaybeUninit<[u64; INLINE_WORDS]>,
}

impl<'s> Sample<'s> {
    #[inline(always)]
    pub(crate) fn inline(stream: &'s Stream, message: Inline) -> Self {
        let Inline { sequence, time, words, length } = message;
        let words = MaybeUninit::new(words);
        Self { stream, sequence, time, bytes: ptr::null(), length, index: 0, place: 0, words }
    }

    #[inline(always)]
    pub(crate) fn block(stream: &'s Stream, message: InBlock<'s, Keep>) -> Self {
        let InBlock { sequence, time, index, length, held } = message;
        // SAFETY: `held` holds block `index`, and stays with the sample, whose bytes are only given out for as long as it is
        // borrowed.
        let bytes = unsafe { stream.payload.bytes(index, length) }.as_ptr();
        let (place, words) = (held.into_place(), MaybeUninit::uninit());
        Self { stream, sequence, time, bytes, length, index, place, words }
    }

    /// The hold, which the caller then has.
    #[inline(always)]
    fn held(&self) -> Option<Held<'s, Keep>> {
        // SAFETY: invariant 1, from `Held::into_place`.
        (!self.bytes.is_null()).then(|| unsafe { self.stream.ledger.held(self.place) })
    }

    /// Its place in the topic's stream, from 0.
    #[inline]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// When it was published; `None` unless the region was created to keep publish times.
    #[inline]
    pub fn publish_time(&self) -> Option<Timestamp> {
        self.stream.clock.timestamp(self.time)
    }

    /// The same message, free to go to another thread and to outlive the stream.
    pub fn into_owned(self) -> OwnedSample {
        let this = ManuallyDrop::new(self);
        let stream = this.stream;
        let carried = match this.held() {
            Some(held) => OwnedCarried::Block {
                payload: stream.payload.clone(),
                index: this.index,
                length: this.length,
                held: ManuallyDrop::new(held.into_owned()),
                seat: Arc::clone(&stream.watch.seat),
            },
            None => {
                // SAFETY: invariant 2.
                let words = unsafe { this.words.assume_init() };
                OwnedCarried::Inline { words, length: this.length }
            }
        };
        OwnedSample { sequence: this.sequence, time: this.time, clock: stream.clock, carried }
    }
}

impl Deref for Sample<'_> {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        let bytes = if self.bytes.is_null() { self.words.as_ptr().cast() } else { self.bytes };
        // SAFETY: invariant 1 or 2: `length` bytes that nobody writes while the sample lives.
        unsafe { slice::from_raw_parts(bytes, self.length) }
    }
}

impl Drop for Sample<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(held) = self.held() {
            // The hold of a parent process is not its child's to end.
            if self.stream.watch.seat.was_forked() {
                held.into_place();
            }
        }
    }
}

impl AsRef<[u8]> for Sample<'_> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Sample<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sample").field("sequence", &self.sequence).field("bytes", &self.len()).finish()
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
        f.debug_struct("OwnedSample").field("sequence", &self.sequence).field("bytes", &self.len()).finish()
    }
}
