//! What a region was built to hold, and why it could not hold that.

use core::fmt;

/// Pools that a region can have.
pub const MOST_POOLS: usize = 8;

/// One pool: blocks of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolLimits {
    /// Largest payload of one block in bytes, 1 to 2^30; 0 = no such pool.
    pub block_bytes: u32,
    /// Ring slots, of all topics together, that may name a block of this pool.
    pub slots: u32,
    /// Blocks, up to 2^31 - 1; 0 means the smallest number that is always enough.
    pub blocks: u32,
    /// Samples with such a block that one subscriber handle may hold at once, 1 to 4096.
    pub samples: u32,
    /// Loans of such a block that one publisher handle may hold at once, 1 to 4096.
    pub loans: u32,
}

impl PoolLimits {
    /// No pool.
    pub const NONE: Self = Self { block_bytes: 0, slots: 0, blocks: 0, samples: 0, loans: 0 };
}

/// What a region was built to hold. The one input of [`crate::Geometry::new`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Topics, 1 to 2^20.
    pub topics: u32,
    /// Cache lines of all rings together: one per topic, and those of its slots. Up to 2^30.
    pub ring_lines: u32,
    /// Publisher handles alive at once, 1 to 4096.
    pub publishers: u32,
    /// Subscriber handles alive at once, 1 to 4096.
    pub subscribers: u32,
    /// Lossless streams that one subscriber handle may have at once, 0 to 4096.
    pub streams: u32,
    /// The pools, by growing block size; those that are not there come last.
    pub pools: [PoolLimits; MOST_POOLS],
}

impl Limits {
    /// The smallest working region, for tests and tight places.
    pub const SMALLEST: Self = Self {
        topics: 1,
        ring_lines: 3,
        publishers: 1,
        subscribers: 1,
        streams: 1,
        pools: {
            let mut pools = [PoolLimits::NONE; MOST_POOLS];
            pools[0] = PoolLimits { block_bytes: 1, slots: 2, blocks: 0, samples: 1, loans: 1 };
            pools
        },
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
    /// A pool could run dry while rings, limbo and ledgers are idle.
    PoolTooSmall {
        /// Its block size.
        block_bytes: u32,
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
    /// Two pools of the same block size, or a larger one before a smaller one.
    PoolOrder {
        /// The block size of the second one.
        block_bytes: u32,
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
            Self::PoolTooSmall { block_bytes, blocks, least, rings, publishers, ledgers } => write!(
                f,
                "a pool of {blocks} blocks of {block_bytes} bytes can run dry: rings take up to {rings}, publishers \
                 {publishers}, subscribers' samples {ledgers}; use at least {least} blocks, or 0 to have them counted"
            ),
            Self::PoolOrder { block_bytes } => {
                write!(
                    f,
                    "there are two pools of blocks of {block_bytes} bytes, or they are not in order of size"
                )
            }
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
