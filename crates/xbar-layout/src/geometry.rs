//! Where everything is in a region: computed from its limits alone, with checked arithmetic.
//!
//! A region's header stores [`Limits`] and nothing that was computed from them. Whoever opens it computes the same
//! [`Geometry`] again, so no offset that a peer wrote is ever followed.

use crate::limits::{GeometryError, Limits, MOST_POOLS, PoolLimits};
use crate::pad::{LINE_BYTES, PAGE_BYTES, round_up};
use crate::participant::{STREAM_BYTES, STREAMS_OFFSET};
use crate::region::HEADER_BYTES;
use crate::topic::ENTRY_BYTES;

/// Offsets and sizes, in bytes, of everything in the two files of a region.
///
/// Invariant 1: every section lies within its file, on a line of its own, and no two overlap.
/// Invariant 2: all numbers fit `usize` on this machine and `isize` as slice sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    limits: Limits,
    pools: [PoolGeometry; MOST_POOLS],
    pool_count: usize,
    /// Slots of the topic index, a power of two, at least twice the topics.
    pub index_slots: usize,
    /// `data`: the topic index, `index_slots` 32-bit words.
    pub index_offset: usize,
    /// `data`: the topic entries.
    pub topics_offset: usize,
    /// 64-bit words of one topic's set of publishers, a bit per seat.
    pub publisher_set_words: usize,
    /// `data`: the sets of publishers, one per topic.
    pub publisher_sets_offset: usize,
    /// `data`: the lines of all rings.
    pub rings_offset: usize,
    /// Size of `data`.
    pub data_bytes: usize,
    /// `peers`: one line per topic, after the control line.
    pub topic_lines_offset: usize,
    /// `peers`: the participant records, publishers first.
    pub records_offset: usize,
    /// `peers`: bytes from one record to the next, whole pages.
    pub record_stride: usize,
    /// Where the ledger cells begin in a record, behind its streams; pool by pool.
    pub cells_offset: usize,
    /// Size of `peers`.
    pub peers_bytes: usize,
}

/// Where one pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolGeometry {
    /// What it holds, with `blocks` counted when it was 0.
    pub limits: PoolLimits,
    /// `data`: the head of the free list, on a line of its own.
    pub free_list_offset: usize,
    /// `data`: one 64-bit header per block.
    pub headers_offset: usize,
    /// `data`: the blocks.
    pub blocks_offset: usize,
    /// `data`: bytes from one block to the next.
    pub block_stride: usize,
    /// The first of its ledger cells, counted from the first cell of a record.
    pub first_cell: usize,
    /// Blocks that a publisher evicts before it looks which of them are free again, and that it takes from the
    /// free list at once: 16 small ones, 1 huge one.
    pub batch: u32,
}

/// Bytes that a publisher may have in limbo or in its magazine before it acts; see [`PoolGeometry::batch`].
const BATCH_BYTES: u64 = 64 * 1024;
const MOST_BATCH: u64 = 16;

/// Blocks that a descriptor can name.
const MOST_BLOCKS: u64 = (1 << 31) - 1;

impl Geometry {
    /// Lays a region out.
    ///
    /// # Errors
    ///
    /// [`GeometryError`] names the limit that is out of range, or the smallest pool that works.
    pub fn new(limits: Limits) -> Result<Self, GeometryError> {
        within("topics", limits.topics, 1, 1 << 20)?;
        within("ring lines", limits.ring_lines, 3, 1 << 30)?;
        within("publishers", limits.publishers, 1, 4096)?;
        within("subscribers", limits.subscribers, 1, 4096)?;
        within("lossless streams", limits.streams, 0, 4096)?;

        let line = LINE_BYTES as u64;
        let page = PAGE_BYTES as u64;
        let index_slots = u64::from(limits.topics).next_power_of_two() * 2;
        let publisher_set_words = u64::from(limits.publishers.div_ceil(64));
        let mut data = Section(HEADER_BYTES as u64);
        let index_offset = data.take(index_slots, 4, line)?;
        let topics_offset = data.take(limits.topics.into(), ENTRY_BYTES as u64, line)?;
        let publisher_sets_offset = data.take(limits.topics.into(), 8 * publisher_set_words, line)?;
        let rings_offset = data.take(limits.ring_lines.into(), line, page)?;

        let mut limits = limits;
        let mut pools = [PoolGeometry::default(); MOST_POOLS];
        let pool_count = limits.pools.iter().take_while(|pool| pool.block_bytes > 0).count();
        if let Some(late) = limits.pools[pool_count..].iter().find(|pool| **pool != PoolLimits::NONE) {
            return Err(GeometryError::PoolOrder { block_bytes: late.block_bytes });
        }
        let mut cells = 0_u64;
        let mut smaller = 0;
        for (pool, place) in limits.pools[..pool_count].iter_mut().zip(&mut pools) {
            if pool.block_bytes <= smaller {
                return Err(GeometryError::PoolOrder { block_bytes: pool.block_bytes });
            }
            smaller = pool.block_bytes;
            let batch = count(pool, limits.publishers, limits.subscribers)?;
            let block_stride = round_up(pool.block_bytes.into(), line).ok_or(GeometryError::Overflow)?;
            *place = PoolGeometry {
                limits: *pool,
                free_list_offset: data.take(1, line, line)?,
                headers_offset: data.take(pool.blocks.into(), 8, line)?,
                blocks_offset: data.take(pool.blocks.into(), block_stride, page)?,
                block_stride: size(block_stride)?,
                first_cell: size(cells)?,
                batch,
            };
            cells += u64::from(pool.samples);
        }
        let data_bytes = data.take(0, 0, page)?;

        let cells_offset = STREAMS_OFFSET as u64 + u64::from(limits.streams) * STREAM_BYTES as u64;
        let record_stride = round_up(cells_offset + 4 * cells, page).ok_or(GeometryError::Overflow)?;
        let mut peers = Section(line);
        let topic_lines_offset = peers.take(limits.topics.into(), line, line)?;
        let records_offset =
            peers.take(u64::from(limits.publishers) + u64::from(limits.subscribers), record_stride, page)?;
        let peers_bytes = peers.take(0, 0, page)?;

        Ok(Self {
            limits,
            pools,
            pool_count,
            index_slots: size(index_slots)?,
            index_offset,
            topics_offset,
            publisher_set_words: size(publisher_set_words)?,
            publisher_sets_offset,
            rings_offset,
            data_bytes,
            topic_lines_offset,
            records_offset,
            record_stride: size(record_stride)?,
            cells_offset: size(cells_offset)?,
            peers_bytes,
        })
    }

    /// The limits, with each pool's `blocks` counted when it was 0.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The pools, by growing block size.
    pub fn pools(&self) -> &[PoolGeometry] {
        &self.pools[..self.pool_count]
    }

    /// The pool whose blocks are the smallest that hold `bytes`.
    pub fn pool_for(&self, bytes: u32) -> Option<usize> {
        self.pools().iter().position(|pool| pool.limits.block_bytes >= bytes)
    }

    /// Memory that the region takes, in bytes: both files.
    pub const fn footprint_bytes(&self) -> usize {
        self.data_bytes + self.peers_bytes
    }

    /// Participants, publishers and subscribers together.
    pub const fn participants(&self) -> usize {
        self.limits.publishers as usize + self.limits.subscribers as usize
    }
}

/// Checks a pool's limits and counts its blocks; says its batch.
fn count(pool: &mut PoolLimits, publishers: u32, subscribers: u32) -> Result<u32, GeometryError> {
    within("block bytes", pool.block_bytes, 1, 1 << 30)?;
    within("ring slots", pool.slots, 2, 1 << 30)?;
    within("samples", pool.samples, 1, 4096)?;
    within("loans", pool.loans, 1, 4096)?;
    let stride = u64::from(pool.block_bytes).next_multiple_of(LINE_BYTES as u64);
    let batch = (BATCH_BYTES / stride).clamp(1, MOST_BATCH);
    // The products of two 32-bit numbers fit 64 bits; the sums are far below.
    let rings = u64::from(pool.slots);
    let publishers = u64::from(publishers) * (u64::from(pool.loans) + 2 * batch);
    let ledgers = u64::from(subscribers) * u64::from(pool.samples);
    let least = rings + publishers + ledgers;
    if least > MOST_BLOCKS || u64::from(pool.blocks) > MOST_BLOCKS {
        let value = least.max(pool.blocks.into());
        return Err(GeometryError::TooLarge { what: "blocks", value, most: MOST_BLOCKS });
    }
    if pool.blocks == 0 {
        pool.blocks = least as u32; // at most 2^31 - 1, checked above
    } else if u64::from(pool.blocks) < least {
        let PoolLimits { block_bytes, blocks, .. } = *pool;
        return Err(GeometryError::PoolTooSmall { block_bytes, blocks, least, rings, publishers, ledgers });
    }
    Ok(batch as u32) // at most MOST_BATCH
}

/// The end of what is laid out so far in one file.
struct Section(u64);

impl Section {
    /// Appends `count` items of `bytes` each at a multiple of `align`; returns where they begin.
    fn take(&mut self, count: u64, bytes: u64, align: u64) -> Result<usize, GeometryError> {
        let start = round_up(self.0, align).ok_or(GeometryError::Overflow)?;
        let length = count.checked_mul(bytes).ok_or(GeometryError::Overflow)?;
        self.0 = start.checked_add(length).ok_or(GeometryError::Overflow)?;
        size(self.0)?;
        size(start)
    }
}

/// A size that slices can have (invariant 2).
fn size(bytes: u64) -> Result<usize, GeometryError> {
    isize::try_from(bytes).map(isize::unsigned_abs).map_err(|_| GeometryError::Overflow)
}

fn within(what: &'static str, value: u32, least: u32, most: u32) -> Result<(), GeometryError> {
    if value < least {
        return Err(GeometryError::TooSmall { what, value: value.into(), least: least.into() });
    }
    if value > most {
        return Err(GeometryError::TooLarge { what, value: value.into(), most: most.into() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;
    use std::vec::Vec;

    fn with_pools(pools: &[PoolLimits]) -> Limits {
        let mut limits = Limits { pools: [PoolLimits::NONE; MOST_POOLS], ..Limits::SMALLEST };
        limits.pools[..pools.len()].copy_from_slice(pools);
        limits
    }

    const SMALL: PoolLimits = Limits::SMALLEST.pools[0];

    #[test]
    fn a_pool_that_could_run_dry_is_refused_with_the_smallest_that_works() {
        let asked = PoolLimits { slots: 260, blocks: 100, ..SMALL };
        let error = Geometry::new(with_pools(&[asked])).unwrap_err();
        let GeometryError::PoolTooSmall { least, .. } = error else { panic!("{error}") };
        assert!(error.to_string().contains(&std::format!("at least {least} blocks")), "{error}");
        let blocks = |blocks| Geometry::new(with_pools(&[PoolLimits { blocks, ..asked }]));
        assert!(blocks(least as u32).is_ok());
        assert!(blocks(least as u32 - 1).is_err());
        assert_eq!(u64::from(blocks(0).unwrap().pools()[0].limits.blocks), least);
    }

    #[test]
    fn every_limit_has_a_smallest_and_a_largest_value() {
        let zeroes = [
            Limits { topics: 0, ..Limits::SMALLEST },
            Limits { ring_lines: 2, ..Limits::SMALLEST },
            Limits { publishers: 0, ..Limits::SMALLEST },
            Limits { subscribers: 0, ..Limits::SMALLEST },
            with_pools(&[PoolLimits { slots: 1, ..SMALL }]),
            with_pools(&[PoolLimits { samples: 0, ..SMALL }]),
            with_pools(&[PoolLimits { loans: 0, ..SMALL }]),
        ];
        for limits in zeroes {
            assert!(matches!(Geometry::new(limits), Err(GeometryError::TooSmall { .. })), "{limits:?}");
        }
        let max = u32::MAX;
        let giants = [
            Limits { topics: max, ..Limits::SMALLEST },
            Limits { ring_lines: max, ..Limits::SMALLEST },
            Limits { publishers: max, ..Limits::SMALLEST },
            Limits { subscribers: max, ..Limits::SMALLEST },
            Limits { streams: max, ..Limits::SMALLEST },
            with_pools(&[PoolLimits { block_bytes: max, ..SMALL }]),
            with_pools(&[PoolLimits { slots: max, ..SMALL }]),
            with_pools(&[PoolLimits { blocks: max, ..SMALL }]),
            with_pools(&[PoolLimits { samples: max, ..SMALL }]),
            with_pools(&[PoolLimits { loans: max, ..SMALL }]),
        ];
        for limits in giants {
            assert!(matches!(Geometry::new(limits), Err(GeometryError::TooLarge { .. })), "{limits:?}");
        }
    }

    #[test]
    fn pools_are_told_apart_by_their_size() {
        let of = |block_bytes| PoolLimits { block_bytes, ..SMALL };
        let refused = |pools: &[PoolLimits]| {
            matches!(Geometry::new(with_pools(pools)), Err(GeometryError::PoolOrder { .. }))
        };
        assert!(refused(&[of(8), of(8)]));
        assert!(refused(&[of(9), of(8)]));
        assert!(refused(&[of(8), PoolLimits::NONE, of(9)]));
        let three = Geometry::new(with_pools(&[of(8), of(100), of(1 << 20)])).unwrap();
        let pools: Vec<_> =
            [0, 8, 9, 100, 101, 1 << 20, (1 << 20) + 1].map(|bytes| three.pool_for(bytes)).into();
        assert_eq!(pools, [Some(0), Some(0), Some(1), Some(1), Some(2), Some(2), None]);
    }

    #[test]
    fn a_region_may_have_no_pool() {
        let none = Geometry::new(with_pools(&[])).unwrap();
        assert_eq!((none.pools().len(), none.pool_for(0)), (0, None));
    }

    fn pool() -> impl Strategy<Value = PoolLimits> {
        (1..300_000_u32, 2..2000_u32, 1..2000_u32, 1..40_u32).prop_map(
            |(block_bytes, slots, samples, loans)| PoolLimits {
                block_bytes,
                slots,
                blocks: 0,
                samples,
                loans,
            },
        )
    }

    fn limits() -> impl Strategy<Value = Limits> {
        let pools = proptest::collection::btree_map(1..300_000_u32, pool(), 0..=MOST_POOLS);
        (1..40_u32, 3..2000_u32, 1..200_u32, 1..40_u32, 0..20_u32, pools).prop_map(
            |(topics, ring_lines, publishers, subscribers, streams, by_size)| {
                let mut pools = [PoolLimits::NONE; MOST_POOLS];
                for (place, (block_bytes, pool)) in pools.iter_mut().zip(by_size) {
                    *place = PoolLimits { block_bytes, ..pool };
                }
                Limits { topics, ring_lines, publishers, subscribers, streams, pools }
            },
        )
    }

    proptest! {
        #[test]
        fn sections_are_aligned_and_disjoint(limits in limits()) {
            let g = Geometry::new(limits).unwrap();
            let l = g.limits();
            let mut data: Vec<(usize, usize, usize)> = [
                (0, HEADER_BYTES, PAGE_BYTES),
                (g.index_offset, g.index_slots * 4, LINE_BYTES),
                (g.topics_offset, l.topics as usize * ENTRY_BYTES, LINE_BYTES),
                (g.publisher_sets_offset, l.topics as usize * g.publisher_set_words * 8, LINE_BYTES),
                (g.rings_offset, l.ring_lines as usize * LINE_BYTES, PAGE_BYTES),
            ].into();
            let mut cells = 0;
            for p in g.pools() {
                let blocks = p.limits.blocks as usize;
                data.push((p.free_list_offset, LINE_BYTES, LINE_BYTES));
                data.push((p.headers_offset, blocks * 8, LINE_BYTES));
                data.push((p.blocks_offset, blocks * p.block_stride, PAGE_BYTES));
                prop_assert!(p.block_stride >= p.limits.block_bytes as usize && p.block_stride % LINE_BYTES == 0);
                prop_assert_eq!(p.first_cell, cells);
                cells += p.limits.samples as usize;
            }
            data.push((g.data_bytes, 0, PAGE_BYTES));
            let peers: Vec<(usize, usize, usize)> = [
                (0, LINE_BYTES, PAGE_BYTES),
                (g.topic_lines_offset, l.topics as usize * LINE_BYTES, LINE_BYTES),
                (g.records_offset, g.participants() * g.record_stride, PAGE_BYTES),
                (g.peers_bytes, 0, PAGE_BYTES),
            ].into();
            for file in [data, peers] {
                for pair in file.windows(2) {
                    prop_assert!(pair[0].0 + pair[0].1 <= pair[1].0);
                }
                for (start, _, align) in file {
                    prop_assert_eq!(start % align, 0);
                }
            }
            prop_assert!(g.cells_offset + 4 * cells <= g.record_stride);
            prop_assert_eq!(g.record_stride % PAGE_BYTES, 0);
        }
    }
}
