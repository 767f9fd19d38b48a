//! Why a region or a topic cannot be had.

use std::fmt;
use std::time::Duration;

use xbar_discovery::{PatternError, Uri, UriError, ViewError};
use xbar_layout::GeometryError;
use xbar_layout::byte_ring::MOST_LINES;
use xbar_layout::pad::LINE_BYTES;
use xbar_shm::{NameError, RegionName, ShmError};

/// Why a region or a topic cannot be had.
#[derive(Debug)]
#[non_exhaustive]
pub enum RegionError {
    /// The region's name is not one.
    Name(NameError),
    /// The topic's name is not one.
    Uri(UriError),
    /// The pattern is not one.
    Pattern(PatternError),
    /// The configuration cannot be satisfied.
    Config(GeometryError),
    /// The region cannot be opened: missing, damaged, of another version, somebody else's, or the system says no.
    Open(ViewError),
    /// The region is alive, and was created with another configuration than is asked for.
    OtherConfig {
        /// The region.
        region: RegionName,
        /// What is other.
        what: &'static str,
        /// What was asked for.
        asked: u64,
        /// What is there.
        found: u64,
    },
    /// Every publisher of the region is gone.
    NoPublisher {
        /// The region.
        region: RegionName,
    },
    /// All publisher seats are taken.
    TooManyPublishers {
        /// The region.
        region: RegionName,
        /// Seats there are.
        limit: u32,
    },
    /// All subscriber seats are taken.
    TooManySubscribers {
        /// The region.
        region: RegionName,
        /// Seats there are.
        limit: u32,
    },
    /// The topic table is full.
    TooManyTopics {
        /// The region.
        region: RegionName,
        /// The topic that found no place.
        uri: Uri,
        /// Topics there can be.
        limit: u32,
    },
    /// The topic's ring finds no room.
    NoRoomForRing {
        /// The region.
        region: RegionName,
        /// The topic.
        uri: Uri,
        /// Cache lines that its ring takes.
        needed: u64,
        /// Those that are left.
        left: u64,
    },
    /// The blocks that the topic may fill are promised to others.
    BlocksPromised {
        /// The region.
        region: RegionName,
        /// The topic.
        uri: Uri,
        /// Slots that it may fill.
        slots: u32,
        /// Blocks that are left for slots.
        left: u32,
        /// Size of these blocks.
        block_bytes: u32,
    },
    /// No block of the region is as large as the topic's messages.
    NoPool {
        /// The region.
        region: RegionName,
        /// The topic.
        uri: Uri,
        /// Largest message asked for.
        bytes: u32,
        /// Largest block there is.
        most: u32,
    },
    /// A topic cannot be as deep.
    Depth {
        /// The topic.
        uri: Uri,
        /// Messages asked for.
        depth: u32,
    },
    /// A byte bus cannot have as many bytes.
    Capacity {
        /// The byte bus.
        region: RegionName,
        /// Bytes asked for.
        bytes: u64,
    },
    /// Several publishers were asked for where there can be one.
    OnePublisher {
        /// The topic.
        uri: Uri,
    },
    /// The topic is something else.
    Differs {
        /// The region.
        region: RegionName,
        /// The topic.
        uri: Uri,
        /// What was asked for.
        asked: String,
        /// What is there.
        found: String,
    },
    /// The type cannot be a message's.
    Type {
        /// The topic.
        uri: Uri,
        /// Its name.
        name: &'static str,
        /// Its size in bytes.
        size: usize,
        /// Its alignment in bytes.
        align: usize,
    },
    /// All lossless streams of a subscriber are taken.
    TooManyStreams {
        /// The region.
        region: RegionName,
        /// The topic.
        uri: Uri,
        /// Streams there can be.
        limit: u32,
    },
    /// Somebody alive publishes this topic.
    TopicTaken {
        /// The region.
        region: RegionName,
        /// The topic.
        uri: Uri,
        /// Process that publishes it.
        pid: u32,
    },
    /// No publisher has registered this topic.
    NoTopic {
        /// The region.
        region: RegionName,
        /// The topic.
        uri: Uri,
    },
    /// The region or topic did not appear in time.
    TimedOut {
        /// How long was waited.
        waited: Duration,
        /// What the last look said.
        last: Box<RegionError>,
    },
}

impl fmt::Display for RegionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => error.fmt(f),
            Self::Uri(error) => error.fmt(f),
            Self::Pattern(error) => error.fmt(f),
            Self::Config(error) => write!(f, "this configuration cannot work: {error}"),
            Self::Open(error) => error.fmt(f),
            Self::OtherConfig { region, what, asked, found } => write!(
                f,
                "region {region} is alive and was created with {what} {found}, not {asked}: ask for {found}, or wait until all \
                 who use it have left"
            ),
            Self::NoPublisher { region } => {
                write!(f, "every publisher of region {region} is gone: start one, it will take the name over")
            }
            Self::TooManyPublishers { region, limit } => write!(
                f,
                "region {region} has room for {limit} publishers, all are there: create it with a larger `publishers`"
            ),
            Self::TooManySubscribers { region, limit } => write!(
                f,
                "region {region} has room for {limit} subscribers, all are there: create it with a larger `subscribers`"
            ),
            Self::TooManyTopics { region, uri, limit } => write!(
                f,
                "region {region} has room for {limit} topics, none is left for {uri}: create it with a larger `topics`"
            ),
            Self::NoRoomForRing { region, uri, needed, left } => write!(
                f,
                "the ring of {uri} takes {needed} cache lines, region {region} has {left} left: use a smaller depth, or \
                 create the region with more topics or a larger depth"
            ),
            Self::BlocksPromised { region, uri, slots, left, block_bytes } => write!(
                f,
                "{uri} may fill {slots} blocks of {block_bytes} bytes, region {region} has {left} left that are promised \
                 to no other topic: use a smaller depth or other `max_bytes`, or create the region with more of them"
            ),
            Self::NoPool { region, uri, bytes, most } => write!(
                f,
                "messages of {bytes} bytes for {uri} fit no block of region {region}, of which the largest have {most}: \
                 create it with a larger `block_bytes`, or with a pool for them"
            ),
            Self::Depth { uri, depth } => {
                write!(f, "{uri} cannot have a depth of {depth}: it may be 1 to {}", (1 << 20) - 1)
            }
            Self::Capacity { region, bytes } => {
                let (least, most) = (LINE_BYTES as u64, u64::from(MOST_LINES) * LINE_BYTES as u64);
                let possible = (*bytes).clamp(least, most).next_power_of_two();
                write!(
                    f,
                    "byte bus {region} cannot have a ring of {bytes} bytes: it may be a power of two from {least} to {most}, \
                     such as {possible}"
                )
            }
            Self::OnePublisher { uri } => {
                write!(f, "{uri} cannot have many publishers: a pinned topic has one, and so does a bus")
            }
            Self::Differs { region, uri, asked, found } => write!(
                f,
                "{uri} of region {region} is {found}, and was asked for as {asked}: ask for what it is, or use another uri"
            ),
            Self::Type { uri, name, size, align } => write!(
                f,
                "values of {name} ({size} bytes aligned to {align}) cannot be messages of {uri}: they must have 1 byte to \
                 1 GiB and at most 64 bytes of alignment"
            ),
            Self::TooManyStreams { region, uri, limit } => write!(
                f,
                "a subscriber of region {region} may have {limit} lossless streams, there is none left for {uri}: drop \
                 one, connect another subscriber, or create the region with more `lossless_streams`"
            ),
            Self::TopicTaken { region, uri, pid } => write!(
                f,
                "topic {uri} of region {region} is published by process {pid}, and not registered for many publishers: \
                 use another uri or stop that process"
            ),
            Self::NoTopic { region, uri } => {
                write!(
                    f,
                    "region {region} has no topic {uri}: register it in a publisher first, or wait for it"
                )
            }
            Self::TimedOut { waited, last } => write!(f, "gave up after {waited:?}: {last}"),
        }
    }
}

impl std::error::Error for RegionError {}

impl From<NameError> for RegionError {
    fn from(error: NameError) -> Self {
        Self::Name(error)
    }
}
impl From<UriError> for RegionError {
    fn from(error: UriError) -> Self {
        Self::Uri(error)
    }
}
impl From<PatternError> for RegionError {
    fn from(error: PatternError) -> Self {
        Self::Pattern(error)
    }
}
impl From<GeometryError> for RegionError {
    fn from(error: GeometryError) -> Self {
        Self::Config(error)
    }
}
impl From<ViewError> for RegionError {
    fn from(error: ViewError) -> Self {
        Self::Open(error)
    }
}
impl From<ShmError> for RegionError {
    fn from(error: ShmError) -> Self {
        Self::Open(ViewError::Shm(error))
    }
}
