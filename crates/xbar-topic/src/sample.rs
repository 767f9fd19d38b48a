//! A received message.

#![allow(unsafe_code)] // the bytes of a block that the sample holds

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;
use std::slice;
use std::sync::Arc;

use xbar_layout::ring::INLINE_WORDS;
use xbar_pool::{Held, OwnedHeld, Payload};

use crate::Keep;
use crate::copies::Copied;
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
    /// Where the bytes are, `length` of them.
    ///
    /// Invariant 1: they are in the copy or in the block that `place` says.
    bytes: NonNull<u8>,
    length: usize,
    place: Place,
}

/// What a sample keeps, as one word: a copy of a message that rode in a slot, or a hold on a block. Flat rather than an enum,
/// because the compiler keeps its parts in registers.
///
/// Invariant 2: from [`Copied::into_place`] or [`Held::into_place`] of the sample's stream, once.
#[derive(Clone, Copy)]
struct Place(usize);

/// On the place of a copy.
const COPY: usize = 1 << (usize::BITS - 1);

/// A place, taken apart.
enum Kept<'s> {
    Copy(Copied<'s>),
    Block(Held<'s, Keep>),
}

impl<'s> Sample<'s> {
    #[inline(always)]
    pub(crate) fn inline(
        stream: &'s Stream,
        (sequence, time): (u64, u64),
        length: usize,
        copy: Copied<'s>,
    ) -> Self {
        let (place, words) = copy.into_place();
        Self { stream, sequence, time, bytes: words.cast(), length, place: Place(place | COPY) }
    }

    #[inline(always)]
    pub(crate) fn block(
        stream: &'s Stream,
        (sequence, time): (u64, u64),
        (index, length): (u32, usize),
        held: Held<'s, Keep>,
    ) -> Self {
        // SAFETY: `held` holds block `index`, and stays with the sample, whose bytes are only given out for as long as it is
        // borrowed.
        let bytes = NonNull::from(unsafe { stream.payload.bytes(index, length) }).cast();
        Self { stream, sequence, time, bytes, length, place: Place(held.into_place()) }
    }

    /// What the sample keeps, which the caller then has.
    #[inline(always)]
    fn kept(&self) -> Kept<'s> {
        let Place(place) = self.place;
        if place & COPY != 0 {
            // SAFETY: invariant 2; the bytes are the words of the copy (invariant 1).
            Kept::Copy(unsafe { self.stream.copies.copied(place & !COPY, self.bytes.cast()) })
        } else {
            // SAFETY: invariant 2.
            Kept::Block(unsafe { self.stream.ledger.held(place) })
        }
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
        let carried = match this.kept() {
            Kept::Block(held) => OwnedCarried::Block {
                payload: stream.payload.clone(),
                index: stream.payload.index_of(this.bytes),
                length: this.length,
                held: ManuallyDrop::new(held.into_owned()),
                seat: Arc::clone(&stream.watch.seat),
            },
            Kept::Copy(_copy) => {
                let mut words = [0; INLINE_WORDS];
                bytemuck::bytes_of_mut(&mut words)[..this.length].copy_from_slice(&this);
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
        // SAFETY: invariant 1: bytes that nobody writes while the sample lives.
        unsafe { slice::from_raw_parts(self.bytes.as_ptr(), self.length) }
    }
}

impl Drop for Sample<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Kept::Block(held) = self.kept() {
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
