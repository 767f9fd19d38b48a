//! What is there: regions and their topics, by looking.

use std::path::Path;

use xbar_discovery::{Participant, Pattern, RegionView, TopicView, regions, seats_of};
use xbar_layout::{Content, Delivery};
use xbar_shm::SeatKind;
use xbar_topic as topic;

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
    /// Its participants that live: publishers, then subscribers. Empty when their records cannot be read.
    pub participants: Vec<ParticipantInfo>,
    /// When one of them last did something, in ns since 1970; `None` when none lives.
    pub last_active_unix_ns: Option<u64>,
    /// Its topics that match the pattern, in the order of registration.
    pub topics: Vec<TopicInfo>,
}

/// One handle of a region. Its figures are up to 1024 messages behind while it is busy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParticipantInfo {
    /// Whether it publishes; else it subscribes.
    pub is_publisher: bool,
    /// Its process.
    pub pid: u32,
    /// When it joined, in ns since 1970.
    pub joined_unix_ns: u64,
    /// When it last did something, in ns since 1970.
    pub active_unix_ns: u64,
    /// Messages that it published.
    pub published: u64,
    /// Times that it waited for room in a lossless topic.
    pub waits: u64,
    /// Messages that it received.
    pub received: u64,
    /// Messages that it missed.
    pub missed: u64,
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
    /// Living publishers that have it registered.
    pub publishers: usize,
    /// What becomes of messages that are not received in time.
    pub delivery: Delivery,
    /// Whether several publishers may have it at once.
    pub many_publishers: bool,
    /// The type of its messages, if they have one: its name, if it has one, its size and alignment.
    pub value_type: Option<String>,
    /// Messages that a reader may be behind; 1 of a pinned topic; 0 of a byte bus, where it depends on their lengths.
    pub depth: u32,
    /// Size of the blocks that its messages come in; `None` of a bus, whose messages lie in its ring.
    pub block_bytes: Option<u32>,
    /// Bytes of the ring of a byte bus; `None` of anything else.
    pub capacity_bytes: Option<u64>,
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
    let facts = view.facts();
    // A region that went away while we looked has nobody.
    let participants = view.participants().unwrap_or_default();
    let count = |kind| participants.iter().filter(|participant| participant.kind == kind).count();
    let living: Vec<u32> = participants
        .iter()
        .filter(|participant| participant.kind == SeatKind::Publisher)
        .map(|participant| participant.seat)
        .collect();
    RegionInfo {
        name: view.segment().name().as_str().to_owned(),
        epoch: view.epoch(),
        topics: view
            .topics()
            .filter(|topic| pattern.matches(topic.uri()))
            .map(|topic| describe_topic(view, &topic, &living))
            .collect(),
        publishers: count(SeatKind::Publisher),
        subscribers: count(SeatKind::Subscriber),
        footprint_bytes: facts.geometry.footprint_bytes(),
        created_unix_ns: facts.created_unix_ns,
        creator_pid: facts.creator_pid,
        last_active_unix_ns: participants.iter().map(|participant| participant.active_unix_ns).max(),
        participants: participants.iter().map(describe_participant).collect(),
    }
}

fn describe_topic(view: &RegionView, found: &TopicView, living: &[u32]) -> TopicInfo {
    let shape = found.facts().shape;
    let publishers = seats_of(found.publishers()).filter(|seat| living.contains(seat)).count();
    let pool = shape.pool.and_then(|pool| view.facts().geometry.pools().get(pool as usize));
    TopicInfo {
        uri: found.uri().as_str().to_owned(),
        published: topic::published(view, found),
        has_publisher: publishers > 0,
        publishers,
        delivery: shape.delivery,
        many_publishers: shape.many,
        value_type: shape.value.map(|value| value.to_string()),
        depth: match shape.delivery {
            Delivery::Pinned => 1,
            _ if shape.content == Content::Bytes => 0,
            // One slot is marked ahead, and cannot be read.
            _ => shape.slots.saturating_sub(1),
        },
        block_bytes: pool.map(|pool| pool.limits.block_bytes),
        capacity_bytes: shape.capacity_bytes(),
    }
}

fn describe_participant(participant: &Participant) -> ParticipantInfo {
    ParticipantInfo {
        is_publisher: participant.kind == SeatKind::Publisher,
        pid: participant.pid,
        joined_unix_ns: participant.joined_unix_ns,
        active_unix_ns: participant.active_unix_ns,
        published: participant.published,
        waits: participant.waits,
        received: participant.received,
        missed: participant.missed,
    }
}
