//! Adding topics to a region's table, under the region's lock.

use xbar_discovery::{RegionView, TopicView, Uri, index_places};
use xbar_layout::region::RegionHeader;
use xbar_layout::sync::{AtomicU32, AtomicU64, Ordering, ReadU32};
use xbar_layout::topic::{ENTRY_BYTES, TopicEntry, hash_uri, text_words};
use xbar_layout::{Lent, MOST_POOLS, ReadWrite, TopicShape};

use crate::Keep;
use crate::error::RegionError;
use crate::seat::present;

/// A topic's entry, for whoever may write it.
pub(crate) fn entry(view: &RegionView, index: u32) -> Result<Lent<TopicEntry<ReadWrite>, Keep>, RegionError> {
    let offset = view.facts().geometry.topics_offset + index as usize * ENTRY_BYTES;
    present(view.data().view(offset), view, "topics")
}

/// A topic's set of publishers, for whoever may write it.
pub(crate) fn publishers(view: &RegionView, index: u32) -> Result<Lent<[AtomicU64], Keep>, RegionError> {
    let geometry = &view.facts().geometry;
    let words = geometry.publisher_set_words;
    let offset = geometry.publisher_sets_offset + index as usize * words * 8;
    present(view.data().slice(offset, words), view, "topics")
}

/// Word and bit of a seat in a set of publishers.
pub(crate) const fn bit(seat: u32) -> (usize, u64) {
    (seat as usize / 64, 1 << (seat % 64))
}

/// What the topics so far have taken of a region.
struct Taken {
    ring_lines: u64,
    promised: [u32; MOST_POOLS],
}

/// The last topic says for all.
fn taken(view: &RegionView, topics: u32) -> Result<Taken, RegionError> {
    let Some(last) = topics.checked_sub(1) else {
        return Ok(Taken { ring_lines: 0, promised: [0; MOST_POOLS] });
    };
    let topic = present(view.topic(last), view, "topics")?;
    let facts = topic.facts();
    Ok(Taken {
        ring_lines: u64::from(facts.ring_line) + facts.shape.ring_lines(),
        promised: std::array::from_fn(|pool| ReadU32::load_relaxed(&topic.entry().promised[pool])),
    })
}

/// Adds topic `uri`, published by seat `owner` from the first instant in which anybody can see it. The caller holds the
/// region's lock, and there is no such topic yet.
///
/// Killed half-way, this leaves an entry that is not counted, which the next topic overwrites, and perhaps an index slot that
/// names it: nobody finds a topic that is not counted, and the next registrar frees the slot.
pub(crate) fn add(
    view: &RegionView,
    uri: &Uri,
    shape: &TopicShape,
    owner: u32,
) -> Result<TopicView, RegionError> {
    let geometry = &view.facts().geometry;
    let limits = geometry.limits();
    let region = || view.segment().name().clone();
    let index = view.topic_count();
    if index >= limits.topics {
        return Err(RegionError::TooManyTopics { region: region(), uri: uri.clone(), limit: limits.topics });
    }
    let Taken { ring_lines: ring_line, mut promised } = taken(view, index)?;
    let (needed, left) = (shape.ring_lines(), u64::from(limits.ring_lines).saturating_sub(ring_line));
    if needed > left {
        return Err(RegionError::NoRoomForRing { region: region(), uri: uri.clone(), needed, left });
    }
    if let Some(pool) = shape.pool {
        let pool_limits = limits.pools[pool as usize];
        let left = pool_limits.slots.saturating_sub(promised[pool as usize]);
        if shape.slots > left {
            return Err(RegionError::BlocksPromised {
                region: region(),
                uri: uri.clone(),
                slots: shape.slots,
                left,
                block_bytes: pool_limits.block_bytes,
            });
        }
        promised[pool as usize] += shape.slots;
    }

    let bytes = uri.as_str().as_bytes();
    let hash = hash_uri(bytes);
    let entry = entry(view, index)?;
    let slots = view.data().slice::<AtomicU32>(geometry.index_offset, geometry.index_slots);
    let slots = present(slots, view, "topics")?;
    // ORDERING: none; the releases below publish the entry, and only registrars write slots, one at a time.
    let relaxed = Ordering::Relaxed;
    // The slot of a registrar that died before it counted this entry. It was the last to take one, so that no search for
    // another topic goes on behind it.
    let old_hash = entry.hash.load(relaxed);
    let stale = index_places(old_hash, slots.len()).map(|place| &slots[place]).find(|slot| {
        let named = slot.load(relaxed);
        named == 0 || named == index + 1
    });
    if let Some(slot) = stale {
        slot.store(0, relaxed);
    }
    entry.wake.store(0, relaxed);
    entry.hash.store(hash, relaxed);
    entry.uri_bytes.store(bytes.len() as u32, relaxed); // at most 255
    entry.kind.store(shape.kind(), relaxed);
    entry.pool.store(shape.pool.map_or(0, |pool| pool + 1), relaxed);
    entry.ring_line.store(ring_line as u32, relaxed); // below the region's lines
    entry.ring_slots.store(shape.slots, relaxed);
    entry.type_size.store(shape.value.map_or(0, |value| value.size), relaxed);
    entry.type_align.store(shape.value.map_or(1, |value| value.align), relaxed);
    let name = shape.value.as_ref().map(|value| value.name_words());
    entry.type_name_bytes.store(name.map_or(0, |(_, bytes)| bytes), relaxed);
    for (place, word) in entry.type_name.iter().enumerate() {
        word.store(name.map_or(0, |(words, _)| words[place]), relaxed);
    }
    for (word, slots) in entry.promised.iter().zip(promised) {
        word.store(slots, relaxed);
    }
    for (word, value) in entry.uri.iter().zip(text_words::<{ xbar_layout::topic::URI_WORDS }>(bytes)) {
        word.store(value, relaxed);
    }
    let (place, bit) = bit(owner);
    for (word, set) in publishers(view, index)?.iter().enumerate() {
        set.store(if word == place { bit } else { 0 }, relaxed);
    }

    // ORDERING: none; only registrars write slots, one at a time.
    let free = index_places(hash, slots.len()).find(|&place| slots[place].load(Ordering::Relaxed) == 0);
    let place = present(free, view, "topics")?;
    // ORDERING: topic-table: release pairs with the acquire of whoever looks the slot up: the entry is complete.
    slots[place].store(index + 1, Ordering::Release);

    let header = present(view.data().view::<RegionHeader<ReadWrite>>(0), view, "header")?;
    // ORDERING: topic-table: release pairs with the acquire of whoever lists the topics.
    header.topics_registered.store(index + 1, Ordering::Release);
    present(view.topic(index), view, "topics")
}
