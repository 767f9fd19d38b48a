//! Adding topics to a region's table, under the region's lock.

use xbar_discovery::{RegionView, TopicView, Uri, index_places};
use xbar_layout::region::RegionHeader;
use xbar_layout::sync::{AtomicU32, Ordering};
use xbar_layout::topic::{ENTRY_BYTES, TopicEntry, hash_uri, uri_words};
use xbar_layout::{Lent, ReadWrite};

use crate::Keep;
use crate::error::RegionError;
use crate::seat::present;

/// A topic's entry, for whoever may write it.
pub(crate) fn entry(view: &RegionView, index: u32) -> Result<Lent<TopicEntry<ReadWrite>, Keep>, RegionError> {
    let offset = view.facts().geometry.topics_offset + index as usize * ENTRY_BYTES;
    present(view.data().view(offset), view, "topics")
}

/// Adds topic `uri`, published by `owner` from the first instant in which anybody can see it. The caller holds the
/// region's lock, and there is no such topic yet.
///
/// Killed half-way, this leaves an entry that nothing names, which the next topic overwrites; or an index slot that
/// names it, which finds another topic there and is passed over.
pub(crate) fn add(view: &RegionView, uri: &Uri, owner: u32) -> Result<TopicView, RegionError> {
    let geometry = &view.facts().geometry;
    let limit = geometry.limits().topics;
    let index = view.topic_count();
    if index >= limit {
        return Err(RegionError::TooManyTopics {
            region: view.segment().name().clone(),
            uri: uri.clone(),
            limit,
        });
    }
    let bytes = uri.as_str().as_bytes();
    let hash = hash_uri(bytes);
    let entry = entry(view, index)?;
    // ORDERING: none; the releases below publish the entry.
    let relaxed = Ordering::Relaxed;
    entry.owner.store(owner, relaxed);
    entry.wake.store(0, relaxed);
    entry.hash.store(hash, relaxed);
    entry.uri_bytes.store(bytes.len() as u32, relaxed); // at most 255
    for (word, value) in entry.uri.iter().zip(uri_words(bytes)) {
        word.store(value, relaxed);
    }

    let slots = view.data().slice::<AtomicU32>(geometry.index_offset, geometry.index_slots);
    let slots = present(slots, view, "topics")?;
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
