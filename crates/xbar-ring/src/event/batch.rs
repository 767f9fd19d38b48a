//! Several events at once, for as long as the stage has not passed them.

#![allow(unsafe_code)] // references into cells, under the invariants of the poller

use core::fmt;

use super::access::{Access, Change, Read};
use super::order::{One, Order};
use super::poller::Poller;
use crate::wake::{Quiet, Wake};

/// Events that a stage looks at: see [`Poller::try_batch`]. They pass by [`pass`](Self::pass); dropped without it, by a panic,
/// say, they come again.
///
/// No event outlives its batch:
///
/// ```compile_fail,E0505
/// let mut events = xbar_ring::event::Events::one_producer(8, || 7_u64);
/// let mut reader = events.reader([]);
/// events.build().publish(|event| *event = 1).unwrap();
/// let batch = reader.try_batch(8).unwrap();
/// let first = batch.iter().next().unwrap();
/// batch.pass();
/// assert_eq!(*first, 1);
/// ```
///
/// ```
/// let mut events = xbar_ring::event::Events::one_producer(8, || 7_u64);
/// let mut reader = events.reader([]);
/// events.build().publish(|event| *event = 1).unwrap();
/// let batch = reader.try_batch(8).unwrap();
/// let first = batch.iter().next().unwrap();
/// assert_eq!(*first, 1);
/// batch.pass();
/// ```
///
/// Invariant 1: the stage's next `count` events are seen, and not passed while this lives.
pub struct Batch<'p, E: Send + 'static, A: Access = Read, O: Order = One, W: Wake = Quiet> {
    poller: &'p mut Poller<E, A, O, W>,
    count: usize,
}

impl<'p, E: Send, A: Access, O: Order, W: Wake> Batch<'p, E, A, O, W> {
    pub(super) const fn new(poller: &'p mut Poller<E, A, O, W>, count: usize) -> Self {
        Self { poller, count }
    }

    /// The number of the first event.
    pub const fn first(&self) -> u64 {
        self.poller.position()
    }

    /// Passes all of them: the stages behind may have them, and behind the last stage the producers.
    pub fn pass(self) {
        self.poller.count_voids(self.count);
        self.poller.pass(self.count);
    }
}

impl<E: Send, O: Order, W: Wake> Batch<'_, E, Read, O, W> {
    /// The events, in order.
    pub fn iter(&self) -> impl Iterator<Item = &E> {
        // SAFETY: invariant 1, and invariants 2 and 3 of the module: stages beside this one only read.
        self.poller.ahead(self.count).map(|slot| slot.event.with(|event| unsafe { &*event }))
    }
}

impl<E: Send, O: Order, W: Wake> Batch<'_, E, Change, O, W> {
    /// The events, in order, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut E> {
        // SAFETY: invariant 1, and invariants 2 and 3 of the module: this stage is alone with them; each comes once, and `self`
        // is borrowed until all are given back.
        self.poller.ahead(self.count).map(|slot| slot.event.with_mut(|event| unsafe { &mut *event }))
    }
}

impl<E: Send, A: Access, O: Order, W: Wake> fmt::Debug for Batch<'_, E, A, O, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("first", &self.first()).field("count", &self.count).finish()
    }
}
