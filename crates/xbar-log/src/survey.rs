//! Looking at a whole log without reading it: what is there, and whether all of it is as it was written.

use std::path::{Path, PathBuf};

use xbar_shm::{FileAccess, Folder, RegionName};

use crate::cursor::{Cursor, open_folder};
use crate::error::LogError;
use crate::names;
use crate::scan::{Walk, walk};
use crate::segment;

/// What a log is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogInfo {
    /// Its name.
    pub name: String,
    /// Its segments, the oldest first.
    pub segments: Vec<SegmentInfo>,
    /// Whether somebody writes it.
    pub is_written: bool,
    /// The process that does, or did last, as it said itself.
    pub process: Option<u32>,
    /// Its cursors: names, and the next message that each needs.
    pub cursors: Vec<(String, Result<u64, LogError>)>,
}

/// What a segment is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentInfo {
    /// Its number.
    pub number: u64,
    /// Its file.
    pub path: PathBuf,
    /// What is in it, or why it cannot be read.
    pub contents: Result<Contents, LogError>,
}

/// What is in a segment, every checksum computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contents {
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes that the file should have.
    pub full_bytes: u64,
    /// Number of its first message.
    pub first_seq: u64,
    /// Number of the message behind its last.
    pub next_seq: u64,
    /// Messages in it.
    pub records: u64,
    /// Messages that are missing among them.
    pub lost: u64,
    /// Places of damage.
    pub damages: u64,
    /// Bytes behind the last message that are none. In a segment that is being written, those of the next message.
    pub loose_bytes: u64,
    /// Time of its beginning, ns since 1970.
    pub created_ns: u64,
    /// Time of its last message, ns since 1970; 0 without one.
    pub last_ns: u64,
    /// Whether it is full: nothing is appended to it any more.
    pub is_ended: bool,
    /// The writer that has it, or had it last, counted from 1.
    pub epoch: u64,
}

impl LogInfo {
    /// What is wrong, in one line each; nothing, when all is as it was written.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut expected = None;
        for (index, segment) in self.segments.iter().enumerate() {
            let number = segment.number;
            match &segment.contents {
                Err(error) => faults.push(error.to_string()),
                Ok(contents) => {
                    let is_last = index + 1 == self.segments.len();
                    if contents.bytes < contents.full_bytes {
                        let missing = contents.full_bytes - contents.bytes;
                        faults
                            .push(format!("segment {number} is cut off: {missing} of its bytes are missing"));
                    }
                    if contents.damages > 0 {
                        let Contents { damages, lost, .. } = contents;
                        faults.push(format!(
                            "segment {number} is damaged at {damages} places: {lost} messages are lost"
                        ));
                    }
                    if contents.loose_bytes > 0 && !(is_last && self.is_written) {
                        let loose = contents.loose_bytes;
                        faults.push(format!(
                            "segment {number} has {loose} bytes behind its last message that are none"
                        ));
                    }
                    if let Some(expected) = expected.filter(|expected| *expected != contents.first_seq) {
                        let first = contents.first_seq;
                        faults.push(format!(
                            "segment {number} begins with message {first}: {expected} is expected"
                        ));
                    }
                    expected = Some(contents.next_seq);
                }
            }
        }
        faults
    }

    /// Messages that can be read.
    pub fn records(&self) -> u64 {
        self.segments.iter().filter_map(|segment| segment.contents.as_ref().ok()).map(|c| c.records).sum()
    }
}

/// Looks at log `name` in `folder`, and computes every checksum.
///
/// # Errors
///
/// [`LogError::NotFound`] when there is none. What is wrong with single files is told with them.
pub fn inspect(folder: impl AsRef<Path>, name: &str) -> Result<LogInfo, LogError> {
    let name = names::log(name)?;
    let path = folder.as_ref();
    let folder = open_folder(path, &name)?;
    let lock = names::lock(&name);
    let segments: Vec<_> = names::segments(&folder, &name)?
        .into_iter()
        .filter_map(|number| {
            // Deleted since it was listed: not of the log any more.
            let contents = contents(&folder, &name, number).transpose()?;
            Some(SegmentInfo { number, path: path.join(names::segment(&name, number)), contents })
        })
        .collect();
    if segments.is_empty() {
        return Err(LogError::NotFound { name: name.to_string(), folder: path.into() });
    }
    let cursors = names::cursors(&folder, &name)?.into_iter().filter_map(|file| {
        let cursor = file.strip_suffix(".xlog-cursor")?.rsplit_once('.')?.1.to_owned();
        let seq = Cursor::open(path, name.as_str(), &cursor).map(|cursor| cursor.seq());
        Some((cursor, seq))
    });
    Ok(LogInfo {
        segments,
        is_written: folder.is_locked(&lock),
        process: folder.locked_by(&lock),
        cursors: cursors.collect(),
        name: name.to_string(),
    })
}

/// Names of the logs in `folder`, sorted; none, when there is no such folder.
///
/// # Errors
///
/// [`LogError::System`] when it cannot be read.
pub fn list(folder: impl AsRef<Path>) -> Result<Vec<String>, LogError> {
    let Some(folder) = Folder::open_existing(folder.as_ref())? else { return Ok(Vec::new()) };
    Ok(names::logs(&folder)?.iter().map(ToString::to_string).collect())
}

fn contents(folder: &Folder, name: &RegionName, number: u64) -> Result<Option<Contents>, LogError> {
    let Some((file, header)) = segment::open(folder, name, number, FileAccess::ReadOnly)? else {
        return Ok(None);
    };
    let words = segment::map_to_read(&file, &header)?;
    let Walk { next_seq, timestamp_ns, records, lost, damages, dropped_bytes, ended, .. } =
        walk(&words, &header);
    Ok(Some(Contents {
        bytes: file.bytes(),
        full_bytes: header.file_bytes,
        first_seq: header.first_seq,
        next_seq,
        records,
        lost,
        damages,
        loose_bytes: dropped_bytes,
        created_ns: header.created_ns,
        last_ns: timestamp_ns,
        is_ended: ended,
        epoch: segment::epoch(&words),
    }))
}
