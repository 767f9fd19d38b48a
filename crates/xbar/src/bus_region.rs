//! A region with one bus: found, gone on with after its writer's death, or made anew.

use std::path::Path;

use xbar_discovery::{RegionView, Uri};
use xbar_layout::{Limits, MOST_POOLS, PoolLimits, TopicShape};
use xbar_shm::{BaseDir, RegionName, SharedWith};
use xbar_topic::{self as topic, Options};

use crate::RegionError;
use crate::config::base;

/// The one topic of a bus's region.
const BUS: &str = "/bus";

/// Publisher seats: the one that publishes, and one to find out that it does.
const PUBLISHERS: u32 = 2;

/// Where a bus is, or is to be.
pub(crate) struct BusRegion {
    base: BaseDir,
    name: RegionName,
    pub(crate) uri: Uri,
}

impl BusRegion {
    pub(crate) fn new(dir: Option<&Path>, name: &str) -> Result<Self, RegionError> {
        Ok(Self { base: base(dir), name: RegionName::new(name)?, uri: Uri::new(BUS)? })
    }

    /// Its name.
    pub(crate) const fn name(&self) -> &RegionName {
        &self.name
    }

    /// What bus is there, if the region is a bus's: it has no blocks, any other has. Changes nothing; whoever joins as a writer and
    /// leaves again removes a bus that has no other.
    pub(crate) fn look(&self) -> Result<Option<TopicShape>, RegionError> {
        let view = RegionView::open(&self.base, &self.name)?;
        let is_bus = view.facts().geometry.pools().is_empty();
        Ok(view.find(&self.uri).filter(|_| is_bus).map(|topic| topic.facts().shape))
    }

    /// What was asked for is not what is there.
    pub(crate) fn differs(&self, asked: String, found: Option<&TopicShape>) -> RegionError {
        let found = found.map_or_else(|| "a region of topics".to_owned(), ToString::to_string);
        RegionError::Differs { region: self.name.clone(), uri: self.uri.clone(), asked, found }
    }

    /// Joins it as a reader.
    pub(crate) fn subscriber(&self) -> Result<topic::Subscriber, RegionError> {
        topic::Subscriber::connect(&self.base, &self.name)
    }

    /// Joins it as a writer, also when all of its writers are dead.
    pub(crate) fn revive(&self) -> Result<topic::Publisher, RegionError> {
        topic::Publisher::revive(&self.base, &self.name)
    }

    /// Goes on with one like it, left behind by a writer that was killed, so that its readers stay; or makes it anew, as `shape` and
    /// for as many readers as `limits` say.
    pub(crate) fn go_on_or_create(
        &self,
        is_like: impl FnOnce(&TopicShape) -> bool,
        shape: impl FnOnce() -> Result<TopicShape, RegionError>,
        readers: Readers,
    ) -> Result<topic::Publisher, RegionError> {
        if self.look().ok().flatten().is_some_and(|found| is_like(&found)) {
            let revived = self.revive();
            // Otherwise it went meanwhile.
            if matches!(revived, Ok(_) | Err(RegionError::TooManyPublishers { .. })) {
                return revived;
            }
        }
        topic::Publisher::create(&self.base, &self.name, &options(&shape()?, readers))
    }
}

/// How many readers a bus has room for.
#[derive(Clone, Copy)]
pub(crate) struct Readers {
    pub(crate) subscribers: u32,
    /// Of a bounded bus.
    pub(crate) streams: u32,
}

/// A region with one bus and no blocks.
fn options(shape: &TopicShape, readers: Readers) -> Options {
    let limits = Limits {
        topics: 1,
        // More than there can be is refused with the rest.
        ring_lines: u32::try_from(shape.ring_lines()).unwrap_or(u32::MAX),
        publishers: PUBLISHERS,
        subscribers: readers.subscribers,
        streams: readers.streams,
        pools: [PoolLimits::NONE; MOST_POOLS],
    };
    Options {
        limits,
        publish_times: false,
        // There is no topic that does not say.
        default_slots: 2,
        default_pool: 0,
        shared_with: SharedWith::Nobody,
    }
}
