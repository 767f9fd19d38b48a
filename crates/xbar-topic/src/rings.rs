//! A topic's ring, opened over the region's memory.

use xbar_discovery::{RegionView, TopicView};
use xbar_layout::check::TopicFacts;
use xbar_layout::ring::{ANNOUNCED, HEAD, HEADER_WORDS};
use xbar_layout::sync::{AtomicU64, ReadU64};
use xbar_layout::{Lent, Shared};
use xbar_ring::stride::OneLine;
use xbar_ring::{broadcast, mpmc};

use crate::Keep;
use crate::error::RegionError;
use crate::reader::ReadRing;
use crate::seat::present;
use crate::writer::WriteRing;

/// Messages of a lossless topic that may be unread at a time: a writer alone keeps one slot marked ahead.
pub(crate) const fn room(facts: &TopicFacts) -> u64 {
    facts.shape.slots as u64 - 1
}

/// A word of the ring's header.
fn header<T: Shared>(
    view: &RegionView,
    facts: &TopicFacts,
    word: usize,
) -> Result<Lent<T, Keep>, RegionError> {
    present(view.data().view(facts.ring_offset(&view.facts().geometry) + 8 * word), view, "ring_lines")
}

/// The words of all slots; of a byte ring, of what is in front of it too.
pub(crate) fn slots<T: Shared>(
    view: &RegionView,
    facts: &TopicFacts,
) -> Result<Lent<[T], Keep>, RegionError> {
    let start = facts.ring_offset(&view.facts().geometry) + 8 * HEADER_WORDS;
    present(view.data().slice(start, facts.words()), view, "ring_lines")
}

/// The header's word for what was published.
pub(crate) fn head<T: Shared>(view: &RegionView, facts: &TopicFacts) -> Result<Lent<T, Keep>, RegionError> {
    header(view, facts, HEAD)
}

/// The header's word for what publishers have announced.
pub(crate) fn announced<T: Shared>(
    view: &RegionView,
    facts: &TopicFacts,
) -> Result<Lent<T, Keep>, RegionError> {
    header(view, facts, ANNOUNCED)
}

/// The ring of `topic`, to be written by publisher seat `seat`.
pub(crate) fn write(view: &RegionView, topic: &TopicView, seat: u32) -> Result<WriteRing<Keep>, RegionError> {
    let facts = topic.facts();
    let (slots, head) = (slots::<AtomicU64>(view, facts)?, head::<AtomicU64>(view, facts)?);
    let ring = if facts.shape.many {
        mpmc::Writer::join(slots, head, OneLine, seat).map(WriteRing::Many)
    } else {
        broadcast::Writer::resume(slots, head, OneLine).map(WriteRing::One)
    };
    present(ring.ok(), view, "ring_slots")
}

/// The ring of `topic`, to be read from now on.
pub(crate) fn read(view: &RegionView, topic: &TopicView) -> Result<ReadRing<Keep>, RegionError> {
    let facts = topic.facts();
    let (slots, head) = (slots::<ReadU64>(view, facts)?, head::<ReadU64>(view, facts)?);
    let ring = if facts.shape.many {
        mpmc::Reader::join(slots, head, OneLine).map(ReadRing::Many)
    } else {
        broadcast::Reader::join(slots, head, OneLine).map(ReadRing::One)
    };
    present(ring.ok(), view, "ring_slots")
}
