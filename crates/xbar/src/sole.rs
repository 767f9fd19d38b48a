//! A region that one process at a time serves, and that outlives it: created, or joined by whoever comes next.
//!
//! A region lives as long as anybody publishes there, so those who speak to a server keep its region when it is killed. Its
//! successor joins them. Who that is, of several, is decided as for any topic of one publisher: by the kernel's locks.

use xbar_discovery::{Uri, ViewError};
use xbar_layout::{Geometry, Limits};
use xbar_shm::ShmError;

use crate::{Config, Publisher, RegionError, Topic};

/// Tries against others who leave a region just when it was found alive.
const TRIES: usize = 64;

/// What a region was created with, in the words of whoever created it: from its limits, and the slots of a topic's ring.
pub(crate) type Words = fn(&Limits, u32) -> [(&'static str, u32); 3];

/// Creates region `name` as `config` says, or joins it when it is alive, and registers `uri`, which one process at a time has.
///
/// # Errors
///
/// [`ShmError::Alive`] when somebody alive has it, or the region is something else; [`RegionError::OtherConfig`] when it was
/// created with another configuration.
pub(crate) fn publisher(
    name: &str,
    config: &Config,
    uri: &str,
    words: Words,
) -> Result<(Publisher, Topic), RegionError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let alive = match Publisher::create(name, config) {
            Ok(publisher) => return register(&publisher, uri).map(|topic| (publisher, topic)),
            Err(error @ RegionError::Open(ViewError::Shm(ShmError::Alive { .. }))) => error,
            Err(error) => return Err(error),
        };
        let publisher = match Publisher::open_at(config.directory(), name) {
            Ok(publisher) => publisher,
            // Everybody left meanwhile.
            Err(
                RegionError::NoPublisher { .. }
                | RegionError::Open(ViewError::Shm(ShmError::NotFound { .. } | ShmError::Gone { .. })),
            ) if tries < TRIES => continue,
            Err(_) => return Err(alive),
        };
        let other = other_config(&publisher, config, words)?;
        // Somebody else's region stays as it is.
        if other.is_some() && publisher.0.view().find(&Uri::new(uri)?).is_none() {
            return Err(alive);
        }
        let topic = register(&publisher, uri)?;
        if let Some(error) = other {
            return Err(error);
        }
        // What the last one had is found free, and who spoke to it hears that it is gone.
        publisher.recover()?;
        return Ok((publisher, topic));
    }
}

fn register(publisher: &Publisher, uri: &str) -> Result<Topic, RegionError> {
    publisher.register(uri).map_err(|error| match error {
        RegionError::TopicTaken { region, pid, .. } => {
            ShmError::Alive { name: region, who: format!("process {pid}") }.into()
        }
        error => error,
    })
}

/// What is other in the region than `config` asks for.
fn other_config(
    publisher: &Publisher,
    config: &Config,
    words: Words,
) -> Result<Option<RegionError>, RegionError> {
    let (view, options) = (publisher.0.view(), config.options()?);
    let (found, asked) = (view.facts(), Geometry::new(options.limits)?);
    let footprint = |geometry: &Geometry| ("bytes of memory", geometry.footprint_bytes() as u64);
    let all = |geometry: &Geometry, slots| {
        let words = words(geometry.limits(), slots).map(|(what, value)| (what, u64::from(value)));
        words.into_iter().chain([footprint(geometry)])
    };
    let mut pairs = all(&found.geometry, found.default_slots).zip(all(&asked, options.default_slots));
    let other = pairs.find(|(found, asked)| found != asked);
    Ok(other.map(|((what, found), (_, asked))| RegionError::OtherConfig {
        region: view.segment().name().clone(),
        what,
        asked,
        found,
    }))
}

/// Registers topic `uri` and leaves it, for others to subscribe to. One that is there stays as it is: somebody may have it.
pub(crate) fn provide(
    publisher: &Publisher,
    uri: &str,
    config: &crate::TopicConfig,
) -> Result<(), RegionError> {
    if publisher.0.view().find(&Uri::new(uri)?).is_none() {
        publisher.register_with(uri, config)?;
    }
    Ok(())
}
