//! Walking over records, and finding the next one behind damage.

use xbar_layout::sync::ReadU64;

use crate::layout::Header;
use crate::record::{Found, HEAD, Look, look};

/// The first record behind damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Landing {
    /// Where it begins.
    pub at: usize,
    /// Its number; of an end, the next message's.
    pub seq: u64,
}

/// How many times a segment's words may be summed in one search: a file full of lengths that are all possible would be summed
/// once for every word.
const MOST_SUMMED: usize = 8;

/// The first record from `from` on whose checksum holds and whose number can come when `expected` does. For words that nobody
/// writes any more.
pub(crate) fn resync(words: &[ReadU64], from: usize, header: &Header, expected: u64) -> Option<Landing> {
    let mut left = words.len().saturating_mul(MOST_SUMMED);
    for at in from..words.len().saturating_sub(HEAD - 1) {
        let first = words[at].load_relaxed();
        // Kind and the zero beside it, before anything is summed.
        if !matches!(first >> 32 & 0xffff, 1 | 2) {
            continue;
        }
        left = left.checked_sub(HEAD + (first as u32 as usize).min(words.len()).div_ceil(8))?;
        let seq = match look(words, at, header.salt) {
            Look::Message(Found { seq, .. }) | Look::End { seq } => seq,
            Look::Nothing | Look::Damaged => continue,
        };
        // Not one that was overtaken, nor one that so few words cannot lead to.
        if (expected..=expected.saturating_add(words.len() as u64)).contains(&seq) {
            return Some(Landing { at, seq });
        }
    }
    None
}

/// What a walk over a segment that nobody writes found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Walk {
    /// Where the next record belongs: behind the last one.
    pub at: usize,
    /// The next message's number.
    pub next_seq: u64,
    /// Time of the last message.
    pub timestamp_ns: u64,
    /// Messages.
    pub records: u64,
    /// Messages that are missing among them.
    pub lost: u64,
    /// Places of damage.
    pub damages: u64,
    /// Bytes behind the last record that are not zero: of a record that was not finished, or not a record any more.
    pub dropped_bytes: u64,
    /// Whether the segment has its end.
    pub ended: bool,
}

/// Walks over all records from the first.
pub(crate) fn walk(words: &[ReadU64], header: &Header) -> Walk {
    let mut walk = Walk { at: header.data_at(), next_seq: header.first_seq, ..Walk::default() };
    loop {
        match look(words, walk.at, header.salt) {
            Look::Message(found) if found.seq == walk.next_seq => {
                walk.records += 1;
                walk.next_seq += 1;
                walk.timestamp_ns = found.timestamp_ns;
                walk.at = found.next;
            }
            Look::End { seq } if seq == walk.next_seq => {
                walk.ended = true;
                return walk;
            }
            _ => {
                let Some(landing) = resync(words, walk.at, header, walk.next_seq) else { break };
                walk.damages += 1;
                walk.lost += landing.seq - walk.next_seq;
                (walk.at, walk.next_seq) = (landing.at, landing.seq);
            }
        }
    }
    let behind = words.get(walk.at..).unwrap_or_default();
    let used = behind.iter().rposition(|word| word.load_relaxed() != 0).map_or(0, |last| last + 1);
    walk.dropped_bytes = 8 * used as u64;
    walk
}
