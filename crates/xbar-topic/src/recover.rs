//! Recovery: what dead participants left behind, found and given back by the living.
//!
//! Everything here runs under the region's lock, on seats whose lock files were free: the kernel says that their
//! processes are gone.

use xbar_discovery::RegionView;
use xbar_layout::participant::{Record, STATE_FREE, STATE_OWING, STATE_TAKEN};
use xbar_layout::ring::{DESCRIPTOR, SLOT_WORDS};
use xbar_layout::sync::{AtomicU64, Ordering, ReadU64};
use xbar_layout::{Descriptor, ReadWrite};
use xbar_pool::Census;
use xbar_ring::{broadcast, mpmc};
use xbar_shm::{BaseDir, FileAccess, RegionName, SeatKind, Segment};

use crate::account::{RegionAccount, audit_view};
use crate::error::RegionError;
use crate::pools::free_list;
use crate::publisher::Publisher;
use crate::seat::{LOCK_PATIENCE, Seat, let_go_of, present, record_offset};
use crate::topic::{bell, leave};
use crate::{Keep, rings, table};

/// What a recovery found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// Publishers that had been killed.
    pub publishers: u32,
    /// Subscribers that had been killed.
    pub subscribers: u32,
    /// Blocks that they had left behind and that are free now, or with living readers.
    pub blocks: u32,
    /// Where all blocks are now.
    pub account: RegionAccount,
}

/// Recovers from everybody who died in the living region `name`, as its publishers do when they need to, and says where all blocks
/// are then.
///
/// # Errors
///
/// [`RegionError`] when there is no such region, or its publishers are all dead.
pub fn recover(base: &BaseDir, name: &RegionName) -> Result<Recovery, RegionError> {
    let view = RegionView::of(Segment::open(base, name)?, FileAccess::ReadOnly)?;
    let before = audit_view(&view)?;
    let dead = |is_publisher| {
        let dead = before.holders.iter().filter(|holder| !holder.is_alive && !holder.has_left);
        dead.filter(|holder| holder.is_publisher == is_publisher).count() as u32 // at most the seats
    };
    match Publisher::open(base, name) {
        Ok(publisher) => recover_all(&publisher),
        // Nobody dead among the publishers then: each of them leaves a free seat.
        Err(RegionError::TooManyPublishers { .. }) => {
            let geometry = &view.facts().geometry;
            let peers = view.segment().open_peers(FileAccess::ReadWrite)?.map(0, geometry.peers_bytes)?;
            let _lock = view.segment().lock(LOCK_PATIENCE)?;
            for index in 0..geometry.limits().subscribers {
                recover_subscriber_of(&view, &peers, index)?;
            }
        }
        Err(error) => return Err(error),
    }
    let account = audit_view(&view)?;
    let left = |account: &RegionAccount| account.pools.iter().map(|pool| pool.left_behind).sum::<u32>();
    Ok(Recovery {
        publishers: dead(true),
        subscribers: dead(false),
        blocks: left(&before).saturating_sub(left(&account)),
        account,
    })
}

/// Recovers from everybody who died. Quietly does what it can: it is called when a publisher wants a block, and whether
/// there is one afterwards is all that matters.
pub(crate) fn recover_all(publisher: &Publisher) {
    let _ = try_recover_all(publisher);
}

/// Recovers from everybody who died, and reclaims what readers gave back.
pub(crate) fn try_recover_all(publisher: &Publisher) -> Result<(), RegionError> {
    let seat = publisher.seat();
    let limits = *seat.view.facts().geometry.limits();
    let recovered = publisher.under_lock(|| {
        for index in 0..limits.subscribers {
            recover_subscriber(seat, index)?;
        }
        for index in (0..limits.publishers).filter(|&index| index != seat.index) {
            let Some(record) = seat.record_of(SeatKind::Publisher, index) else { continue };
            // ORDERING: none; the lock file below decides.
            if record.state.load(Ordering::Relaxed) == STATE_FREE {
                continue;
            }
            if let Some(_proof_of_death) = seat.view.segment().take_seat(SeatKind::Publisher, index)? {
                let state = if recover_publisher(publisher, index)? { STATE_FREE } else { STATE_OWING };
                // ORDERING: none; the lock files order seats.
                record.state.store(state, Ordering::Relaxed);
            }
        }
        Ok(())
    });
    for pool in &publisher.pools {
        // One that is in use is being published from just now, and reclaims by itself.
        if let Ok(mut supply) = pool.supply.try_borrow_mut() {
            supply.reclaim(|| publisher.readers());
        }
    }
    recovered
}

/// Drops the holds of the subscriber on seat `index`, and its streams, if it is dead. The caller holds the region's lock.
pub(crate) fn recover_subscriber(seat: &Seat, index: u32) -> Result<(), RegionError> {
    recover_subscriber_of(&seat.view, &seat.peers, index)
}

/// As [`recover_subscriber`], in `peers` mapped whole and writable.
fn recover_subscriber_of(view: &RegionView, peers: &Keep, index: u32) -> Result<(), RegionError> {
    let geometry = &view.facts().geometry;
    let record = peers.view::<Record<ReadWrite>>(record_offset(geometry, SeatKind::Subscriber, index));
    let record = present(record, view, "peers")?;
    // ORDERING: none; the lock file below decides.
    if record.state.load(Ordering::Relaxed) != STATE_TAKEN {
        return Ok(());
    }
    if let Some(_proof_of_death) = view.segment().take_seat(SeatKind::Subscriber, index)? {
        present(let_go_of(geometry, peers, index), view, "peers")?;
        // ORDERING: none; the lock files order seats.
        record.state.store(STATE_FREE, Ordering::Relaxed);
    }
    Ok(())
}

/// Takes publisher seat `index` out of its topics, gives up what it was writing there, and gives back the blocks that it took
/// along; false when some of them stay in its name for the next recovery, because a pool was too busy to be counted. The caller
/// holds the region's lock, and the seat's: its earlier owner is dead, or never was.
pub(crate) fn recover_publisher(publisher: &Publisher, index: u32) -> Result<bool, RegionError> {
    let seat = publisher.seat();
    let view = &seat.view;
    let geometry = &view.facts().geometry;
    for topic in view.topics().filter(|topic| topic.facts().shape.many) {
        mpmc::abandon(&rings::slots::<AtomicU64>(view, topic.facts())?, SLOT_WORDS, index);
    }
    leave_topics(seat, index);

    let mut complete = true;
    for (place, (pool, at_hand)) in geometry.pools().iter().zip(&publisher.pools).enumerate() {
        let blocks = pool.limits.blocks;
        let scratch = vec![0; Census::<Vec<u64>>::scratch_words(blocks)];
        let mut census = present(Census::new(scratch, blocks), view, "blocks")?;
        for topic in view.topics().filter(|topic| topic.facts().shape.pool == Some(place as u32)) {
            let head_words = if topic.facts().shape.many { mpmc::HEAD_WORDS } else { broadcast::HEAD_WORDS };
            let slots = rings::slots::<ReadU64>(view, topic.facts())?;
            for slot in slots.chunks_exact(SLOT_WORDS) {
                // ORDERING: evict: pairs with the release of whoever overwrote the slot.
                let descriptor = Descriptor(slot[head_words + DESCRIPTOR].load_acquire());
                if let Some(block) = descriptor.named_block(blocks) {
                    census.name(block);
                }
            }
        }
        let list = present(free_list(view.data(), pool), view, "blocks")?;
        let dead = present(seat.intent_of(index, place), view, "peers")?;
        let living: Vec<_> = (0..geometry.limits().publishers)
            .filter(|&other| other != index)
            .filter_map(|other| seat.intent_of(other, place))
            .collect();
        let ledgers = present(seat.ledgers(place), view, "samples")?;
        let mut supply = at_hand.supply.borrow_mut();
        let recovered = census.recover(
            &list,
            (index + 1, &dead),
            living.iter(),
            (&ledgers, publisher.readers()),
            seat.number(),
            |block| supply.adopt(block),
        );
        complete &= recovered.is_some();
    }
    Ok(complete)
}

/// Tells the readers of every topic of publisher seat `index` that it is gone.
pub(crate) fn leave_topics(seat: &Seat, index: u32) {
    let (place, bit) = table::bit(index);
    for topic in 0..seat.view.topic_count() {
        let Ok(publishers) = table::publishers(&seat.view, topic) else { continue };
        // ORDERING: none; `leave` looks again.
        if publishers.get(place).is_some_and(|word| word.load(Ordering::Relaxed) & bit != 0) {
            if let Ok(bell) = bell(seat, topic) {
                leave(&publishers, index, &bell);
            }
        }
    }
}
