//! Where everything is in a region: computed from its limits alone, with checked arithmetic.
//!
//! A region's header stores [`Limits`] and nothing that was computed from them. Whoever opens it computes the same
//! [`Geometry`] again, so no offset that a peer wrote is ever followed.

use core::fmt;

use crate::pad::{LINE_BYTES, PAGE_BYTES, round_up};
use crate::participant::CELLS_OFFSET;
use crate::region::HEADER_BYTES;
use crate::ring::SLOT_BYTES;
use crate::topic::ENTRY_BYTES;

/// What a region was built to hold. The one input of [`Geometry::new`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Topics, 1 to 2^20.
    pub topics: u32,
    /// Slots of each topic's ring, 2 to 2^20; one slot less is readable at any time.
    pub ring_slots: u32,
    /// Largest payload of one message in bytes, 1 to 2^30.
    pub block_bytes: u32,
    /// Blocks of the pool, up to 2^31 - 1; 0 means the smallest number that is always enough.
    pub blocks: u32,
    /// Publisher handles alive at once, 1 to 4096.
    pub publishers: u32,
    /// Subscriber handles alive at once, 1 to 4096.
    pub subscribers: u32,
    /// Samples with a block that one subscriber handle may hold at once, 1 to 4096.
    pub samples: u32,
    /// Loans that one publisher handle may hold at once, 1 to 4096.
    pub loans: u32,
}

impl Limits {
    /// The smallest working region, for tests and tight places.
    pub const SMALLEST: Self = Self {
        topics: 1,
        ring_slots: 2,
        block_bytes: 1,
        blocks: 0,
        publishers: 1,
        subscribers: 1,
        samples: 1,
        loans: 1,
    };
}

/// Why a region cannot have these limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GeometryError {
    /// A limit is below its smallest value.
    TooSmall {
        /// Which limit.
        what: &'static str,
        /// What it was.
        value: u64,
        /// The smallest that works.
        least: u64,
    },
    /// A limit is above its largest value.
    TooLarge {
        /// Which limit.
        what: &'static str,
        /// What it was.
        value: u64,
        /// The largest that works.
        most: u64,
    },
    /// The pool could run dry while rings, limbo and ledgers are idle.
    PoolTooSmall {
        /// Blocks asked for.
        blocks: u32,
        /// The smallest number that works.
        least: u64,
        /// Of these, blocks that the rings can hold.
        rings: u64,
        /// Of these, blocks that publishers can hold (loans, magazine, limbo).
        publishers: u64,
        /// Of these, blocks that the subscribers' ledgers can hold.
        ledgers: u64,
    },
    /// The sum does not fit into a file.
    Overflow,
}

impl fmt::Display for GeometryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooSmall { what, value, least } => {
                write!(f, "{what} is {value}, but must be at least {least}")
            }
            Self::TooLarge { what, value, most } => write!(f, "{what} is {value}, but may be at most {most}"),
            Self::PoolTooSmall { blocks, least, rings, publishers, ledgers } => write!(
                f,
                "a pool of {blocks} blocks can run dry: rings take up to {rings}, publishers {publishers}, \
                 subscribers' samples {ledgers}; use at least {least} blocks, or 0 to have them counted"
            ),
            Self::Overflow => {
                write!(
                    f,
                    "the region would be larger than a file can be: use fewer or smaller blocks or topics"
                )
            }
        }
    }
}

impl core::error::Error for GeometryError {}

/// Offsets and sizes, in bytes, of everything in the two files of a region.
///
/// Invariant 1: every section lies within its file, on a line of its own, and no two overlap.
/// Invariant 2: all numbers fit `usize` on this machine and `isize` as slice sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    limits: Limits,
    /// Slots of the topic index, a power of two, at least twice the topics.
    pub index_slots: usize,
    /// `data`: the topic index, `index_slots` 32-bit words.
    pub index_offset: usize,
    /// `data`: the topic entries.
    pub topics_offset: usize,
    /// `data`: the rings, one after the other.
    pub rings_offset: usize,
    /// `data`: bytes from one ring to the next: a header line, then the slots.
    pub ring_stride: usize,
    /// `data`: the head of the free list, on a line of its own.
    pub free_list_offset: usize,
    /// `data`: one 64-bit header per block.
    pub headers_offset: usize,
    /// `data`: the blocks.
    pub blocks_offset: usize,
    /// `data`: bytes from one block to the next.
    pub block_stride: usize,
    /// Size of `data`.
    pub data_bytes: usize,
    /// `peers`: one line per topic, after the control line.
    pub sleepers_offset: usize,
    /// `peers`: the participant records, publishers first.
    pub records_offset: usize,
    /// `peers`: bytes from one record to the next, whole pages.
    pub record_stride: usize,
    /// Size of `peers`.
    pub peers_bytes: usize,
    /// Blocks that a publisher evicts before it looks which of them are free again, and that it takes from the
    /// free list at once: 16 small ones, 1 huge one.
    pub batch: u32,
}

/// Bytes that a publisher may have in limbo or in its magazine before it acts; see [`Geometry::batch`].
const BATCH_BYTES: u64 = 64 * 1024;
const MOST_BATCH: u64 = 16;

impl Geometry {
    /// Lays a region out.
    ///
    /// # Errors
    ///
    /// [`GeometryError`] names the limit that is out of range, or the smallest pool that works.
    pub fn new(mut limits: Limits) -> Result<Self, GeometryError> {
        within("topics", limits.topics, 1, 1 << 20)?;
        within("ring slots", limits.ring_slots, 2, 1 << 20)?;
        within("block bytes", limits.block_bytes, 1, 1 << 30)?;
        within("blocks", limits.blocks, 0, (1 << 31) - 1)?;
        within("publishers", limits.publishers, 1, 4096)?;
        within("subscribers", limits.subscribers, 1, 4096)?;
        within("samples", limits.samples, 1, 4096)?;
        within("loans", limits.loans, 1, 4096)?;

        let line = LINE_BYTES as u64;
        let page = PAGE_BYTES as u64;
        let block_stride = round_up(limits.block_bytes.into(), line).ok_or(GeometryError::Overflow)?;
        let batch = (BATCH_BYTES / block_stride).clamp(1, MOST_BATCH);

        // The products of two 32-bit numbers fit 64 bits; the sums are far below.
        let rings = u64::from(limits.topics) * u64::from(limits.ring_slots);
        let publishers = u64::from(limits.publishers) * (u64::from(limits.loans) + 2 * batch);
        let ledgers = u64::from(limits.subscribers) * u64::from(limits.samples);
        let least = rings + publishers + ledgers;
        let most = u64::from((1_u32 << 31) - 1);
        if least > most {
            return Err(GeometryError::TooLarge { what: "blocks needed", value: least, most });
        }
        if limits.blocks == 0 {
            limits.blocks = least as u32; // at most 2^31 - 1, checked above
        } else if u64::from(limits.blocks) < least {
            let blocks = limits.blocks;
            return Err(GeometryError::PoolTooSmall { blocks, least, rings, publishers, ledgers });
        }

        let index_slots = u64::from(limits.topics).next_power_of_two() * 2;
        let ring_stride = line + u64::from(limits.ring_slots) * SLOT_BYTES as u64;
        let mut data = Section(HEADER_BYTES as u64);
        let index_offset = data.take(index_slots, 4, line)?;
        let topics_offset = data.take(limits.topics.into(), ENTRY_BYTES as u64, line)?;
        let rings_offset = data.take(limits.topics.into(), ring_stride, page)?;
        let free_list_offset = data.take(1, line, line)?;
        let headers_offset = data.take(limits.blocks.into(), 8, line)?;
        let blocks_offset = data.take(limits.blocks.into(), block_stride, page)?;
        let data_bytes = data.take(0, 0, page)?;

        let record_stride = round_up(CELLS_OFFSET as u64 + 4 * u64::from(limits.samples), page)
            .ok_or(GeometryError::Overflow)?;
        let mut peers = Section(line);
        let sleepers_offset = peers.take(limits.topics.into(), line, line)?;
        let records_offset =
            peers.take(u64::from(limits.publishers) + u64::from(limits.subscribers), record_stride, page)?;
        let peers_bytes = peers.take(0, 0, page)?;

        Ok(Self {
            limits,
            index_slots: size(index_slots)?,
            index_offset,
            topics_offset,
            rings_offset,
            ring_stride: size(ring_stride)?,
            free_list_offset,
            headers_offset,
            blocks_offset,
            block_stride: size(block_stride)?,
            data_bytes,
            sleepers_offset,
            records_offset,
            record_stride: size(record_stride)?,
            peers_bytes,
            batch: batch as u32, // at most MOST_BATCH
        })
    }

    /// The limits, with `blocks` counted when it was 0.
    pub const fn limits(&self) -> &Limits {
        &self.limits
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

    #[test]
    fn a_pool_that_could_run_dry_is_refused_with_the_smallest_that_works() {
        let asked = Limits { topics: 4, ring_slots: 65, blocks: 100, ..Limits::SMALLEST };
        let error = Geometry::new(asked).unwrap_err();
        let GeometryError::PoolTooSmall { least, .. } = error else { panic!("{error}") };
        assert!(error.to_string().contains(&std::format!("at least {least} blocks")), "{error}");
        let enough = Limits { blocks: least as u32, ..asked };
        assert!(Geometry::new(enough).is_ok());
        let one_less = Limits { blocks: least as u32 - 1, ..asked };
        assert!(Geometry::new(one_less).is_err());
        let counted = Geometry::new(Limits { blocks: 0, ..asked }).unwrap();
        assert_eq!(u64::from(counted.limits().blocks), least);
    }

    #[test]
    fn every_limit_has_a_smallest_and_a_largest_value() {
        let zeroes = [
            Limits { topics: 0, ..Limits::SMALLEST },
            Limits { ring_slots: 1, ..Limits::SMALLEST },
            Limits { block_bytes: 0, ..Limits::SMALLEST },
            Limits { publishers: 0, ..Limits::SMALLEST },
            Limits { subscribers: 0, ..Limits::SMALLEST },
            Limits { samples: 0, ..Limits::SMALLEST },
            Limits { loans: 0, ..Limits::SMALLEST },
        ];
        for limits in zeroes {
            assert!(matches!(Geometry::new(limits), Err(GeometryError::TooSmall { .. })), "{limits:?}");
        }
        let max = u32::MAX;
        let giants = [
            Limits { topics: max, ..Limits::SMALLEST },
            Limits { ring_slots: max, ..Limits::SMALLEST },
            Limits { block_bytes: max, ..Limits::SMALLEST },
            Limits { blocks: max, ..Limits::SMALLEST },
            Limits { publishers: max, ..Limits::SMALLEST },
            Limits { subscribers: max, ..Limits::SMALLEST },
            Limits { samples: max, ..Limits::SMALLEST },
            Limits { loans: max, ..Limits::SMALLEST },
            Limits { topics: 1 << 20, ring_slots: 1 << 20, ..Limits::SMALLEST },
        ];
        for limits in giants {
            assert!(matches!(Geometry::new(limits), Err(GeometryError::TooLarge { .. })), "{limits:?}");
        }
    }

    fn limits() -> impl Strategy<Value = Limits> {
        (1..40_u32, 2..200_u32, 1..300_000_u32, 1..9_u32, 1..40_u32, 1..2000_u32, 1..40_u32).prop_map(
            |(topics, ring_slots, block_bytes, publishers, subscribers, samples, loans)| Limits {
                topics,
                ring_slots,
                block_bytes,
                blocks: 0,
                publishers,
                subscribers,
                samples,
                loans,
            },
        )
    }

    proptest! {
        #[test]
        fn sections_are_aligned_and_disjoint(limits in limits()) {
            let g = Geometry::new(limits).unwrap();
            let l = g.limits();
            let blocks = l.blocks as usize;
            let data: Vec<(usize, usize, usize)> = [
                (0, HEADER_BYTES, PAGE_BYTES),
                (g.index_offset, g.index_slots * 4, LINE_BYTES),
                (g.topics_offset, l.topics as usize * ENTRY_BYTES, LINE_BYTES),
                (g.rings_offset, l.topics as usize * g.ring_stride, PAGE_BYTES),
                (g.free_list_offset, LINE_BYTES, LINE_BYTES),
                (g.headers_offset, blocks * 8, LINE_BYTES),
                (g.blocks_offset, blocks * g.block_stride, PAGE_BYTES),
                (g.data_bytes, 0, PAGE_BYTES),
            ].into();
            let peers: Vec<(usize, usize, usize)> = [
                (0, LINE_BYTES, PAGE_BYTES),
                (g.sleepers_offset, l.topics as usize * LINE_BYTES, LINE_BYTES),
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
            prop_assert!(g.block_stride >= l.block_bytes as usize && g.block_stride % LINE_BYTES == 0);
            prop_assert_eq!(g.record_stride % PAGE_BYTES, 0);
        }
    }
}
