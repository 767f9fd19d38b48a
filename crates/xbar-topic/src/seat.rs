//! Seats: a participant's place in a region, from joining to leaving.
//!
//! A seat is a record in `peers` and a lock file that the kernel releases when its process dies. Joining happens under
//! the region's lock; leaving needs none: the record says free, then the lock goes.

use std::process;
use std::time::Duration;

use xbar_discovery::RegionView;
use xbar_layout::participant::{
    Control, Counters, Record, STATE_FREE, STATE_TAKEN, STREAM_TOPIC, STREAM_WORDS, STREAMS_OFFSET, TopicLine,
};
use xbar_layout::sync::{AtomicU32, AtomicU64, Ordering};
use xbar_layout::{Geometry, Lent, ReadWrite};
use xbar_pool::{Intent, Ledgers};
use xbar_shm::{FileAccess, SeatKind, SeatLock, fork_generation, unix_ns};

use crate::Keep;
use crate::error::RegionError;
use crate::gate::Cursors;

/// How long joining, registering and leaving wait for the region's lock, which others hold for microseconds.
pub(crate) const LOCK_PATIENCE: Duration = Duration::from_secs(20);

/// A publisher's or subscriber's place, left when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) view: RegionView,
    pub(crate) index: u32,
    pub(crate) kind: SeatKind,
    /// A publisher: all of `peers`. A subscriber: the control lines.
    pub(crate) peers: Keep,
    pub(crate) record: Lent<Record<ReadWrite>, Keep>,
    /// The mapping that has the own record, and where in it.
    own: (Keep, usize),
    pub(crate) control: Lent<Control<ReadWrite>, Keep>,
    lock: Option<SeatLock>,
    /// That of the process that took it; see [`Seat::was_forked`].
    generation: i32,
}

/// Where the record of seat `index` begins in `peers`.
pub(crate) fn record_offset(geometry: &Geometry, kind: SeatKind, index: u32) -> usize {
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
        let record = present(own.view::<Record<ReadWrite>>(offset), &view, "peers")?;
        let control = present(peers.view::<Control<ReadWrite>>(0), &view, "peers")?;
        let now = unix_ns();
        // ORDERING: none; counters and facts for people, and the state, which only matters to holders of the lock.
        let relaxed = Ordering::Relaxed;
        let counters = &record.counters;
        let Counters { published, aborted, received, missed, waits, reserved: _ } = counters;
        for counter in [published, aborted, received, missed, waits] {
            counter.store(0, relaxed);
        }
        record.pid.store(process::id(), relaxed);
        record.joined_unix_ns.store(now, relaxed);
        record.active_unix_ns.store(now, relaxed);
        record.state.store(STATE_TAKEN, relaxed);
        let seat = Self {
            view,
            index,
            kind,
            peers,
            record,
            own: (own, offset),
            control,
            lock: Some(lock),
            generation: fork_generation(),
        };
        if kind == SeatKind::Subscriber {
            present(let_go(&seat.view.facts().geometry, &seat.own.0, offset), &seat.view, "peers")?;
        }
        Ok(seat)
    }

    /// The number under which a publisher's blocks and topics are known: never 0.
    pub(crate) const fn number(&self) -> u32 {
        self.index + 1
    }

    /// False in a forked child: the parent's handles are not the child's to use up.
    pub(crate) fn is_mine(&self) -> bool {
        self.lock.as_ref().is_some_and(SeatLock::is_mine)
    }

    /// True in a forked child. As [`Seat::is_mine`], but one load instead of a system call, for what is dropped often.
    #[inline(always)]
    pub(crate) fn was_forked(&self) -> bool {
        self.generation != fork_generation()
    }

    /// Publisher seats as another publisher sees them: their records.
    pub(crate) fn record_of(&self, kind: SeatKind, index: u32) -> Option<Lent<Record<ReadWrite>, Keep>> {
        self.peers.view(record_offset(&self.view.facts().geometry, kind, index))
    }

    /// The intent of publisher seat `index` in pool `pool`, as another publisher sees it.
    pub(crate) fn intent_of(&self, index: u32, pool: usize) -> Option<Intent<Keep>> {
        let record = self.record_of(SeatKind::Publisher, index)?;
        Some(Intent::new(
            record.part(|record| &record.intents[pool].first),
            record.part(|record| &record.intents[pool].count),
        ))
    }

    /// The own ledger cells of pool `pool`.
    pub(crate) fn cells(&self, pool: usize) -> Option<Lent<[AtomicU32], Keep>> {
        let geometry = &self.view.facts().geometry;
        let pool = geometry.pools().get(pool)?;
        let (own, offset) = &self.own;
        own.slice(offset + geometry.cells_offset + 4 * pool.first_cell, pool.limits.samples as usize)
    }

    /// The own lossless streams.
    pub(crate) fn streams(&self) -> Option<Lent<[AtomicU64], Keep>> {
        let streams = self.view.facts().geometry.limits().streams as usize;
        let (own, offset) = &self.own;
        own.slice(offset + STREAMS_OFFSET, streams * STREAM_WORDS)
    }

    /// The line of topic `index`.
    pub(crate) fn topic_line(&self, index: u32) -> Result<Lent<TopicLine<ReadWrite>, Keep>, RegionError> {
        let offset = self.view.facts().geometry.topic_lines_offset + index as usize * size_of::<TopicLine>();
        present(self.peers.view(offset), &self.view, "peers")
    }

    /// Every subscriber's ledger for pool `pool`, as a publisher sees it.
    pub(crate) fn ledgers(&self, pool: usize) -> Option<Ledgers<Keep>> {
        let geometry = &self.view.facts().geometry;
        let pool = geometry.pools().get(pool)?;
        let words = self.peers.slice::<AtomicU32>(0, geometry.peers_bytes / 4)?;
        let first = record_offset(geometry, SeatKind::Subscriber, 0) + geometry.cells_offset;
        let (first, stride) = (first / 4 + pool.first_cell, geometry.record_stride / 4);
        Some(Ledgers::new(words, first, stride, pool.limits.samples as usize))
    }

    /// Every subscriber's lossless streams, as a publisher sees them.
    pub(crate) fn cursors(&self) -> Option<Cursors<Keep>> {
        let geometry = &self.view.facts().geometry;
        let words = self.peers.slice::<AtomicU64>(0, geometry.peers_bytes / 8)?;
        let first = record_offset(geometry, SeatKind::Subscriber, 0) + STREAMS_OFFSET;
        let streams = geometry.limits().streams as usize;
        Some(Cursors::new(words, first / 8, geometry.record_stride / 8, streams))
    }
}

/// Drops every hold of the subscriber whose record is at `offset` of `peers`, and its streams.
fn let_go(geometry: &Geometry, peers: &Keep, offset: usize) -> Option<()> {
    let cells = geometry.pools().iter().map(|pool| pool.limits.samples as usize).sum();
    for cell in &*peers.slice::<AtomicU32>(offset + geometry.cells_offset, cells)? {
        // ORDERING: ledger: release pairs with the acquire of `Limbo::reclaim`: reads under the hold are over.
        cell.store(0, Ordering::Release);
    }
    let streams = geometry.limits().streams as usize * STREAM_WORDS;
    let streams = peers.slice::<AtomicU64>(offset + STREAMS_OFFSET, streams)?;
    for stream in streams.chunks_exact(STREAM_WORDS) {
        // ORDERING: topic-gate: release pairs with the publisher's acquire: this reader reads no more.
        stream[STREAM_TOPIC].store(0, Ordering::Release);
    }
    Some(())
}

/// Drops every hold of the dead subscriber on seat `index`, and its streams, in `peers` mapped whole.
pub(crate) fn let_go_of(geometry: &Geometry, peers: &Keep, index: u32) -> Option<()> {
    let_go(geometry, peers, record_offset(geometry, SeatKind::Subscriber, index))
}

impl Drop for Seat {
    fn drop(&mut self) {
        if !self.is_mine() {
            return;
        }
        if self.kind == SeatKind::Subscriber {
            let _ = let_go(&self.view.facts().geometry, &self.own.0, self.own.1);
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
