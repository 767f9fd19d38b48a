//! The lossless ring of many writers: a number for each message, and a stamp beside each value.
//!
//! ```text
//! publish:     n = head;  n < limit?  otherwise widen the gate
//!              exchange head for n + 1                  again when another writer was faster
//!              value(n)
//!              stamp(n) <- n + 1                        release
//!
//! receive(n):  stamp(n) == n + 1?                       acquire
//!              copy of value(n)
//!              cursor <- n + 1                          release
//! ```
//!
//! Invariant 1: a slot is written only by the writer that took its number, which lies below that writer's limit, when no
//! reader's position is at the slot's earlier message or before. Invariant 2: a reader reads only what lies at its
//! position and is stamped. Between taking a number and stamping it a writer runs no foreign code and cannot fail, so a
//! number that is taken comes.

#![allow(unsafe_code)] // values in cells, under the gate

use alloc::sync::Arc;
use core::fmt;
use core::ptr::NonNull;

use xbar_layout::Lent;
use xbar_layout::sync::{AtomicU64, Ordering};

use super::{Cell, Line, slots};
use crate::error::TooManySubscribers;
use crate::gate::{Gate, Pass};
use crate::heap::{Heap, HeapLines};
use crate::sink::Sink;
use crate::slots::{Backing, Slots};
use crate::source::{Look, Source};

struct Slot<T> {
    /// Sequence number + 1 of the value; of an earlier lap, or 0, while it is not there.
    stamp: AtomicU64,
    value: Cell<T>,
}

/// The shared part.
pub struct Ring<T> {
    /// Numbers taken. Written by all writers.
    head: Line<AtomicU64>,
    /// Writers that there are; when it falls to 0, the stream has ended.
    writers: Line<AtomicU64>,
    slots: Slots<Slot<T>>,
    gate: Gate<Heap>,
}

impl<T: Copy + Send> Ring<T> {
    /// A ring of `capacity` values of which `room` may be unread at a time, for up to `readers`; and a writer.
    ///
    /// # Panics
    ///
    /// When `capacity < 2`, `room` is not 1 to `capacity`, `readers < 1`, or there is not so much memory.
    pub fn new(capacity: usize, room: usize, readers: usize) -> (Arc<Self>, Writer<T>) {
        Self::new_in(capacity, room, readers, None)
    }

    /// Bytes of the memory that [`new_in`](Self::new_in) wants to be lent.
    pub const fn bytes(capacity: usize) -> usize {
        Slots::<Slot<T>>::bytes(capacity)
    }

    /// As [`new`](Self::new), with the values in `backing`.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new), and when `backing` is too small.
    pub fn new_in(capacity: usize, room: usize, readers: usize, backing: Backing) -> (Arc<Self>, Writer<T>) {
        assert!((1..=capacity).contains(&room), "room for {room} of {capacity} values");
        let gate_lines = Gate::<Heap>::words(readers) / crate::stride::LINE_WORDS;
        let gate = Gate::new(HeapLines::new(gate_lines, "a gate").from(0), room as u64);
        let empty = |_| Slot { stamp: AtomicU64::new(0), value: Cell::empty() };
        let slots = slots::<T, _>(capacity, backing, empty);
        let [head, writers] = [0, 1].map(|count| Line(AtomicU64::new(count)));
        let ring = Arc::new(Self { head, writers, slots, gate });
        let writer = Writer { slots: ring.lend(), last: 0, place: 0, limit: room as u64 };
        (ring, writer)
    }

    fn lend(self: &Arc<Self>) -> Lent<[Slot<T>], Arc<Self>> {
        // SAFETY: the slots never move, and the Arc keeps it.
        unsafe { Lent::new(NonNull::from(&*self.slots), Arc::clone(self)) }
    }

    /// A reader of what is published from now on.
    ///
    /// # Errors
    ///
    /// [`TooManySubscribers`].
    pub fn reader(self: &Arc<Self>) -> Result<Reader<T>, TooManySubscribers> {
        // ORDERING: none; where to begin.
        self.join(self.head.0.load(Ordering::Relaxed))
    }

    /// A reader that begins with the oldest message that is certain to be there.
    ///
    /// # Errors
    ///
    /// [`TooManySubscribers`].
    pub fn reader_from_oldest(self: &Arc<Self>) -> Result<Reader<T>, TooManySubscribers> {
        self.join(self.gate.oldest())
    }

    fn join(self: &Arc<Self>, position: u64) -> Result<Reader<T>, TooManySubscribers> {
        let pass = self.gate.join(position)?;
        let place = (pass.position() % self.slots.len() as u64) as usize;
        Ok(Reader { slots: self.lend(), pass, place })
    }

    /// Readers that there are now.
    pub fn readers(&self) -> usize {
        self.gate.readers()
    }

    /// What keeps writers behind readers.
    pub const fn gate(&self) -> &Gate<Heap> {
        &self.gate
    }
}

impl<T> fmt::Debug for Ring<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("capacity", &self.slots.len())
            .field("gate", &self.gate)
            .finish_non_exhaustive()
    }
}

/// A writing end.
///
/// Invariant 3: `place` is the place of `last`; what lies below `limit` may be written.
pub struct Writer<T> {
    slots: Lent<[Slot<T>], Arc<Ring<T>>>,
    last: u64,
    place: usize,
    limit: u64,
}

impl<T: Copy + Send> Writer<T> {
    /// Takes up to `count` numbers; says the first and how many, or `None` when there is no room for one.
    #[inline(always)]
    fn claim(&mut self, count: u64) -> Option<(u64, u64)> {
        let ring = self.slots.keep();
        loop {
            // ORDERING: none; exchanged below as found. The gate orders the slots, their stamps the values.
            let next = ring.head.0.load(Ordering::Relaxed);
            if next >= self.limit {
                self.limit = ring.gate.widen(self.limit);
                if next >= self.limit {
                    return None;
                }
            }
            let count = count.min(self.limit - next);
            let head = &ring.head.0;
            // ORDERING: none; as above.
            if head.compare_exchange_weak(next, next + count, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                return Some((next, count));
            }
        }
    }

    #[inline(always)]
    fn put(&mut self, sequence: u64, value: T) {
        self.go_to(sequence);
        let slot = &self.slots[self.place];
        // SAFETY: this writer took the number, and it lies below the limit (invariant 1).
        unsafe { slot.value.put(value) };
        // ORDERING: bounded-stamp: release pairs with the reader's acquire: the value is there.
        slot.stamp.store(sequence + 1, Ordering::Release);
    }

    /// Counts on from `last`: a lap at most, unless this writer was idle for longer.
    #[inline(always)]
    fn go_to(&mut self, sequence: u64) {
        let capacity = self.slots.len();
        let distance = sequence - self.last;
        let place = if distance < capacity as u64 {
            let place = self.place + distance as usize;
            if place >= capacity { place - capacity } else { place }
        } else {
            (sequence % capacity as u64) as usize
        };
        (self.last, self.place) = (sequence, place);
    }
}

impl<T: Copy + Send> Sink for Writer<T> {
    type Value = T;

    #[inline(always)]
    fn offer(&mut self, value: T) -> Result<(), T> {
        match self.claim(1) {
            Some((sequence, _)) => {
                self.put(sequence, value);
                Ok(())
            }
            None => Err(value),
        }
    }

    #[inline]
    fn offer_batch(&mut self, values: &[T]) -> usize {
        if values.is_empty() {
            return 0;
        }
        let Some((first, count)) = self.claim(values.len() as u64) else { return 0 };
        for (sequence, value) in (first..first + count).zip(values) {
            self.put(sequence, *value);
        }
        count as usize
    }

    fn published(&self) -> u64 {
        // ORDERING: none; a figure for people.
        self.slots.keep().head.0.load(Ordering::Relaxed)
    }

    fn capacity(&self) -> usize {
        self.slots.len()
    }

    fn readers(&self) -> usize {
        self.slots.keep().readers()
    }

    fn has_room(&self) -> bool {
        let published = self.published();
        published < self.limit || self.slots.keep().gate.is_wider(published)
    }

    #[inline(always)]
    fn is_deserted(&self) -> bool {
        self.slots.keep().gate.is_deserted()
    }
}

impl<T> Clone for Writer<T> {
    fn clone(&self) -> Self {
        // ORDERING: none; this handle keeps the count from ending.
        self.slots.keep().writers.0.fetch_add(1, Ordering::Relaxed);
        let Self { ref slots, last, place, limit } = *self;
        Self { slots: slots.clone(), last, place, limit }
    }
}

impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        // ORDERING: writers-gone: release pairs with the reader that finds no writer: all that was published is there. The
        // counts of the writers before are part of the same release sequence.
        self.slots.keep().writers.0.fetch_sub(1, Ordering::Release);
    }
}

impl<T> fmt::Debug for Writer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// A reading end.
///
/// Invariant 4: `place` is the place of the pass's position.
pub struct Reader<T> {
    slots: Lent<[Slot<T>], Arc<Ring<T>>>,
    pass: Pass<Heap>,
    place: usize,
}

impl<T: Copy + Send> Reader<T> {
    /// The value at the reader's position, if it is there; moves behind it, but does not make room yet.
    #[inline(always)]
    fn next(&mut self, position: u64) -> Option<T> {
        let slot = &self.slots[self.place];
        // ORDERING: bounded-stamp: pairs with the writer's release.
        if slot.stamp.load(Ordering::Acquire) != position + 1 {
            return None;
        }
        // SAFETY: at this reader's position and stamped: published, and nobody writes it (invariant 2).
        let value = unsafe { slot.value.get() };
        let behind = self.place + 1;
        self.place = if behind == self.slots.len() { 0 } else { behind };
        Some(value)
    }

    #[cold]
    fn look_for_writers(&mut self) -> Look<T> {
        // ORDERING: writers-gone: pairs with the release of every writer that left.
        if self.slots.keep().writers.0.load(Ordering::Acquire) != 0 {
            return Look::Empty;
        }
        // What the last one published just before it left is there now.
        match self.next(self.pass.position()) {
            Some(value) => {
                self.pass.move_to(self.pass.position() + 1);
                Look::Value(value)
            }
            None => Look::Ended,
        }
    }
}

impl<T: Copy + Send> Source for Reader<T> {
    type Value = T;

    #[inline(always)]
    fn look(&mut self) -> Look<T> {
        let position = self.pass.position();
        match self.next(position) {
            Some(value) => {
                self.pass.move_to(position + 1);
                Look::Value(value)
            }
            None => self.look_for_writers(),
        }
    }

    fn catch_up(&mut self) -> u64 {
        0 // never overtaken
    }

    #[inline(always)]
    fn is_empty(&self) -> bool {
        // ORDERING: none; whoever wants the message looks.
        let there = self.slots[self.place].stamp.load(Ordering::Relaxed) == self.pass.position() + 1;
        // ORDERING: none; as above.
        !there && self.slots.keep().writers.0.load(Ordering::Relaxed) != 0
    }

    #[inline(always)]
    fn position(&self) -> u64 {
        self.pass.position()
    }

    fn pending(&self) -> u64 {
        // ORDERING: none; a figure for people.
        self.slots.keep().head.0.load(Ordering::Relaxed).saturating_sub(self.pass.position())
    }

    #[inline]
    fn take(&mut self, into: &mut [T]) -> usize {
        let mut places = into.iter_mut();
        self.each(places.len(), |value| {
            if let Some(place) = places.next() {
                *place = value;
            }
        })
    }

    #[inline(always)]
    fn each(&mut self, most: usize, mut read: impl FnMut(T)) -> usize {
        let position = self.pass.position();
        let mut stretch = Stretch { read: 0, reader: self };
        for sequence in (position..).take(most) {
            let Some(value) = stretch.reader.next(sequence) else { break };
            stretch.read += 1;
            read(value);
        }
        stretch.read as usize
    }
}

/// Messages that were read and not passed yet. Dropped, also by a panic, it passes them.
struct Stretch<'r, T> {
    read: u64,
    reader: &'r mut Reader<T>,
}

impl<T> Drop for Stretch<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.read > 0 {
            let position = self.reader.pass.position();
            self.reader.pass.move_to(position + self.read);
        }
    }
}

impl<T> fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("pass", &self.pass).finish_non_exhaustive()
    }
}
