//! What is there: regions, topics, participants, as they were found by one look.

#![allow(unsafe_code)] // pointers of callers

use std::ffi::{CString, c_char};
use std::ptr;

use xbar::{ParticipantInfo, RegionInfo, TopicInfo};

use crate::arguments::{close, hand_out, maybe_path, shared, text};
use crate::boundary::{enter, value};
use crate::failure::Failure;
use crate::growing::{self, Growing};
use crate::result::xbar_result;

/// What one look found. It does not change, and its texts are valid until it is closed.
///
/// Threads: any, at once.
#[derive(Debug)]
pub struct xbar_discovery(Vec<Region>);

#[derive(Debug)]
struct Region {
    name: CString,
    info: RegionInfo,
    topics: Vec<Topic>,
}

#[derive(Debug)]
struct Topic {
    uri: CString,
    value_type: Option<CString>,
}

/// One region. Set `struct_size` to `sizeof(xbar_region_info)` before it is filled.
#[derive(Debug)]
#[repr(C)]
pub struct xbar_region_info {
    /// `sizeof(xbar_region_info)`.
    pub struct_size: usize,
    /// Its name.
    pub name: *const c_char,
    /// Increases each time it is created anew.
    pub epoch: u64,
    /// Publisher handles alive; 0 when all were killed and nobody has taken the name over.
    pub publishers: u64,
    /// Subscriber handles alive.
    pub subscribers: u64,
    /// Memory it takes, in bytes.
    pub footprint_bytes: u64,
    /// When it was created, in ns since 1970.
    pub created_unix_ns: u64,
    /// When one of its participants last did something, in ns since 1970; 0 when none lives.
    pub last_active_unix_ns: u64,
    /// Its topics that match the pattern: for `xbar_discovery_topic`.
    pub topic_count: u64,
    /// Its participants that live: for `xbar_discovery_participant`.
    pub participant_count: u64,
    /// Process that created it.
    pub creator_pid: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: numbers and pointers, the size first.
unsafe impl Growing for xbar_region_info {
    const NAME: &'static str = "xbar_region_info";
    const FIRST_BYTES: usize = size_of::<Self>();
}

/// One topic. Set `struct_size` to `sizeof(xbar_topic_info)` before it is filled.
#[derive(Debug)]
#[repr(C)]
pub struct xbar_topic_info {
    /// `sizeof(xbar_topic_info)`.
    pub struct_size: usize,
    /// Its name.
    pub uri: *const c_char,
    /// The type of its messages, in words; NULL when they have none.
    pub value_type: *const c_char,
    /// Messages published so far.
    pub published: u64,
    /// Living publishers that have it registered.
    pub publishers: u64,
    /// `XBAR_LOSSY`, `XBAR_LOSSLESS` or `XBAR_PINNED`.
    pub delivery: u32,
    /// 1 when several publishers may have it at once.
    pub many_publishers: u32,
    /// Messages that a reader may be behind; 1 of a pinned topic.
    pub depth: u32,
    /// Size of the blocks that its messages come in; 0 of a bus.
    pub block_bytes: u32,
}

// SAFETY: numbers and pointers, the size first.
unsafe impl Growing for xbar_topic_info {
    const NAME: &'static str = "xbar_topic_info";
    const FIRST_BYTES: usize = size_of::<Self>();
}

/// One handle of a region. Its figures are up to 1024 messages behind while it is busy. Set `struct_size` to
/// `sizeof(xbar_participant_info)` before it is filled.
#[derive(Debug)]
#[repr(C)]
pub struct xbar_participant_info {
    /// `sizeof(xbar_participant_info)`.
    pub struct_size: usize,
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
    /// Its process.
    pub pid: u32,
    /// 1 when it publishes, 0 when it subscribes.
    pub is_publisher: u32,
}

// SAFETY: numbers, the size first.
unsafe impl Growing for xbar_participant_info {
    const NAME: &'static str = "xbar_participant_info";
    const FIRST_BYTES: usize = size_of::<Self>();
}

/// Looks for regions with a topic that matches `pattern` (`*`: one segment, `**`: any number), and for those topics; a region
/// without topics is found by `/**`. Sorted by name. Regions of other users, or damaged ones, are left out. `dir` is where regions
/// live, or NULL.
///
/// # Safety
///
/// `pattern` and `dir` are NULL or end with a zero byte; `out` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_discover(
    pattern: *const c_char,
    dir: *const c_char,
    out: *mut *mut xbar_discovery,
) -> xbar_result {
    enter(|| {
        let make = || {
            // SAFETY: the caller's promise.
            let pattern = unsafe { text("pattern", pattern) }?;
            // SAFETY: the caller's promise.
            let found = match unsafe { maybe_path(dir) } {
                Some(dir) => xbar::discover_in(dir, pattern),
                None => xbar::discover(pattern),
            };
            Ok(xbar_discovery(found?.into_iter().map(describe).collect()))
        };
        // SAFETY: the caller's promise.
        unsafe { hand_out(out, make) }
    })
}

fn describe(info: RegionInfo) -> Region {
    let of = |topic: &TopicInfo| Topic {
        uri: c_text(&topic.uri),
        value_type: topic.value_type.as_deref().map(c_text),
    };
    Region { name: c_text(&info.name), topics: info.topics.iter().map(of).collect(), info }
}

/// Up to the first zero byte, which only damaged memory has.
fn c_text(text: &str) -> CString {
    CString::new(text.split('\0').next().unwrap_or_default()).unwrap_or_default()
}

fn at<'d, T>(what: &str, all: &'d [T], index: usize) -> Result<&'d T, Failure> {
    all.get(index).ok_or_else(|| {
        Failure::invalid(format!("there is no {what} {index}: there are {}, from 0", all.len()))
    })
}

/// Regions that were found; 0 for NULL.
///
/// # Safety
///
/// `discovery` is NULL or a handle that is not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_discovery_count(discovery: *const xbar_discovery) -> usize {
    // SAFETY: the caller's promise.
    value(0, || unsafe { discovery.as_ref() }.map_or(0, |handle| handle.0.len()))
}

/// Fills `info` with region `region`, from 0.
///
/// # Safety
///
/// `discovery` is NULL or a handle that is not closed; `info` is NULL or points to a struct of the size that it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_discovery_region(
    discovery: *const xbar_discovery,
    region: usize,
    info: *mut xbar_region_info,
) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        let Region { name, info: found, topics } =
            at("region", &unsafe { shared("discovery", discovery) }?.0, region)?;
        let filled = xbar_region_info {
            struct_size: 0,
            name: name.as_ptr(),
            epoch: found.epoch,
            publishers: found.publishers as u64,
            subscribers: found.subscribers as u64,
            footprint_bytes: found.footprint_bytes as u64,
            created_unix_ns: found.created_unix_ns,
            last_active_unix_ns: found.last_active_unix_ns.unwrap_or(0),
            topic_count: topics.len() as u64,
            participant_count: found.participants.len() as u64,
            creator_pid: found.creator_pid,
            reserved: 0,
        };
        // SAFETY: the caller's promise.
        unsafe { growing::write(info, &filled) }
    })
}

/// Fills `info` with topic `topic` of region `region`, from 0, in the order of registration.
///
/// # Safety
///
/// As `xbar_discovery_region`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_discovery_topic(
    discovery: *const xbar_discovery,
    region: usize,
    topic: usize,
    info: *mut xbar_topic_info,
) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        let region = at("region", &unsafe { shared("discovery", discovery) }?.0, region)?;
        let (Topic { uri, value_type }, found) =
            (at("topic", &region.topics, topic)?, at("topic", &region.info.topics, topic)?);
        let filled = xbar_topic_info {
            struct_size: 0,
            uri: uri.as_ptr(),
            value_type: value_type.as_ref().map_or(ptr::null(), |text| text.as_ptr()),
            published: found.published,
            publishers: found.publishers as u64,
            delivery: found.delivery as u32,
            many_publishers: found.many_publishers.into(),
            depth: found.depth,
            block_bytes: found.block_bytes.unwrap_or(0),
        };
        // SAFETY: the caller's promise.
        unsafe { growing::write(info, &filled) }
    })
}

/// Fills `info` with participant `participant` of region `region`, from 0: publishers, then subscribers.
///
/// # Safety
///
/// As `xbar_discovery_region`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_discovery_participant(
    discovery: *const xbar_discovery,
    region: usize,
    participant: usize,
    info: *mut xbar_participant_info,
) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        let region = at("region", &unsafe { shared("discovery", discovery) }?.0, region)?;
        let found: &ParticipantInfo = at("participant", &region.info.participants, participant)?;
        let filled = xbar_participant_info {
            struct_size: 0,
            joined_unix_ns: found.joined_unix_ns,
            active_unix_ns: found.active_unix_ns,
            published: found.published,
            waits: found.waits,
            received: found.received,
            missed: found.missed,
            pid: found.pid,
            is_publisher: found.is_publisher.into(),
        };
        // SAFETY: the caller's promise.
        unsafe { growing::write(info, &filled) }
    })
}

/// Frees what was found, and its texts.
///
/// # Safety
///
/// `discovery` is NULL or a handle that nobody uses any more: closing one twice is undefined.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_discovery_close(discovery: *mut xbar_discovery) {
    // SAFETY: the caller's promise.
    unsafe { close(discovery) }
}
