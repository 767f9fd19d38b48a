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

use alloc::sync::Arc;
use core::fmt;
use core::ptr::NonNull;

use xbar_layout::Lent;
use xbar_layout::sync::{AtomicU64, MODELLED, Ordering, spin_loop};

use super::{Cell, Line, slots};
use crate::error::TooManySubscribers;
use crate::gate::{Gate, Pass};
use crate::heap::{Heap, HeapLines};
use crate::sink::Sink;
use crate::slots::{Backing, Slots};
use crate::source::{Look, Source};

/// The tail's topmost bit: the writer is gone.
const ENDED: u64 = 1 << 63;

/// A reader of stretches that finds fewer messages than this gives the writer a moment before it looks again. Looking at once
/// takes the tail's line away from the writer for every few messages; from then on both wait for lines, and the whole
/// stays at a half to a third of its speed.
const CLOSE: u64 = 64;

/// Parts of a ring for each of which a reader of everything makes room.
const PARTS: usize = 8;

/// That moment, in spin hints: some 80 ns on a processor of 2021.
const MOMENT: u32 = if MODELLED { 1 } else { 4 };

/// The shared part.
pub struct Ring<T> {
    /// Messages published, and [`ENDED`]. Written by the writer.
    tail: Line<AtomicU64>,
    cells: Slots<Cell<T>>,
    gate: Gate<Heap>,
}

impl<T: Copy + Send> Ring<T> {
    /// A ring of `capacity` values of which `room` may be unread at a time, for up to `readers`; and its writer.
    ///
    /// # Panics
    ///
    /// When `capacity < 2`, `room` is not 1 to `capacity`, `readers < 1`, or there is not so much memory.
    pub fn new(capacity: usize, room: usize, readers: usize) -> (Arc<Self>, Writer<T>) {
        Self::new_in(capacity, room, readers, None)
    }

    /// Bytes of the memory that [`new_in`](Self::new_in) wants to be lent.
    pub const fn bytes(capacity: usize) -> usize {
        Slots::<Cell<T>>::bytes(capacity)
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
        let cells = slots::<T, _>(capacity, backing, |_| Cell::empty());
        let ring = Arc::new(Self { tail: Line(AtomicU64::new(0)), cells, gate });
        let writer = Writer { cells: ring.lend(), next: 0, place: 0, limit: room as u64 };
        (ring, writer)
    }

    fn lend(self: &Arc<Self>) -> Lent<[Cell<T>], Arc<Self>> {
        // SAFETY: the slots never move, and the Arc keeps it.
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
        Ok(Reader { cells: self.lend(), pass, place, seen: 0, is_close: false })
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
    fn make_room(&mut self) -> bool {
        self.next < self.limit || self.widen()
    }

    #[inline(always)]
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
        if !self.make_room() {
            return Err(value);
        }
        self.put(value);
        self.show();
        Ok(())
    }

    #[inline]
    fn offer_batch(&mut self, values: &[T]) -> usize {
        if !self.make_room() {
            return 0;
        }
        let room = usize::try_from(self.limit - self.next).unwrap_or(usize::MAX);
        let count = values.len().min(room);
        let (start, rest) = self.cells.split_at(self.place);
        let (first, second) = values[..count].split_at(count.min(rest.len()));
        for (cells, values) in [(rest, first), (start, second)] {
            for (cell, value) in cells.iter().zip(values) {
                // SAFETY: below the limit, so nobody reads the slot (invariant 1), and nobody else writes.
                unsafe { cell.put(*value) };
            }
        }
        let behind = self.place + count;
        self.place = if behind >= self.cells.len() { behind - self.cells.len() } else { behind };
        self.next += count as u64;
        self.show();
        count
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

    fn has_room(&self) -> bool {
        self.next < self.limit || self.cells.keep().gate.is_wider(self.limit)
    }

    #[inline(always)]
    fn is_deserted(&self) -> bool {
        self.cells.keep().gate.is_deserted()
    }
}

impl<T> Drop for Writer<T> {
    #[inline(always)]
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
    /// The last stretch was short: the writer is not far ahead.
    is_close: bool,
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

    /// What is published and not passed, `most` cells at most.
    #[inline(always)]
    fn stretch(&mut self, most: usize) -> Stretch<'_, T> {
        let position = self.pass.position();
        if position >= self.seen {
            if self.is_close {
                (0..MOMENT).for_each(|_| spin_loop());
            }
            self.look_again();
            self.is_close = self.seen.saturating_sub(position) < CLOSE;
        }
        let there = usize::try_from(self.seen.saturating_sub(position)).unwrap_or(usize::MAX).min(most);
        let (start, rest) = self.cells.split_at(self.place);
        let front = &rest[..there.min(rest.len())];
        let back = &start[..there - front.len()];
        let capacity = self.cells.len();
        Stretch { front, back, read: 0, capacity, pass: &mut self.pass, place: &mut self.place }
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
        // SAFETY: at this reader's position and below the tail: published, and nobody writes it (invariant 2).
        let value = unsafe { self.cells[self.place].get() };
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
        let mut stretch = self.stretch(into.len());
        let (first, second) = into[..stretch.len()].split_at_mut(stretch.front.len());
        for (cells, values) in [(stretch.front, first), (stretch.back, second)] {
            for (cell, value) in cells.iter().zip(values) {
                // SAFETY: published, and not passed yet (invariant 2).
                *value = unsafe { cell.get() };
            }
        }
        stretch.read = stretch.len();
        stretch.read
    }

    #[inline(always)]
    fn each(&mut self, most: usize, mut read: impl FnMut(T)) -> usize {
        let mut taken = 0;
        while taken < most {
            // Room is made in parts, so that the writer goes on while this goes on.
            let part = (self.cells.len() / PARTS).max(1).min(most - taken);
            let mut stretch = self.stretch(part);
            if stretch.len() == 0 {
                break;
            }
            // Up to the end of the ring: one loop, so that `read` is inlined once.
            for cell in stretch.front {
                // SAFETY: published, and not passed yet (invariant 2).
                let value = unsafe { cell.get() };
                stretch.read += 1;
                read(value);
            }
            taken += stretch.read;
            drop(stretch);
            // What came meanwhile is for the next time: a fast writer cannot hold a caller here.
            if self.pass.position() >= self.seen {
                break;
            }
        }
        taken
    }
}

/// Published cells that a reader has not passed. Dropped, also by a panic, it passes those that were read.
struct Stretch<'r, T> {
    front: &'r [Cell<T>],
    /// Where the stretch goes on at the beginning of the ring.
    back: &'r [Cell<T>],
    read: usize,
    capacity: usize,
    pass: &'r mut Pass<Heap>,
    place: &'r mut usize,
}

impl<T> Stretch<'_, T> {
    const fn len(&self) -> usize {
        self.front.len() + self.back.len()
    }
}

impl<T> Drop for Stretch<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.read > 0 {
            let behind = *self.place + self.read;
            *self.place = if behind >= self.capacity { behind - self.capacity } else { behind };
            self.pass.move_to(self.pass.position() + self.read as u64);
        }
    }
}

impl<T> fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("pass", &self.pass).field("seen", &self.seen).finish_non_exhaustive()
    }
}
