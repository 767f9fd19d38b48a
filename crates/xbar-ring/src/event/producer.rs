//! The producing end: events changed in place, and shown.

#![allow(unsafe_code)] // events lent to closures

use alloc::sync::Arc;
use core::fmt;

use super::access::{Access, Change};
use super::order::{Many, One, Order, Taken};
use super::slot::{Ring, Shared};
use crate::error::PublishError;
use crate::stage::{GONE, Progress};
use crate::wake::{Quiet, Wake};

/// Publishes events, waiting for the slowest stage. With many producers, clone it, one for each thread. Dropped, the last one
/// ends the stream: stages handle what was published, and then find the end.
///
/// A closure changes the event that the last lap left in the slot. When it panics, nothing is published, the panic goes on
/// to the caller, and no stage waits for the event; it stays as the closure left it, for the next one.
///
/// No event outlives its closure:
///
/// ```compile_fail,E0521
/// let mut events = xbar_ring::event::Events::one_producer(8, || 7_u64);
/// let reader = events.reader([]);
/// let mut producer = events.build();
/// let mut kept = Vec::new();
/// producer.publish_each(4, |_, event| kept.push(event));
/// ```
///
/// ```
/// let mut events = xbar_ring::event::Events::one_producer(8, || 7_u64);
/// let reader = events.reader([]);
/// let mut producer = events.build();
/// let mut kept = Vec::new();
/// producer.publish_each(4, |_, event| kept.push(*event)).unwrap();
/// assert_eq!(kept, [7; 4]);
/// ```
///
/// Invariant 1: `lap` is a multiple of the capacity, and not above what this one publishes next; what lies below `limit` was passed by every stage that is not gone.
pub struct Producer<E: 'static, O: Order = One, W: Wake = Quiet> {
    pub(super) slots: Shared<E, O, W>,
    /// Those that no other one is behind come first.
    stages: Arc<[Progress]>,
    /// So many.
    last: usize,
    /// One producer: the number of the next event. Many: that behind this one's last.
    next: u64,
    /// The number of the event in the first slot, of this lap or an earlier one.
    lap: u64,
    limit: u64,
}

impl<E: Send, O: Order, W: Wake> Producer<E, O, W> {
    /// A producer of what `stages` handle, of which the first `last` have no other one behind them.
    pub(super) fn new(slots: Shared<E, O, W>, stages: Arc<[Progress]>, last: usize) -> Self {
        let limit = slots.len() as u64;
        Self { slots, stages, last, next: 0, lap: 0, limit }
    }

    /// Lets `change` make the next event, if there is room.
    ///
    /// # Errors
    ///
    /// [`PublishError`], with `change`, which was not called. `Disconnected` when the ring is full and all stages are gone, or
    /// a [`Closer`] closed it.
    #[inline(always)]
    pub fn try_publish<R, F: FnOnce(&mut E) -> R>(&mut self, change: F) -> Result<R, PublishError<F>> {
        let (first, count) = match self.claim(1) {
            Ok(numbers) => numbers,
            Err(refused) => return Err(refused.with(change)),
        };
        let place = self.slot_of(first);
        let slot = &self.slots[place];
        let unfilled = Unfilled::<E, O, W> { sequence: first, stamp: &slot.stamp, ring: self.slots.keep() };
        // SAFETY: invariant 1, and the number is this producer's: nobody else touches the event (module, invariant 1).
        let result = unsafe { Change::lend(&slot.event, change) };
        core::mem::forget(unfilled);
        O::stamp(&slot.stamp, first, false);
        self.next = first + count;
        let ring = self.slots.keep();
        ring.order.show(self.next);
        ring.news.ring();
        Ok(result)
    }

    /// Lets `change` make the next `count` events, or as many as there is room for; says how many. It is told the place of each
    /// among them. One producer's are shown together, those of many each when it is made, with no other producer's in between.
    /// When `change` panics, those before are published.
    ///
    /// # Errors
    ///
    /// [`PublishError`], when there is no room for even one.
    #[inline]
    pub fn try_publish_each(
        &mut self,
        count: usize,
        mut change: impl FnMut(usize, &mut E),
    ) -> Result<usize, PublishError<()>> {
        if count == 0 {
            return Ok(0);
        }
        let (first, count) = self.claim(count as u64)?;
        let mut filling = Filling { first, slot: self.slot_of(first), filled: 0, count, producer: self };
        let (start, rest) = filling.producer.slots.split_at(filling.slot);
        let front = &rest[..rest.len().min(count as usize)];
        let back = &start[..count as usize - front.len()];
        for slots in [front, back] {
            for slot in slots {
                let index = filling.filled;
                // SAFETY: as in `try_publish`, for each.
                unsafe { Change::lend(&slot.event, |event| change(index as usize, event)) };
                filling.filled += 1;
                O::stamp(&slot.stamp, first + index, false);
            }
        }
        filling.end();
        Ok(count as usize)
    }

    /// Events published so far, or being written, by all producers.
    pub fn published(&self) -> u64 {
        self.slots.keep().order.count()
    }

    /// Events of the ring.
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// Stages that are not gone.
    pub fn stages(&self) -> usize {
        self.stages.iter().filter(|stage| !stage.is_gone()).count()
    }

    /// True when [`try_publish`](Self::try_publish) would not say `Full`.
    pub fn is_ready(&self) -> bool {
        let room = slowest(&self.stages, self.last).map(|slowest| slowest + self.slots.len() as u64);
        room.is_none_or(|room| room > self.published()) || self.slots.keep().order.is_closed()
    }

    /// Takes up to `count` numbers; says the first and how many.
    #[inline(always)]
    fn claim(&mut self, count: u64) -> Result<(u64, u64), PublishError<()>> {
        loop {
            match self.slots.keep().order.claim(self.next, count, self.limit) {
                Taken::Numbers { first, count } => return Ok((first, count)),
                Taken::Over => return Err(PublishError::Disconnected(())),
                Taken::Full => {
                    let Some(slowest) = slowest(&self.stages, self.last) else {
                        return Err(PublishError::Disconnected(()));
                    };
                    let limit = slowest + self.slots.len() as u64;
                    if limit <= self.limit {
                        return Err(PublishError::Full(()));
                    }
                    self.limit = limit;
                }
            }
        }
    }

    /// The slot of an event from `lap` on: divided once a lap.
    #[inline(always)]
    fn slot_of(&mut self, sequence: u64) -> usize {
        let capacity = self.slots.len() as u64;
        if sequence - self.lap >= capacity {
            self.lap = sequence - sequence % capacity;
        }
        (sequence - self.lap) as usize
    }
}

/// What every stage that is not gone has passed; the first `last` of them have no other one behind them.
///
/// The last stages tell, as long as none of them is gone: whatever one has passed, those in front of it have, and it has acquired
/// what they did. A look at a stage in front would cost that one its line whenever it passes events.
///
/// It gets no producer: one whose address is known to somebody is kept in memory, and each event waits for the number that the one
/// before left there.
#[cold]
#[inline(never)]
fn slowest(stages: &[Progress], last: usize) -> Option<u64> {
    let (passed, is_gone) = stages[..last]
        .iter()
        .map(Progress::look)
        .fold((u64::MAX, false), |(passed, is_gone), done| (passed.min(done), is_gone | (done & GONE != 0)));
    if !is_gone {
        return Some(passed);
    }
    stages.iter().map(Progress::look).filter(|done| done & GONE == 0).min()
}

impl<E: Send, W: Wake> Producer<E, Many, W> {
    /// Something that can end the stream from anywhere.
    pub fn closer(&self) -> Closer<E, W> {
        Closer { slots: self.slots.clone() }
    }
}

/// Ends a stream of many producers from outside: what was published before is handled, everything after is refused. Nothing is
/// lost between the two.
pub struct Closer<E: 'static, W: Wake = Quiet> {
    slots: Shared<E, Many, W>,
}

impl<E, W: Wake> Closer<E, W> {
    /// Lets no producer take a number any more.
    pub fn close(&self) {
        let ring = self.slots.keep();
        ring.order.end();
        ring.news.ring();
        ring.room.ring();
    }
}

impl<E, W: Wake> Clone for Closer<E, W> {
    fn clone(&self) -> Self {
        Self { slots: self.slots.clone() }
    }
}

impl<E, W: Wake> fmt::Debug for Closer<E, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closer").finish_non_exhaustive()
    }
}

/// An event that is being made. Dropped by a panic, it gives its number up.
struct Unfilled<'p, E: Send + 'static, O: Order, W: Wake> {
    sequence: u64,
    stamp: &'p O::Stamp,
    ring: &'p Ring<E, O, W>,
}

impl<E: Send, O: Order, W: Wake> Drop for Unfilled<'_, E, O, W> {
    #[cold]
    fn drop(&mut self) {
        O::stamp(self.stamp, self.sequence, true);
        self.ring.news.ring();
    }
}

/// Events that are being made. Dropped by a panic, it shows those that were made, and gives up the rest.
struct Filling<'p, E: Send + 'static, O: Order, W: Wake> {
    first: u64,
    /// The first one's.
    slot: usize,
    filled: u64,
    count: u64,
    producer: &'p mut Producer<E, O, W>,
}

impl<E: Send, O: Order, W: Wake> Filling<'_, E, O, W> {
    #[inline(always)]
    fn end(mut self) {
        self.show(self.count);
        core::mem::forget(self);
    }

    /// Moves the producer behind the first `count` events, and shows them.
    #[inline(always)]
    fn show(&mut self, count: u64) {
        let producer = &mut *self.producer;
        producer.next = self.first + count;
        let ring = producer.slots.keep();
        ring.order.show(producer.next);
        ring.news.ring();
    }
}

impl<E: Send, O: Order, W: Wake> Drop for Filling<'_, E, O, W> {
    fn drop(&mut self) {
        let (behind, front) = self.producer.slots.split_at(self.slot);
        let rest = front.iter().chain(behind).zip(self.first..self.first + self.count);
        for (slot, sequence) in rest.skip(self.filled as usize) {
            O::stamp(&slot.stamp, sequence, true);
        }
        self.show(if O::HOLDS_NUMBERS { self.count } else { self.filled });
    }
}

impl<E, W: Wake> Clone for Producer<E, Many, W> {
    fn clone(&self) -> Self {
        self.slots.keep().order.enter();
        let Self { ref slots, ref stages, last, next, lap, limit } = *self;
        Self { slots: slots.clone(), stages: Arc::clone(stages), last, next, lap, limit }
    }
}

impl<E, O: Order, W: Wake> Drop for Producer<E, O, W> {
    #[inline(always)]
    fn drop(&mut self) {
        let ring = self.slots.keep();
        ring.order.leave(self.next);
        ring.news.ring();
    }
}

impl<E, O: Order, W: Wake> fmt::Debug for Producer<E, O, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("next", &self.next)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
