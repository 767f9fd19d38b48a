//! A bus: values of one type, in the slots of a topic themselves.
//!
//! The ring of xbar-ring's channels, between processes: one line transfer for values of up to 56 bytes, no block, no ledger.

#![allow(unsafe_code)] // the ring, which is borrowed for one value at a time

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytemuck::Pod;
use xbar_discovery::Uri;
use xbar_layout::sync::{AtomicU64, ReadU64};
use xbar_layout::{Content, Delivery};
use xbar_ring::broadcast::HEAD_WORDS;
use xbar_ring::mpmc::Refused;
use xbar_ring::stride::ValueStride;
use xbar_ring::{Adaptive, Look, Lossy, Rest, Source, WaitStrategy, broadcast, copy};

use crate::Keep;
use crate::error::{PublishError, RegionError};
use crate::exclusive::{Borrow, Exclusive};
use crate::options::{TopicConfig, value_type};
use crate::place::Place;
use crate::publisher::Publisher;
use crate::rings;
use crate::room::{Patience, Room};
use crate::seat::present;
use crate::stream::Start;
use crate::subscriber::Subscriber;
use crate::topic::Membership;
use crate::watch::Watch;

/// Slots of `T`: as `TopicShape::slot_words` says.
type Slots<T> = ValueStride<T, HEAD_WORDS, true>;

/// The writing end of a bus.
pub struct BusPublisher<T: Pod> {
    ring: Exclusive<broadcast::Writer<Keep, Slots<T>>>,
    room: Room,
    membership: Membership,
    publisher: Publisher,
}

impl<T: Pod> BusPublisher<T> {
    /// Registers bus `uri` in `publisher`'s region, or takes it over when its publisher is gone: sequence numbers go on, and
    /// readers with them.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when somebody alive publishes it, it is something else, or there is no room for it.
    pub fn register(
        publisher: Publisher,
        uri: &Uri,
        config: TopicConfig,
        type_name: &str,
    ) -> Result<Self, RegionError> {
        let config = config.values().value_type(value_type::<T>(uri)?.named(type_name));
        let (ring, room, membership) = publisher.under_lock(|| {
            let seat = publisher.seat();
            let topic = publisher.registered(uri, &config)?;
            let facts = topic.facts();
            let words = rings::slots::<AtomicU64>(&seat.view, facts)?;
            let head = rings::head::<AtomicU64>(&seat.view, facts)?;
            let ring = broadcast::Writer::resume(words, head, Slots::<T>::NEW);
            let ring = present(ring.ok(), &seat.view, "ring_slots")?;
            let room = Room::open(seat, &topic)?;
            let membership = Membership::enter(seat, &topic, ring.next())?;
            Ok((ring, room, membership))
        })?;
        Ok(Self { ring: Exclusive::new(ring), room, membership, publisher })
    }

    /// Publishes `value`. Waits for room where the bus is bounded.
    #[inline]
    pub fn publish(&self, value: &T) {
        // Waiting without an end ends with room.
        let _ = self.publish_within(value, Patience::As(&mut Adaptive, None));
    }

    /// As [`BusPublisher::publish`], without waiting.
    ///
    /// # Errors
    ///
    /// [`PublishError::Full`].
    #[inline]
    pub fn try_publish(&self, value: &T) -> Result<(), PublishError> {
        self.publish_within(value, Patience::Never)
    }

    /// As [`BusPublisher::publish`], waiting up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`PublishError::Full`].
    pub fn publish_timeout(&self, value: &T, timeout: Duration) -> Result<(), PublishError> {
        self.publish_within(value, Patience::As(&mut Adaptive, Some(timeout)))
    }

    /// Publishes `value`, waiting for room as `strategy` says, up to `timeout` if there is one.
    ///
    /// # Errors
    ///
    /// [`PublishError::Full`] when the time is over, [`PublishError::Stopped`] when the strategy ends the wait.
    pub fn publish_with(
        &self,
        value: &T,
        mut strategy: impl WaitStrategy,
        timeout: Option<Duration>,
    ) -> Result<(), PublishError> {
        self.publish_within(value, Patience::As(&mut strategy, timeout))
    }

    /// Publishes `values` in order, waking readers once.
    #[inline]
    pub fn publish_batch(&self, values: &[T]) {
        for value in values {
            if self.put(value).is_err() {
                // Readers must hear of what there is before they make room.
                self.published();
                self.publish(value);
            }
        }
        self.published();
    }

    #[inline(always)]
    fn publish_within(&self, value: &T, patience: Patience<'_>) -> Result<(), PublishError> {
        let attempt = || {
            self.put(value)?;
            self.published();
            Ok(())
        };
        attempt().or_else(|refused| {
            let next = || self.ring().next();
            let sent = self.publisher.persist(&self.room, refused, patience, next, attempt);
            sent.ok_or_else(|| self.publisher.no_room(self.membership.uri(), &self.room))
        })
    }

    #[inline(always)]
    fn ring(&self) -> Borrow<'_, broadcast::Writer<Keep, Slots<T>>> {
        // SAFETY: this file's uses call the ring, the limit and the copy, and none of them comes back here.
        unsafe { self.ring.borrow_mut() }
    }

    #[inline(always)]
    fn put(&self, value: &T) -> Result<(), Refused> {
        let mut ring = self.ring();
        if ring.next() >= self.room.limit() {
            return Err(Refused::Limit);
        }
        let claim = ring.claim();
        copy::store_value(Slots::<T>::value(claim.words()), value);
        claim.commit();
        Ok(())
    }

    /// What follows every publication, of one message or several: wake, and count now and then.
    #[inline(always)]
    fn published(&self) {
        let rang = self.membership.bell.ring();
        let sent = self.sequence();
        if rang || sent >= self.membership.tally.due() {
            self.membership.tell(sent);
        }
    }

    /// Values published so far, by all publishers that the bus has had.
    pub fn sequence(&self) -> u64 {
        self.ring().next()
    }

    /// The handle of the region.
    pub const fn publisher(&self) -> &Publisher {
        &self.publisher
    }
}

impl<T: Pod> Drop for BusPublisher<T> {
    fn drop(&mut self) {
        self.membership.tell(self.sequence());
    }
}

impl<T: Pod> fmt::Debug for BusPublisher<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusPublisher").field("uri", self.membership.uri()).finish_non_exhaustive()
    }
}

/// Receives a bus, in all the ways of [`xbar_ring::Subscriber`].
pub type BusSubscriber<T> = xbar_ring::Subscriber<BusReader<T>>;

/// The reading end of a bus.
pub struct BusReader<T: Pod> {
    ring: broadcast::Reader<Keep, Slots<T>>,
    watch: Watch,
    /// Of a bounded bus.
    place: Option<Place>,
    start: u64,
    missed: Cell<u64>,
}

impl Subscriber {
    /// Receives bus `uri`, from `start` on.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when nobody has registered it, it is something else or of another type, or bounded and this subscriber
    /// has as many lossless streams as it may.
    pub fn subscribe_bus<T: Pod>(
        &self,
        uri: &Uri,
        type_name: &str,
        start: Start,
    ) -> Result<BusSubscriber<T>, RegionError> {
        let topic = self.find(uri)?;
        let (seat, facts) = (self.seat(), topic.facts());
        let (view, asked) = (&seat.view, value_type::<T>(uri)?.named(type_name));
        let differs = |asked: String, found: String| {
            let region = view.segment().name().clone();
            RegionError::Differs { region, uri: uri.clone(), asked, found }
        };
        let found = facts.shape.value.filter(|_| facts.shape.content == Content::Values);
        let found =
            found.ok_or_else(|| differs(format!("a bus of values {asked}"), facts.shape.to_string()))?;
        if !found.agrees_with(&asked) {
            return Err(differs(format!("a bus of values {asked}"), facts.shape.to_string()));
        }
        let (words, head) = (rings::slots::<ReadU64>(view, facts)?, rings::head::<ReadU64>(view, facts)?);
        let ring = broadcast::Reader::join(words, head, Slots::<T>::NEW);
        let mut ring = present(ring.ok(), view, "ring_slots")?;
        if let Start::Last(messages) = start {
            let back = ring.rewind();
            ring.skip_to(ring.next() + back.saturating_sub(messages));
        }
        let lossless = facts.shape.delivery == Delivery::Lossless;
        let place = if lossless { Some(Place::take(seat, &topic, ring.next())?) } else { None };
        if let Some(place) = &place {
            ring.skip_to(place.position());
        }
        let watch = Watch::new(Arc::clone(seat), &topic)?;
        let reader = BusReader { start: ring.next(), ring, watch, place, missed: Cell::new(0) };
        Ok(xbar_ring::Subscriber::new(reader))
    }
}

impl<T: Pod> BusReader<T> {
    /// Nothing new: is somebody left who could publish?
    #[inline(always)]
    fn nothing<V>(&mut self, again: impl FnOnce(&mut Self) -> Look<V>) -> Look<V> {
        let Some(gone) = self.watch.gone(false, || ()) else { return Look::Empty };
        self.tell();
        match again(self) {
            Look::Empty if !self.watch.have_come_again(gone) => Look::Ended,
            found => found,
        }
    }

    #[inline(always)]
    fn settle<V>(&self, found: Look<V>) -> Look<V> {
        if let Some(place) = &self.place {
            place.move_to(self.ring.next());
        }
        found
    }

    fn tell(&self) {
        let missed = self.missed.get();
        // Wrapping: damaged memory may send a reader anywhere.
        self.watch.set_counts(self.ring.next().wrapping_sub(self.start).saturating_sub(missed), missed);
    }

    /// The region's view.
    pub fn view(&self) -> &xbar_discovery::RegionView {
        &self.watch.seat.view
    }
}

impl<T: Pod> Source for BusReader<T> {
    type Value = T;

    #[inline(always)]
    fn look(&mut self) -> Look<T> {
        match self.ring.look() {
            Look::Empty | Look::Ended => self.nothing(|this| {
                let found = this.ring.look();
                this.settle(found)
            }),
            found => self.settle(found),
        }
    }

    #[inline(always)]
    fn look_into(&mut self, place: &mut T) -> Look<()> {
        match self.ring.look_into(place) {
            Look::Empty | Look::Ended => self.nothing(|this| {
                let found = this.ring.look_into(place);
                this.settle(found)
            }),
            found => self.settle(found),
        }
    }

    fn catch_up(&mut self) -> u64 {
        let missed = self.ring.catch_up();
        self.missed.set(self.missed.get().saturating_add(missed));
        self.settle(Look::Value(missed));
        missed
    }

    #[inline(always)]
    fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    #[inline(always)]
    fn position(&self) -> u64 {
        self.ring.next()
    }

    fn pending(&self) -> u64 {
        self.ring.pending()
    }

    fn sleep(&mut self, rest: Rest<'_>) {
        let ring = &self.ring;
        self.watch.sleep_unless(|| !ring.is_empty(), rest);
        self.watch.probe_soon();
    }
}

impl<T: Pod> Lossy for BusReader<T> {
    fn skip_all(&mut self) {
        self.ring.skip_all();
        self.settle(Look::Value(()));
    }

    fn rewind(&mut self) {
        if self.place.is_none() {
            self.ring.rewind();
        }
    }

    fn skip_to_newest(&mut self) -> u64 {
        let skipped = self.ring.skip_to_newest();
        self.missed.set(self.missed.get().saturating_add(skipped));
        self.settle(Look::Value(skipped));
        skipped
    }
}

impl<T: Pod> Drop for BusReader<T> {
    fn drop(&mut self) {
        self.tell();
        if let (Some(place), true) = (&self.place, self.watch.seat.is_mine()) {
            place.leave();
        }
    }
}

impl<T: Pod> fmt::Debug for BusReader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusReader").field("ring", &self.ring).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(xbar_loom)))]
mod tests {
    use xbar_layout::{Content, Delivery, TopicShape, ValueType};

    use super::*;

    fn words<T>() -> [usize; 2] {
        let value = ValueType::of::<T>();
        let shape = TopicShape {
            delivery: Delivery::Lossy,
            many: false,
            content: Content::Values,
            pool: None,
            slots: 2,
            value,
        };
        [shape.slot_words() as usize, Slots::<T>::WORDS]
    }

    #[test]
    fn the_format_and_the_ring_agree_on_how_far_slots_are_apart() {
        assert_eq!(words::<u8>(), [2, 2]);
        assert_eq!(words::<u64>(), [2, 2]);
        assert_eq!(words::<[u8; 9]>(), [4, 4]);
        assert_eq!(words::<[u64; 3]>(), [4, 4]);
        assert_eq!(words::<[u64; 4]>(), [8, 8]);
        assert_eq!(words::<[u64; 7]>(), [8, 8]);
        assert_eq!(words::<[u64; 8]>(), [16, 16]);
        assert_eq!(words::<[u8; 1000]>(), [128, 128]);
    }
}
