//! Recovery: what dead participants left behind, found and given back by the living.
//!
//! Everything here runs under the region's lock, on seats whose lock files were free: the kernel says that their
//! processes are gone.

use xbar_layout::Descriptor;
use xbar_layout::participant::{STATE_FREE, STATE_TAKEN};
use xbar_layout::ring::{DESCRIPTOR, SLOT_WORDS};
use xbar_layout::sync::{AtomicU64, Ordering, ReadU64};
use xbar_pool::Census;
use xbar_ring::{broadcast, mpmc};
use xbar_shm::SeatKind;

use crate::error::RegionError;
use crate::pools::free_list;
use crate::publisher::Publisher;
use crate::seat::{Seat, present};
use crate::topic::{bell, leave};
use crate::{rings, table};

/// Recovers from everybody who died. Quietly does what it can: it is called when a publisher wants a block, and whether
/// there is one afterwards is all that matters.
pub(crate) fn recover_all(publisher: &Publisher) {
    let seat = publisher.seat();
    let limits = *seat.view.facts().geometry.limits();
    let _ = publisher.under_lock(|| {
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
                recover_publisher(publisher, index)?;
                // ORDERING: none; the lock files order seats.
                record.state.store(STATE_FREE, Ordering::Relaxed);
            }
        }
        Ok(())
    });
    for pool in &publisher.pools {
        pool.supply().reclaim(|| publisher.readers());
    }
}

/// Drops the holds of the subscriber on seat `index`, and its streams, if it is dead. The caller holds the region's lock.
pub(crate) fn recover_subscriber(seat: &Seat, index: u32) -> Result<(), RegionError> {
    let Some(record) = seat.record_of(SeatKind::Subscriber, index) else { return Ok(()) };
    // ORDERING: none; the lock file below decides.
    if record.state.load(Ordering::Relaxed) != STATE_TAKEN {
        return Ok(());
    }
    if let Some(_proof_of_death) = seat.view.segment().take_seat(SeatKind::Subscriber, index)? {
        present(seat.let_go_of(index), &seat.view, "peers")?;
        // ORDERING: none; the lock files order seats.
        record.state.store(STATE_FREE, Ordering::Relaxed);
    }
    Ok(())
}

/// Takes publisher seat `index` out of its topics, gives up what it was writing there, and gives back the blocks that it took
/// along. The caller holds the region's lock, and the seat's: its earlier owner is dead, or never was.
pub(crate) fn recover_publisher(publisher: &Publisher, index: u32) -> Result<(), RegionError> {
    let seat = publisher.seat();
    let view = &seat.view;
    let geometry = &view.facts().geometry;
    for topic in view.topics().filter(|topic| topic.facts().shape.many) {
        mpmc::abandon(&rings::slots::<AtomicU64>(view, topic.facts())?, SLOT_WORDS, index);
    }
    leave_topics(seat, index);

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
        let mut supply = at_hand.supply();
        // `None`: the pool is busier than can be counted. Its blocks are not short then; the next recovery finds them.
        let _ = census.recover(
            &list,
            (index + 1, &dead),
            living.iter(),
            (&ledgers, publisher.readers()),
            seat.number(),
            |block| supply.adopt(block),
        );
    }
    Ok(())
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
