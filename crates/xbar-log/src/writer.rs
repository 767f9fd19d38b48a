//! The writer: appends records behind one another, each there for readers by one store.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use xbar_layout::fetch;
use xbar_layout::pad::LINE_BYTES;
use xbar_layout::sync::{AtomicU64, Ordering, ReadU64};
use xbar_ring::copy;
use xbar_shm::{coarse_unix_ns, fork_generation, unix_ns};

use crate::checksum::Short;
use crate::error::LogError;
use crate::options::{LogOptions, Times};
use crate::record::{Found, HEAD, Kind, commit, sum, words_of};
use crate::reservation::Reservation;
use crate::resume::Recovery;
use crate::segment::WriterWords;
use crate::store::{Store, Turn};

/// How many words ahead of the next record a line is fetched.
const AHEAD: usize = 128;

/// Bytes up to which the words of a message are stored one by one.
const FEW_BYTES: usize = 64;

/// The one writer of a log.
///
/// Invariant 1: all words of the segment from `at` on are zero, but for those of a reservation (`reserved`).
/// Invariant 2: `limit` is no more than the segment's words, without those of its end.
pub struct Writer {
    words: WriterWords,
    /// Where the next record begins, in words of the file.
    pub(crate) at: usize,
    /// How far a record may reach without a look at the index, the segment's end, or what a reservation left.
    limit: usize,
    /// Words behind `at` that a reservation may have left bytes in.
    pub(crate) reserved: usize,
    seq: u64,
    /// Of the last record.
    timestamp_ns: u64,
    salt: u32,
    times: Times,
    /// Records since the last time that the store was told of some.
    uncounted: u32,
    count_at: u32,
    fork_generation: i32,
    /// What is rarely needed.
    store: Box<Store>,
}

impl Writer {
    /// Opens log `name` in `folder` to append to it; both are made if need be. What [`recovery`](Self::recovery) says was found.
    ///
    /// # Errors
    ///
    /// [`LogError::Alive`] when somebody writes it already; [`LogError::NoSpace`] when a segment does not fit; the others when
    /// names, sizes or files are not what they should be.
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("xbar-log-open-{}", std::process::id()));
    /// use xbar_log::{LogError, LogOptions, Writer};
    ///
    /// let options = LogOptions::new().segment_bytes(1 << 20);
    /// let mut writer = Writer::open(&dir, "ticks", &options)?;
    /// assert_eq!(writer.append(b"223.02")?, 0); // the first message's number
    /// assert!(matches!(Writer::open(&dir, "ticks", &options), Err(LogError::Alive { .. })));
    /// drop(writer);
    ///
    /// let writer = Writer::open(&dir, "ticks", &options)?;
    /// assert_eq!((writer.recovery().clean, writer.next_seq()), (true, 1));
    /// # drop(writer);
    /// # std::fs::remove_dir_all(dir).ok();
    /// # Ok::<(), LogError>(())
    /// ```
    pub fn open(folder: impl AsRef<Path>, name: &str, options: &LogOptions) -> Result<Self, LogError> {
        let now = now_of(options.times);
        let (store, turn, seq, timestamp_ns) = Store::open(folder.as_ref(), name, options, now)?;
        Ok(Self {
            words: turn.words,
            at: turn.at,
            limit: 0, // the first record enters the index
            reserved: 0,
            seq,
            timestamp_ns,
            salt: turn.salt,
            times: options.times,
            uncounted: 0,
            count_at: store.count_at(),
            fork_generation: fork_generation(),
            store: Box::new(store),
        })
    }

    /// Appends a message, and says its number.
    ///
    /// # Errors
    ///
    /// [`LogError::TooLarge`], [`LogError::NoSpace`]: nothing was appended, and the writer goes on as before. What
    /// [`Durability`](crate::Durability) adds: the message was appended, and is perhaps not on the disk.
    #[inline]
    pub fn append(&mut self, message: &[u8]) -> Result<u64, LogError> {
        self.append_tagged(0, message)
    }

    /// Appends a message with a tag: its type, say.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    #[inline]
    pub fn append_tagged(&mut self, tag: u16, message: &[u8]) -> Result<u64, LogError> {
        self.append_at(tag, now_of(self.times), message)
    }

    /// Appends a message that has a time of its own, ns since 1970: of a log that is written once more, say. A time before the
    /// last record's becomes that one's: times in a log never go back.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    #[inline]
    pub fn append_at(&mut self, tag: u16, timestamp_ns: u64, message: &[u8]) -> Result<u64, LogError> {
        let seq = self.put(tag, timestamp_ns, message)?;
        self.count(1)?;
        Ok(seq)
    }

    /// Appends several messages at one time, and says their numbers.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append); messages before the one that failed are appended, as [`next_seq`](Self::next_seq) tells.
    pub fn append_batch<'m>(
        &mut self,
        messages: impl IntoIterator<Item = &'m [u8]>,
    ) -> Result<Range<u64>, LogError> {
        let (first, timestamp_ns) = (self.seq, now_of(self.times));
        for message in messages {
            self.put(0, timestamp_ns, message)?;
        }
        self.count(u32::try_from(self.seq - first).unwrap_or(u32::MAX))?;
        Ok(first..self.seq)
    }

    #[inline(always)]
    fn put(&mut self, tag: u16, timestamp_ns: u64, message: &[u8]) -> Result<u64, LogError> {
        let timestamp_ns = timestamp_ns.max(self.timestamp_ns);
        self.room(message.len(), timestamp_ns)?;
        let found = self.next(tag, timestamp_ns, message.len());
        let (at, salt) = (self.at, self.salt);
        // There is room (invariant 2); no index is trusted, though.
        let record = self.words.get(at..found.next).unwrap_or_default();
        let Some((head, payload)) = record.split_first_chunk() else {
            return Err(self.too_large(message.len()));
        };
        let sum = if message.len() <= FEW_BYTES {
            // First the sum, then all stores at once: see `record::commit`.
            let sum = sum(at, salt, found, Kind::Message, Short(message));
            copy::store_message(payload, message);
            sum
        } else {
            copy::store_message(payload, message);
            sum(at, salt, found, Kind::Message, ReadU64::of_slice(payload))
        };
        commit(head, found, Kind::Message, sum);
        Ok(self.pass(found))
    }

    /// The next record.
    #[inline(always)]
    const fn next(&self, tag: u16, timestamp_ns: u64, bytes: usize) -> Found {
        Found { at: self.at, next: self.at + words_of(bytes), seq: self.seq, timestamp_ns, tag, bytes }
    }

    /// Sees to it that there are words for the next record.
    #[inline(always)]
    fn room(&mut self, bytes: usize, timestamp_ns: u64) -> Result<(), LogError> {
        let needed = words_of(bytes);
        if self.limit.saturating_sub(self.at) < needed || self.fork_generation != fork_generation() {
            return self.make_room(bytes, timestamp_ns);
        }
        Ok(())
    }

    #[cold]
    fn too_large(&self, bytes: usize) -> LogError {
        LogError::TooLarge { bytes, most_bytes: self.most_bytes() }
    }

    /// Goes on behind a record that was committed.
    #[inline(always)]
    fn pass(&mut self, found: Found) -> u64 {
        self.fetch_ahead(found.next, found.next - found.at);
        self.at = found.next;
        self.seq = found.seq + 1;
        self.timestamp_ns = found.timestamp_ns;
        found.seq
    }

    /// Fetches as many lines for a record to come as this one took: memory that was touched long ago is in no cache.
    #[inline(always)]
    fn fetch_ahead(&self, next: usize, words: usize) {
        let mut line = next + AHEAD;
        let end = line + words;
        while line < end {
            let Some(word) = self.words.get(line) else { return };
            fetch::line_for_writing(std::ptr::from_ref(word).cast());
            line += LINE_BYTES / 8;
        }
    }

    /// Tells the store of new records, now and then.
    #[inline(always)]
    fn count(&mut self, records: u32) -> Result<(), LogError> {
        self.uncounted = self.uncounted.saturating_add(records);
        if self.uncounted < self.count_at { Ok(()) } else { self.counted() }
    }

    #[cold]
    fn counted(&mut self) -> Result<(), LogError> {
        self.uncounted = 0;
        self.store.counted()
    }

    /// Enters the index, ends the segment, or cleans up behind a reservation: whatever the next record needs.
    #[cold]
    #[inline(never)]
    fn make_room(&mut self, bytes: usize, timestamp_ns: u64) -> Result<(), LogError> {
        if self.fork_generation != fork_generation() || !self.store.is_mine() {
            return Err(LogError::Forked);
        }
        self.clear_reserved();
        if let Some(Turn { words, at, salt }) =
            self.store.make_room(&self.words, self.at, bytes, self.seq, timestamp_ns)?
        {
            self.at = at;
            self.salt = salt;
            let full = std::mem::replace(&mut self.words, words);
            self.store.turned(full, self.seq, timestamp_ns);
        }
        self.limit = self.store.enter(&self.words, self.at, self.seq, timestamp_ns);
        Ok(())
    }

    /// Zeroes what a reservation that was not committed left (invariant 1).
    pub(crate) fn clear_reserved(&mut self) {
        let reserved = std::mem::take(&mut self.reserved);
        for word in self.words.get(self.at..self.at + reserved).unwrap_or_default() {
            // ORDERING: none; nobody looks behind a commit word that is zero.
            word.store(0, Ordering::Relaxed);
        }
    }

    /// Room for a message of `bytes` zeroes, to be written in place; there for readers when it is committed, and never unless it
    /// is.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("xbar-log-reserve-{}", std::process::id()));
    /// use xbar_log::{LogOptions, Reader, Writer};
    ///
    /// let mut writer = Writer::open(&dir, "books", &LogOptions::new().segment_bytes(1 << 20))?;
    /// let mut book = writer.reserve(1000)?;
    /// book[..4].copy_from_slice(b"book");
    /// book.commit()?;
    /// drop(writer.reserve(7)?); // leaves nothing
    ///
    /// let mut reader = Reader::open(&dir, "books")?;
    /// assert_eq!(&reader.try_next()?[..4], b"book");
    /// # std::fs::remove_dir_all(dir).ok();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve(&mut self, bytes: usize) -> Result<Reservation<'_>, LogError> {
        let timestamp_ns = now_of(self.times).max(self.timestamp_ns);
        self.room(bytes, timestamp_ns)?;
        // Should the reservation be forgotten, the next record cleans up.
        self.limit = 0;
        self.reserved = words_of(bytes);
        Ok(Reservation::new(self, bytes))
    }

    /// The payload of the next record, as far as it is reserved.
    pub(crate) fn reserved_words(&self) -> &[AtomicU64] {
        self.words.get(self.at + HEAD..self.at + self.reserved).unwrap_or_default()
    }

    /// Commits what is reserved.
    pub(crate) fn commit_reserved(&mut self, tag: u16, bytes: usize) -> Result<u64, LogError> {
        self.reserved = 0;
        let found = self.next(tag, now_of(self.times).max(self.timestamp_ns), bytes);
        let record = self.words.get(found.at..found.next).unwrap_or_default();
        let Some((head, payload)) = record.split_first_chunk() else { return Err(self.too_large(bytes)) };
        let sum = sum(found.at, self.salt, found, Kind::Message, ReadU64::of_slice(payload));
        commit(head, found, Kind::Message, sum);
        let seq = self.pass(found);
        self.count(1)?;
        Ok(seq)
    }

    /// Returns when all records are on the disk.
    ///
    /// # Errors
    ///
    /// [`LogError::System`] when the system says no, also to an earlier attempt by the flushing thread.
    pub fn flush(&mut self) -> Result<(), LogError> {
        self.uncounted = 0;
        self.store.flush()
    }

    /// Deletes what need not be kept any more, as is done whenever a segment is full; says how many segments that were.
    ///
    /// # Errors
    ///
    /// [`LogError::System`] when the folder cannot be read or a file not be removed.
    pub fn retain(&mut self) -> Result<usize, LogError> {
        self.store.retain(self.seq, now_of(Times::Coarse))
    }

    /// What was found when the log was opened.
    pub fn recovery(&self) -> Recovery {
        self.store.recovery
    }

    /// The number of the message that comes next: so many were appended so far.
    pub const fn next_seq(&self) -> u64 {
        self.seq
    }

    /// Which writer of the log this is, counted from 1.
    pub fn epoch(&self) -> u64 {
        self.store.epoch
    }

    /// Longest message in bytes.
    pub fn most_bytes(&self) -> usize {
        self.store.most_bytes()
    }

    /// Closes the log: readers that have read all hear that it ended well. Dropping does the same and tells no errors.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush), if [`Durability`](crate::Durability) asks for that.
    pub fn close(mut self) -> Result<(), LogError> {
        self.finish()
    }

    fn finish(&mut self) -> Result<(), LogError> {
        if self.fork_generation != fork_generation() || !self.store.is_mine() {
            self.store.forget();
            return Ok(());
        }
        self.clear_reserved();
        self.store.close(&self.words)
    }
}

/// The time of a record that is appended now.
#[inline(always)]
fn now_of(times: Times) -> u64 {
    match times {
        Times::Coarse => coarse_unix_ns(),
        Times::Exact => unix_ns(),
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Whoever wants to know calls `close`.
        let _ = self.finish();
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("next_seq", &self.seq)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}
