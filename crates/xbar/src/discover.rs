//! What is there: regions and their topics, by looking.

use std::path::Path;

use xbar_discovery::{Pattern, RegionView, regions};

use crate::RegionError;
use crate::config::base;

/// One region.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegionInfo {
    /// Its name.
    pub name: String,
    /// Increases each time it is created anew.
    pub epoch: u64,
    /// Publisher handles alive; 0 when all were killed and nobody has taken the name over.
    pub publishers: usize,
    /// Subscriber handles alive.
    pub subscribers: usize,
    /// Memory it takes, in bytes.
    pub footprint_bytes: usize,
    /// When it was created, in ns since 1970.
    pub created_unix_ns: u64,
    /// Process that created it.
    pub creator_pid: u32,
    /// Its topics that match the pattern, in the order of registration.
    pub topics: Vec<TopicInfo>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicInfo {
    /// Its name.
    pub uri: String,
    /// Messages published so far.
    pub published: u64,
    /// Whether a living publisher has it registered.
    pub has_publisher: bool,
}

/// The regions with a topic that matches `pattern` (`*`: one segment, `**`: any number), and those topics; a region
/// without topics is listed for the pattern `/**`. Sorted by name. Regions of other users, or damaged ones, are left out.
///
/// # Errors
///
/// [`RegionError`] when the pattern is not one, or the directory of regions cannot be read.
pub fn discover(pattern: &str) -> Result<Vec<RegionInfo>, RegionError> {
    discover_at(None, pattern)
}

/// As [`discover`], with regions living in `dir`.
///
/// # Errors
///
/// As [`discover`].
pub fn discover_in(dir: impl AsRef<Path>, pattern: &str) -> Result<Vec<RegionInfo>, RegionError> {
    discover_at(Some(dir.as_ref()), pattern)
}

fn discover_at(dir: Option<&Path>, pattern: &str) -> Result<Vec<RegionInfo>, RegionError> {
    let pattern = Pattern::new(pattern)?;
    let everything = pattern == Pattern::everything();
    let mut found = Vec::new();
    for view in regions(&base(dir))?.into_iter().flatten() {
        let info = describe(&view, &pattern);
        if everything || !info.topics.is_empty() {
            found.push(info);
        }
    }
    Ok(found)
}

fn describe(view: &RegionView, pattern: &Pattern) -> RegionInfo {
    let living = view.segment().living(xbar_shm::SeatKind::Publisher);
    let topics = view.topics().filter(|topic| pattern.matches(topic.uri())).map(|topic| TopicInfo {
        uri: topic.uri().as_str().to_owned(),
        published: topic.published(),
        has_publisher: xbar_discovery::seats_of(topic.publishers()).any(|seat| living.contains(&seat)),
    });
    let facts = view.facts();
    RegionInfo {
        name: view.segment().name().as_str().to_owned(),
        epoch: facts.epoch,
        topics: topics.collect(),
        publishers: living.len(),
        subscribers: view.subscribers(),
        footprint_bytes: facts.geometry.footprint_bytes(),
        created_unix_ns: facts.created_unix_ns,
        creator_pid: facts.creator_pid,
    }
}
