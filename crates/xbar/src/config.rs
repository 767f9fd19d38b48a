//! What a region holds, chosen when it is created.

use std::path::{Path, PathBuf};

use xbar_layout::{Geometry, Limits};
use xbar_shm::BaseDir;
use xbar_topic::{Options, RegionError};

/// The configuration of a region.
///
/// Memory is taken when the region is created, and never again: [`Config::footprint_bytes`] says how much. The defaults
/// hold 64 topics of 64 messages of up to 4 KiB, in about 20 MB.
///
/// ```
/// use xbar::Config;
///
/// let config = Config::new().topics(4).depth(1000).block_bytes(64 * 1024);
/// assert!(config.footprint_bytes()? > 4 * 1000 * 64 * 1024);
/// # Ok::<(), xbar::RegionError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Config {
    topics: u32,
    depth: u32,
    block_bytes: u32,
    blocks: u32,
    publishers: u32,
    subscribers: u32,
    samples: u32,
    loans: u32,
    publish_times: bool,
    dir: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            topics: 64,
            depth: 64,
            block_bytes: 4096,
            blocks: 0,
            publishers: 4,
            subscribers: 32,
            samples: 16,
            loans: 16,
            publish_times: false,
            dir: None,
        }
    }
}

impl Config {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Topics that can be registered, 1 to 2^20. Default 64.
    pub const fn topics(mut self, topics: u32) -> Self {
        self.topics = topics;
        self
    }

    /// Messages of each topic that a reader may be behind before it misses some, 1 to 2^20 - 1. Default 64.
    pub const fn depth(mut self, depth: u32) -> Self {
        self.depth = depth;
        self
    }

    /// Largest payload of one message in bytes, 1 to 2^30. Default 4096.
    pub const fn block_bytes(mut self, block_bytes: u32) -> Self {
        self.block_bytes = block_bytes;
        self
    }

    /// Blocks of the pool. Default 0: counted, so that the pool can never run dry. A number below what can run dry is
    /// refused; more is room for publishers that are killed while they hold blocks.
    pub const fn blocks(mut self, blocks: u32) -> Self {
        self.blocks = blocks;
        self
    }

    /// Publisher handles alive at once, 1 to 4096. Default 4.
    pub const fn publishers(mut self, publishers: u32) -> Self {
        self.publishers = publishers;
        self
    }

    /// Subscriber handles alive at once, 1 to 4096. Default 32.
    pub const fn subscribers(mut self, subscribers: u32) -> Self {
        self.subscribers = subscribers;
        self
    }

    /// Samples with a block that one subscriber handle may hold at once, 1 to 4096. Default 16.
    pub const fn samples(mut self, samples: u32) -> Self {
        self.samples = samples;
        self
    }

    /// Loans that one publisher handle may hold at once, 1 to 4096. Default 16.
    pub const fn loans(mut self, loans: u32) -> Self {
        self.loans = loans;
        self
    }

    /// Whether messages carry the time at which they were published. Default false: reading the clock takes longer than
    /// everything else about publishing a small message.
    pub const fn publish_times(mut self, publish_times: bool) -> Self {
        self.publish_times = publish_times;
        self
    }

    /// Where regions live. Default: the environment's `XBAR_DIR`, else a directory of this user's under `/dev/shm`.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Memory that the region will take, in bytes.
    ///
    /// # Errors
    ///
    /// [`RegionError::Config`] when the configuration cannot work, with the smallest or largest value that does.
    pub fn footprint_bytes(&self) -> Result<usize, RegionError> {
        Ok(Geometry::new(self.limits())?.footprint_bytes())
    }

    fn limits(&self) -> Limits {
        Limits {
            topics: self.topics,
            // The writer keeps one slot marked ahead, which cannot be read.
            ring_slots: self.depth.saturating_add(u32::from(self.depth > 0)),
            block_bytes: self.block_bytes,
            blocks: self.blocks,
            publishers: self.publishers,
            subscribers: self.subscribers,
            samples: self.samples,
            loans: self.loans,
        }
    }

    pub(crate) fn options(&self) -> Options {
        Options { limits: self.limits(), publish_times: self.publish_times }
    }

    pub(crate) fn base(&self) -> BaseDir {
        base(self.dir.as_deref())
    }
}

pub(crate) fn base(dir: Option<&Path>) -> BaseDir {
    dir.map_or_else(BaseDir::standard, BaseDir::at)
}
