//! Seats: a participant's place in a region, from joining to leaving.
//!
//! A seat is a record in `peers` and a lock file that the kernel releases when its process dies. Joining happens under
//! the region's lock; leaving needs none: the record says free, then the lock goes.

use std::process;
use std::time::Duration;

use xbar_discovery::RegionView;
use xbar_layout::participant::{CELLS_OFFSET, Control, Record, STATE_FREE, STATE_TAKEN};
use xbar_layout::sync::{AtomicU32, Ordering};
use xbar_layout::{Geometry, Lent, ReadWrite};
use xbar_pool::Intent;
use xbar_shm::{FileAccess, SeatKind, SeatLock, unix_ns};

use crate::Keep;
use crate::error::RegionError;

/// How long joining, registering and leaving wait for the region's lock, which others hold for microseconds.
pub(crate) const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// A publisher's or subscriber's place, left when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) view: RegionView,
    pub(crate) index: u32,
    pub(crate) kind: SeatKind,
    /// A publisher: all of `peers`. A subscriber: the control lines.
    pub(crate) peers: Keep,
    pub(crate) record: Lent<Record<ReadWrite>, Keep>,
    pub(crate) cells: Lent<[AtomicU32], Keep>,
    pub(crate) control: Lent<Control<ReadWrite>, Keep>,
    lock: Option<SeatLock>,
}

/// Where the record of seat `index` begins in `peers`.
fn record_offset(geometry: &Geometry, kind: SeatKind, index: u32) -> usize {
    let place = match kind {
        SeatKind::Publisher => index,
        SeatKind::Subscriber => geometry.limits().publishers + index,
    };
    geometry.records_offset + place as usize * geometry.record_stride
}

/// A view that the geometry has room for; the header was checked, so this fails for damaged memory alone.
pub(crate) fn present<T>(
    view: Option<T>,
    view_of: &RegionView,
    field: &'static str,
) -> Result<T, RegionError> {
    view.ok_or_else(|| {
        RegionError::Open(xbar_discovery::ViewError::Layout {
            name: view_of.segment().name().clone(),
            error: xbar_layout::LayoutError::Contradiction { field },
        })
    })
}

impl Seat {
    /// Takes publisher seat `index`, whose lock is held already.
    pub(crate) fn publisher(view: RegionView, index: u32, lock: SeatLock) -> Result<Self, RegionError> {
        let geometry = view.facts().geometry;
        let peers = view.segment().open_peers(FileAccess::ReadWrite)?.map(0, geometry.peers_bytes)?;
        let offset = record_offset(&geometry, SeatKind::Publisher, index);
        Self::sit(view, SeatKind::Publisher, index, lock, (peers.clone(), peers, offset))
    }

    /// Takes subscriber seat `index`, whose lock is held already: the control lines and its own record are mapped
    /// writable, nothing else.
    pub(crate) fn subscriber(view: RegionView, index: u32, lock: SeatLock) -> Result<Self, RegionError> {
        let geometry = view.facts().geometry;
        let file = view.segment().open_peers(FileAccess::ReadWrite)?;
        let control = file.map(0, geometry.records_offset)?;
        let offset = record_offset(&geometry, SeatKind::Subscriber, index);
        let own = file.map(offset, geometry.record_stride)?;
        Self::sit(view, SeatKind::Subscriber, index, lock, (control, own, 0))
    }

    fn sit(
        view: RegionView,
        kind: SeatKind,
        index: u32,
        lock: SeatLock,
        (peers, own, offset): (Keep, Keep, usize),
    ) -> Result<Self, RegionError> {
        let cells = view.facts().geometry.limits().samples as usize;
        let record = present(own.view::<Record<ReadWrite>>(offset), &view, "peers")?;
        let cells = present(own.slice::<AtomicU32>(offset + CELLS_OFFSET, cells), &view, "samples")?;
        let control = present(peers.view::<Control<ReadWrite>>(0), &view, "peers")?;
        clear(&cells);
        // ORDERING: none; counters and facts for people, and the state, which only matters to holders of the lock.
        let relaxed = Ordering::Relaxed;
        let counters = &record.counters;
        for counter in [&counters.published, &counters.aborted, &counters.received, &counters.missed] {
            counter.store(0, relaxed);
        }
        record.pid.store(process::id(), relaxed);
        record.joined_unix_ns.store(unix_ns(), relaxed);
        record.state.store(STATE_TAKEN, relaxed);
        Ok(Self { view, index, kind, peers, record, cells, control, lock: Some(lock) })
    }

    /// The number under which a publisher's blocks and topics are known: never 0.
    pub(crate) const fn number(&self) -> u32 {
        self.index + 1
    }

    /// False in a forked child: the parent's handles are not the child's to use up.
    pub(crate) fn is_mine(&self) -> bool {
        self.lock.as_ref().is_some_and(SeatLock::is_mine)
    }

    /// Publisher seats as another publisher sees them: their records.
    pub(crate) fn record_of(&self, kind: SeatKind, index: u32) -> Option<Lent<Record<ReadWrite>, Keep>> {
        self.peers.view(record_offset(&self.view.facts().geometry, kind, index))
    }

    /// The intent of publisher seat `index`, as another publisher sees it.
    pub(crate) fn intent_of(&self, index: u32) -> Option<Intent<Keep>> {
        let record = self.record_of(SeatKind::Publisher, index)?;
        Some(Intent::new(
            record.part(|record| &record.intent_first),
            record.part(|record| &record.intent_count),
        ))
    }

    /// The cells of a dead subscriber's seat, as a publisher sees them.
    pub(crate) fn cells_of(&self, index: u32) -> Option<Lent<[AtomicU32], Keep>> {
        let geometry = &self.view.facts().geometry;
        let offset = record_offset(geometry, SeatKind::Subscriber, index) + CELLS_OFFSET;
        self.peers.slice(offset, geometry.limits().samples as usize)
    }
}

/// Drops every hold of a row.
pub(crate) fn clear(cells: &[AtomicU32]) {
    for cell in cells {
        // ORDERING: ledger: release pairs with the acquire of `Limbo::reclaim`: reads under the hold are over.
        cell.store(0, Ordering::Release);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if !self.is_mine() {
            return;
        }
        if self.kind == SeatKind::Subscriber {
            clear(&self.cells);
        }
        // ORDERING: none; whoever wants the seat takes the lock file first, which orders more than this.
        if self.record.state.load(Ordering::Relaxed) == STATE_TAKEN {
            // ORDERING: none; as above.
            self.record.state.store(STATE_FREE, Ordering::Relaxed);
        }
        self.lock = None;
        if self.kind == SeatKind::Publisher {
            // Nobody to tell when this fails: the next creator takes the name over.
            let _ = self.view.segment().remove_if_dead(LOCK_PATIENCE);
        }
    }
}
