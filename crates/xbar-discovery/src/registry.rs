//! Regions and topics, by looking at them.

use std::fmt;
use std::sync::Arc;

use xbar_layout::check::{self, RegionFacts, TopicFacts};
use xbar_layout::region::RegionHeader;
use xbar_layout::ring::HEAD;
use xbar_layout::sync::{ReadU32, ReadU64};
use xbar_layout::topic::{ENTRY_BYTES, TopicEntry, hash_uri, text_words};
use xbar_layout::{LayoutError, Lent, ReadOnly};
use xbar_shm::{BaseDir, FileAccess, Mapping, RegionName, SeatKind, Segment, ShmError};

use crate::uri::Uri;

/// Why a region cannot be looked at.
#[derive(Debug)]
#[non_exhaustive]
pub enum ViewError {
    /// The operating system says no.
    Shm(ShmError),
    /// Its bytes are not those of a region.
    Layout {
        /// Its name.
        name: RegionName,
        /// What is wrong with them.
        error: LayoutError,
    },
}

impl fmt::Display for ViewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shm(error) => error.fmt(f),
            Self::Layout { name, error } => write!(f, "region {name} cannot be used: {error}"),
        }
    }
}

impl std::error::Error for ViewError {}

impl From<ShmError> for ViewError {
    fn from(error: ShmError) -> Self {
        Self::Shm(error)
    }
}

/// A region whose header was believed: what everybody may see of it.
#[derive(Debug)]
pub struct RegionView {
    segment: Segment,
    facts: RegionFacts,
    data: Arc<Mapping>,
    header: Lent<RegionHeader<ReadOnly>, Arc<Mapping>>,
    index: Lent<[ReadU32], Arc<Mapping>>,
}

impl RegionView {
    /// Opens region `name` to look at it.
    ///
    /// # Errors
    ///
    /// [`ViewError`] when it does not exist, belongs to somebody else, or is damaged.
    pub fn open(base: &BaseDir, name: &RegionName) -> Result<Self, ViewError> {
        Self::of(Segment::open(base, name)?, FileAccess::ReadOnly)
    }

    /// Looks at an open segment, mapping its `data` with the given access.
    ///
    /// # Errors
    ///
    /// As [`RegionView::open`].
    pub fn of(segment: Segment, access: FileAccess) -> Result<Self, ViewError> {
        let layout = |error| ViewError::Layout { name: segment.name().clone(), error };
        let file = segment.open_data(access)?;
        let peers_bytes = segment.open_peers(FileAccess::ReadOnly)?.bytes();
        check::check_data_size(file.bytes()).map_err(layout)?;
        let bytes = usize::try_from(file.bytes())
            .map_err(|_| layout(LayoutError::Size { file: "data", bytes: file.bytes(), expected: 0 }))?;
        let data = file.map(0, bytes)?;
        let damaged = |field| ViewError::Layout {
            name: segment.name().clone(),
            error: LayoutError::Contradiction { field },
        };
        let header = data.view::<RegionHeader<ReadOnly>>(0).ok_or_else(|| damaged("header"))?;
        let facts = check::check_region(&header, file.bytes(), peers_bytes).map_err(layout)?;
        let index = data
            .slice::<ReadU32>(facts.geometry.index_offset, facts.geometry.index_slots)
            .ok_or_else(|| damaged("topics"))?;
        Ok(Self { segment, facts, data, header, index })
    }

    /// What its header says.
    pub const fn facts(&self) -> &RegionFacts {
        &self.facts
    }

    /// The epoch now: it rises when a region whose publishers were killed is gone on with.
    pub fn epoch(&self) -> u64 {
        self.header.epoch.load_relaxed()
    }

    /// Its directory.
    pub const fn segment(&self) -> &Segment {
        &self.segment
    }

    /// Its `data`, mapped with the access it was opened with.
    pub const fn data(&self) -> &Arc<Mapping> {
        &self.data
    }

    /// Living publishers, by their locks.
    pub fn publishers(&self) -> usize {
        self.segment.living(SeatKind::Publisher).len()
    }

    /// Living subscribers, by their locks.
    pub fn subscribers(&self) -> usize {
        self.segment.living(SeatKind::Subscriber).len()
    }

    /// Topics registered so far.
    pub fn topic_count(&self) -> u32 {
        // ORDERING: topic-table: pairs with the registrar's release: the entries below are complete.
        self.header.topics_registered.load_acquire().min(self.facts.geometry.limits().topics)
    }

    /// Every topic whose entry makes sense.
    pub fn topics(&self) -> impl Iterator<Item = TopicView> + '_ {
        (0..self.topic_count()).filter_map(|index| self.topic(index))
    }

    /// The topic in entry `index`.
    pub fn topic(&self, index: u32) -> Option<TopicView> {
        let entry = self.entry(index)?;
        let stored = check::check_uri(&entry)?;
        let mut buffer = [0; 256];
        let uri =
            std::str::from_utf8(stored.copy_to(&mut buffer)).ok().and_then(|text| Uri::new(text).ok())?;
        let geometry = &self.facts.geometry;
        let facts = check::check_topic(&entry, geometry)?;
        let head = self.data.view::<ReadU64>(facts.ring_offset(geometry) + 8 * HEAD)?;
        let words = geometry.publisher_set_words;
        let set = geometry.publisher_sets_offset + index as usize * words * 8;
        let publishers = self.data.slice::<ReadU64>(set, words)?;
        Some(TopicView { index, uri, entry, facts, head, publishers })
    }

    /// The topic `uri`, by the hash index: a few looks, however many topics there are.
    pub fn find(&self, uri: &Uri) -> Option<TopicView> {
        let bytes = uri.as_str().as_bytes();
        let words = text_words(bytes);
        let hash = hash_uri(bytes);
        for place in index_places(hash, self.index.len()) {
            // ORDERING: topic-table: pairs with the registrar's release of the slot: the entry is complete.
            let index = self.index[place].load_acquire().checked_sub(1)?;
            // A registrar that died before it counted its topic leaves a slot that names an entry which the next topic
            // overwrites: it is not there.
            let same = self
                .entry(index)
                .filter(|entry| index < self.topic_count() && entry.hash.load_relaxed() == hash)
                .and_then(|entry| check::check_uri(&entry))
                .is_some_and(|stored| stored.is(bytes, &words));
            if same {
                return self.topic(index);
            }
        }
        None
    }

    fn entry(&self, index: u32) -> Option<Lent<TopicEntry<ReadOnly>, Arc<Mapping>>> {
        let geometry = &self.facts.geometry;
        if index >= geometry.limits().topics {
            return None;
        }
        self.data.view(geometry.topics_offset + index as usize * ENTRY_BYTES)
    }
}

/// The slots of an index of `slots` (a power of two) where `hash` may be, in the order of looking.
pub fn index_places(hash: u64, slots: usize) -> impl Iterator<Item = usize> {
    // The upper half of the hash too: FNV's low bits alone follow the last byte closely.
    let first = (hash ^ hash >> 32) as usize;
    (0..slots).map(move |step| first.wrapping_add(step) & (slots - 1))
}

/// One topic of a region.
#[derive(Debug)]
pub struct TopicView {
    index: u32,
    uri: Uri,
    entry: Lent<TopicEntry<ReadOnly>, Arc<Mapping>>,
    facts: TopicFacts,
    head: Lent<ReadU64, Arc<Mapping>>,
    publishers: Lent<[ReadU64], Arc<Mapping>>,
}

impl TopicView {
    /// Its place in the table.
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// Its name.
    pub const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Its entry.
    pub const fn entry(&self) -> &Lent<TopicEntry<ReadOnly>, Arc<Mapping>> {
        &self.entry
    }

    /// What it is and where its ring lies.
    pub const fn facts(&self) -> &TopicFacts {
        &self.facts
    }

    /// Messages published so far.
    pub fn published(&self) -> u64 {
        // ORDERING: none; a figure for people.
        self.head.load_relaxed()
    }

    /// Who has it registered: a bit per publisher seat, dead or alive, that has not left.
    pub const fn publishers(&self) -> &Lent<[ReadU64], Arc<Mapping>> {
        &self.publishers
    }
}

/// The seats in a set of publishers.
pub fn seats_of(set: &[ReadU64]) -> impl Iterator<Item = u32> + '_ {
    set.iter().zip(0_u32..).flat_map(|(word, place)| {
        // ORDERING: topic-publishers: pairs with the release of whoever left: all it published is there.
        let bits = word.load_acquire();
        (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| place * 64 + bit)
    })
}

/// Every region in `base` that can be looked at, sorted by name, and why the others cannot.
///
/// # Errors
///
/// [`ShmError`] when the directory itself cannot be read.
pub fn regions(base: &BaseDir) -> Result<Vec<Result<RegionView, ViewError>>, ShmError> {
    let views = base.list()?.into_iter().map(|name| RegionView::open(base, &name));
    // A region that went away while we looked is not there.
    Ok(views.filter(|view| !matches!(view, Err(ViewError::Shm(ShmError::NotFound { .. })))).collect())
}
