//! How stages learn which events are there: from one tail, or from a stamp on each.

use xbar_layout::sync::{AtomicU64, Ordering};

use super::slot::Slot;
use crate::line::Line;

/// Topmost bit of tail and head: no event comes behind the number below it.
pub(super) const ENDED: u64 = 1 << 63;

/// One producer or many.
pub trait Order: sealed::Sealed + Send + Sync + Sized + 'static {
    /// What stands beside each event.
    #[doc(hidden)]
    type Stamp: Send + Sync;

    /// Before the first event.
    #[doc(hidden)]
    fn new() -> Self;

    /// Beside an event that was never published.
    #[doc(hidden)]
    fn blank() -> Self::Stamp;

    /// Up to which number events are there from `position` on, which lies at `place`, looking at `most` of them; and when there
    /// is none, whether none will come: what producers did before is visible then.
    #[doc(hidden)]
    fn front<E>(
        &self,
        slots: &[Slot<E, Self::Stamp>],
        position: u64,
        place: usize,
        most: usize,
    ) -> (u64, bool);

    /// True when no producer may publish any more, whoever asks.
    #[doc(hidden)]
    fn is_closed(&self) -> bool;

    /// True when a producer gave up the event that a stage may look at.
    #[doc(hidden)]
    fn is_void(stamp: &Self::Stamp) -> bool;

    /// Events published, or about to be.
    #[doc(hidden)]
    fn count(&self) -> u64;

    /// True when a number that was taken must be stamped, whatever happens.
    #[doc(hidden)]
    const HOLDS_NUMBERS: bool;

    /// Takes up to `count` numbers below `limit` for a producer whose next would be `next`.
    #[doc(hidden)]
    fn claim(&self, next: u64, count: u64, limit: u64) -> Taken;

    /// Shows event `sequence`, where events are shown one by one, or that it will never be there.
    #[doc(hidden)]
    fn stamp(stamp: &Self::Stamp, sequence: u64, is_void: bool);

    /// Shows the events below `next`, where they are shown together.
    #[doc(hidden)]
    fn show(&self, next: u64);

    /// There is a first producer.
    #[doc(hidden)]
    fn begin(&self);

    /// A producer goes that has published what is below `next`.
    #[doc(hidden)]
    fn leave(&self, next: u64);

    /// There will be no producer.
    #[doc(hidden)]
    fn give_up(&self);
}

/// One producer: a tail.
#[derive(Debug)]
pub struct One {
    /// Events published, and [`ENDED`]. Written by the producer.
    tail: Line,
}

impl One {
    #[inline(always)]
    fn look(&self) -> u64 {
        // ORDERING: event-tail: pairs with the producer's release.
        self.tail.first().load(Ordering::Acquire)
    }
}

impl Order for One {
    type Stamp = ();

    fn new() -> Self {
        Self { tail: Line::zeroed() }
    }

    fn blank() {}

    #[inline(always)]
    fn front<E>(&self, _slots: &[Slot<E, ()>], position: u64, _place: usize, _most: usize) -> (u64, bool) {
        let tail = self.look();
        (tail & !ENDED, tail & ENDED != 0 && position >= tail & !ENDED)
    }

    fn is_closed(&self) -> bool {
        false // its producer would have to be gone
    }

    #[inline(always)]
    fn is_void((): &()) -> bool {
        false
    }

    fn count(&self) -> u64 {
        self.look() & !ENDED
    }

    const HOLDS_NUMBERS: bool = false;

    #[inline(always)]
    fn claim(&self, next: u64, count: u64, limit: u64) -> Taken {
        if next < limit {
            Taken::Numbers { first: next, count: count.min(limit - next) }
        } else {
            Taken::Full
        }
    }

    #[inline(always)]
    fn stamp((): &(), _sequence: u64, _is_void: bool) {}

    #[inline(always)]
    fn show(&self, next: u64) {
        // ORDERING: event-tail: release pairs with the stage's acquire: the events below are there.
        self.tail.first().store(next, Ordering::Release);
    }

    fn begin(&self) {}

    fn leave(&self, next: u64) {
        self.show(next | ENDED);
    }

    fn give_up(&self) {
        self.show(ENDED);
    }
}

/// Many producers: a number for each event, taken before it is written, and a stamp beside it when it is.
#[derive(Debug)]
pub struct Many {
    /// Numbers taken, and [`ENDED`]. Written by all producers.
    head: Line,
    /// Producers that there are.
    producers: Line,
    /// The last head, with [`ENDED`], when there is one; 0 before. Stages that wait look here, not at the head: every look there
    /// would take its line away from producers.
    end: Line,
}

impl Many {
    /// No number is taken any more.
    pub(super) fn end(&self) {
        // ORDERING: none; a number is taken before or never, and the end is told below.
        let last = self.head.first().fetch_or(ENDED, Ordering::Relaxed);
        // ORDERING: event-end: release pairs with the stage that finds the end.
        self.end.first().store(last | ENDED, Ordering::Release);
    }

    #[inline(always)]
    fn is_over(&self, position: u64) -> bool {
        // ORDERING: event-end: pairs with the release of whoever ended it.
        let end = self.end.first().load(Ordering::Acquire);
        end & ENDED != 0 && position >= end & !ENDED
    }

    pub(super) fn enter(&self) {
        // ORDERING: none; the handle that is there keeps the count from ending.
        self.producers.first().fetch_add(1, Ordering::Relaxed);
    }
}

/// What came of taking numbers.
#[doc(hidden)]
#[derive(Debug)]
pub enum Taken {
    /// From `first` on, `count` of them.
    Numbers {
        /// The lowest.
        first: u64,
        /// At least 1.
        count: u64,
    },
    /// The limit is used up.
    Full,
    /// The stream has ended.
    Over,
}

impl Order for Many {
    type Stamp = AtomicU64;

    fn new() -> Self {
        Self { head: Line::zeroed(), producers: Line::zeroed(), end: Line::zeroed() }
    }

    fn blank() -> AtomicU64 {
        AtomicU64::new(0)
    }

    #[inline(always)]
    fn front<E>(
        &self,
        slots: &[Slot<E, AtomicU64>],
        position: u64,
        place: usize,
        most: usize,
    ) -> (u64, bool) {
        let (start, rest) = slots.split_at(place);
        let there = rest.iter().chain(start).take(most).zip(position..).take_while(|(slot, sequence)| {
            // ORDERING: event-stamp: pairs with the producer's release.
            slot.stamp.load(Ordering::Acquire) >> 1 == sequence + 1
        });
        let there = there.count() as u64;
        (position + there, there == 0 && self.is_over(position))
    }

    fn is_closed(&self) -> bool {
        self.is_over(u64::MAX >> 1)
    }

    #[inline(always)]
    fn is_void(stamp: &AtomicU64) -> bool {
        // ORDERING: none; the stage has seen that the event is there.
        stamp.load(Ordering::Relaxed) & 1 != 0
    }

    fn count(&self) -> u64 {
        // ORDERING: none; a figure for people.
        self.head.first().load(Ordering::Relaxed) & !ENDED
    }

    const HOLDS_NUMBERS: bool = true;

    #[inline(always)]
    fn claim(&self, _next: u64, count: u64, limit: u64) -> Taken {
        let head = self.head.first();
        loop {
            // ORDERING: none; exchanged below as found. Cursors order the slots, stamps the events.
            let next = head.load(Ordering::Relaxed);
            if next & ENDED != 0 {
                return Taken::Over;
            }
            if next >= limit {
                return Taken::Full;
            }
            let count = count.min(limit - next);
            // ORDERING: none; as above.
            if head.compare_exchange_weak(next, next + count, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                return Taken::Numbers { first: next, count };
            }
        }
    }

    #[inline(always)]
    fn stamp(stamp: &AtomicU64, sequence: u64, is_void: bool) {
        // ORDERING: event-stamp: release pairs with the stage's acquire: the event is there.
        stamp.store((sequence + 1) << 1 | u64::from(is_void), Ordering::Release);
    }

    #[inline(always)]
    fn show(&self, _next: u64) {}

    fn begin(&self) {
        self.enter();
    }

    fn leave(&self, _next: u64) {
        // ORDERING: event-end: what this producer did goes with its count; the last one takes it all along.
        if self.producers.first().fetch_sub(1, Ordering::AcqRel) == 1 {
            self.end();
        }
    }

    fn give_up(&self) {
        self.end();
    }
}

mod sealed {
    /// Two orders ship.
    pub trait Sealed {}
    impl Sealed for super::One {}
    impl Sealed for super::Many {}
}
