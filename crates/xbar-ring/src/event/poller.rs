//! A stage: handles events where they lie, when all stages in front have.
//!
//! # Why nobody waits for ever for a stage that is gone
//!
//! 1. Its handler panics: the stage is marked as gone where it stood; the event has not passed.
//! 2. It is dropped: as 1.
//! 3. It finds the end, because the producers are gone or a stage in front is: as 1.
//!
//! Producers do not wait for a stage that is gone. A stage behind it handles what it had passed, and then comes to 3.

#![allow(unsafe_code)] // events lent to handlers

use alloc::boxed::Box;
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;

use xbar_layout::sync::{MODELLED, spin_loop};

use super::access::{Access, Read};
use super::batch::Batch;
use super::graph::Place;
use super::order::{One, Order};
use super::slot::{Shared, Slot};
use crate::error::TryRecvError;
use crate::stage::{GONE, Progress};
use crate::wake::{Quiet, Wake};

/// A stretch shorter than this was handled while the producer was writing: see [`MOMENT`].
const CLOSE: u64 = 64;

/// Short stretches in a row for which a stage looks again at once: a burst of ten is over by then.
const PATIENT: u32 = 8;

/// What a stage waits behind more of them before it looks again, in spin hints: looking at once takes the producer's line away
/// for every few events.
const MOMENT: u32 = if MODELLED { 1 } else { 4 };

/// Parts of a ring for each of which a stage makes room.
const PARTS: usize = 8;

/// Where an event stands in the stream, for its handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// Its number, from 0.
    pub sequence: u64,
    /// True when the next one is not known to be there: the moment to write out what was gathered.
    pub is_last: bool,
}

/// A stage of a graph of events, polled by whoever owns it: by [`Events::reader`](super::Events::reader) it reads them, by
/// [`Events::changer`](super::Events::changer) it changes them.
///
/// An event has passed when its handler has returned. Dropped, a stage holds nobody up: see the stages behind it for what
/// they find.
///
/// A handler keeps no event:
///
/// ```compile_fail,E0521
/// let mut events = xbar_ring::event::Events::one_producer(8, || 7_u64);
/// let mut reader = events.reader([]);
/// let mut kept = None;
/// reader.try_handle(|event| kept = Some(event));
/// ```
///
/// ```
/// let mut events = xbar_ring::event::Events::one_producer(8, || 7_u64);
/// let mut reader = events.reader([]);
/// let mut kept = None;
/// reader.try_handle(|event| kept = Some(*event));
/// ```
///
/// Invariant 1: `slot` is the slot of `position`; what lies below `seen` was passed by all stages in front, or published when
/// there are none; what lies from `position` on was not passed by this stage.
pub struct Poller<E: 'static, A: Access = Read, O: Order = One, W: Wake = Quiet> {
    pub(super) slots: Shared<E, O, W>,
    place: Place,
    after: Box<[Progress]>,
    position: u64,
    slot: usize,
    seen: u64,
    /// How many stretches in a row were short.
    close: u32,
    has_ended: bool,
    voids: u64,
    access: PhantomData<fn(A)>,
}

impl<E: Send, A: Access, O: Order, W: Wake> Poller<E, A, O, W> {
    pub(super) fn new(slots: Shared<E, O, W>, place: Place, after: Box<[Progress]>) -> Self {
        let (position, slot, seen, voids) = (0, 0, 0, 0);
        let (close, has_ended, access) = (0, false, PhantomData);
        Self { slots, place, after, position, slot, seen, close, has_ended, voids, access }
    }

    /// This stage's place, for the stages behind it.
    pub fn place(&self) -> Place {
        self.place.clone()
    }

    /// The number of the next event.
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Events published, or being written, that this stage has not passed.
    pub fn pending(&self) -> u64 {
        self.slots.keep().order.count().saturating_sub(self.position)
    }

    /// Numbers that this stage passed without an event, because the producer's closure had panicked.
    pub const fn voids(&self) -> u64 {
        self.voids
    }

    /// Events of the ring.
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// Handles the next event, if it is there and all stages in front have passed it.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`], or [`TryRecvError::Disconnected`]: nothing will come, because the producers are gone, a
    /// stage in front is, or this stage's handler panicked.
    #[inline]
    pub fn try_handle<R>(
        &mut self,
        handle: impl for<'e> FnOnce(A::Of<'e, E>) -> R,
    ) -> Result<R, TryRecvError> {
        self.look_ahead()?;
        let mut stretch = Stretch { passed: 0, poller: self };
        let slot = &stretch.poller.slots[stretch.poller.slot];
        // SAFETY: invariant 1, and invariants 2 and 3 of the module: seen, and not passed.
        let result = unsafe { A::lend(&slot.event, handle) };
        stretch.passed = 1;
        stretch.end();
        Ok(result)
    }

    /// Handles each event that is there, or was at the last look, `most` at most; says how many. The stages behind are let go on several times in a long
    /// stretch, and once or twice in a short one.
    ///
    /// # Errors
    ///
    /// As [`try_handle`](Self::try_handle), when not even one event is there.
    // Called instead of inlined, it would leave what a handler counts or sums in memory: each event behind the store of the last.
    #[inline(always)]
    pub fn try_each(
        &mut self,
        most: usize,
        mut handle: impl for<'e> FnMut(A::Of<'e, E>, At),
    ) -> Result<usize, TryRecvError> {
        if most == 0 {
            return Ok(0);
        }
        self.look_ahead()?;
        // What comes meanwhile is for the next time: a fast producer cannot hold a caller here.
        let (end, voids) = (self.seen, self.voids);
        let last_event = self.last_event();
        let last = end.min(self.position.saturating_add(most as u64));
        let start = self.position;
        while self.position < last {
            let most = (last - self.position).min((self.slots.len() / PARTS).max(1) as u64) as usize;
            let mut stretch = Stretch { passed: 0, poller: self };
            let position = stretch.poller.position;
            // Up to the end of the ring at most: one loop, so that the handler is inlined once.
            let slots = &stretch.poller.slots[stretch.poller.slot..];
            let mut empty = 0;
            for slot in &slots[..most.min(slots.len())] {
                let sequence = position + stretch.passed as u64;
                if O::is_void(&slot.stamp) {
                    empty += 1;
                } else {
                    let at = At { sequence, is_last: sequence == last_event };
                    // SAFETY: invariant 1, and invariants 2 and 3 of the module: seen, and not passed.
                    unsafe { A::lend(&slot.event, |event| handle(event, at)) };
                }
                stretch.passed += 1;
            }
            stretch.poller.voids += empty;
            stretch.end();
        }
        Ok((self.position - start - (self.voids - voids)) as usize)
    }

    /// The events that are there, `most` at most, to be looked at in any order and then [passed](Batch::pass).
    ///
    /// # Errors
    ///
    /// As [`try_handle`](Self::try_handle).
    #[inline]
    pub fn try_batch(&mut self, most: usize) -> Result<Batch<'_, E, A, O, W>, TryRecvError> {
        self.look_ahead()?;
        let there = usize::try_from(self.seen - self.position).unwrap_or(usize::MAX).min(most);
        Ok(Batch::new(self, there))
    }

    /// False when [`try_handle`](Self::try_handle) would say `Empty`. Does not move. True also when only what a panicking producer
    /// gave up lies ahead, which takes a look to step over.
    pub fn is_ready(&self) -> bool {
        let (position, ring) = (self.position, self.slots.keep());
        if self.has_ended || position < self.seen {
            return true;
        }
        match self.in_front() {
            Some((passed, is_gone)) => passed > position || is_gone,
            None => {
                let (seen, is_over) = ring.order.front(&self.slots, position, self.slot, 1);
                seen > position || is_over
            }
        }
    }

    /// Behind this, an event is at `position` that is not void, or there is a reason why not.
    #[inline(always)]
    pub(super) fn look_ahead(&mut self) -> Result<(), TryRecvError> {
        loop {
            if self.position >= self.seen {
                self.look_again()?;
            }
            if !O::is_void(&self.slots[self.slot].stamp) {
                return Ok(());
            }
            self.voids += 1;
            self.pass(1);
        }
    }

    /// The number of the last event that is seen: behind it lies only what producers gave up. There is one at `position`.
    #[inline(always)]
    fn last_event(&self) -> u64 {
        let mut last = self.seen - 1;
        if O::HOLDS_NUMBERS {
            let is_void = |sequence: u64| {
                let slot = self.slot + (sequence - self.position) as usize;
                let slot = if slot >= self.slots.len() { slot - self.slots.len() } else { slot };
                O::is_void(&self.slots[slot].stamp)
            };
            while last > self.position && is_void(last) {
                last -= 1;
            }
        }
        last
    }

    #[inline(always)]
    fn look_again(&mut self) -> Result<(), TryRecvError> {
        if self.close > PATIENT {
            (0..MOMENT).for_each(|_| spin_loop());
        }
        let (position, order) = (self.position, &self.slots.keep().order);
        let is_over = match self.in_front() {
            _ if self.has_ended => true,
            Some((passed, is_gone)) => {
                self.seen = passed;
                is_gone
            }
            None => {
                let (seen, is_over) = order.front(&self.slots, position, self.slot, self.slots.len());
                self.seen = seen;
                is_over
            }
        };
        let there = self.seen.saturating_sub(position);
        // An empty look begins anew: whoever waits for one event, or for a few, gets them at once. Stages pass whole stretches, so
        // those behind them have nothing to wait for.
        let is_short = self.after.is_empty() && there > 0 && there < CLOSE;
        self.close = if is_short { self.close.saturating_add(1) } else { 0 };
        match (there > 0, is_over) {
            (true, _) => Ok(()),
            (false, false) => Err(TryRecvError::Empty),
            (false, true) => {
                self.leave();
                Err(TryRecvError::Disconnected)
            }
        }
    }

    /// What all stages in front have passed, and whether one that is gone will never pass the next event.
    #[inline(always)]
    fn in_front(&self) -> Option<(u64, bool)> {
        let (mut passed, mut is_gone) = (u64::MAX, false);
        for progress in &self.after {
            let seen = progress.look();
            passed = passed.min(seen & !GONE);
            is_gone |= seen & GONE != 0 && seen & !GONE <= self.position;
        }
        (!self.after.is_empty()).then_some((passed, is_gone))
    }

    /// Passes the next `count` events, for whoever waits for that.
    #[inline(always)]
    pub(super) fn pass(&mut self, count: usize) {
        let behind = self.slot + count;
        self.slot = if behind >= self.slots.len() { behind - self.slots.len() } else { behind };
        self.position += count as u64;
        self.place.done.set(self.position);
        self.ring();
    }

    /// Slots of the next `count` events.
    pub(super) fn ahead(&self, count: usize) -> impl Iterator<Item = &Slot<E, O::Stamp>> {
        let (behind, front) = self.slots.split_at(self.slot);
        front.iter().chain(behind).take(count).filter(|slot| !O::is_void(&slot.stamp))
    }

    pub(super) fn count_voids(&mut self, count: usize) {
        if O::HOLDS_NUMBERS {
            self.voids += (count - self.ahead(count).count()) as u64;
        }
    }
}

impl<E, A: Access, O: Order, W: Wake> Poller<E, A, O, W> {
    /// Holds nobody up any more.
    #[cold]
    fn leave(&mut self) {
        self.has_ended = true;
        self.seen = self.position;
        self.place.done.set(self.position | GONE);
        self.ring();
    }

    #[inline(always)]
    fn ring(&self) {
        let ring = self.slots.keep();
        ring.news.ring();
        ring.room.ring();
    }
}

impl<E, A: Access, O: Order, W: Wake> Drop for Poller<E, A, O, W> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Events that are being handled. Dropped by a panic, it passes those that were, and ends the stage.
struct Stretch<'p, E: Send + 'static, A: Access, O: Order, W: Wake> {
    passed: usize,
    poller: &'p mut Poller<E, A, O, W>,
}

impl<E: Send, A: Access, O: Order, W: Wake> Stretch<'_, E, A, O, W> {
    #[inline(always)]
    fn end(self) {
        let mut stretch = ManuallyDrop::new(self);
        let passed = stretch.passed;
        stretch.poller.pass(passed);
    }
}

impl<E: Send, A: Access, O: Order, W: Wake> Drop for Stretch<'_, E, A, O, W> {
    fn drop(&mut self) {
        self.poller.pass(self.passed);
        self.poller.leave();
    }
}

impl<E, A: Access, O: Order, W: Wake> fmt::Debug for Poller<E, A, O, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poller")
            .field("position", &self.position)
            .field("seen", &self.seen)
            .field("has_ended", &self.has_ended)
            .finish_non_exhaustive()
    }
}
