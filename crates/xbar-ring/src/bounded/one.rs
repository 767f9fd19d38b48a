//! The lossless ring of one writer: values side by side, one tail.
//!
//! ```text
//! publish(n):  n < limit?  otherwise widen the gate     (n + 1 - capacity was passed by every reader)
//!              value(n)
//!              tail <- n + 1                            release
//!
//! receive(n):  n < tail as last seen?  otherwise load it    acquire
//!              copy of value(n)
//!              cursor <- n + 1                          release
//! ```
//!
//! Invariant 1: a slot is written only by the writer, below its limit, when no reader's position is at the slot's
//! earlier message or before. Invariant 2: a reader reads only what lies at its position, below the tail. So no slot is read
//! and written at the same time, and a copy is a plain copy.
//!
//! The writer looks at the readers' lines only when its limit is used up, and a reader at the writer's line only when it
//! has read everything that it saw there: both work through whole stretches without disturbing the other.

#![allow(unsafe_code)] // values in cells, under the gate

use alloc::boxed::Box;
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
use crate::source::{Look, Source};

/// The tail's topmost bit: the writer is gone.
const ENDED: u64 = 1 << 63;

/// The shared part.
pub struct Ring<T> {
    /// Messages published, and [`ENDED`]. Written by the writer.
    tail: Line<AtomicU64>,
    cells: Box<[Cell<T>]>,
    gate: Gate<Heap>,
}

impl<T: Copy + Send> Ring<T> {
    /// A ring of `capacity` values of which `room` may be unread at a time, for up to `readers`; and its writer.
    ///
    /// # Panics
    ///
    /// When `capacity < 2`, `room` is not 1 to `capacity`, `readers < 1`, or there is not so much memory.
    pub fn new(capacity: usize, room: usize, readers: usize) -> (Arc<Self>, Writer<T>) {
        assert!((1..=capacity).contains(&room), "room for {room} of {capacity} values");
        let gate_lines = Gate::<Heap>::words(readers) / crate::stride::LINE_WORDS;
        let gate = Gate::new(HeapLines::new(gate_lines, "a gate").from(0), room as u64);
        let cells = slots::<T, _>(capacity, |_| Cell::empty());
        let ring = Arc::new(Self { tail: Line(AtomicU64::new(0)), cells, gate });
        let writer = Writer { cells: ring.lend(), next: 0, place: 0, limit: room as u64 };
        (ring, writer)
    }

    fn lend(self: &Arc<Self>) -> Lent<[Cell<T>], Arc<Self>> {
        // SAFETY: the box is never touched again, and the Arc keeps it.
        unsafe { Lent::new(NonNull::from(&*self.cells), Arc::clone(self)) }
    }

    /// A reader of what is published from now on.
    ///
    /// # Errors
    ///
    /// [`TooManySubscribers`].
    pub fn reader(self: &Arc<Self>) -> Result<Reader<T>, TooManySubscribers> {
        // ORDERING: none; where to begin. What is read is looked for again.
        self.join(self.tail.0.load(Ordering::Relaxed) & !ENDED)
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
        let place = (pass.position() % self.cells.len() as u64) as usize;
        Ok(Reader { cells: self.lend(), pass, place, seen: 0 })
    }

    /// Readers that there are now.
    pub fn readers(&self) -> usize {
        self.gate.readers()
    }
}

impl<T> fmt::Debug for Ring<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring").field("capacity", &self.cells.len()).field("gate", &self.gate).finish()
    }
}

/// The writing end.
///
/// Invariant 3: `place` is the place of `next`; what lies below `limit` may be written.
pub struct Writer<T> {
    cells: Lent<[Cell<T>], Arc<Ring<T>>>,
    next: u64,
    place: usize,
    limit: u64,
}

impl<T: Copy + Send> Writer<T> {
    #[inline(always)]
    fn has_room(&mut self) -> bool {
        self.next < self.limit || self.widen()
    }

    #[cold]
    fn widen(&mut self) -> bool {
        self.limit = self.cells.keep().gate.widen(self.limit);
        self.next < self.limit
    }

    #[inline(always)]
    fn put(&mut self, value: T) {
        // SAFETY: `next < limit`, so nobody reads the slot (invariant 1), and nobody else writes.
        unsafe { self.cells[self.place].put(value) };
        self.next += 1;
        let behind = self.place + 1;
        self.place = if behind == self.cells.len() { 0 } else { behind };
    }

    #[inline(always)]
    fn show(&self) {
        // ORDERING: bounded-tail: release pairs with the reader's acquire: the values below are there.
        self.cells.keep().tail.0.store(self.next, Ordering::Release);
    }
}

impl<T: Copy + Send> Sink for Writer<T> {
    type Value = T;

    #[inline(always)]
    fn offer(&mut self, value: T) -> Result<(), T> {
        if !self.has_room() {
            return Err(value);
        }
        self.put(value);
        self.show();
        Ok(())
    }

    #[inline]
    fn offer_batch(&mut self, values: &[T]) -> usize {
        if !self.has_room() {
            return 0;
        }
        let room = usize::try_from(self.limit - self.next).unwrap_or(usize::MAX);
        let values = &values[..values.len().min(room)];
        values.iter().for_each(|value| self.put(*value));
        self.show();
        values.len()
    }

    fn published(&self) -> u64 {
        self.next
    }

    fn capacity(&self) -> usize {
        self.cells.len()
    }

    fn readers(&self) -> usize {
        self.cells.keep().readers()
    }
}

impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        // ORDERING: bounded-tail: as for a message.
        self.cells.keep().tail.0.store(self.next | ENDED, Ordering::Release);
    }
}

impl<T> fmt::Debug for Writer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("next", &self.next).field("limit", &self.limit).finish()
    }
}

/// A reading end.
///
/// Invariant 4: `place` is the place of the pass's position; what lies below `seen` is published.
pub struct Reader<T> {
    cells: Lent<[Cell<T>], Arc<Ring<T>>>,
    pass: Pass<Heap>,
    place: usize,
    seen: u64,
}

impl<T: Copy + Send> Reader<T> {
    /// Looks at the tail again; says whether the writer is gone.
    #[inline(always)]
    fn look_again(&mut self) -> bool {
        // ORDERING: bounded-tail: pairs with the writer's release.
        let tail = self.cells.keep().tail.0.load(Ordering::Acquire);
        self.seen = tail & !ENDED;
        tail & ENDED != 0
    }

    #[inline(always)]
    fn get(&self, place: usize) -> T {
        // SAFETY: at or behind this reader's position and below the tail: published, and nobody writes it (invariant 2).
        unsafe { self.cells[place].get() }
    }
}

impl<T: Copy + Send> Source for Reader<T> {
    type Value = T;

    #[inline(always)]
    fn look(&mut self) -> Look<T> {
        let position = self.pass.position();
        if position >= self.seen {
            let ended = self.look_again();
            if position >= self.seen {
                return if ended { Look::Ended } else { Look::Empty };
            }
        }
        let value = self.get(self.place);
        let behind = self.place + 1;
        self.place = if behind == self.cells.len() { 0 } else { behind };
        self.pass.move_to(position + 1);
        Look::Value(value)
    }

    fn catch_up(&mut self) -> u64 {
        0 // never overtaken
    }

    #[inline(always)]
    fn is_empty(&self) -> bool {
        let position = self.pass.position();
        // ORDERING: none; whoever wants the message looks.
        let tail = self.cells.keep().tail.0.load(Ordering::Relaxed);
        position >= tail & !ENDED && tail & ENDED == 0
    }

    #[inline(always)]
    fn position(&self) -> u64 {
        self.pass.position()
    }

    fn pending(&self) -> u64 {
        // ORDERING: none; a figure for people.
        (self.cells.keep().tail.0.load(Ordering::Relaxed) & !ENDED).saturating_sub(self.pass.position())
    }

    #[inline]
    fn take(&mut self, into: &mut [T]) -> usize {
        let position = self.pass.position();
        if position >= self.seen {
            self.look_again();
        }
        let there = usize::try_from(self.seen.saturating_sub(position)).unwrap_or(usize::MAX);
        let count = there.min(into.len());
        for value in &mut into[..count] {
            *value = self.get(self.place);
            let behind = self.place + 1;
            self.place = if behind == self.cells.len() { 0 } else { behind };
        }
        if count > 0 {
            self.pass.move_to(position + count as u64);
        }
        count
    }
}

impl<T> fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("pass", &self.pass).field("seen", &self.seen).finish_non_exhaustive()
    }
}
