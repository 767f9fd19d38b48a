//! A topic as one publisher has it.

#![allow(unsafe_code)] // the writer, which is borrowed for one message at a time

use std::fmt;
use std::sync::Arc;

use xbar_discovery::{TopicView, Uri};
use xbar_layout::check::TopicFacts;
use xbar_layout::sync::{AtomicU64, Ordering};
use xbar_layout::{Lent, TopicShape};
use xbar_shm::wake::{Bell, System};

use crate::Keep;
use crate::error::RegionError;
use crate::exclusive::{Borrow, Exclusive};
use crate::room::Room;
use crate::seat::{Seat, present};
use crate::send::inline_bytes;
use crate::writer::Writer;
use crate::{rings, table};

/// A topic that a publisher registered. Belongs to that publisher.
pub struct Topic {
    writer: Exclusive<Writer<Keep>>,
    /// The pool of its blocks.
    pub(crate) pool: usize,
    /// Bytes of a message that ride in a slot.
    pub(crate) inline_bytes: usize,
    pub(crate) membership: Membership,
    pub(crate) room: Room,
}

/// A publisher's name in a topic's set of publishers, taken back when dropped; and what tells the readers.
pub(crate) struct Membership {
    pub(crate) bell: Bell<Keep>,
    pub(crate) facts: TopicFacts,
    uri: Uri,
    publishers: Lent<[AtomicU64], Keep>,
    pub(crate) seat: Arc<Seat>,
}

impl Membership {
    /// Opens topic `view` for the publisher on `seat` and enters its name. The caller holds the region's lock.
    pub(crate) fn enter(seat: &Arc<Seat>, topic: &TopicView) -> Result<Self, RegionError> {
        let publishers = table::publishers(&seat.view, topic.index())?;
        let bell = bell(seat, topic.index())?;
        let (place, bit) = table::bit(seat.index);
        // ORDERING: topic-publishers: release pairs with the acquire of readers: the ring is ready.
        publishers[place].fetch_or(bit, Ordering::Release);
        // Somebody may wait for a publisher to come.
        bell.ring();
        Ok(Self { bell, facts: *topic.facts(), uri: topic.uri().clone(), publishers, seat: Arc::clone(seat) })
    }

    pub(crate) const fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(crate) const fn shape(&self) -> &TopicShape {
        &self.facts.shape
    }

    pub(crate) fn is_of(&self, seat: &Arc<Seat>) -> bool {
        Arc::ptr_eq(&self.seat, seat)
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        if self.seat.is_mine() {
            leave(&self.publishers, self.seat.index, &self.bell);
        }
    }
}

impl Topic {
    pub(crate) fn open(seat: &Arc<Seat>, topic: &TopicView) -> Result<Self, RegionError> {
        let view = &seat.view;
        let facts = topic.facts();
        let pool = present(facts.shape.pool, view, "pools")? as usize;
        let blocks = present(view.facts().geometry.pools().get(pool), view, "pools")?.limits.blocks;
        let ring = rings::write(view, topic, seat.index)?;
        let room = Room::open(seat, topic)?;
        let membership = Membership::enter(seat, topic)?;
        let writer = Exclusive::new(Writer::new(ring, blocks));
        Ok(Self { writer, pool, inline_bytes: inline_bytes(&facts.shape), membership, room })
    }

    #[inline(always)]
    pub(crate) fn writer(&self) -> Borrow<'_, Writer<Keep>> {
        // SAFETY: whoever has the writer calls it and the supply, and neither comes back for the writer.
        unsafe { self.writer.borrow_mut() }
    }

    /// Its name.
    pub const fn uri(&self) -> &Uri {
        self.membership.uri()
    }

    /// What it was registered as.
    pub const fn shape(&self) -> &TopicShape {
        self.membership.shape()
    }
}

/// What wakes the readers of topic `index`.
pub(crate) fn bell(seat: &Seat, index: u32) -> Result<Bell<Keep>, RegionError> {
    let entry = table::entry(&seat.view, index)?;
    let line = seat.topic_line(index)?;
    Ok(Bell::new(entry.part(|entry| &entry.wake), line.part(|line| &line.readers_waiting), System))
}

/// Takes publisher `seat` out of a topic's set, if it is in it, and wakes the readers.
pub(crate) fn leave(publishers: &[AtomicU64], seat: u32, bell: &Bell<Keep>) {
    let (place, bit) = table::bit(seat);
    let Some(word) = publishers.get(place) else { return };
    // ORDERING: topic-publishers: release pairs with the acquire of readers: all that was published is there when the
    // publisher is found gone.
    if word.fetch_and(!bit, Ordering::Release) & bit != 0 {
        bell.ring();
    }
}

impl fmt::Debug for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Membership").field("uri", &self.uri).finish_non_exhaustive()
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic").field("uri", self.uri()).finish_non_exhaustive()
    }
}
