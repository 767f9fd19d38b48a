//! What a region holds, chosen when it is created.

use std::path::{Path, PathBuf};

use xbar_layout::{Geometry, GeometryError, Limits, MOST_POOLS, PoolLimits};
use xbar_shm::{BaseDir, SharedWith};
use xbar_topic::{Options, RegionError};

/// The configuration of a region.
///
/// Memory is taken when the region is created, and never again: [`Config::footprint_bytes`] says how much. The defaults
/// hold 64 topics of 64 messages of up to 4 KiB, in about 20 MB.
///
/// ```
/// use xbar::{Config, SizeClass};
///
/// let config = Config::new().topics(4).depth(1000).block_bytes(64 * 1024);
/// assert!(config.footprint_bytes()? > 4 * 1000 * 64 * 1024);
///
/// // Many small messages, and camera frames: two topics of four of them.
/// let robot = Config::new().block_bytes(256).size_class(SizeClass::new(6 << 20).topics(2, 4).samples(2).loans(1));
///
/// // Or: whatever 64 MB are good for.
/// let simple = Config::new().budget_bytes(64 << 20);
/// assert!(simple.footprint_bytes()? <= 64 << 20);
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
    lossless_streams: u32,
    classes: Vec<SizeClass>,
    budget_bytes: Option<u64>,
    publish_times: bool,
    shared_with: SharedWith,
    dir: Option<PathBuf>,
}

/// Blocks of one size, beside those of the region's `block_bytes`: for topics of larger or smaller messages.
///
/// A topic has the smallest blocks that hold its [`max_bytes`](crate::TopicConfig::max_bytes). So one region serves small
/// messages and huge ones, and neither takes the blocks of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct SizeClass(PoolLimits);

impl SizeClass {
    /// Blocks of `block_bytes`, 1 to 2^30, for one topic of 4 messages, one loan per publisher and one held sample per
    /// subscriber.
    pub const fn new(block_bytes: u32) -> Self {
        Self(PoolLimits { block_bytes, slots: 5, blocks: 0, samples: 1, loans: 1 })
    }

    /// Enough blocks for so many topics of such a depth. A pinned topic has a depth of 3.
    pub const fn topics(mut self, topics: u32, depth: u32) -> Self {
        self.0.slots = topics.saturating_mul(depth.saturating_add(1));
        self
    }

    /// Samples of this size that one subscriber handle may hold at once, 1 to 4096. Default 1.
    pub const fn samples(mut self, samples: u32) -> Self {
        self.0.samples = samples;
        self
    }

    /// Loans of this size that one publisher handle may hold at once, 1 to 4096. Default 1.
    pub const fn loans(mut self, loans: u32) -> Self {
        self.0.loans = loans;
        self
    }

    /// Blocks of this size. Default 0: counted, so that they can never run out.
    pub const fn blocks(mut self, blocks: u32) -> Self {
        self.0.blocks = blocks;
        self
    }
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
            lossless_streams: 16,
            classes: Vec::new(),
            budget_bytes: None,
            publish_times: false,
            shared_with: SharedWith::Nobody,
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

    /// Messages of a topic that a reader may be behind before it misses some, 1 to 2^20 - 1, for topics that do not say.
    /// Default 64.
    pub const fn depth(mut self, depth: u32) -> Self {
        self.depth = depth;
        self
    }

    /// Largest payload of one message in bytes, 1 to 2^30, for topics that do not say. Default 4096.
    pub const fn block_bytes(mut self, block_bytes: u32) -> Self {
        self.block_bytes = block_bytes;
        self
    }

    /// Blocks of `block_bytes`. Default 0: counted, so that they can never run out. A number below what can run dry is
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

    /// Samples with a block of `block_bytes` that one subscriber handle may hold at once, 1 to 4096. Default 16.
    pub const fn samples(mut self, samples: u32) -> Self {
        self.samples = samples;
        self
    }

    /// Loans with a block of `block_bytes` that one publisher handle may hold at once, 1 to 4096. Default 16. Those of up to 48 bytes
    /// take none, as long as they stay so small.
    pub const fn loans(mut self, loans: u32) -> Self {
        self.loans = loans;
        self
    }

    /// Streams of lossless topics that one subscriber handle may have at once, 0 to 4096. Default 16.
    pub const fn lossless_streams(mut self, streams: u32) -> Self {
        self.lossless_streams = streams;
        self
    }

    /// Adds blocks of another size, up to eight sizes in all.
    pub fn size_class(mut self, class: SizeClass) -> Self {
        self.classes.push(class);
        self
    }

    /// All the memory that the region may take, in bytes, spread over blocks of 256 bytes to 1 GiB, as far as it reaches:
    /// the simple way, instead of `block_bytes`, `blocks`, `samples`, `loans` and size classes. Topics that do not say how
    /// large their messages are get blocks of 4 KiB, or the largest that there are.
    pub const fn budget_bytes(mut self, bytes: u64) -> Self {
        self.budget_bytes = Some(bytes);
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

    /// Who may subscribe besides this user: by default nobody. Publishing stays with this user. What those others can do at
    /// worst is told at [`SharedWith`]; how they connect, at [`Subscriber::connect_to_user`](crate::Subscriber::connect_to_user).
    ///
    /// They must be able to enter the directory of regions too: one that is made for this region is made for them, one that
    /// is there already is left as it is, and creation fails when they cannot.
    pub const fn shared_with(mut self, shared_with: SharedWith) -> Self {
        self.shared_with = shared_with;
        self
    }

    /// Memory that the region will take, in bytes.
    ///
    /// # Errors
    ///
    /// [`RegionError::Config`] when the configuration cannot work, with the smallest or largest value that does.
    pub fn footprint_bytes(&self) -> Result<usize, RegionError> {
        Ok(Geometry::new(self.options()?.limits)?.footprint_bytes())
    }

    /// Slots of a topic's ring: the writer keeps one marked ahead, which cannot be read.
    fn slots(&self) -> Result<u32, GeometryError> {
        let (what, value, least, most) = ("depth", self.depth.into(), 1, (1 << 20) - 1);
        match value {
            0 => Err(GeometryError::TooSmall { what, value, least }),
            _ if value > most => Err(GeometryError::TooLarge { what, value, most }),
            _ => Ok(self.depth + 1),
        }
    }

    fn limits(&self, pools: &[PoolLimits]) -> Result<Limits, GeometryError> {
        let mut limits = Limits {
            topics: self.topics,
            ring_lines: 0,
            publishers: self.publishers,
            subscribers: self.subscribers,
            streams: self.lossless_streams,
            pools: [PoolLimits::NONE; MOST_POOLS],
        };
        if pools.len() > MOST_POOLS {
            let (value, most) = (pools.len() as u64, MOST_POOLS as u64);
            return Err(GeometryError::TooLarge { what: "size classes", value, most });
        }
        limits.pools[..pools.len()].copy_from_slice(pools);
        limits.pools[..pools.len()].sort_by_key(|pool| pool.block_bytes);
        // A line for each topic, and one for each slot.
        let lines = pools.iter().map(|pool| u64::from(pool.slots)).sum::<u64>() + u64::from(self.topics);
        let most = 1 << 30;
        if lines > most {
            return Err(GeometryError::TooLarge { what: "topics times depth", value: lines, most });
        }
        limits.ring_lines = lines as u32; // at most `most`
        Ok(limits)
    }

    pub(crate) fn options(&self) -> Result<Options, RegionError> {
        let slots = self.slots()?;
        let (limits, usual) = match self.budget_bytes {
            Some(budget) => (self.spread(budget)?, 4096),
            None => {
                let usual = PoolLimits {
                    block_bytes: self.block_bytes,
                    slots: self.topics.saturating_mul(slots),
                    blocks: self.blocks,
                    samples: self.samples,
                    loans: self.loans,
                };
                if self.block_bytes == 0 {
                    let (what, value, least) = ("block bytes", 0, 1);
                    return Err(GeometryError::TooSmall { what, value, least }.into());
                }
                let others = self.classes.iter().map(|class| class.0);
                let pools: Vec<_> = std::iter::once(usual).chain(others).collect();
                (self.limits(&pools)?, self.block_bytes)
            }
        };
        let there = limits.pools.iter().take_while(|pool| pool.block_bytes > 0);
        let smaller = there.clone().filter(|pool| pool.block_bytes < usual).count();
        let default_pool = smaller.min(there.count().saturating_sub(1)) as u32; // at most eight
        let Self { publish_times, shared_with, .. } = *self;
        Ok(Options { limits, publish_times, default_slots: slots, default_pool, shared_with })
    }

    /// Blocks of all sizes that `budget` bytes are good for: an equal share for each.
    fn spread(&self, budget: u64) -> Result<Limits, GeometryError> {
        const SIZES: [u32; MOST_POOLS] =
            [256, 4 << 10, 64 << 10, 1 << 20, 16 << 20, 64 << 20, 256 << 20, 1 << 30];
        // What a region takes besides its blocks: nothing of it depends on how many there are.
        let smallest = |sizes: &[u32]| {
            let pools: Vec<_> = sizes.iter().map(|&size| SizeClass::new(size).0).collect();
            let limits = self.limits(&pools)?;
            let slots = u64::from(limits.ring_lines) - u64::from(self.topics);
            let geometry = Geometry::new(limits)?;
            let blocks = geometry
                .pools()
                .iter()
                .map(|pool| u64::from(pool.limits.blocks) * block_cost(pool.limits.block_bytes));
            // The cells of sixteen samples rather than one.
            let cells = 64 * sizes.len() as u64 * geometry.participants() as u64
                + geometry.participants() as u64 * 4096;
            let footprint = geometry.footprint_bytes() as u64;
            // Each block counts with a slot, which the many that publishers hold do not have: with the cells it is enough all the same.
            Ok((footprint + cells)
                .saturating_sub(blocks.sum::<u64>().min(footprint))
                .saturating_sub(slots * 64))
        };
        for sizes in (1..=MOST_POOLS).rev() {
            let sizes = &SIZES[..sizes];
            let share = budget.saturating_sub(smallest(sizes)?) / sizes.len() as u64;
            let pools: Option<Vec<_>> = sizes.iter().map(|&size| self.fill(size, share)).collect();
            if let Some(pools) = pools {
                return self.limits(&pools);
            }
        }
        let least = smallest(&SIZES[..1])? + block_cost(SIZES[0]) * u64::from(self.least_blocks(SIZES[0], 1));
        Err(GeometryError::TooSmall { what: "budget bytes", value: budget, least })
    }

    /// Blocks of one size that `bytes` are good for, at least half of them for rings; `None` when they are too few.
    fn fill(&self, block_bytes: u32, bytes: u64) -> Option<PoolLimits> {
        let blocks = u32::try_from((bytes / block_cost(block_bytes)).min(1 << 24)).ok()?;
        let most =
            [16, 8, 4, 2, 1].into_iter().find(|&most| self.least_blocks(block_bytes, most) <= blocks)?;
        let overhead = self.least_blocks(block_bytes, most) / 2;
        Some(PoolLimits { block_bytes, slots: blocks - overhead, blocks: 0, samples: most, loans: most })
    }

    /// Twice what publishers and subscribers may take with so many samples and loans, and a pinned topic's slots.
    fn least_blocks(&self, block_bytes: u32, most: u32) -> u32 {
        let batch = (64 * 1024 / block_bytes).clamp(1, 16);
        let publishers = self.publishers.saturating_mul(most + 2 * batch);
        publishers.saturating_add(self.subscribers.saturating_mul(most)).max(4).saturating_mul(2)
    }

    /// As [`Config::dir`], where one was chosen.
    pub(crate) fn maybe_dir(mut self, dir: Option<&Path>) -> Self {
        self.dir = dir.map(Path::to_owned).or(self.dir);
        self
    }

    pub(crate) fn directory(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    pub(crate) fn base(&self) -> BaseDir {
        base(self.dir.as_deref())
    }
}

/// A block, its header word, and the ring slot that may name it.
const fn block_cost(block_bytes: u32) -> u64 {
    (block_bytes as u64).next_multiple_of(64) + 8 + 64
}

pub(crate) fn base(dir: Option<&Path>) -> BaseDir {
    dir.map_or_else(BaseDir::standard, BaseDir::at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_used_and_never_exceeded() {
        let mut last = 0;
        for budget in [1 << 21, 3 << 20, 10_000_000, 64 << 20, 1 << 30, 10_u64 << 30, 100 << 30, 2 << 40] {
            let config = Config::new().budget_bytes(budget);
            let taken = config.footprint_bytes().unwrap() as u64;
            assert!(taken <= budget, "{taken} of {budget}");
            assert!(taken > budget / 2, "{taken} of {budget}");
            let classes = config.options().unwrap().limits.pools.iter().filter(|p| p.block_bytes > 0).count();
            assert!(classes >= last, "a larger budget reaches further");
            last = classes;
        }
        assert_eq!(last, MOST_POOLS);
        for budget in [1, 1 << 20, 64 << 20, 1 << 30, 10_u64 << 30, 100 << 30] {
            let many = Config::new().publishers(4096).budget_bytes(budget);
            match many.footprint_bytes() {
                Ok(taken) => assert!(taken as u64 <= budget, "{taken} of {budget}"),
                Err(error) => assert!(error.to_string().contains("budget bytes"), "{error}"),
            }
        }
        let error = Config::new().budget_bytes(1000).footprint_bytes().unwrap_err().to_string();
        assert!(error.contains("budget bytes is 1000, but must be at least"), "{error}");
    }

    #[test]
    fn topics_that_do_not_say_get_the_usual_blocks() {
        let of = |config: Config| {
            let options = config.options().unwrap();
            options.limits.pools[options.default_pool as usize].block_bytes
        };
        assert_eq!(of(Config::new()), 4096);
        let small = SizeClass::new(64).topics(1, 100);
        assert_eq!(of(Config::new().size_class(small).size_class(SizeClass::new(1 << 20))), 4096);
        assert_eq!(of(Config::new().budget_bytes(1 << 30)), 4096);
    }
}
