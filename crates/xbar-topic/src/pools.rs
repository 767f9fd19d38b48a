//! A region's pools, opened: free lists, payload, and one publisher's share of the blocks.

#![allow(unsafe_code)] // the supply, which is borrowed for one message at a time

use std::cell::Cell;
use std::sync::Arc;

use xbar_discovery::RegionView;
use xbar_layout::sync::AtomicU64;
use xbar_layout::{Byte, PoolGeometry};
use xbar_pool::{FreeList, Payload, Supply};
use xbar_shm::Mapping;

use crate::Keep;
use crate::error::RegionError;
use crate::exclusive::{Borrow, Exclusive};
use crate::seat::{Seat, present};

/// Blocks at hand and in limbo.
pub(crate) type Blocks = Supply<Keep, Box<[u32]>>;

/// One pool, as one publisher uses it.
#[derive(Debug)]
pub(crate) struct Pool {
    supply: Exclusive<Blocks>,
    pub(crate) payload: Payload<Keep>,
    /// Loans that are out.
    pub(crate) loans: Cell<u32>,
    pub(crate) most_loans: u32,
}

impl Pool {
    /// Pool `index` of the publisher on `seat`.
    pub(crate) fn open(seat: &Seat, index: usize) -> Result<Self, RegionError> {
        let view = &seat.view;
        let geometry = &view.facts().geometry;
        let pool = present(geometry.pools().get(index), view, "pools")?;
        let list = present(free_list(view.data(), pool), view, "blocks")?;
        let ledgers = present(seat.ledgers(index), view, "samples")?;
        let intent = present(seat.intent_of(seat.index, index), view, "peers")?;
        let cells = geometry.limits().subscribers as usize * pool.limits.samples as usize;
        let batch = pool.batch as usize;
        let limbo = vec![0; cells + batch].into_boxed_slice();
        Ok(Self {
            supply: Exclusive::new(Supply::new(seat.number(), batch, list, intent, ledgers, limbo)),
            payload: payload(view, index)?,
            loans: Cell::new(0),
            most_loans: pool.limits.loans,
        })
    }

    #[inline(always)]
    pub(crate) fn supply(&self) -> Borrow<'_, Blocks> {
        // SAFETY: whoever has the supply calls it, the ring and the counters, and none of them comes back for the supply.
        unsafe { self.supply.borrow_mut() }
    }
}

/// The bytes of pool `index`.
pub(crate) fn payload(view: &RegionView, index: usize) -> Result<Payload<Keep>, RegionError> {
    let pool = present(view.facts().geometry.pools().get(index), view, "pools")?;
    let bytes = pool.limits.blocks as usize * pool.block_stride;
    let bytes = view.data().slice::<Byte>(pool.blocks_offset, bytes);
    let payload =
        bytes.and_then(|bytes| Payload::new(bytes, pool.block_stride, pool.limits.block_bytes as usize));
    present(payload, view, "blocks")
}

/// A pool's free list.
pub(crate) fn free_list(data: &Arc<Mapping>, pool: &PoolGeometry) -> Option<FreeList<Keep>> {
    let head = data.view::<AtomicU64>(pool.free_list_offset)?;
    let headers = data.slice::<AtomicU64>(pool.headers_offset, pool.limits.blocks as usize)?;
    Some(FreeList::new(head, headers))
}
