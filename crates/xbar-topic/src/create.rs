//! Creating a region: its header written, its free list filled, before anybody sees it.

use xbar_discovery::{RegionView, ViewError};
use xbar_layout::ident::{MAGIC, VERSION_AND_ORDER};
use xbar_layout::region::{FLAG_PUBLISH_TIMES, RegionHeader};
use xbar_layout::sync::{AtomicU64, Ordering};
use xbar_layout::{Geometry, Limits, ReadWrite};
use xbar_pool::FreeList;
use xbar_shm::{
    BaseDir, Building, FileAccess, Mapping, RegionName, SeatLock, Segment, monotonic_ns, unix_ns,
};

use std::process;
use std::sync::Arc;

use crate::error::RegionError;

/// What a region is created with.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// What it holds.
    pub limits: Limits,
    /// Whether messages carry their publish time.
    pub publish_times: bool,
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
    let building = Building::start(base, name, geometry.data_bytes, geometry.peers_bytes)?;
    let damaged = || ViewError::Layout {
        name: name.clone(),
        error: xbar_layout::LayoutError::Contradiction { field: "header" },
    };
    let header = building.data().view::<RegionHeader<ReadWrite>>(0).ok_or_else(damaged)?;
    let list = free_list(building.data(), &geometry).ok_or_else(damaged)?;
    list.fill();
    describe(&header, &geometry, options);
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
    header.ring_slots.store(limits.ring_slots, relaxed);
    header.block_bytes.store(limits.block_bytes, relaxed);
    header.blocks.store(limits.blocks, relaxed);
    header.publishers.store(limits.publishers, relaxed);
    header.subscribers.store(limits.subscribers, relaxed);
    header.samples.store(limits.samples, relaxed);
    header.loans.store(limits.loans, relaxed);
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

/// The pool's free list.
pub(crate) fn free_list(data: &Arc<Mapping>, geometry: &Geometry) -> Option<FreeList<Arc<Mapping>>> {
    let head = data.view::<AtomicU64>(geometry.free_list_offset)?;
    let headers = data.slice::<AtomicU64>(geometry.headers_offset, geometry.limits().blocks as usize)?;
    Some(FreeList::new(head, headers))
}
