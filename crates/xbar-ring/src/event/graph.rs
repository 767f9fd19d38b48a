//! The graph of stages, laid out before the first event.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;

use xbar_layout::sync::UnsafeCell;

use super::access::{Access, Change, Read};
use super::order::{Many, One, Order};
use super::poller::Poller;
use super::producer::Producer;
use super::slot::{Ring, Slot};
use crate::slots::{Backing, Slots};
use crate::stage::Progress;
use crate::wake::{Quiet, Wake};

/// A stage's place in its graph, for the stages behind it.
#[derive(Debug, Clone)]
pub struct Place {
    pub(super) index: usize,
    pub(super) done: Progress,
}

impl Place {
    /// Events that the stage has passed: its handler has returned.
    pub fn passed(&self) -> u64 {
        self.done.passed()
    }

    /// True when the stage was dropped, has found the end, or its handler panicked.
    pub fn is_gone(&self) -> bool {
        self.done.is_gone()
    }
}

/// What is known of a stage while the graph is laid out.
struct Node {
    place: Place,
    /// Indices of all stages in front, directly or not.
    front: Vec<usize>,
    alone: bool,
}

/// A ring of events and the graph of its stages, while it is laid out: see [the module](super).
///
/// Dropped without [`build`](Self::build), it leaves stages that find the end.
pub struct Events<E, O: Order = One, W: Wake = Quiet> {
    ring: Arc<Ring<E, O, W>>,
    nodes: Vec<Node>,
    built: bool,
}

impl<E: Send> Events<E> {
    /// `capacity` events made by `make`, for one producer.
    ///
    /// # Panics
    ///
    /// When `capacity < 2`, or there is not so much memory.
    pub fn one_producer(capacity: usize, make: impl FnMut() -> E) -> Self {
        Self::new(capacity, make, [Quiet; 2], None)
    }
}

impl<E: Send> Events<E, Many> {
    /// `capacity` events made by `make`, for producers that are cloned, one for each thread.
    ///
    /// # Panics
    ///
    /// When `capacity < 2`, or there is not so much memory.
    pub fn many_producers(capacity: usize, make: impl FnMut() -> E) -> Self {
        Self::new(capacity, make, [Quiet; 2], None)
    }
}

impl<E: Send, O: Order, W: Wake> Events<E, O, W> {
    /// `capacity` events made by `make`, in `backing`; `bells` are rung for stages, and for producers.
    ///
    /// # Panics
    ///
    /// When `capacity < 2`, there is not so much memory, or `backing` is too small.
    pub fn new(capacity: usize, make: impl FnMut() -> E, bells: [W; 2], backing: Backing) -> Self {
        assert!(capacity >= 2, "a ring of events needs a capacity >= 2, not {capacity}");
        let make = RefCell::new(make);
        let what = alloc::format!("a ring of {capacity} events of {} bytes", size_of::<E>());
        let slot = |_| Slot { stamp: O::blank(), event: UnsafeCell::new((make.borrow_mut())()) };
        let slots = Slots::new(capacity, backing, &what, slot);
        let [news, room] = bells;
        Self { ring: Arc::new(Ring { slots, order: O::new(), news, room }), nodes: Vec::new(), built: false }
    }

    /// Bytes of the backing that [`new`](Self::new) wants to be lent.
    pub const fn bytes(capacity: usize) -> usize {
        Slots::<Slot<E, O::Stamp>>::bytes(capacity)
    }

    /// A stage that reads events when all of `after` have passed them; behind the producers when there are none. Stages that are
    /// beside one another read the same event at the same time, so it must be `Sync`:
    ///
    /// ```compile_fail,E0277
    /// let mut events = xbar_ring::event::Events::one_producer(8, || std::cell::Cell::new(7));
    /// let reader = events.reader([]);
    /// ```
    ///
    /// ```
    /// let mut events = xbar_ring::event::Events::one_producer(8, || std::cell::Cell::new(7));
    /// let changer = events.changer([]);
    /// ```
    ///
    /// # Panics
    ///
    /// When one of `after` is of another graph.
    pub fn reader(&mut self, after: impl IntoIterator<Item = Place>) -> Poller<E, Read, O, W>
    where
        E: Sync,
    {
        self.stage(after)
    }

    /// A stage that changes events when all of `after` have passed them. It must be in front of or behind every other one, which
    /// [`build`](Self::build) checks.
    ///
    /// # Panics
    ///
    /// When one of `after` is of another graph.
    pub fn changer(&mut self, after: impl IntoIterator<Item = Place>) -> Poller<E, Change, O, W> {
        self.stage(after)
    }

    fn stage<A: Access>(&mut self, after: impl IntoIterator<Item = Place>) -> Poller<E, A, O, W> {
        let after: Vec<Place> = after.into_iter().collect();
        let is_ours = |place: &Place| {
            self.nodes.get(place.index).is_some_and(|node| node.place.done.is_same(&place.done))
        };
        assert!(after.iter().all(is_ours), "a stage of another graph cannot be in front");
        let mut front: Vec<usize> =
            after.iter().flat_map(|place| self.nodes[place.index].front.iter().copied()).collect();
        front.extend(after.iter().map(|place| place.index));
        let place = Place { index: self.nodes.len(), done: Progress::new() };
        self.nodes.push(Node { place: place.clone(), front, alone: A::ALONE });
        Poller::new(self.ring.lend(), place, after.into_iter().map(|place| place.done).collect())
    }

    /// The producer of what all stages will handle.
    ///
    /// # Panics
    ///
    /// When there is no stage: every event would be lost. When a stage that changes events has another one beside it: they
    /// would have the same event at the same time.
    pub fn build(mut self) -> Producer<E, O, W> {
        assert!(!self.nodes.is_empty(), "a ring of events needs at least 1 stage, or every event is lost");
        for (index, node) in self.nodes.iter().enumerate() {
            let beside = self.nodes[..index]
                .iter()
                .find(|other| (node.alone || other.alone) && !node.front.contains(&other.place.index));
            if let Some(other) = beside {
                panic!(
                    "stages {} and {index} are beside one another and one of them changes events: put one behind the other",
                    other.place.index
                );
            }
        }
        let is_last = |node: &&Node| !self.nodes.iter().any(|other| other.front.contains(&node.place.index));
        let (last, others): (Vec<_>, Vec<_>) = self.nodes.iter().partition(is_last);
        let stages: Vec<_> = last.iter().chain(&others).map(|node| node.place.done.clone()).collect();
        let last = last.len();
        self.built = true;
        self.ring.order.begin();
        Producer::new(self.ring.lend(), stages.into(), last)
    }
}

impl<E, O: Order, W: Wake> Drop for Events<E, O, W> {
    fn drop(&mut self) {
        if !self.built {
            self.ring.order.give_up();
            self.ring.news.ring();
        }
    }
}

impl<E, O: Order, W: Wake> fmt::Debug for Events<E, O, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("capacity", &self.ring.slots.len())
            .field("stages", &self.nodes.len())
            .finish_non_exhaustive()
    }
}
