//! A count of a region's blocks by somebody who trusts nobody: each is on the free list, named by one ring slot, or owned by
//! a publisher that lives.
//!
//! It reads the words of docs/protocol.md by itself, without the pool's code, so that it cannot be wrong in the same way.

use std::collections::BTreeMap;
use std::path::Path;

use xbar_discovery::RegionView;
use xbar_layout::Descriptor;
use xbar_layout::pool::{BlockHeader, FreeHead};
use xbar_layout::ring::{DESCRIPTOR, HEADER_WORDS, SLOT_WORDS};
use xbar_layout::sync::ReadU64;
use xbar_shm::{BaseDir, RegionName, SeatKind};

use super::fault::{Checked, During, ensure};

/// Where a block was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Free,
    Slot,
}

/// Counts the blocks of region `name`, whose participants are at rest, and of which each dead one was recovered from. A living
/// publisher owns at most `most_owned` blocks that are not published.
pub fn check(dir: &Path, name: &str, most_owned: u32) -> Checked {
    // The library's own account first.
    let account = xbar::audit_in(dir, name).during("auditing")?;
    ensure(account.settled && account.is_clean(), || format!("the audit says {account:?}"))?;
    let name = RegionName::new(name).during("counting")?;
    let view = RegionView::open(&BaseDir::at(dir), &name).during("counting")?;
    let living = view.segment().living(SeatKind::Publisher);
    for (number, pool) in view.facts().geometry.pools().iter().enumerate() {
        let blocks = pool.limits.blocks;
        let damaged = || format!("pool {number} lies outside the region");
        let head = view.data().view::<ReadU64>(pool.free_list_offset).ok_or_else(damaged)?;
        let headers =
            view.data().slice::<ReadU64>(pool.headers_offset, blocks as usize).ok_or_else(damaged)?;
        let header = |block: u32| BlockHeader::unpack(headers[block as usize].load_relaxed());

        let mut places: BTreeMap<u32, Place> = BTreeMap::new();
        let mut enter = |block: u32, place: Place| match places.insert(block, place) {
            Some(before) => Err(format!("block {block} is found twice: {before:?} and {place:?}")),
            None => Ok(()),
        };
        let mut block = FreeHead::unpack(head.load_relaxed()).first;
        while block < blocks {
            enter(block, Place::Free)?;
            block = header(block).next;
        }
        for topic in view.topics().filter(|topic| topic.facts().shape.pool == Some(number as u32)) {
            let head_words = if topic.facts().shape.many { 2 } else { 1 };
            let start = topic.facts().ring_offset(&view.facts().geometry) + 8 * HEADER_WORDS;
            let words = view.data().slice::<ReadU64>(start, topic.facts().words()).ok_or_else(damaged)?;
            for slot in words.chunks_exact(SLOT_WORDS) {
                let descriptor = Descriptor(slot[head_words + DESCRIPTOR].load_relaxed());
                if let Some(block) = descriptor.named_block(blocks) {
                    enter(block, Place::Slot)?;
                }
            }
        }
        let mut owned: BTreeMap<u32, u32> = BTreeMap::new();
        for block in (0..blocks).filter(|block| !places.contains_key(block)) {
            let BlockHeader { owner, state, .. } = header(block);
            let lives = owner.checked_sub(1).is_some_and(|seat| living.contains(&seat));
            ensure(lives, || {
                format!("block {block} is lost: {state:?} of owner {owner}, and the seats {living:?} live")
            })?;
            *owned.entry(owner).or_default() += 1;
        }
        if let Some((owner, count)) = owned.iter().find(|(_, count)| **count > most_owned) {
            return Err(format!(
                "owner {owner} has {count} blocks of pool {number}, at most {most_owned} are its own"
            ));
        }
    }
    Ok(())
}
