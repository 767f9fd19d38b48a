//! The one gate through which foreign bytes pass.
//!
//! A region's header is checked here once, before any view of the region exists; a topic's entry each time it is
//! read. Indices and lengths that stand in slots are checked where they are used, by [`crate::Descriptor::check`].

use core::fmt;

use crate::access::Access;
use crate::geometry::Geometry;
use crate::ident::{BYTE_ORDER, FORMAT_VERSION, MAGIC};
use crate::limits::{GeometryError, Limits, PoolLimits};
use crate::pad::LINE_BYTES;
use crate::region::{FLAG_PUBLISH_TIMES, RegionHeader};
use crate::shape::{Content, MOST_SLOTS, TopicShape, ValueType};
use crate::sync::ReadU64;
use crate::topic::{MOST_TYPE_NAME_BYTES, MOST_URI_BYTES, TopicEntry, URI_WORDS};
use crate::{ReadOnly, pad::PAGE_BYTES};

/// Why a file is not a region that this program can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayoutError {
    /// `data` or `peers` is shorter or longer than its header says.
    Size {
        /// Which file.
        file: &'static str,
        /// Its size in bytes.
        bytes: u64,
        /// What the header (or the smallest header) asks for.
        expected: u64,
    },
    /// The file does not begin like a region.
    NotARegion,
    /// Another format version.
    Version {
        /// The file's.
        found: u32,
    },
    /// Written by a machine of another byte order.
    ByteOrder,
    /// The header's limits contradict themselves.
    Limits(GeometryError),
    /// The header's numbers contradict its limits.
    Contradiction {
        /// Which field.
        field: &'static str,
    },
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size { file, bytes, expected } => {
                write!(
                    f,
                    "its {file} file has {bytes} bytes where {expected} are needed: it is damaged, remove it"
                )
            }
            Self::NotARegion => {
                write!(f, "its data file does not begin like a region: it is something else, remove it")
            }
            Self::Version { found } => write!(
                f,
                "it has memory format {found}, this program knows {FORMAT_VERSION}: use the same xbar on both sides"
            ),
            Self::ByteOrder => write!(f, "it was written with another byte order"),
            Self::Limits(error) => write!(f, "its header is damaged ({error}): remove it"),
            Self::Contradiction { field } => write!(f, "its header is damaged (field {field}): remove it"),
        }
    }
}

impl core::error::Error for LayoutError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Limits(error) => Some(error),
            _ => None,
        }
    }
}

/// What a header says, believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegionFacts {
    /// Where everything is.
    pub geometry: Geometry,
    /// Increases each time the region is created anew under the same name.
    pub epoch: u64,
    /// When it was created, in ns since 1970.
    pub created_unix_ns: u64,
    /// When it was created, in ns of `CLOCK_MONOTONIC`.
    pub created_monotonic_ns: u64,
    /// Process that created it; for people.
    pub creator_pid: u32,
    /// Messages carry their publish time.
    pub publish_times: bool,
    /// Slots of a topic's ring, for those who do not say.
    pub default_slots: u32,
    /// The pool of a topic's blocks, for those who do not say.
    pub default_pool: u32,
}

/// Smallest size of `data` that can be looked at: its header page.
///
/// # Errors
///
/// [`LayoutError::Size`] when `data_bytes` is below it.
pub const fn check_data_size(data_bytes: u64) -> Result<(), LayoutError> {
    if data_bytes < PAGE_BYTES as u64 {
        return Err(LayoutError::Size { file: "data", bytes: data_bytes, expected: PAGE_BYTES as u64 });
    }
    Ok(())
}

/// Believes a region's header, or says why not. `data_bytes` and `peers_bytes` are the sizes of the two files.
///
/// # Errors
///
/// [`LayoutError`]; after `Ok` every offset of the returned geometry lies within the two files.
pub fn check_region(
    header: &RegionHeader<ReadOnly>,
    data_bytes: u64,
    peers_bytes: u64,
) -> Result<RegionFacts, LayoutError> {
    check_data_size(data_bytes)?;
    // ORDERING: region-magic: pairs with the creator's release: the header is complete.
    if header.magic.load_acquire() != MAGIC {
        return Err(LayoutError::NotARegion);
    }
    let version_and_order = header.version_and_order.load_relaxed();
    let order = (version_and_order >> 32) as u32;
    let version = version_and_order as u32;
    if order != BYTE_ORDER {
        return Err(if order == BYTE_ORDER.swap_bytes() {
            LayoutError::ByteOrder
        } else {
            LayoutError::NotARegion
        });
    }
    if version != FORMAT_VERSION {
        return Err(LayoutError::Version { found: version });
    }
    let pools = core::array::from_fn(|i| {
        let pool = &header.pools[i];
        PoolLimits {
            block_bytes: pool.block_bytes.load_relaxed(),
            slots: pool.slots.load_relaxed(),
            blocks: pool.blocks.load_relaxed(),
            samples: pool.samples.load_relaxed(),
            loans: pool.loans.load_relaxed(),
        }
    });
    let limits = Limits {
        topics: header.topics.load_relaxed(),
        ring_lines: header.ring_lines.load_relaxed(),
        publishers: header.publishers.load_relaxed(),
        subscribers: header.subscribers.load_relaxed(),
        streams: header.streams.load_relaxed(),
        pools,
    };
    let geometry = Geometry::new(limits).map_err(LayoutError::Limits)?;
    if geometry.limits() != &limits {
        return Err(LayoutError::Contradiction { field: "blocks" });
    }
    if header.data_bytes.load_relaxed() != geometry.data_bytes as u64 {
        return Err(LayoutError::Contradiction { field: "data_bytes" });
    }
    if header.peers_bytes.load_relaxed() != geometry.peers_bytes as u64 {
        return Err(LayoutError::Contradiction { field: "peers_bytes" });
    }
    let sizes = [("data", data_bytes, geometry.data_bytes), ("peers", peers_bytes, geometry.peers_bytes)];
    for (file, bytes, expected) in sizes {
        if bytes != expected as u64 {
            return Err(LayoutError::Size { file, bytes, expected: expected as u64 });
        }
    }
    let default_slots = header.default_slots.load_relaxed();
    if !(2..=MOST_SLOTS).contains(&default_slots) {
        return Err(LayoutError::Contradiction { field: "default_slots" });
    }
    let default_pool = header.default_pool.load_relaxed();
    // A region of buses has no pool.
    if default_pool as usize >= geometry.pools().len().max(1) {
        return Err(LayoutError::Contradiction { field: "default_pool" });
    }
    Ok(RegionFacts {
        geometry,
        epoch: header.epoch.load_relaxed(),
        created_unix_ns: header.created_unix_ns.load_relaxed(),
        created_monotonic_ns: header.created_monotonic_ns.load_relaxed(),
        creator_pid: header.creator_pid.load_relaxed(),
        publish_times: header.flags.load_relaxed() & FLAG_PUBLISH_TIMES != 0,
        default_slots,
        default_pool,
    })
}

/// A topic's URI as read from its entry: bytes that are its own, length checked, text not.
#[derive(Debug, Clone, Copy)]
pub struct StoredUri {
    words: [u64; URI_WORDS],
    length: usize,
}

impl StoredUri {
    /// The bytes; whether they are a valid URI is for the reader of URIs to say.
    pub fn copy_to<'b>(&self, buffer: &'b mut [u8; URI_WORDS * 8]) -> &'b [u8] {
        for (eight, word) in buffer.chunks_exact_mut(8).zip(self.words) {
            eight.copy_from_slice(&word.to_ne_bytes());
        }
        &buffer[..self.length]
    }

    /// True when these are the words of the same URI.
    pub fn is(&self, uri: &[u8], words: &[u64; URI_WORDS]) -> bool {
        self.length == uri.len() && self.words == *words
    }
}

/// Reads a topic's URI; `None` when its length cannot be true.
pub fn check_uri(entry: &TopicEntry<ReadOnly>) -> Option<StoredUri> {
    let length = entry.uri_bytes.load_relaxed() as usize;
    if length == 0 || length > MOST_URI_BYTES {
        return None;
    }
    Some(StoredUri { words: core::array::from_fn(|i| ReadU64::load_relaxed(&entry.uri[i])), length })
}

/// What a topic is and where its ring lies, believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicFacts {
    /// What it was registered as.
    pub shape: TopicShape,
    /// The first line of its ring; all its lines lie within the region's.
    pub ring_line: u32,
}

impl TopicFacts {
    /// Where the ring begins in `data`: its header line, then the slots.
    pub const fn ring_offset(&self, geometry: &Geometry) -> usize {
        geometry.rings_offset + self.ring_line as usize * LINE_BYTES
    }

    /// 64-bit words of the ring behind its header.
    pub const fn words(&self) -> usize {
        self.shape.words() as usize // within the region, which is mapped
    }
}

/// Believes what a topic's entry says of its ring, or not.
pub fn check_topic(entry: &TopicEntry<ReadOnly>, geometry: &Geometry) -> Option<TopicFacts> {
    let (delivery, many, content) = TopicShape::of_kind(entry.kind.load_relaxed())?;
    let pool = entry.pool.load_relaxed().checked_sub(1);
    if pool.is_some_and(|pool| pool as usize >= geometry.pools().len()) {
        return None;
    }
    let (size, align) = (entry.type_size.load_relaxed(), entry.type_align.load_relaxed());
    let name_bytes = entry.type_name_bytes.load_relaxed();
    let typed = size <= 1 << 30
        && align.is_power_of_two()
        && align as usize <= LINE_BYTES
        && name_bytes as usize <= MOST_TYPE_NAME_BYTES;
    let value = match size {
        0 if matches!(content, Content::Values) => return None,
        0 => None,
        _ if !typed => return None,
        _ => {
            let name = core::array::from_fn(|i| ReadU64::load_relaxed(&entry.type_name[i]));
            Some(ValueType { size, align, name, name_bytes })
        }
    };
    let slots = entry.ring_slots.load_relaxed();
    let shape = TopicShape { delivery, many, content, pool, slots, value };
    if matches!(content, Content::Bytes) && (value.is_some() || pool.is_some()) {
        return None;
    }
    let ring_line = entry.ring_line.load_relaxed();
    let fits = u64::from(ring_line) + shape.ring_lines() <= u64::from(geometry.limits().ring_lines);
    (shape.has_possible_slots() && fits).then_some(TopicFacts { shape, ring_line })
}

/// A header seen by somebody who may only look.
pub fn look<A: Access>(header: &RegionHeader<A>) -> &RegionHeader<ReadOnly> {
    crate::asserts::look(header)
}
