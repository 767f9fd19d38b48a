//! Participants, by looking: what their records in `peers` say of those that live.

use xbar_layout::ReadOnly;
use xbar_layout::participant::Record;
use xbar_shm::{FileAccess, SeatKind};

use crate::registry::{RegionView, ViewError};

/// One living participant, as its record says; figures are up to 1024 messages behind while it is busy, and anything in a region that is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Participant {
    /// Publisher or subscriber.
    pub kind: SeatKind,
    /// Its place among those of its kind.
    pub seat: u32,
    /// Its process.
    pub pid: u32,
    /// When it joined, in ns since 1970.
    pub joined_unix_ns: u64,
    /// When it last did something, in ns since 1970.
    pub active_unix_ns: u64,
    /// Publisher: messages published.
    pub published: u64,
    /// Publisher: loans given back unpublished.
    pub aborted: u64,
    /// Publisher: times that it waited for room in a lossless topic.
    pub waits: u64,
    /// Subscriber: messages received.
    pub received: u64,
    /// Subscriber: messages missed.
    pub missed: u64,
}

impl RegionView {
    /// The living participants, by their locks: publishers by their seats, then subscribers. Maps `peers` read-only.
    ///
    /// # Errors
    ///
    /// [`ViewError`] when `peers` cannot be mapped: the region went away, or was damaged.
    pub fn participants(&self) -> Result<Vec<Participant>, ViewError> {
        let geometry = &self.facts().geometry;
        let limits = geometry.limits();
        let peers = self.segment().open_peers(FileAccess::ReadOnly)?.map(0, geometry.peers_bytes)?;
        let kinds = [
            (SeatKind::Publisher, 0, limits.publishers),
            (SeatKind::Subscriber, limits.publishers, limits.subscribers),
        ];
        let mut found = Vec::new();
        for (kind, first, seats) in kinds {
            for seat in self.segment().living(kind).into_iter().filter(|seat| *seat < seats) {
                let offset = geometry.records_offset + (first + seat) as usize * geometry.record_stride;
                let Some(record) = peers.view::<Record<ReadOnly>>(offset) else { continue };
                let counters = &record.counters;
                // ORDERING: none; figures for people.
                found.push(Participant {
                    kind,
                    seat,
                    pid: record.pid.load_relaxed(),
                    joined_unix_ns: record.joined_unix_ns.load_relaxed(),
                    active_unix_ns: record.active_unix_ns.load_relaxed(),
                    published: counters.published.load_relaxed(),
                    aborted: counters.aborted.load_relaxed(),
                    waits: counters.waits.load_relaxed(),
                    received: counters.received.load_relaxed(),
                    missed: counters.missed.load_relaxed(),
                });
            }
        }
        Ok(found)
    }
}
