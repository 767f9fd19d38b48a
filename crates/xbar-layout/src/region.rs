//! The first page of `data`: what the region is.

use crate::access::{Access, ReadWrite};
use crate::limits::MOST_POOLS;
use crate::pad::PAGE_BYTES;

/// Bytes of the header, a page of its own.
pub const HEADER_BYTES: usize = PAGE_BYTES;

/// The header. Everything but `creator_pid` is written once, before the region gets its name, and never changes.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct RegionHeader<A: Access = ReadWrite> {
    /// [`crate::ident::MAGIC`].
    pub magic: A::U64,
    /// [`crate::ident::VERSION_AND_ORDER`].
    pub version_and_order: A::U64,
    /// Increases each time a region is created anew under the same name.
    pub epoch: A::U64,
    /// When it was created, in ns since 1970; for people only.
    pub created_unix_ns: A::U64,
    /// When it was created, in ns of `CLOCK_MONOTONIC`: publish times count from here.
    pub created_monotonic_ns: A::U64,
    /// Size of `data` in bytes, as laid out from the limits below.
    pub data_bytes: A::U64,
    /// Size of `peers` in bytes, likewise.
    pub peers_bytes: A::U64,
    /// Process that created the region; for people only.
    pub creator_pid: A::U32,
    /// Bit 0: messages carry their publish time.
    pub flags: A::U32,
    /// [`crate::Limits::topics`].
    pub topics: A::U32,
    /// [`crate::Limits::ring_lines`].
    pub ring_lines: A::U32,
    /// [`crate::Limits::publishers`].
    pub publishers: A::U32,
    /// [`crate::Limits::subscribers`].
    pub subscribers: A::U32,
    /// [`crate::Limits::streams`].
    pub streams: A::U32,
    /// Topics registered so far, up to `topics`; only grows. Written under the region's lock, released after the
    /// entry is complete; readers may see it stale.
    pub topics_registered: A::U32,
    /// Slots of a topic's ring, for those who do not say.
    pub default_slots: A::U32,
    /// The pool of a topic's blocks, for those who do not say.
    pub default_pool: A::U32,
    /// Zero.
    pub reserved: [A::U32; 8],
    /// [`crate::Limits::pools`].
    pub pools: [PoolHeader<A>; MOST_POOLS],
}

/// One pool in the header; see [`crate::PoolLimits`].
#[repr(C)]
#[derive(Debug)]
pub struct PoolHeader<A: Access = ReadWrite> {
    /// [`crate::PoolLimits::block_bytes`]; 0 = no such pool.
    pub block_bytes: A::U32,
    /// [`crate::PoolLimits::slots`].
    pub slots: A::U32,
    /// [`crate::PoolLimits::blocks`], counted.
    pub blocks: A::U32,
    /// [`crate::PoolLimits::samples`].
    pub samples: A::U32,
    /// [`crate::PoolLimits::loans`].
    pub loans: A::U32,
    /// Zero.
    pub reserved: [A::U32; 3],
}

/// [`RegionHeader::flags`]: messages carry their publish time.
pub const FLAG_PUBLISH_TIMES: u32 = 1;
