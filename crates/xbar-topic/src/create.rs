//! Creating a region: its header written, its free list filled, before anybody sees it.

use xbar_discovery::{RegionView, ViewError};
use xbar_layout::ident::{MAGIC, VERSION_AND_ORDER};
use xbar_layout::region::{FLAG_PUBLISH_TIMES, RegionHeader};
use xbar_layout::sync::Ordering;
use xbar_layout::{Geometry, Limits, ReadWrite};
use xbar_shm::{
    BaseDir, Building, FileAccess, RegionName, SeatLock, Segment, SharedWith, monotonic_ns, unix_ns,
};

use std::process;

use crate::error::RegionError;
use crate::pools::free_list;
use crate::seat::present;

/// What a region is created with.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// What it holds.
    pub limits: Limits,
    /// Whether messages carry their publish time.
    pub publish_times: bool,
    /// Slots of a topic's ring, for topics that do not say.
    pub default_slots: u32,
    /// The pool of a topic's blocks, for topics that do not say.
    pub default_pool: u32,
    /// Who may subscribe besides this user.
    pub shared_with: SharedWith,
}

/// Creates region `name`, taking the name over when all its publishers are dead.
///
/// # Errors
///
/// [`RegionError`] when a publisher of that name lives, the limits cannot work, or there is no room.
pub(crate) fn create(
    base: &BaseDir,
    name: &RegionName,
    options: &Options,
) -> Result<(RegionView, SeatLock), RegionError> {
    let geometry = Geometry::new(options.limits)?;
    let base = base.clone().shared_with(options.shared_with);
    let building = Building::start(&base, name, geometry.data_bytes, geometry.peers_bytes)?;
    let damaged = || ViewError::Layout {
        name: name.clone(),
        error: xbar_layout::LayoutError::Contradiction { field: "header" },
    };
    let header = building.data().view::<RegionHeader<ReadWrite>>(0).ok_or_else(damaged)?;
    for pool in geometry.pools() {
        free_list(building.data(), pool).ok_or_else(damaged)?.fill();
    }
    describe(&header, &geometry, options);
    building.share(options.shared_with, geometry.limits().subscribers)?;
    let (segment, lock) = building.publish(|old| {
        let epoch = epoch_of(old).map_or(0, |epoch| epoch.saturating_add(1));
        // ORDERING: none; the rename behind this orders it for everybody else.
        header.epoch.fetch_max(epoch, Ordering::Relaxed);
    })?;
    Ok((RegionView::of(segment, FileAccess::ReadWrite)?, lock))
}

fn describe(header: &RegionHeader<ReadWrite>, geometry: &Geometry, options: &Options) {
    // ORDERING: none; the rename that gives the region its name orders all of it.
    let relaxed = Ordering::Relaxed;
    let limits = geometry.limits();
    let now = unix_ns();
    header.version_and_order.store(VERSION_AND_ORDER, relaxed);
    // The time, so that a name that was removed and created again also gets a higher epoch.
    header.epoch.store(now, relaxed);
    header.created_unix_ns.store(now, relaxed);
    header.created_monotonic_ns.store(monotonic_ns(), relaxed);
    header.data_bytes.store(geometry.data_bytes as u64, relaxed);
    header.peers_bytes.store(geometry.peers_bytes as u64, relaxed);
    header.creator_pid.store(process::id(), relaxed);
    header.flags.store(if options.publish_times { FLAG_PUBLISH_TIMES } else { 0 }, relaxed);
    header.topics.store(limits.topics, relaxed);
    header.ring_lines.store(limits.ring_lines, relaxed);
    header.publishers.store(limits.publishers, relaxed);
    header.subscribers.store(limits.subscribers, relaxed);
    header.streams.store(limits.streams, relaxed);
    header.default_slots.store(options.default_slots, relaxed);
    header.default_pool.store(options.default_pool, relaxed);
    for (place, pool) in header.pools.iter().zip(&limits.pools) {
        place.block_bytes.store(pool.block_bytes, relaxed);
        place.slots.store(pool.slots, relaxed);
        place.blocks.store(pool.blocks, relaxed);
        place.samples.store(pool.samples, relaxed);
        place.loans.store(pool.loans, relaxed);
    }
    // ORDERING: region-magic: release pairs with the acquire in `check_region`.
    header.magic.store(MAGIC, Ordering::Release);
}

/// The epoch of a dead region; `None` when it is damaged.
fn epoch_of(old: &Segment) -> Option<u64> {
    let file = old.open_data(FileAccess::ReadOnly).ok()?;
    xbar_layout::check::check_data_size(file.bytes()).ok()?;
    let header = file.map(0, xbar_layout::region::HEADER_BYTES).ok()?;
    let header = header.view::<RegionHeader<xbar_layout::ReadOnly>>(0)?;
    // ORDERING: region-magic: pairs with the release in `describe`.
    (header.magic.load_acquire() == MAGIC).then(|| header.epoch.load_relaxed())
}

/// Gives a region whose publishers are all dead, and that goes on, a higher epoch. The caller holds the region's lock.
pub(crate) fn raise_epoch(view: &RegionView) -> Result<(), RegionError> {
    let header = present(view.data().view::<RegionHeader<ReadWrite>>(0), view, "header")?;
    // ORDERING: none; a figure: what is published under it is ordered by the rings.
    header.epoch.fetch_add(1, Ordering::Relaxed);
    Ok(())
}
