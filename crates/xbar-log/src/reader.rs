//! The reader: records in place, in order, from wherever it was told to begin to the live end.

#![allow(unsafe_code)] // words that nobody stores to any more, seen as bytes

use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::slice;

use xbar_shm::memory::Memory;
use xbar_shm::{FileAccess, Folder, LockWatch, RegionName};

use crate::cursor::open_folder;
use crate::error::{LogError, TryReadError};
use crate::layout::{Header, STATE_CLOSED};
use crate::names;
use crate::record::{Found, HEAD, Look, look, perhaps_next};
use crate::scan::resync;
use crate::segment::{self, ReaderWords};

/// Empty looks in a row behind which a reader asks the system: is there another segment, does the writer live? Some
/// microseconds each.
const LOOKS_PER_QUESTION: u32 = 1024;

/// A message of a log, in place.
///
/// The bytes stay as they are for as long as the borrow: the writer never writes them again, and a segment that is deleted lives on
/// while it is mapped. Whoever truncates a file of the log ends the processes that read it (SIGBUS); keep others from writing
/// in its folder.
#[derive(Clone, Copy)]
pub struct Record<'r> {
    found: Found,
    payload: &'r [u8],
}

impl<'r> Record<'r> {
    /// Its number: the first message of a log has 0.
    pub const fn seq(&self) -> u64 {
        self.found.seq
    }

    /// When it was appended, ns since 1970.
    pub const fn timestamp_ns(&self) -> u64 {
        self.found.timestamp_ns
    }

    /// The writer's tag.
    pub const fn tag(&self) -> u16 {
        self.found.tag
    }

    /// Its bytes; they begin at a multiple of 8.
    pub const fn payload(&self) -> &'r [u8] {
        self.payload
    }
}

impl Deref for Record<'_> {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        self.payload
    }
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("seq", &self.found.seq)
            .field("timestamp_ns", &self.found.timestamp_ns)
            .field("tag", &self.found.tag)
            .field("bytes", &self.payload.len())
            .finish()
    }
}

/// A reader of a log. It maps the files read-only, and is known to nobody: any number of them cost the writer nothing.
pub struct Reader {
    pub(crate) words: ReaderWords,
    /// Where the next record begins, in words of the file.
    pub(crate) at: usize,
    /// The number that it should have.
    pub(crate) expected: u64,
    pub(crate) header: Header,
    /// Empty looks in a row.
    looks: u32,
    pub(crate) folder: Folder,
    /// The writer's lock, open: it tells the same when somebody removes the folder.
    lock: Option<LockWatch>,
    pub(crate) name: RegionName,
    /// Where nothing was found behind a hole.
    searched_at: usize,
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
        let found = self.look()?;
        Ok(self.record(found))
    }

    /// The next message's place; `self` stands behind it then.
    #[inline(always)]
    pub(crate) fn look(&mut self) -> Result<Found, TryReadError> {
        match look(&self.words, self.at, self.header.salt) {
            Look::Message(found) if found.seq == self.expected => {
                self.pass(found);
                Ok(found)
            }
            other => self.look_further(other),
        }
    }

    #[inline(always)]
    fn pass(&mut self, found: Found) {
        self.at = found.next;
        self.expected = found.seq + 1;
        self.looks = 0;
    }

    /// The bytes of a message that was found in the segment that is mapped.
    #[inline(always)]
    pub(crate) fn record(&self, found: Found) -> Record<'_> {
        let first = found.at + HEAD;
        let words = self.words.get(first..first + found.bytes.div_ceil(8)).unwrap_or_default();
        // None but by a look that was bounded the same way.
        let bytes = found.bytes.min(words.len() * 8);
        // SAFETY: within the mapping, which `self` keeps; and the writer stores no more to what it has committed.
        let payload = unsafe { slice::from_raw_parts(words.as_ptr().cast(), bytes) };
        Record { found, payload }
    }

    /// Whatever is not the next message.
    #[cold]
    #[inline(never)]
    fn look_further(&mut self, mut seen: Look) -> Result<Found, TryReadError> {
        loop {
            match seen {
                Look::Message(found) if found.seq == self.expected => {
                    self.pass(found);
                    return Ok(found);
                }
                // Numbers go up by one: those between are gone, and this one is next.
                Look::Message(Found { seq, .. }) | Look::End { seq } if seq > self.expected => {
                    return Err(match std::mem::take(&mut self.deleted_before) {
                        0 => self.damaged(self.at, seq),
                        _ => {
                            let missed = seq - self.expected;
                            self.expected = seq;
                            TryReadError::Lagged { missed }
                        }
                    });
                }
                Look::End { seq } if seq == self.expected => {
                    if !self.advance()? {
                        return Err(self.nothing());
                    }
                }
                Look::Nothing => {
                    self.looks += 1;
                    if self.looks % LOOKS_PER_QUESTION != 0 && segment::state(&self.words) != STATE_CLOSED {
                        return Err(TryReadError::Empty);
                    }
                    if !self.ask()? {
                        return Err(self.nothing());
                    }
                }
                Look::Message(_) | Look::End { .. } | Look::Damaged => {
                    if !self.leap()? {
                        return Err(self.nothing());
                    }
                }
            }
            seen = look(&self.words, self.at, self.header.salt);
        }
    }

    /// Asks the system why nothing comes: true when there is something new to look at.
    fn ask(&mut self) -> Result<bool, TryReadError> {
        self.looks = 0;
        if self.next_number()?.is_none() {
            return self.search_what_the_dead_left();
        }
        // A successor was made when this segment had its end: either that is here now, or it is lost, and what else.
        if look(&self.words, self.at, self.header.salt) != Look::Nothing {
            return Ok(true);
        }
        match resync(&self.words, self.at, &self.header, self.expected) {
            Some(landing) => self.land(landing.at, landing.seq),
            None => self.advance(),
        }
    }

    /// Where nobody writes any more, there may be messages behind a hole: what the machine's death left. Searched once for each place.
    fn search_what_the_dead_left(&mut self) -> Result<bool, TryReadError> {
        if self.searched_at == self.at || self.is_written() {
            return Ok(false);
        }
        // What the writer did before it ended is there now.
        if look(&self.words, self.at, self.header.salt) != Look::Nothing {
            return Ok(true);
        }
        self.searched_at = self.at;
        match resync(&self.words, self.at, &self.header, self.expected) {
            Some(landing) => self.land(landing.at, landing.seq),
            None => Ok(false),
        }
    }

    /// Goes on behind damage; false when it is not known yet where.
    fn leap(&mut self) -> Result<bool, TryReadError> {
        // Nobody writes here any more, when there is a successor or no writer: then all can be searched.
        if self.next_number()?.is_some() || !self.is_written() {
            return match resync(&self.words, self.at + 1, &self.header, self.expected) {
                Some(landing) => self.land(landing.at, landing.seq),
                None if self.next_number()?.is_some() => self.advance(),
                // The last record of all. However long it was: nothing is behind it.
                None => self.land(self.words.len(), self.expected + 1),
            };
        }
        // Else only what the index says is looked at: a record of a number that is higher, or nothing.
        let entries = segment::entries(&self.words, &self.header);
        let behind = entries.take_while(|entry| entry.at > self.at).filter(|entry| entry.seq > self.expected);
        let found = behind.filter_map(|entry| match look(&self.words, entry.at, self.header.salt) {
            Look::Message(found) if found.seq == entry.seq => Some((found.at, found.seq)),
            _ => None,
        });
        match found.last() {
            // The first that a short walk leads to, if the length of the damaged one is right; the entry, if not.
            Some((at, seq)) => match self.neighbour() {
                Some(next) if next.1 < seq => self.land(next.0, next.1),
                _ => self.land(at, seq),
            },
            None => self.skip_one(),
        }
    }

    /// The record behind a damaged one, if that is as long as it says.
    fn neighbour(&self) -> Option<(usize, u64)> {
        let next = perhaps_next(&self.words, self.at)?;
        match look(&self.words, next, self.header.salt) {
            Look::Message(Found { seq, .. }) | Look::End { seq } if seq > self.expected => Some((next, seq)),
            _ => None,
        }
    }

    /// Passes one damaged record by its length, if what is behind it is a record, or nothing yet.
    fn skip_one(&mut self) -> Result<bool, TryReadError> {
        if let Some((at, seq)) = self.neighbour() {
            return self.land(at, seq);
        }
        let Some(next) = perhaps_next(&self.words, self.at) else { return Ok(false) };
        if look(&self.words, next, self.header.salt) != Look::Nothing {
            return Ok(false);
        }
        self.land(next, self.expected + 1)
    }

    /// Stands at `at` before message `seq`; says what was lost, if anything was.
    fn land(&mut self, at: usize, seq: u64) -> Result<bool, TryReadError> {
        let from = std::mem::replace(&mut self.at, at);
        if seq == self.expected {
            return Ok(true);
        }
        Err(self.damaged(from, seq))
    }

    /// Stands before message `seq`; those between are lost to what is at `at`.
    fn damaged(&mut self, at: usize, seq: u64) -> TryReadError {
        let missed = seq.saturating_sub(self.expected);
        self.expected = seq;
        self.looks = 0;
        TryReadError::Damaged { segment: self.header.number, position: at as u64 * 8, missed }
    }

    /// Nothing is there, and nothing will come if nobody writes.
    fn nothing(&mut self) -> TryReadError {
        if self.is_written() {
            return TryReadError::Empty;
        }
        // Asked in this order: what the writer did before it ended is there now.
        let closed = segment::state(&self.words) == STATE_CLOSED;
        let seen = look(&self.words, self.at, self.header.salt);
        let is_over = match seen {
            Look::Nothing => !matches!(self.next_number(), Ok(Some(_))),
            Look::End { seq } => seq == self.expected && !matches!(self.next_number(), Ok(Some(_))),
            Look::Damaged => true,
            Look::Message(_) => false,
        };
        if is_over { TryReadError::Disconnected { clean: closed } } else { TryReadError::Empty }
    }

    /// Whether somebody writes this log.
    pub fn is_written(&self) -> bool {
        // By its name too, should it be another file by now.
        self.lock.as_ref().is_some_and(LockWatch::is_locked)
            || self.folder.is_locked(&names::lock(&self.name))
    }

    /// The number of the segment that comes behind this one, if there is any.
    fn next_number(&self) -> Result<Option<u64>, TryReadError> {
        let next = self.header.number + 1;
        if self.folder.has(&names::segment(&self.name, next)) {
            return Ok(Some(next));
        }
        let numbers = names::segments(&self.folder, &self.name).map_err(TryReadError::Log)?;
        Ok(numbers.into_iter().find(|number| *number >= next))
    }

    /// Goes to the next segment that can be read; false when there is none yet. Says what was missed on the way.
    fn advance(&mut self) -> Result<bool, TryReadError> {
        let (this, from) = (self.header.number, self.at);
        let mut damaged = None;
        while let Some(number) = self.next_number()? {
            let opened = segment::open(&self.folder, &self.name, number, FileAccess::ReadOnly);
            let opened = opened.and_then(|opened| {
                opened.map(|(file, header)| Ok((segment::map_to_read(&file, &header)?, header))).transpose()
            });
            match opened {
                // Deleted in between: another one is the oldest now.
                Ok(None) => continue,
                Ok(Some((words, header))) => {
                    let expected = self.expected;
                    prefault(&words);
                    self.at = header.data_at();
                    (self.words, self.header, self.looks, self.searched_at) = (words, header, 0, 0);
                    self.trail.clear();
                    self.expected = header.first_seq;
                    return match header.first_seq.checked_sub(expected) {
                        None | Some(0) if damaged.is_none() => Ok(true),
                        None | Some(0) => {
                            Err(TryReadError::Damaged { segment: number - 1, position: 0, missed: 0 })
                        }
                        Some(missed) if number == this + 1 => {
                            Err(TryReadError::Damaged { segment: this, position: from as u64 * 8, missed })
                        }
                        Some(missed) if damaged.is_some() => {
                            Err(TryReadError::Damaged { segment: this + 1, position: 0, missed })
                        }
                        Some(missed) => Err(TryReadError::Lagged { missed }),
                    };
                }
                Err(error @ LogError::Damaged { .. }) => {
                    // Looks for the one behind it now. Where there is none, it is told what is wrong.
                    self.header.number = number;
                    damaged = Some(error);
                }
                Err(error) => return Err(TryReadError::Log(error)),
            }
        }
        match damaged {
            None => Ok(false),
            Some(error) => {
                // Perhaps it is restored, or a successor comes.
                self.header.number = this;
                Err(TryReadError::Log(error))
            }
        }
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
fn prefault(words: &ReaderWords) {
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
