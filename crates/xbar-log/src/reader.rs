//! The reader: records in place, in order, from wherever it was told to begin to the live end.

use std::fmt;
use std::path::Path;

use xbar_shm::memory::Memory;
use xbar_shm::{FileAccess, Folder, LockWatch, RegionName};

use crate::cursor::open_folder;
use crate::error::{LogError, TryReadError};
use crate::gap::LOOKS_PER_QUESTION;
use crate::layout::Header;
use crate::message::Record;
use crate::names;
use crate::record::{Found, message, words_of};
use crate::segment::{self, ReaderWords};

/// Where a message lies in the segment that is mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot {
    /// Where its record begins, in words of the file.
    pub at: usize,
    /// Bytes of its payload.
    pub bytes: usize,
}

/// A reader of a log. It maps the files read-only, and is known to nobody: any number of them cost the writer nothing.
pub struct Reader {
    pub(crate) words: ReaderWords,
    /// Where the next record begins, in words of the file.
    pub(crate) at: usize,
    /// The number that it should have.
    pub(crate) expected: u64,
    pub(crate) header: Header,
    /// Where the last record began that was waited for.
    pub(crate) waited_for: usize,
    /// Empty looks in a row.
    pub(crate) looks: u32,
    pub(crate) folder: Folder,
    /// The writer's lock, open: it tells the same when somebody removes the folder.
    lock: Option<LockWatch>,
    pub(crate) name: RegionName,
    /// Where nothing was found behind a hole.
    pub(crate) searched_at: usize,
    /// Messages that a seek asked for and that are deleted, not told yet.
    pub(crate) deleted_before: u64,
    /// What [`try_previous`](Reader::try_previous) found: records before `at` of one stride.
    pub(crate) trail: Vec<Found>,
    /// The place that the trail leads to.
    pub(crate) trail_at: usize,
}

impl Reader {
    /// Opens log `name` in `folder`, to read from the oldest message that is there: see [`seek`](Self::seek).
    ///
    /// # Errors
    ///
    /// [`LogError::NotFound`] when there is none; [`LogError::Damaged`] when none of its segments can be read.
    pub fn open(folder: impl AsRef<Path>, name: &str) -> Result<Self, LogError> {
        let name = names::log(name)?;
        let path = folder.as_ref();
        let folder = open_folder(path, &name)?;
        let lock = folder.watch_lock(&names::lock(&name))?;
        let mut damaged = None;
        // Should all that was listed be deleted meanwhile, there are newer ones.
        for number in names::segments(&folder, &name)? {
            match segment::open(&folder, &name, number, FileAccess::ReadOnly) {
                Ok(Some((file, header))) => {
                    let words = segment::map_to_read(&file, &header)?;
                    prefault(&words);
                    let (at, expected, trail) = (header.data_at(), header.first_seq, Vec::new());
                    return Ok(Self {
                        words,
                        at,
                        expected,
                        header,
                        waited_for: 0,
                        looks: 0,
                        folder,
                        lock,
                        name,
                        searched_at: 0,
                        deleted_before: 0,
                        trail,
                        trail_at: 0,
                    });
                }
                Ok(None) => {}
                Err(error) => damaged = damaged.or(Some(error)),
            }
        }
        let name = name.to_string();
        Err(damaged.unwrap_or_else(|| LogError::NotFound { name, folder: path.into() }))
    }

    /// The next message, if there is one.
    ///
    /// # Errors
    ///
    /// [`TryReadError`]; all but `Empty` and `Disconnected` are told once. Received + missed = appended.
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("xbar-log-next-{}", std::process::id()));
    /// use xbar_log::{LogOptions, Reader, TryReadError, Writer};
    ///
    /// let mut writer = Writer::open(&dir, "ticks", &LogOptions::new().segment_bytes(1 << 20))?;
    /// let mut reader = Reader::open(&dir, "ticks")?;
    /// writer.append_tagged(7, b"223.02")?;
    /// let record = reader.try_next()?;
    /// assert_eq!((record.seq(), record.tag(), record.payload()), (0, 7, &b"223.02"[..]));
    /// assert_eq!(reader.try_next().unwrap_err(), TryReadError::Empty);
    /// drop(writer);
    /// assert_eq!(reader.try_next().unwrap_err(), TryReadError::Disconnected { clean: true });
    /// # std::fs::remove_dir_all(dir).ok();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_next(&mut self) -> Result<Record<'_>, TryReadError> {
        let spot = self.look()?;
        self.record(spot)
    }

    /// The next message's place; `self` stands behind it then.
    #[inline(always)]
    pub(crate) fn look(&mut self) -> Result<Spot, TryReadError> {
        // The way of nearly all messages has nothing in it that would be kept in memory.
        match message(&self.words, self.at, self.header.salt, self.expected) {
            Some(bytes) => Ok(self.pass(Spot { at: self.at, bytes })),
            None => self.look_further(),
        }
    }

    /// Goes on behind the next message, which is at `spot`.
    #[inline(always)]
    pub(crate) fn pass(&mut self, spot: Spot) -> Spot {
        self.at = spot.at + words_of(spot.bytes);
        self.expected += 1;
        self.looks = 0;
        spot
    }

    /// The message at a place that was found.
    #[inline(always)]
    pub(crate) fn record(&self, spot: Spot) -> Result<Record<'_>, TryReadError> {
        let record = self.words.get(spot.at..).and_then(|words| Record::new(words, spot.bytes));
        // Always there: the look was bounded the same way.
        record.ok_or(TryReadError::Empty)
    }

    /// Whether somebody writes this log.
    pub fn is_written(&self) -> bool {
        // By its name too, should it be another file by now.
        self.lock.as_ref().is_some_and(LockWatch::is_locked)
            || self.folder.is_locked(&names::lock(&self.name))
    }

    /// The number of the next message: what a [`Cursor`](crate::Cursor) stores.
    pub const fn next_seq(&self) -> u64 {
        self.expected
    }

    /// Asks the system at the next look that finds nothing: before sleeping, say.
    pub(crate) fn ask_soon(&mut self) {
        self.looks = LOOKS_PER_QUESTION - 1;
    }

    /// Stands before the record at `at` of a segment that was mapped.
    pub(crate) fn stand(&mut self, words: ReaderWords, header: Header, at: usize, expected: u64) {
        prefault(&words);
        (self.words, self.header, self.at, self.expected) = (words, header, at, expected);
        (self.looks, self.deleted_before, self.searched_at) = (0, 0, 0);
        self.trail.clear();
    }
}

/// Touches the pages beforehand, so that no read pays for it: a wish, which takes nothing away when it is refused.
pub(crate) fn prefault(words: &ReaderWords) {
    let _ = Memory::new().prefault().apply(words.keep());
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("log", &self.name)
            .field("segment", &self.header.number)
            .field("next_seq", &self.expected)
            .finish_non_exhaustive()
    }
}
