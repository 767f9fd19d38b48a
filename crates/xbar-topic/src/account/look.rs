//! One look at a region: its slots, records, ledgers and lists, put together.

use xbar_discovery::RegionView;
use xbar_layout::participant::{Record, STATE_FREE, STATE_OWING};
use xbar_layout::pool::BlockState;
use xbar_layout::sync::{ReadU32, ReadU64};
use xbar_layout::{Descriptor, Lent, PoolGeometry, ReadOnly, ring};
use xbar_pool::{Account, Accounting, Finished, Owner, Place, PoolLook};
use xbar_ring::{broadcast, mpmc};
use xbar_shm::SeatKind;

use super::{HolderAccount, PoolAccount, RegionAccount};
use crate::error::RegionError;
use crate::publisher::Publisher;
use crate::seat::{present, record_offset};
use crate::{Keep, rings};

/// One look at a region.
pub(super) struct Look<'v> {
    pub(super) view: &'v RegionView,
    pub(super) peers: &'v Keep,
}

impl Look<'_> {
    pub(super) fn account(&self) -> Result<RegionAccount, RegionError> {
        let published = || self.view.topics().map(|topic| topic.published()).collect::<Vec<_>>();
        let before = published();
        let mut holders = self.holders()?;
        let mut pools = Vec::new();
        let mut moved = false;
        for (place, pool) in self.view.facts().geometry.pools().iter().enumerate() {
            let (account, pool_moved) = self.pool(place, pool, &mut holders)?;
            pools.push(account);
            moved |= pool_moved;
        }
        holders.retain(|holder| {
            let kind = if holder.is_publisher { SeatKind::Publisher } else { SeatKind::Subscriber };
            // ORDERING: none; a look.
            let owes = || self.record(kind, holder.seat).is_ok_and(|r| r.state.load_relaxed() != STATE_FREE);
            holder.is_alive || owes()
        });
        let settled = !moved && before == published();
        let name = self.view.segment().name().as_str().to_owned();
        Ok(RegionAccount { name, settled, pools, holders })
    }

    /// Everybody who has a seat, or had one; publishers first, by their seats.
    fn holders(&self) -> Result<Vec<HolderAccount>, RegionError> {
        let limits = self.view.facts().geometry.limits();
        let of = |kind, seats: u32| (0..seats).map(move |seat| (kind, seat));
        let seats =
            of(SeatKind::Publisher, limits.publishers).chain(of(SeatKind::Subscriber, limits.subscribers));
        seats
            .map(|(kind, seat)| {
                let record = self.record(kind, seat)?;
                Ok(HolderAccount {
                    is_publisher: kind == SeatKind::Publisher,
                    seat,
                    pid: record.pid.load_relaxed(),
                    is_alive: self.view.segment().seat_is_alive(kind, seat),
                    // ORDERING: none; a look.
                    has_left: record.state.load_relaxed() == STATE_OWING,
                    taken: 0,
                    evicted: 0,
                    announced: 0,
                    held: 0,
                })
            })
            .collect()
    }

    fn record(&self, kind: SeatKind, seat: u32) -> Result<Lent<Record<ReadOnly>, Keep>, RegionError> {
        let offset = record_offset(&self.view.facts().geometry, kind, seat);
        present(self.peers.view(offset), self.view, "peers")
    }

    fn pool(
        &self,
        place: usize,
        pool: &PoolGeometry,
        holders: &mut [HolderAccount],
    ) -> Result<(PoolAccount, bool), RegionError> {
        let view = self.view;
        let look = present(pool_look(view, pool), view, "blocks")?;
        let marks = vec![0; pool.limits.blocks as usize];
        let mut accounting = present(Accounting::begin(&look, marks), view, "blocks")?;
        self.names(place, pool, &mut accounting)?;
        let publishers = view.facts().geometry.limits().publishers as usize;
        let (publishers, subscribers) = holders.split_at_mut(publishers);
        for holder in subscribers {
            for block in self.cells(pool, holder.seat)? {
                holder.held += 1;
                if holder.is_alive {
                    accounting.hold(block);
                }
            }
        }
        let mut owners = Vec::new();
        for holder in publishers.iter_mut() {
            let record = self.record(SeatKind::Publisher, holder.seat)?;
            let intent = &record.intents[place];
            // ORDERING: none; a look.
            let (first, count) = (intent.first.load_relaxed(), intent.count.load_relaxed());
            if let Some(first) = first.checked_sub(1) {
                holder.announced += count;
                // At most a batch, whatever damaged memory says.
                accounting.announced(first, count.min(pool.batch), holder.is_alive);
            }
            // ORDERING: none; a look.
            let has_left = !holder.is_alive && record.state.load_relaxed() == STATE_FREE;
            owners.push(match (holder.is_alive, has_left) {
                (true, _) => Owner::Living,
                (false, true) => Owner::Nobody,
                (false, false) => Owner::Gone,
            });
        }
        let number = |owner: u32| (owner as usize).checked_sub(1);
        let mut lost_blocks = Vec::new();
        let finished = accounting.finish(
            |owner| number(owner).and_then(|seat| owners.get(seat)).copied().unwrap_or(Owner::Nobody),
            |index, header, found| {
                let holder = number(header.owner).and_then(|seat| publishers.get_mut(seat));
                match (found, header.state, holder) {
                    (Place::Lost, state, _) if lost_blocks.len() < 8 => {
                        lost_blocks.push(format!("block {index}: {state:?}, owner {}", header.owner));
                    }
                    (Place::Free | Place::Ring | Place::Lost, ..) => {}
                    (_, Some(BlockState::Limbo), Some(holder)) => holder.evicted += 1,
                    (_, Some(BlockState::Owned), Some(holder)) => holder.taken += 1,
                    _ => {}
                }
            },
        );
        Ok((PoolAccount::of(pool, &finished, lost_blocks), finished.moved))
    }

    /// Tells of every slot that names a block of pool `place`.
    fn names<S: AsMut<[u8]>>(
        &self,
        place: usize,
        pool: &PoolGeometry,
        accounting: &mut Accounting<'_, Keep, S>,
    ) -> Result<(), RegionError> {
        for topic in self.view.topics().filter(|topic| topic.facts().shape.pool == Some(place as u32)) {
            let head_words = if topic.facts().shape.many { mpmc::HEAD_WORDS } else { broadcast::HEAD_WORDS };
            let slots = rings::slots::<ReadU64>(self.view, topic.facts())?;
            for slot in slots.chunks_exact(ring::SLOT_WORDS) {
                // ORDERING: evict: pairs with the release of whoever overwrote the slot.
                let descriptor = Descriptor(slot[head_words + ring::DESCRIPTOR].load_acquire());
                if let Some(block) = descriptor.named_block(pool.limits.blocks) {
                    accounting.name(block);
                }
            }
        }
        Ok(())
    }

    /// The blocks of `pool` that the subscriber on `seat` holds.
    fn cells(&self, pool: &PoolGeometry, seat: u32) -> Result<Vec<u32>, RegionError> {
        let geometry = &self.view.facts().geometry;
        let offset = record_offset(geometry, SeatKind::Subscriber, seat) + geometry.cells_offset;
        let cells = self.peers.slice::<ReadU32>(offset + 4 * pool.first_cell, pool.limits.samples as usize);
        let cells = present(cells, self.view, "peers")?;
        // ORDERING: none; a look.
        Ok(cells.iter().filter_map(|cell| cell.load_relaxed().checked_sub(1)).collect())
    }
}

fn pool_look(view: &RegionView, pool: &PoolGeometry) -> Option<PoolLook<Keep>> {
    let head = view.data().view::<ReadU64>(pool.free_list_offset)?;
    let headers = view.data().slice::<ReadU64>(pool.headers_offset, pool.limits.blocks as usize)?;
    Some(PoolLook::new(head, headers))
}

impl PoolAccount {
    fn of(pool: &PoolGeometry, finished: &Finished, lost_blocks: Vec<String>) -> Self {
        let Account { blocks, free, in_rings, with_publishers, with_readers, left_behind, lost, doubled } =
            finished.account;
        Self {
            block_bytes: pool.limits.block_bytes,
            blocks,
            free,
            in_rings,
            with_publishers,
            with_readers,
            left_behind,
            lost,
            doubled,
            lost_blocks,
        }
    }
}

impl Publisher {
    /// Blocks in this publisher's name that it does not have: neither at hand, nor in limbo, nor lent out. 0, or there is a
    /// defect.
    pub fn strays(&self) -> u32 {
        let geometry = &self.view().facts().geometry;
        let mut strays = 0;
        for (pool, geometry) in self.pools.iter().zip(geometry.pools()) {
            let Some(look) = pool_look(self.view(), geometry) else { continue };
            let mut named = vec![false; look.blocks() as usize];
            for (block, named) in (0..).zip(&mut named) {
                let header = look.header(block);
                *named = header.owner == self.seat().number()
                    && matches!(header.state, Some(BlockState::Owned | BlockState::Limbo));
            }
            for block in pool.supply.borrow().blocks() {
                if let Some(named) = named.get_mut(block as usize) {
                    *named = false;
                }
            }
            let unexplained = named.iter().filter(|&&named| named).count() as u32; // at most the pool's blocks
            strays += unexplained.saturating_sub(pool.loans.get());
        }
        strays
    }
}
