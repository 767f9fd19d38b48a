//! The files behind a writer: which segment is next, what is on the disk, what may be deleted.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::Arc;

use xbar_layout::sync::AtomicU64;
use xbar_shm::memory::Memory;
use xbar_shm::{FileLock, Folder, RegionName, SharedFile};

use crate::error::LogError;
use crate::flusher::Flusher;
use crate::helper::Helper;
use crate::layout::{Header, STATE_CLOSED, STATE_OPEN};
use crate::names;
use crate::options::{Durability, LogOptions};
use crate::record::{HEAD, words_of};
use crate::resume::{Listed, Recovery, Resumed, Tail, end, list, resume};
use crate::retention;
use crate::segment::{Entry, Prepared, WriterWords, enter, set_state};

/// Records between two looks at what the flushing thread says.
const RECORDS_PER_LOOK: u32 = 256;

/// A segment that the writer turns to.
pub(crate) struct Turn {
    pub words: WriterWords,
    pub at: usize,
    pub salt: u32,
}

/// See the module.
pub(crate) struct Store {
    folder: Folder,
    name: RegionName,
    options: LogOptions,
    file: Arc<SharedFile>,
    header: Header,
    /// What the segment can hold, without its end, in words of the file: less than it should if its file was cut off.
    end: usize,
    /// The next entry of the index.
    slot: usize,
    /// True when the segment has its end already, and no successor yet.
    ended: bool,
    /// All segments, the oldest first.
    segments: VecDeque<Listed>,
    helper: Option<Helper>,
    flusher: Option<Flusher>,
    closed: bool,
    pub recovery: Recovery,
    pub epoch: u64,
    /// Behind everything else: who has it may touch the files.
    lock: FileLock,
}

impl Store {
    /// Opens a log to write: its files, where to go on, the next number, and the last time.
    pub(crate) fn open(
        path: &Path,
        name: &str,
        options: &LogOptions,
        now_ns: u64,
    ) -> Result<(Self, Turn, u64, u64), LogError> {
        options.check()?;
        let name = names::log(name)?;
        let folder = Folder::open_or_create(path)?;
        let lock_file = names::lock(&name);
        let Some(lock) = folder.lock(&lock_file)? else {
            return Err(LogError::Alive { name: name.to_string(), process: folder.locked_by(&lock_file) });
        };
        // From here on nobody else writes.
        folder.remove(&names::next(&name))?;
        let numbers = names::segments(&folder, &name)?;
        let resumed = resume(&folder, &name, &numbers)?;
        let mut segments = VecDeque::from(list(&folder, &name, &numbers)?);
        let Resumed { tail, number, epoch, seq, timestamp_ns, recovery } = resumed;
        let epoch = epoch + 1;
        let Tail { file, words, header, at } = match tail {
            Some(tail) => {
                if options.prefault {
                    Memory::new().prefault().apply(tail.words.keep())?;
                }
                set_state(&tail.words, STATE_OPEN, epoch);
                tail
            }
            None => {
                let created_ns = now_ns.max(timestamp_ns);
                let prepared = Prepared::new(&folder, &name, options.segment_bytes, options.prefault)?;
                let header = Header::new(options.segment_bytes, number, seq, epoch, created_ns, salt());
                let Prepared { file, words } = prepared.publish(&folder, &name, header, STATE_OPEN)?;
                segments.push_back(Listed { number, first_seq: seq, bytes: header.file_bytes, created_ns });
                Tail { file, words, header, at: header.data_at() }
            }
        };
        let file = Arc::new(file);
        let flusher = match options.durability {
            Durability::EveryMs(ms) => Some(Flusher::start(Arc::clone(&file), ms)?),
            _ => None,
        };
        let helper = if options.helper {
            Helper::start(folder.another()?, name.clone(), options.segment_bytes, options.prefault)
        } else {
            None
        };
        let end = words.len().min(header.end_at()) - HEAD;
        let slot =
            if at == header.data_at() { 0 } else { (at - header.data_at()) / header.stride_words() + 1 };
        let turn = Turn { words, at, salt: header.salt };
        let options = options.clone();
        let mut store = Self {
            folder,
            name,
            options,
            file,
            header,
            end,
            slot,
            ended: false,
            segments,
            helper,
            flusher,
            closed: false,
            recovery,
            epoch,
            lock,
        };
        if store.is_durable() {
            store.flush()?;
            store.folder.sync()?;
        }
        store.retain(seq, now_ns)?;
        Ok((store, turn, seq, timestamp_ns))
    }

    fn is_durable(&self) -> bool {
        self.options.durability != Durability::None
    }

    /// False in a forked child.
    pub(crate) fn is_mine(&self) -> bool {
        self.lock.is_mine()
    }

    /// Records behind which [`counted`](Self::counted) is to be called.
    pub(crate) const fn count_at(&self) -> u32 {
        match self.options.durability {
            Durability::None => u32::MAX,
            Durability::EveryMs(_) => RECORDS_PER_LOOK,
            Durability::EveryRecords(records) => records,
            Durability::EveryRecord => 1,
        }
    }

    /// So many records were appended.
    pub(crate) fn counted(&self) -> Result<(), LogError> {
        match (&self.flusher, self.options.durability) {
            (Some(flusher), _) => flusher.check(),
            (None, Durability::None) => Ok(()),
            (None, _) => self.flush(),
        }
    }

    /// Writes the segment to its disk; those before are there already, if durability asks for that.
    pub(crate) fn flush(&self) -> Result<(), LogError> {
        self.flusher.as_ref().map_or(Ok(()), Flusher::check)?;
        Ok(self.file.sync()?)
    }

    /// Longest message: of a new segment.
    pub(crate) fn most_bytes(&self) -> usize {
        Header::new(self.options.segment_bytes, 1, 0, 1, 0, 0).most_payload_bytes()
    }

    /// Sees to it that a message fits behind `at`: by a new segment, if need be, which is returned.
    pub(crate) fn make_room(
        &mut self,
        words: &WriterWords,
        at: usize,
        bytes: usize,
        seq: u64,
        timestamp_ns: u64,
    ) -> Result<Option<Turn>, LogError> {
        if !self.ended
            && words_of(bytes) <= self.end.saturating_sub(at)
            && bytes <= self.header.most_payload_bytes()
        {
            return Ok(None);
        }
        let most_bytes = self.most_bytes();
        if bytes > most_bytes {
            return Err(LogError::TooLarge { bytes, most_bytes });
        }
        let header = Header::new(
            self.options.segment_bytes,
            self.header.number + 1,
            seq,
            self.epoch,
            timestamp_ns,
            salt(),
        );
        // The memory first: where there is none, all stays as it is.
        let prepared = match self.helper.as_mut().and_then(Helper::take) {
            Some(prepared) => prepared,
            None => Prepared::new(&self.folder, &self.name, header.file_bytes, self.options.prefault),
        }?;
        // Readers look for the next segment behind the end: first the end, then the name. A failure in between is made good by the
        // next record.
        if !self.ended {
            end(words, at, &self.header, seq, timestamp_ns);
            self.ended = true;
        }
        if self.is_durable() {
            self.flush()?;
        }
        let Prepared { file, words } = prepared.publish(&self.folder, &self.name, header, STATE_OPEN)?;
        let file = Arc::new(file);
        if let Some(flusher) = &self.flusher {
            flusher.change(Arc::clone(&file));
        }
        self.segments.push_back(Listed {
            number: header.number,
            first_seq: seq,
            bytes: header.file_bytes,
            created_ns: header.created_ns,
        });
        (self.file, self.header, self.slot, self.ended) = (file, header, 0, false);
        self.end = words.len() - HEAD;
        if self.is_durable() {
            // A segment whose name is not on the disk is lost with all that is in it.
            self.file.sync()?;
            self.folder.sync()?;
        }
        Ok(Some(Turn { words, at: header.data_at(), salt: header.salt }))
    }

    /// Enters the next record, if it is the first of its stride; says how far records may reach before the next entry.
    pub(crate) fn enter(&mut self, words: &[AtomicU64], at: usize, seq: u64, timestamp_ns: u64) -> usize {
        let stride = self.header.stride_words();
        let slot = at.saturating_sub(self.header.data_at()) / stride;
        if slot >= self.slot && slot < self.header.entries as usize {
            enter(words, slot, Entry { at, seq, timestamp_ns });
            self.slot = slot + 1;
        }
        // Early enough for the next segment to be there in time, and not for a log that never fills its first one.
        if let Some(helper) = self.helper.as_mut().filter(|_| at > self.end / 4) {
            helper.prepare();
        }
        self.end.min(self.header.data_at() + (slot + 1) * stride)
    }

    /// What is to be done when a segment is full, and the next record need not wait for.
    pub(crate) fn turned(&mut self, full: WriterWords, seq: u64, now_ns: u64) {
        if let Some(helper) = &self.helper {
            helper.unmap(full);
        }
        // What cannot be deleted now is tried again with the next segment; `Writer::retain` tells why.
        let _ = self.retain(seq, now_ns);
    }

    /// Deletes what need not be kept; says how many segments that were.
    pub(crate) fn retain(&mut self, next_seq: u64, now_ns: u64) -> Result<usize, LogError> {
        let kept = self.options.retention;
        let needed =
            if kept.despite_cursors { u64::MAX } else { crate::cursor::least(&self.folder, &self.name)? };
        let mut deleted = 0;
        while retention::is_oldest_too_much(&self.segments, kept, needed, next_seq, now_ns) {
            let Some(oldest) = self.segments.front() else { break };
            self.folder.remove(&names::segment(&self.name, oldest.number))?;
            self.segments.pop_front();
            deleted += 1;
        }
        Ok(deleted)
    }

    /// Ends the log well.
    pub(crate) fn close(&mut self, words: &[AtomicU64]) -> Result<(), LogError> {
        if std::mem::replace(&mut self.closed, true) {
            return Ok(());
        }
        drop(self.helper.take());
        let flushed = if self.is_durable() { self.flush() } else { Ok(()) };
        drop(self.flusher.take());
        let removed = self.folder.remove(&names::next(&self.name));
        set_state(words, STATE_CLOSED, self.epoch);
        flushed?;
        removed?;
        Ok(())
    }

    /// In a forked child: nothing here is its own.
    pub(crate) fn forget(&mut self) {
        if let Some(helper) = self.helper.take() {
            helper.forget();
        }
        if let Some(flusher) = self.flusher.take() {
            flusher.forget();
        }
    }
}

/// A number that records of other segments do not have.
fn salt() -> u32 {
    let random = RandomState::new().hash_one(std::process::id());
    (random >> 16) as u32 // any bits of it
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("folder", &self.folder.path())
            .field("name", &self.name)
            .field("segment", &self.header.number)
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}
