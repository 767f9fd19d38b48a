//! Going on behind what is there: where the last writer stopped, and what it left half-done.

use xbar_layout::sync::{AtomicU64, ReadU64};
use xbar_shm::{FileAccess, Folder, RegionName, SharedFile};

use crate::checksum::Short;
use crate::error::LogError;
use crate::layout::{Header, STATE_CLOSED};
use crate::names;
use crate::record::{Found, HEAD, Kind, commit, sum};
use crate::scan::{Walk, walk};
use crate::segment::{self, WriterWords};

/// What a writer found when it opened a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Recovery {
    /// True when the writer before closed the log, or there was none.
    pub clean: bool,
    /// The segment that was looked through: the last one that can be read; 0 for none.
    pub segment: u64,
    /// Messages in it whose checksums hold.
    pub records_kept: u64,
    /// Messages that are missing among those.
    pub records_lost: u64,
    /// Bytes behind the last message that are no message: of one that was not finished when its writer died, or lost their
    /// disk. They stay in a segment that is not written to any more.
    pub bytes_dropped: u64,
    /// Segments behind that one that cannot be read. They stay where they are.
    pub segments_dropped: u64,
}

/// Where to go on.
pub(crate) struct Resumed {
    /// The last segment, if records can be appended to it.
    pub tail: Option<Tail>,
    /// Number of the next segment.
    pub number: u64,
    /// The epoch of the last writer.
    pub epoch: u64,
    /// The next message's number.
    pub seq: u64,
    /// Time of the last message.
    pub timestamp_ns: u64,
    pub recovery: Recovery,
}

/// A segment to go on in.
pub(crate) struct Tail {
    pub file: SharedFile,
    pub words: WriterWords,
    pub header: Header,
    pub at: usize,
}

/// Looks through the last segment that can be read. The caller has the writer's lock.
///
/// Bytes that readers may have seen are never written again: where anything is behind the last message, or missing, the segment
/// is ended there and a new one begun. So nothing is ever appended behind a hole.
pub(crate) fn resume(folder: &Folder, log: &RegionName, numbers: &[u64]) -> Result<Resumed, LogError> {
    let number = numbers.last().map_or(1, |last| last + 1);
    let mut recovery = Recovery { clean: true, ..Recovery::default() };
    for &candidate in numbers.iter().rev() {
        let (file, header) = match segment::open(folder, log, candidate, FileAccess::ReadWrite) {
            Ok(Some(opened)) => opened,
            Ok(None) => continue,
            Err(LogError::Damaged { .. }) => {
                recovery.segments_dropped += 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        let words = segment::map_to_write(&file, &header)?;
        let seen = ReadU64::of_slice(&words);
        let Walk { at, next_seq, timestamp_ns, records, lost, damages, dropped_bytes, ended } =
            walk(seen, &header);
        let state = segment::state(seen);
        let epoch = segment::epoch(seen).max(header.epoch);
        // Nobody trusts a number that would wrap.
        let epoch = if epoch > u64::MAX / 2 { header.epoch } else { epoch };
        recovery = Recovery {
            clean: state == STATE_CLOSED
                && dropped_bytes == 0
                && damages == 0
                && recovery.segments_dropped == 0,
            segment: candidate,
            records_kept: records,
            records_lost: lost,
            bytes_dropped: dropped_bytes,
            ..recovery
        };
        let is_whole = dropped_bytes == 0 && damages == 0 && file.bytes() == header.file_bytes;
        let goes_on = is_whole && !ended && candidate + 1 == number;
        if !goes_on && !ended {
            end(&words, at, &header, next_seq, timestamp_ns);
        }
        let tail = goes_on.then_some(Tail { file, words, header, at });
        return Ok(Resumed { tail, number, epoch, seq: next_seq, timestamp_ns, recovery });
    }
    // Nothing that can be read is there, and perhaps nothing at all.
    recovery.clean = recovery.segments_dropped == 0;
    Ok(Resumed { tail: None, number, epoch: 0, seq: 0, timestamp_ns: 0, recovery })
}

/// Ends a segment, if there is room for that: readers who waited there go on to the next one. Without an end, they find that out by
/// the next segment's being there.
pub(crate) fn end(words: &[AtomicU64], at: usize, header: &Header, seq: u64, timestamp_ns: u64) {
    // A commit word that is not zero belongs to a record that readers may have seen, however damaged.
    let is_free = |place: &&[AtomicU64; HEAD]| ReadU64::of(&place[0]).load_relaxed() == 0;
    if let Some(place) = words.get(at..).and_then(|words| words.first_chunk()).filter(is_free) {
        let found = Found { at, next: at + HEAD, seq, timestamp_ns, tag: 0, bytes: 0 };
        commit(place, found, Kind::End, sum(at, header.salt, found, Kind::End, Short(&[])));
    }
}

/// A segment in the writer's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listed {
    pub number: u64,
    pub first_seq: u64,
    pub bytes: u64,
    pub created_ns: u64,
}

/// The segments that are there, for retention. Of one that cannot be read the first number is taken from the one before.
pub(crate) fn list(folder: &Folder, log: &RegionName, numbers: &[u64]) -> Result<Vec<Listed>, LogError> {
    let mut listed: Vec<Listed> = Vec::with_capacity(numbers.len());
    for &number in numbers {
        let before = listed.last().copied();
        let entry = match segment::open(folder, log, number, FileAccess::ReadOnly) {
            Ok(Some((file, header))) => Listed {
                number,
                first_seq: header.first_seq,
                bytes: file.bytes(),
                created_ns: header.created_ns,
            },
            Ok(None) => continue,
            Err(LogError::Damaged { .. }) => Listed {
                number,
                first_seq: before.map_or(0, |before| before.first_seq),
                bytes: folder
                    .open_file(&names::segment(log, number), FileAccess::ReadOnly)
                    .ok()
                    .flatten()
                    .map_or(0, |file| file.bytes()),
                created_ns: before.map_or(0, |before| before.created_ns),
            },
            Err(error) => return Err(error),
        };
        listed.push(entry);
    }
    Ok(listed)
}
