//! Finding a place in a log: by number, by time, at its ends; and the way back.

use xbar_shm::FileAccess;

use crate::error::{LogError, TryReadError};
use crate::layout::Header;
use crate::message::Record;
use crate::names;
use crate::reader::{Reader, Spot};
use crate::record::{Found, Look, look};
use crate::scan::resync;
use crate::segment::{self, Entry, ReaderWords};

/// Where to read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// The oldest message that is there.
    Oldest,
    /// What is appended from now on.
    Live,
    /// The message of that number; if it is deleted, what was missed is told first.
    Seq(u64),
    /// The first message of that time or a later one, ns since 1970.
    Time(u64),
}

/// What a walk is looking for.
#[derive(Clone, Copy)]
enum Goal {
    Seq(u64),
    Time(u64),
    End,
}

impl Goal {
    /// Whether a record lies before the goal.
    fn is_behind(self, seq: u64, timestamp_ns: u64) -> bool {
        match self {
            Self::Seq(goal) => seq < goal,
            Self::Time(goal) => timestamp_ns < goal,
            Self::End => true,
        }
    }
}

impl Reader {
    /// Goes elsewhere: the next message is the one that `start` says.
    ///
    /// # Errors
    ///
    /// [`LogError::NotYet`] for a number that was not appended yet, and the reader stands at the live end then;
    /// [`LogError::NotFound`] when the log is gone, [`LogError::Damaged`] when none of its segments can be read.
    ///
    /// ```
    /// # let dir = std::env::temp_dir().join(format!("xbar-log-seek-{}", std::process::id()));
    /// use xbar_log::{LogOptions, Reader, Start, Writer};
    ///
    /// let mut writer = Writer::open(&dir, "ticks", &LogOptions::new().segment_bytes(1 << 20))?;
    /// for (time, message) in [(10, &b"one"[..]), (20, b"two"), (30, b"three")] {
    ///     writer.append_at(0, time, message)?;
    /// }
    /// let mut reader = Reader::open(&dir, "ticks")?;
    /// reader.seek(Start::Time(11))?;
    /// assert_eq!(&*reader.try_next()?, b"two");
    /// reader.seek(Start::Seq(2))?;
    /// assert_eq!(&*reader.try_next()?, b"three");
    /// assert_eq!(&*reader.try_previous()?, b"three"); // back again
    /// assert_eq!(&*reader.try_previous()?, b"two");
    /// reader.seek(Start::Live)?;
    /// assert!(reader.try_next().is_err());
    /// # std::fs::remove_dir_all(dir).ok();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn seek(&mut self, start: Start) -> Result<(), LogError> {
        let numbers = names::segments(&self.folder, &self.name)?;
        let goal = match start {
            Start::Oldest => Goal::Seq(0),
            Start::Live => Goal::End,
            Start::Seq(seq) => Goal::Seq(seq),
            Start::Time(time) => Goal::Time(time),
        };
        // The last segment that begins before the goal; the oldest, if none does. Half of the rest goes with each look.
        let (mut low, mut high) = (0, numbers.len());
        let mut best: Option<(ReaderWords, Header)> = None;
        let mut oldest: Option<(ReaderWords, Header)> = None;
        let mut damaged = None;
        while low < high {
            let middle = low + (high - low) / 2;
            // From a segment that cannot be read to the next one that can.
            let mut found = None;
            for (index, &number) in numbers.iter().enumerate().take(high).skip(middle) {
                match self.open_segment(number) {
                    Ok(Some((words, header))) => {
                        found = Some((index, words, header));
                        break;
                    }
                    Ok(None) => {}
                    Err(error) => damaged = damaged.or(Some(error)),
                }
            }
            let Some((index, words, header)) = found else {
                high = middle;
                continue;
            };
            let first_ns = first_time(&words, &header).unwrap_or(header.created_ns);
            // A goal that is the first of a segment may be the one before's last time as well.
            if goal.is_behind(header.first_seq, first_ns)
                || matches!(goal, Goal::Seq(seq) if seq == header.first_seq)
            {
                low = index + 1;
                best = Some((words, header));
            } else {
                high = middle;
                oldest = Some((words, header));
            }
        }
        let Some((words, header)) = best.or(oldest) else {
            let (name, folder) = (self.name.to_string(), self.folder.path().into());
            return Err(damaged.unwrap_or(LogError::NotFound { name, folder }));
        };
        let (first_at, first_seq) = (header.data_at(), header.first_seq);
        self.stand(words, header, first_at, first_seq);
        match start {
            Start::Oldest => return Ok(()),
            // It is deleted: the next read finds a higher number than expected at the segment's beginning.
            Start::Seq(seq) if seq < first_seq => {
                (self.deleted_before, self.expected) = (first_seq - seq, seq);
                return Ok(());
            }
            _ => {}
        }
        self.walk_to(goal);
        match start {
            Start::Seq(seq) if self.expected < seq => Err(LogError::NotYet { seq, next_seq: self.expected }),
            _ => Ok(()),
        }
    }

    fn open_segment(&self, number: u64) -> Result<Option<(ReaderWords, Header)>, LogError> {
        let opened = segment::open(&self.folder, &self.name, number, FileAccess::ReadOnly)?;
        opened.map(|(file, header)| Ok((segment::map_to_read(&file, &header)?, header))).transpose()
    }

    /// Walks to the goal, or to the live end.
    fn walk_to(&mut self, goal: Goal) {
        // A hint of the index that a record proves.
        let hint = segment::entries(&self.words, &self.header)
            .filter(|entry| goal.is_behind(entry.seq, entry.timestamp_ns))
            .find(|entry| self.is_true(entry));
        if let Some(Entry { at, seq, .. }) = hint {
            (self.at, self.expected) = (at, seq);
        }
        loop {
            match look(&self.words, self.at, self.header.salt) {
                Look::Message(found) if found.seq >= self.expected => {
                    if !goal.is_behind(found.seq, found.timestamp_ns) {
                        self.expected = found.seq;
                        return;
                    }
                    (self.at, self.expected) = (found.next, found.seq + 1);
                }
                Look::Nothing if segment::state(&self.words) == crate::layout::STATE_OPEN => return,
                // Through ends and damage as any read would go; what is missed on the way lies before the goal, or is passed.
                _ => {
                    let before = (self.header.number, self.at, self.expected);
                    match self.look() {
                        Ok(spot) => {
                            let Ok(record) = self.record(spot) else { return };
                            let (seq, timestamp_ns) = (record.seq(), record.timestamp_ns());
                            if !goal.is_behind(seq, timestamp_ns) {
                                (self.at, self.expected) = (spot.at, seq);
                                return;
                            }
                        }
                        Err(TryReadError::Lagged { .. } | TryReadError::Damaged { .. })
                            if before != (self.header.number, self.at, self.expected) => {}
                        Err(_) => return,
                    }
                }
            }
        }
    }

    fn is_true(&self, entry: &Entry) -> bool {
        matches!(look(&self.words, entry.at, self.header.salt), Look::Message(found) if found.seq == entry.seq)
    }

    /// The message before the place where this reader is, which is before that message then.
    ///
    /// # Errors
    ///
    /// [`TryReadError::Empty`] before the oldest message; [`TryReadError::Lagged`] or [`TryReadError::Damaged`], once, where
    /// messages are missing; [`TryReadError::Log`] when a segment cannot be opened.
    pub fn try_previous(&mut self) -> Result<Record<'_>, TryReadError> {
        let Found { at, bytes, .. } = self.look_back()?;
        self.record(Spot { at, bytes })
    }

    fn look_back(&mut self) -> Result<Found, TryReadError> {
        if self.trail_at != self.at {
            self.trail.clear(); // it led to another place, from which steps went forward
        }
        loop {
            if let Some(found) = self.trail.pop() {
                let missed = self.expected - (found.seq + 1);
                if missed > 0 {
                    self.trail.push(found);
                    self.expected = found.seq + 1;
                    self.trail_at = self.at;
                    let position = self.at as u64 * 8;
                    return Err(TryReadError::Damaged { segment: self.header.number, position, missed });
                }
                (self.at, self.expected, self.trail_at) = (found.at, found.seq, found.at);
                return Ok(found);
            }
            if self.at > self.header.data_at() && self.collect() {
                continue;
            }
            if !self.retreat()? {
                return Err(TryReadError::Empty);
            }
        }
    }

    /// Fills the trail with what lies between the index's last entry before this place and this place; false for nothing.
    fn collect(&mut self) -> bool {
        let before = segment::entries(&self.words, &self.header).filter(|entry| entry.at < self.at);
        let (mut at, mut seq) = (self.header.data_at(), self.header.first_seq);
        if let Some(entry) =
            before.filter(|entry| entry.seq < self.expected).find(|entry| self.is_true(entry))
        {
            (at, seq) = (entry.at, entry.seq);
        }
        while at < self.at {
            match look(&self.words, at, self.header.salt) {
                Look::Message(found) if found.seq >= seq && found.seq < self.expected => {
                    self.trail.push(found);
                    (at, seq) = (found.next, found.seq + 1);
                }
                // What is before a place that was read is not written any more.
                _ => match resync(&self.words[..self.at], at + 1, &self.header, seq) {
                    Some(landing) => (at, seq) = (landing.at, landing.seq),
                    None => break,
                },
            }
        }
        if self.trail.is_empty() {
            // All of it is damaged: what is missing is told by what comes before.
            self.at = self.header.data_at();
        }
        !self.trail.is_empty()
    }

    /// Goes to the end of the segment before this one; false when there is none.
    fn retreat(&mut self) -> Result<bool, TryReadError> {
        let numbers = names::segments(&self.folder, &self.name).map_err(TryReadError::Log)?;
        let before = numbers.into_iter().rev().filter(|number| *number < self.header.number);
        let mut damaged = None;
        for number in before {
            match self.open_segment(number) {
                Ok(Some((words, header))) => {
                    let (expected, end) = (self.expected, words.len());
                    self.stand(words, header, end, expected);
                    return Ok(true);
                }
                Ok(None) => {}
                Err(error) => damaged = damaged.or(Some(error)),
            }
        }
        damaged.map_or(Ok(false), |error| Err(TryReadError::Log(error)))
    }
}

/// Time of a segment's first record, if it has one.
fn first_time(words: &ReaderWords, header: &Header) -> Option<u64> {
    match look(words, header.data_at(), header.salt) {
        Look::Message(found) => Some(found.timestamp_ns),
        _ => None,
    }
}
