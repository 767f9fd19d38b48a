//! Recovery: what dead participants left behind, found and given back by the living.
//!
//! Everything here runs under the region's lock, on seats whose lock files were free: the kernel says that their
//! processes are gone.

use xbar_layout::Descriptor;
use xbar_layout::participant::{STATE_FREE, STATE_TAKEN};
use xbar_layout::ring::{DESCRIPTOR, HEADER_WORDS, SLOT_WORDS};
use xbar_layout::sync::{Ordering, ReadU64};
use xbar_pool::Census;
use xbar_shm::SeatKind;
use xbar_shm::wake::{Bell, System};

use crate::create::free_list;
use crate::error::RegionError;
use crate::publisher::{Publisher, disconnect, ledgers, sleepers};
use crate::seat::{Seat, clear, present};
use crate::table;

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
    publisher.supply.borrow_mut().reclaim(|| publisher.readers());
}

/// Drops the holds of a dead subscriber.
fn recover_subscriber(seat: &Seat, index: u32) -> Result<(), RegionError> {
    let Some(record) = seat.record_of(SeatKind::Subscriber, index) else { return Ok(()) };
    // ORDERING: none; the lock file below decides.
    if record.state.load(Ordering::Relaxed) != STATE_TAKEN {
        return Ok(());
    }
    if let Some(_proof_of_death) = seat.view.segment().take_seat(SeatKind::Subscriber, index)? {
        let cells = present(seat.cells_of(index), &seat.view, "samples")?;
        clear(&cells);
        // ORDERING: none; the lock files order seats.
        record.state.store(STATE_FREE, Ordering::Relaxed);
    }
    Ok(())
}

/// Disconnects the topics of publisher seat `index` and gives back the blocks that it took along. The caller holds the
/// region's lock, and the seat's: its earlier owner is dead, or never was.
pub(crate) fn recover_publisher(publisher: &Publisher, index: u32) -> Result<(), RegionError> {
    let seat = publisher.seat();
    let view = &seat.view;
    let geometry = &view.facts().geometry;
    let limits = geometry.limits();
    disconnect_topics(seat, index + 1);

    let blocks = limits.blocks;
    let scratch = vec![0; Census::<Vec<u64>>::scratch_words(blocks)];
    let mut census = present(Census::new(scratch, blocks), view, "blocks")?;
    for topic in 0..view.topic_count() {
        let start = geometry.rings_offset + topic as usize * geometry.ring_stride + 8 * HEADER_WORDS;
        let slots = view.data().slice::<ReadU64>(start, limits.ring_slots as usize * SLOT_WORDS);
        for slot in present(slots, view, "ring_slots")?.chunks_exact(SLOT_WORDS) {
            // ORDERING: evict: pairs with the release of whoever overwrote the slot.
            if let Some(block) = Descriptor(slot[1 + DESCRIPTOR].load_acquire()).named_block(blocks) {
                census.name(block);
            }
        }
    }
    let list = present(free_list(view.data(), geometry), view, "blocks")?;
    let dead = present(seat.intent_of(index), view, "peers")?;
    let living: Vec<_> = (0..limits.publishers)
        .filter(|&other| other != index)
        .filter_map(|other| seat.intent_of(other))
        .collect();
    let ledgers = present(ledgers(seat), view, "samples")?;
    let mut supply = publisher.supply.borrow_mut();
    // `None`: the pool is busier than can be counted. Its blocks are not short then; the next recovery finds them.
    let _ = census.recover(
        &list,
        (index + 1, &dead),
        living.iter(),
        (&ledgers, publisher.readers()),
        seat.number(),
        |block| supply.adopt(block),
    );
    Ok(())
}

/// Tells the readers of every topic of publisher `number` that it is gone.
pub(crate) fn disconnect_topics(seat: &Seat, number: u32) {
    for index in 0..seat.view.topic_count() {
        let (Ok(entry), Ok(waiting)) = (table::entry(&seat.view, index), sleepers(seat, index)) else {
            continue;
        };
        let bell = Bell::new(entry.part(|entry| &entry.wake), waiting, System);
        disconnect(&entry, number, &bell);
    }
}
