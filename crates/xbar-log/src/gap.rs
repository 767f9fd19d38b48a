//! What lies between a reader and its next message, when that is not simply there: ends of segments, what was deleted, damage, and
//! what a writer left that died. Each way that something is lost is told once, with how much.

use xbar_shm::FileAccess;

use crate::error::{LogError, TryReadError};
use crate::layout::STATE_CLOSED;
use crate::names;
use crate::reader::{Reader, Spot, prefault};
use crate::record::{Found, Look, look, perhaps_next};
use crate::scan::resync;
use crate::segment;

/// Empty looks in a row behind which a reader asks the system: is there another segment, does the writer live? Some
/// microseconds each.
pub(crate) const LOOKS_PER_QUESTION: u32 = 1024;

impl Reader {
    /// Whatever is not the next message.
    #[cold]
    #[inline(never)]
    pub(crate) fn look_further(&mut self) -> Result<Spot, TryReadError> {
        loop {
            match look(&self.words, self.at, self.header.salt) {
                Look::Message(found) if found.seq == self.expected => {
                    return Ok(self.pass(Spot { at: found.at, bytes: found.bytes }));
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

    /// The number of the segment that comes behind this one, if there is any.
    fn next_number(&self) -> Result<Option<u64>, TryReadError> {
        let has = |number| self.folder.has(&names::segment(&self.name, number));
        let list = || names::segments(&self.folder, &self.name).map_err(TryReadError::Log);
        first_from(self.header.number + 1, has, list)
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
}

/// The first segment from number `next` on, of those that a folder has and that its list, sorted, has.
fn first_from<E>(
    next: u64,
    has: impl Fn(u64) -> bool,
    list: impl Fn() -> Result<Vec<u64>, E>,
) -> Result<Option<u64>, E> {
    if has(next) {
        return Ok(Some(next));
    }
    let listed = || Ok(list()?.into_iter().find(|number| *number >= next));
    match listed()? {
        // What is made while a folder is listed may be in the list or not, whatever came first: two segments were made, and the list
        // has the second. Those before it were there when it was made, so another list has them, unless they are deleted.
        Some(number) if number > next => listed(),
        found => Ok(found),
    }
}

#[cfg(all(test, not(xbar_loom)))]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn a_segment_that_was_made_while_the_folder_was_listed_is_not_passed_over() {
        let first_of = |lists: [&[u64]; 2]| {
            let looks = Cell::new(0);
            let list = || Ok::<_, Infallible>(lists[looks.replace(looks.get() + 1)].to_vec());
            first_from(5, |_| false, list).unwrap()
        };
        assert_eq!(first_of([&[4, 6], &[4, 5, 6]]), Some(5), "made in between, and missed by the first list");
        assert_eq!(first_of([&[6, 7], &[6, 7]]), Some(6), "deleted");
        assert_eq!(first_of([&[5], &[]]), Some(5));
        assert_eq!(first_of([&[3, 4], &[]]), None);
    }
}
