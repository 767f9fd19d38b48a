//! Appending and looking without files: what the models run is the code that ships.

use xbar_layout::sync::{AtomicU64, Ordering, ReadU64};

use crate::record::{Found, HEAD, Kind, Look, commit, look, sum, words_of};

/// The end of a log in words of one's own.
#[derive(Debug, Default)]
pub struct Tail {
    at: usize,
    seq: u64,
}

impl Tail {
    /// Appends a message of one word, if there is room; says so.
    pub fn append(&mut self, words: &[AtomicU64], word: u64) -> bool {
        let next = self.at + words_of(8);
        let Some(record) = words.get(self.at..next) else { return false };
        let found = Found { at: self.at, next, seq: self.seq, timestamp_ns: 0, tag: 0, bytes: 8 };
        for place in &record[HEAD..] {
            // ORDERING: none; the commit word publishes it.
            place.store(word, Ordering::Relaxed);
        }
        let sum = sum(self.at, 0, found, Kind::Message, ReadU64::of_slice(&record[HEAD..]));
        commit(record, found, Kind::Message, sum);
        (self.at, self.seq) = (next, self.seq + 1);
        true
    }
}

/// The message of one word at `at`, with its number and the place of the next one; `None` when there is none yet.
///
/// # Errors
///
/// What is there is no record.
pub fn look_at(words: &[ReadU64], at: usize) -> Result<Option<(u64, u64, usize)>, &'static str> {
    match look(words, at, 0) {
        Look::Nothing => Ok(None),
        Look::Message(found) => {
            // ORDERING: none; the look has ordered it.
            let word = words.get(at + HEAD).map_or(0, ReadU64::load_relaxed);
            Ok(Some((found.seq, word, found.next)))
        }
        Look::End { .. } | Look::Damaged => Err("no record"),
    }
}
