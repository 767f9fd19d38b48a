//! Named cursors: where a reader is, kept in a file, so that it goes on there after any end.
//!
//! The place is one aligned word of a mapped file. A store to it is there for everybody at once, also when the process dies
//! behind it, and cannot be torn.

use std::fmt;
use std::path::Path;
use std::process;
use std::sync::Arc;

use xbar_layout::Lent;
use xbar_layout::sync::{AtomicU64, Ordering, ReadU64};
use xbar_shm::{FileAccess, Folder, Mapping, RegionName, SharedFile};

use crate::error::LogError;
use crate::layout::{LOG_FORMAT_VERSION, PAGE};
use crate::names;

/// "xbar-cur", as the bytes lie.
const MAGIC: u64 = u64::from_le_bytes(*b"xbar-cur");
/// The word with the number of the next message to be read; the two before it are magic and version.
const SEQ_AT: usize = 2;
const WORDS: usize = 3;

/// A place in a log that has a name. The writer deletes no message behind it unless told to.
///
/// For one reader at a time: of two with one name, each moves the other's place.
pub struct Cursor {
    words: Lent<[AtomicU64], Arc<Mapping>>,
    file: SharedFile,
}

impl Cursor {
    /// Opens cursor `cursor` of log `log`; a new one stands before the first message.
    ///
    /// # Errors
    ///
    /// [`LogError::NotFound`] when there is no such folder; others when names or the file are not what they should be.
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("xbar-log-cursor-{}", std::process::id()));
    /// use xbar_log::{Cursor, LogOptions, Reader, Start, Writer};
    ///
    /// let mut writer = Writer::open(&dir, "ticks", &LogOptions::new().segment_bytes(1 << 20))?;
    /// writer.append_batch([&b"one"[..], b"two"])?;
    ///
    /// let cursor = Cursor::open(&dir, "ticks", "billing")?;
    /// let mut reader = Reader::open(&dir, "ticks")?;
    /// reader.seek(Start::Seq(cursor.seq()))?;
    /// assert_eq!(&*reader.try_next()?, b"one");
    /// cursor.store(reader.next_seq()); // done with that
    /// drop((reader, cursor));
    ///
    /// assert_eq!(Cursor::open(&dir, "ticks", "billing")?.seq(), 1);
    /// # drop(writer);
    /// # std::fs::remove_dir_all(dir).ok();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(folder: impl AsRef<Path>, log: &str, cursor: &str) -> Result<Self, LogError> {
        let log = names::log(log)?;
        names::check_cursor(cursor)?;
        let folder = open_folder(folder.as_ref(), &log)?;
        let name = names::cursor(&log, cursor);
        loop {
            if let Some(file) = folder.open_file(&name, FileAccess::ReadWrite)? {
                return Self::of(file);
            }
            make(&folder, &name)?;
        }
    }

    fn of(file: SharedFile) -> Result<Self, LogError> {
        let damaged = |what| LogError::Damaged { path: file.path().into(), what };
        if file.bytes() < PAGE {
            return Err(damaged("it is shorter than a cursor"));
        }
        let mapping = file.map(0, PAGE as usize)?;
        let words = mapping.slice::<AtomicU64>(0, WORDS).ok_or(LogError::Helper)?;
        check(ReadU64::of_slice(&words)).ok_or_else(|| damaged("it is no cursor of a log"))?;
        Ok(Self { words, file })
    }

    /// The number of the next message to be read.
    pub fn seq(&self) -> u64 {
        // ORDERING: none; one word, and nothing goes with it.
        self.words.get(SEQ_AT).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    /// Stands before message `seq` from now on: all before it are done with.
    pub fn store(&self, seq: u64) {
        if let Some(word) = self.words.get(SEQ_AT) {
            // ORDERING: none; as above. Messages that may be deleted for it were read before, by the mapping that keeps them.
            word.store(seq, Ordering::Relaxed);
        }
    }

    /// Returns when the place is on the disk: only the machine's death can take it back before.
    ///
    /// # Errors
    ///
    /// [`LogError::System`] when the system says no.
    pub fn flush(&self) -> Result<(), LogError> {
        Ok(self.file.sync()?)
    }

    /// Removes a cursor, so that nothing is kept for it any more: false when there is none.
    ///
    /// # Errors
    ///
    /// As [`Cursor::open`].
    pub fn remove(folder: impl AsRef<Path>, log: &str, cursor: &str) -> Result<bool, LogError> {
        let log = names::log(log)?;
        names::check_cursor(cursor)?;
        Ok(open_folder(folder.as_ref(), &log)?.remove(&names::cursor(&log, cursor))?)
    }
}

/// The folder of a log that should be there.
pub(crate) fn open_folder(folder: &Path, log: &RegionName) -> Result<Folder, LogError> {
    let missing = || LogError::NotFound { name: log.to_string(), folder: folder.into() };
    Folder::open_existing(folder)?.ok_or_else(missing)
}

/// Makes the file under another name first, so that nobody sees half of it. Somebody may be faster.
fn make(folder: &Folder, name: &str) -> Result<(), LogError> {
    let temporary = format!("{name}-{}", process::id());
    folder.remove(&temporary)?;
    let file = folder.create_file(&temporary, PAGE)?;
    let filled = file.map(0, PAGE as usize).map(|mapping| {
        if let Some(words) = mapping.slice::<AtomicU64>(0, WORDS) {
            for (word, value) in words.iter().zip([MAGIC, u64::from(LOG_FORMAT_VERSION), 0]) {
                // ORDERING: none; the name publishes it.
                word.store(value, Ordering::Relaxed);
            }
        }
    });
    let named = filled.and_then(|()| folder.rename(&temporary, name));
    if !matches!(named, Ok(true)) {
        folder.remove(&temporary)?;
    }
    named?;
    Ok(())
}

/// The place that the words of a cursor say; `None` when they are no cursor's.
fn check(words: &[ReadU64]) -> Option<u64> {
    let [magic, version, seq] = words else { return None };
    // ORDERING: none; as in `seq`.
    let [magic, version, seq] = [magic, version, seq].map(ReadU64::load_relaxed);
    (magic == MAGIC && version == u64::from(LOG_FORMAT_VERSION)).then_some(seq)
}

/// The lowest message that a cursor of the log still needs; all of them, when a cursor cannot be read.
pub(crate) fn least(folder: &Folder, log: &RegionName) -> Result<u64, LogError> {
    let mut least = u64::MAX;
    for name in names::cursors(folder, log)? {
        let Some(file) = folder.open_file(&name, FileAccess::ReadOnly)? else { continue };
        let start = file.read_start::<{ WORDS * 8 }>()?;
        let word = |index: usize| {
            start
                .get(index * 8..index * 8 + 8)
                .and_then(|bytes| bytes.try_into().ok())
                .map(u64::from_le_bytes)
        };
        let is_cursor = word(0) == Some(MAGIC) && word(1) == Some(LOG_FORMAT_VERSION.into());
        least = least.min(word(SEQ_AT).filter(|_| is_cursor).unwrap_or(0));
    }
    Ok(least)
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor").field("seq", &self.seq()).finish_non_exhaustive()
    }
}
