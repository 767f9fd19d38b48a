//! A segment that is mapped: opened through the gate, made whole before it has its name.

use std::sync::Arc;

use xbar_layout::Lent;
use xbar_layout::sync::{AtomicU64, Ordering, ReadU64};
use xbar_shm::memory::Memory;
use xbar_shm::{FileAccess, Folder, Mapping, RegionName, SharedFile};

use crate::error::LogError;
use crate::layout::{ENTRY_WORDS, EPOCH_AT, HEADER_WORDS, Header, INDEX_AT, LEAST_SEGMENT_BYTES, STATE_AT};
use crate::names;

/// Words that a writer has mapped.
pub(crate) type WriterWords = Lent<[AtomicU64], Arc<Mapping>>;
/// Words that everybody else has mapped.
pub(crate) type ReaderWords = Lent<[ReadU64], Arc<Mapping>>;

/// Opens segment `number` and checks its header; `None` when there is none.
pub(crate) fn open(
    folder: &Folder,
    log: &RegionName,
    number: u64,
    access: FileAccess,
) -> Result<Option<(SharedFile, Header)>, LogError> {
    let Some(file) = folder.open_file(&names::segment(log, number), access)? else { return Ok(None) };
    let damaged = |what| LogError::Damaged { path: file.path().into(), what };
    let header = Header::check(&file.read_start::<{ size_of::<Header>() }>()?).map_err(damaged)?;
    if header.number != number {
        return Err(damaged("it was another segment's file"));
    }
    // What was cut off behind can be told from what was never there only as long as there is a first record.
    if file.bytes() < header.data_offset {
        return Err(damaged("it ends before its first record"));
    }
    Ok(Some((file, header)))
}

/// Bytes of `file` that can be mapped without a signal, and that the header speaks of.
fn mappable(file: &SharedFile, header: &Header) -> usize {
    let bytes = file.bytes().min(header.file_bytes) / 8 * 8;
    bytes as usize // at most 32 GiB
}

/// Maps a segment to look: as much of it as there is.
pub(crate) fn map_to_read(file: &SharedFile, header: &Header) -> Result<ReaderWords, LogError> {
    let bytes = mappable(file, header);
    let mapping = file.map(0, bytes)?;
    mapping
        .slice(0, bytes / 8)
        .ok_or_else(|| LogError::Damaged { path: file.path().into(), what: "it ends too early" })
}

/// Maps a segment to write: as much of it as there is.
pub(crate) fn map_to_write(file: &SharedFile, header: &Header) -> Result<WriterWords, LogError> {
    let bytes = mappable(file, header);
    let mapping = file.map(0, bytes)?;
    mapping
        .slice(0, bytes / 8)
        .ok_or_else(|| LogError::Damaged { path: file.path().into(), what: "it ends too early" })
}

/// A segment that has all its memory and no name yet.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub file: SharedFile,
    pub words: WriterWords,
}

impl Prepared {
    /// Takes the memory, and touches it if that is wished.
    pub(crate) fn new(
        folder: &Folder,
        log: &RegionName,
        bytes: u64,
        prefault: bool,
    ) -> Result<Self, LogError> {
        debug_assert!(bytes >= LEAST_SEGMENT_BYTES);
        let name = names::next(log);
        folder.remove(&name)?;
        let file = folder.create_file(&name, bytes)?;
        let made = file.map(0, bytes as usize).map_err(LogError::from).and_then(|mapping| {
            if prefault {
                Memory::new().prefault().apply(&mapping)?;
            }
            mapping.slice(0, bytes as usize / 8).ok_or(LogError::Helper)
        });
        match made {
            Ok(words) => Ok(Self { file, words }),
            Err(error) => {
                let _ = folder.remove(&name);
                Err(error)
            }
        }
    }

    /// Writes the header, and gives the file its name: from here on it is the log's last segment.
    pub(crate) fn publish(
        self,
        folder: &Folder,
        log: &RegionName,
        header: Header,
        state: u64,
    ) -> Result<Self, LogError> {
        for (word, value) in self.words.iter().zip(header.words()) {
            // ORDERING: none; nobody has the file yet, and its name publishes it.
            word.store(value, Ordering::Relaxed);
        }
        set_state(&self.words, state, header.epoch);
        if !folder.rename(&names::next(log), &names::segment(log, header.number))? {
            let path = folder.path().join(names::segment(log, header.number));
            return Err(LogError::Damaged { path, what: "it is where the next segment belongs" });
        }
        Ok(self)
    }
}

const _: () = assert!(HEADER_WORDS <= STATE_AT && EPOCH_AT < INDEX_AT);

/// Says how the segment is written, and by whom.
pub(crate) fn set_state(words: &[AtomicU64], state: u64, epoch: u64) {
    if let (Some(state_word), Some(epoch_word)) = (words.get(STATE_AT), words.get(EPOCH_AT)) {
        // ORDERING: none; for people, and for the salt of nothing.
        epoch_word.store(epoch, Ordering::Relaxed);
        // ORDERING: log-state: release, so that whoever finds the log closed finds all records; pairs with `state`.
        state_word.store(state, Ordering::Release);
    }
}

/// How the segment is written, as its writer said.
pub(crate) fn state(words: &[ReadU64]) -> u64 {
    // ORDERING: log-state: acquire, so that a look behind this one finds what was appended before the end.
    words.get(STATE_AT).map_or(0, ReadU64::load_acquire)
}

/// The epoch of the segment's last writer.
pub(crate) fn epoch(words: &[ReadU64]) -> u64 {
    // ORDERING: none; a figure.
    words.get(EPOCH_AT).map_or(0, ReadU64::load_relaxed)
}

/// An entry of the index: a hint, true only when a look at its place says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The record's first word.
    pub at: usize,
    pub seq: u64,
    pub timestamp_ns: u64,
}

/// Enters the record that will be at `at`, the first of its stride.
pub(crate) fn enter(words: &[AtomicU64], slot: usize, entry: Entry) {
    let Some([place, seq, time]) =
        words.get(INDEX_AT + slot * ENTRY_WORDS..).and_then(|rest| rest.first_chunk())
    else {
        return;
    };
    // ORDERING: none; a hint, which the look at the record proves or not.
    seq.store(entry.seq, Ordering::Relaxed);
    // ORDERING: none; as above.
    time.store(entry.timestamp_ns, Ordering::Relaxed);
    // ORDERING: none; as above.
    place.store(entry.at as u64 * 8, Ordering::Relaxed);
}

/// The entries that there are, the last one first.
pub(crate) fn entries<'w>(words: &'w [ReadU64], header: &Header) -> impl Iterator<Item = Entry> + 'w {
    let (data_at, end_at) = (header.data_at(), header.end_at());
    let index = words.get(INDEX_AT..INDEX_AT + header.entries as usize * ENTRY_WORDS).unwrap_or_default();
    index.chunks_exact(ENTRY_WORDS).rev().filter_map(move |entry| {
        // ORDERING: none; a hint, see `enter`.
        let [place, seq, timestamp_ns] = [0, 1, 2].map(|word| entry[word].load_relaxed());
        let at = usize::try_from(place / 8).ok()?;
        (place % 8 == 0 && (data_at..end_at).contains(&at)).then_some(Entry { at, seq, timestamp_ns })
    })
}
