//! A topic as one publisher has it.

#![allow(unsafe_code)] // the writer, which is borrowed for one message at a time

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use xbar_discovery::{TopicView, Uri};
use xbar_layout::check::TopicFacts;
use xbar_layout::ring::INLINE_BYTES;
use xbar_layout::sync::{AtomicU64, Ordering};
use xbar_layout::{Lent, TopicShape};
use xbar_shm::unix_ns;
use xbar_shm::wake::{Bell, System};

use crate::Keep;
use crate::error::RegionError;
use crate::exclusive::{Borrow, Exclusive};
use crate::room::Room;
use crate::seat::{Seat, present};
use crate::send::inline_bytes;
use crate::tally::Tally;
use crate::writer::Writer;
use crate::{rings, table};

/// A topic that a publisher registered. Belongs to that publisher.
pub struct Topic {
    writer: Exclusive<Writer<Keep>>,
    /// The pool of its blocks.
    pub(crate) pool: usize,
    /// Bytes of a message that ride in a slot.
    pub(crate) inline_bytes: usize,
    /// One publisher, no publish times, up to 48 bytes ride in a slot, and sleepers look out for themselves.
    pub(crate) straight: bool,
    /// Messages below may be sent the straight way: there is room, and no entry is due in the tally. None where the topic is not
    /// straight.
    pub(crate) straight_below: Cell<u64>,
    pub(crate) membership: Membership,
    pub(crate) room: Room,
}

/// A publisher's name in a topic's set of publishers, taken back when dropped; and what tells the readers.
pub(crate) struct Membership {
    pub(crate) bell: Bell<Keep>,
    pub(crate) facts: TopicFacts,
    uri: Uri,
    publishers: Lent<[AtomicU64], Keep>,
    pub(crate) tally: Tally,
    pub(crate) seat: Arc<Seat>,
}

impl Membership {
    /// Opens topic `view`, where `sent` messages were sent, for the publisher on `seat` and enters its name. The caller holds the
    /// region's lock.
    pub(crate) fn enter(seat: &Arc<Seat>, topic: &TopicView, sent: u64) -> Result<Self, RegionError> {
        let publishers = table::publishers(&seat.view, topic.index())?;
        let bell = bell(seat, topic.index())?;
        let (place, bit) = table::bit(seat.index);
        // ORDERING: topic-publishers: release pairs with the acquire of readers: the ring is ready.
        publishers[place].fetch_or(bit, Ordering::Release);
        // Somebody may wait for a publisher to come.
        bell.ring();
        let (facts, uri) = (*topic.facts(), topic.uri().clone());
        Ok(Self { bell, facts, uri, publishers, tally: Tally::new(sent), seat: Arc::clone(seat) })
    }

    pub(crate) const fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(crate) const fn shape(&self) -> &TopicShape {
        &self.facts.shape
    }

    /// Enters in the publisher's record that `sent` messages were sent by now.
    #[cold]
    #[inline(never)]
    pub(crate) fn tell(&self, sent: u64) {
        if self.seat.is_mine() {
            self.tally.tell(&self.seat.record, sent, unix_ns());
        }
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
    /// Opens topic `topic` for the publisher on `seat`. `evict` is called with a pool and a block of it that goes out of the ring at
    /// once, if one does.
    pub(crate) fn open(
        seat: &Arc<Seat>,
        topic: &TopicView,
        evict: impl FnOnce(usize, u32),
    ) -> Result<Self, RegionError> {
        let view = &seat.view;
        let facts = topic.facts();
        let pool = present(facts.shape.pool, view, "pools")? as usize;
        let blocks = present(view.facts().geometry.pools().get(pool), view, "pools")?.limits.blocks;
        let ring = rings::write(view, topic, seat.index)?;
        let room = Room::open(seat, topic)?;
        let membership = Membership::enter(seat, topic, ring.sent())?;
        let writer = Writer::new(ring, blocks, |index| evict(pool, index));
        let inline_bytes = inline_bytes(&facts.shape);
        let is_light = membership.bell.is_light();
        let straight = inline_bytes == INLINE_BYTES && !view.facts().publish_times && is_light;
        let (writer, straight_below) = (Exclusive::new(writer), Cell::new(0));
        Ok(Self { writer, pool, inline_bytes, straight, straight_below, membership, room })
    }

    #[inline(always)]
    pub(crate) fn writer(&self) -> Borrow<'_, Writer<Keep>> {
        // SAFETY: whoever has the writer calls it and the supply, and neither comes back for the writer.
        unsafe { self.writer.borrow_mut() }
    }

    /// What follows every publication: wakes readers, and enters what was sent in the publisher's record when it is time.
    #[inline(always)]
    pub(crate) fn published(&self) {
        let rang = self.membership.bell.ring();
        if rang || self.writer().sent() >= self.membership.tally.due() {
            self.tell();
        }
    }

    /// The same, behind a message on the straight way, where it is not time.
    #[inline(always)]
    pub(crate) fn published_straight(&self) {
        if self.membership.bell.ring_lightly() {
            self.tell();
        }
    }

    /// Finds out how far the straight way goes now.
    pub(crate) fn look_ahead(&self) {
        if self.straight {
            self.straight_below.set(self.room.limit().min(self.membership.tally.due() - 1));
        }
    }

    /// Enters what was sent in the publisher's record.
    #[cold]
    #[inline(never)]
    fn tell(&self) {
        self.membership.tell(self.writer().sent());
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

impl Drop for Topic {
    fn drop(&mut self) {
        self.tell();
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
