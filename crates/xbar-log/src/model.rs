//! Appending and looking without files: what the models run is the code that ships.

use xbar_layout::sync::{AtomicU64, Ordering, ReadU64};

use crate::record::{Found, HEAD, Kind, Look, commit, look, message, sum, words_of};

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
        let Some((head, payload)) = words.get(self.at..next).and_then(|words| words.split_first_chunk())
        else {
            return false;
        };
        let found = Found { at: self.at, next, seq: self.seq, timestamp_ns: 0, tag: 0, bytes: 8 };
        for place in payload {
            // ORDERING: none; the commit word publishes it.
            place.store(word, Ordering::Relaxed);
        }
        let sum = sum(self.at, 0, found, Kind::Message, ReadU64::of_slice(payload));
        commit(head, found, Kind::Message, sum);
        (self.at, self.seq) = (next, self.seq + 1);
        true
    }
}

/// Message `seq`, of one word, at `at`, and the place of the next one; `None` when there is none yet. Looked for as a reader does:
/// the straight way, and then any other.
///
/// # Errors
///
/// What is there is no record, or another one.
pub fn look_at(words: &[ReadU64], at: usize, seq: u64) -> Result<Option<(u64, usize)>, &'static str> {
    let found = match message(words, at, 0, seq) {
        Some(bytes) => Some(at + words_of(bytes)),
        None => match look(words, at, 0) {
            Look::Nothing => None,
            Look::Message(found) if found.seq == seq => Some(found.next),
            Look::Message(_) | Look::End { .. } | Look::Damaged => return Err("no such record"),
        },
    };
    // ORDERING: none; the look has ordered it.
    Ok(found.map(|next| (words.get(at + HEAD).map_or(0, ReadU64::load_relaxed), next)))
}
