//! A record: four words and a payload, there for readers as soon as its first word is not zero.
//!
//! ```text
//! word 0   payload bytes: 32 | kind: 8 | zero: 8 | tag: 16      the commit word, stored last
//! word 1   sequence number
//! word 2   time, ns since 1970
//! word 3   checksum: 32 | zero: 32
//! word 4.. payload, filled up with zeroes to a whole word
//! ```
//!
//! Invariant 1: all words behind the last record of a segment that is written to are zero; so the next commit word is.
//! Invariant 2: the words of a record are not stored to any more once its commit word is not zero.
//!
//! A race of the writer's commit with a reader's look:
//!
//! 1. The look finds zero: nothing is there. No other word of the record was read.
//! 2. It finds the commit word: the writer's release store came before, and the other words before that (`log-commit`).
//!    By invariant 2 they stay as they are for ever.

use xbar_layout::sync::{AtomicU64, Ordering, ReadU64};

use crate::checksum::{Payload, checksum};

/// Words of a record before its payload.
pub(crate) const HEAD: usize = 4;
/// Bytes of a record before its payload.
pub const HEAD_BYTES: u64 = 8 * HEAD as u64;

/// Highest number of a message. Whoever counts on from one that is not above it never wraps.
const MOST_SEQ: u64 = u64::MAX / 2;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A message.
    Message = 1,
    /// Nothing follows in this segment. Without payload; its number is the next message's.
    End = 2,
}

/// Everything of a record that is no payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where it begins, in words of the file.
    pub at: usize,
    /// Where the next one begins.
    pub next: usize,
    /// Its number.
    pub seq: u64,
    /// Its time, ns since 1970.
    pub timestamp_ns: u64,
    /// The user's tag.
    pub tag: u16,
    /// Bytes of its payload.
    pub bytes: usize,
}

/// What is at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Nothing yet, or the end of the file.
    Nothing,
    /// A message.
    Message(Found),
    /// The end of the segment, in front of message `seq`.
    End {
        /// The next message's number.
        seq: u64,
    },
    /// Something that no writer wrote.
    Damaged,
}

/// Words that a record with so many bytes of payload takes.
#[inline(always)]
pub(crate) const fn words_of(payload_bytes: usize) -> usize {
    HEAD + payload_bytes.div_ceil(8)
}

const fn commit_word(kind: Kind, tag: u16, bytes: u32) -> u64 {
    bytes as u64 | (kind as u64) << 32 | (tag as u64) << 48
}

/// The beginning of the checksum of what lies at `at`.
#[inline(always)]
const fn seed(salt: u32, at: usize) -> u32 {
    salt ^ at as u32 // all bits that a place can differ in are told apart by the segment's size, below 2^32 words
}

/// The checksum of a record whose payload is known already.
#[inline(always)]
pub(crate) fn sum(at: usize, salt: u32, found: Found, kind: Kind, payload: impl Payload) -> u32 {
    let first = commit_word(kind, found.tag, found.bytes as u32); // room was found for it, which is less
    checksum(seed(salt, at), [first, found.seq], payload, found.timestamp_ns)
}

/// Makes a record of a head of zeroes, behind which its payload is already.
///
/// All stores to a short record follow one another, with nothing to wait for in between: a reader that looks at its first word
/// all the time would take the line away in the midst of them, and get it a second time.
#[inline(always)]
pub(crate) fn commit(head: &[AtomicU64; HEAD], found: Found, kind: Kind, sum: u32) {
    let [word, number, time, checksum] = head;
    // ORDERING: none; the commit word below publishes them.
    number.store(found.seq, Ordering::Relaxed);
    // ORDERING: none; as above.
    time.store(found.timestamp_ns, Ordering::Relaxed);
    // ORDERING: none; as above.
    checksum.store(u64::from(sum), Ordering::Relaxed);
    // ORDERING: log-commit: release, so that whoever finds it finds the record; pairs with `look`.
    word.store(commit_word(kind, found.tag, found.bytes as u32), Ordering::Release);
}

/// What lies at `at`; `words` are those of the whole file, however long it is.
#[inline(always)]
pub(crate) fn look(words: &[ReadU64], at: usize, salt: u32) -> Look {
    let Some([word, number, time, sum, behind @ ..]) = words.get(at..) else { return Look::Nothing };
    // ORDERING: log-commit: acquire, so that all other words are those of this record; pairs with `commit`.
    let first = word.load_acquire();
    if first == 0 {
        return Look::Nothing;
    }
    let bytes = first as u32 as usize; // the lower half
    // Bounded by what is mapped, whatever the word says.
    let Some(payload) = behind.get(..bytes.div_ceil(8)) else { return Look::Damaged };
    let (seq, timestamp_ns) = (number.load_relaxed(), time.load_relaxed());
    let expected = checksum(seed(salt, at), [first, seq], payload, timestamp_ns);
    // Also under a right checksum, which anybody can compute.
    if sum.load_relaxed() != u64::from(expected) || seq > MOST_SEQ {
        return Look::Damaged;
    }
    let tag = tag_of(first);
    if first == commit_word(Kind::Message, tag, bytes as u32) {
        return Look::Message(Found { at, next: at + words_of(bytes), seq, timestamp_ns, tag, bytes });
    }
    if first == commit_word(Kind::End, 0, 0) { Look::End { seq } } else { Look::Damaged }
}

/// Bytes of message `seq`, if that is what lies at `at`, whole: the straight way of [`look`], for whoever knows what should come.
#[inline(always)]
pub(crate) fn message(words: &[ReadU64], at: usize, salt: u32, seq: u64) -> Option<usize> {
    let [word, number, time, sum, behind @ ..] = words.get(at..)? else { return None };
    // ORDERING: log-commit: acquire, so that the bytes may be read by plain loads; pairs with `commit`.
    let first = word.load_acquire();
    let bytes = first as u32; // the lower half
    if first != commit_word(Kind::Message, tag_of(first), bytes) {
        return None;
    }
    let payload = behind.get(..(bytes as usize).div_ceil(8))?;
    let expected = checksum(seed(salt, at), [first, number.load_relaxed()], payload, time.load_relaxed());
    let is_whole =
        sum.load_relaxed() == u64::from(expected) && number.load_relaxed() == seq && seq <= MOST_SEQ;
    is_whole.then_some(bytes as usize)
}

/// The user's tag of a commit word: the topmost bits.
#[inline(always)]
pub(crate) const fn tag_of(first: u64) -> u16 {
    (first >> 48) as u16
}

/// Where the record behind a damaged one at `at` begins, if its length was not damaged.
pub(crate) fn perhaps_next(words: &[ReadU64], at: usize) -> Option<usize> {
    let first = words.get(at)?.load_relaxed();
    let next = at + words_of(first as u32 as usize);
    (first != 0 && next < words.len()).then_some(next)
}

#[cfg(all(test, not(xbar_loom)))]
mod tests {
    use super::*;
    use xbar_ring::copy::store_bytes;

    fn file(words: usize) -> Vec<AtomicU64> {
        (0..words).map(|_| AtomicU64::new(0)).collect()
    }

    fn write(file: &[AtomicU64], at: usize, seq: u64, payload: &[u8]) -> usize {
        let next = at + words_of(payload.len());
        store_bytes(&file[at + HEAD..next], payload);
        let found = Found { at, next, seq, timestamp_ns: 5, tag: 9, bytes: payload.len() };
        let sum = sum(at, 77, found, Kind::Message, ReadU64::of_slice(&file[at + HEAD..next]));
        commit(file[at..].first_chunk().unwrap(), found, Kind::Message, sum);
        next
    }

    #[test]
    fn what_is_committed_is_found_with_all_that_belongs_to_it() {
        for bytes in [0, 1, 7, 8, 9, 64, 65, 127, 128, 1000] {
            let file = file(200);
            let next = write(&file, 3, 12, &vec![0xa5; bytes]);
            let words = ReadU64::of_slice(&file);
            let found = Found { at: 3, next, seq: 12, timestamp_ns: 5, tag: 9, bytes };
            assert_eq!(look(words, 3, 77), Look::Message(found));
            assert_eq!(look(words, next, 77), Look::Nothing);
            assert_eq!(look(words, 3, 78), Look::Damaged, "of another segment");
            assert_eq!(perhaps_next(words, 3), Some(next));
        }
    }

    #[test]
    fn a_record_elsewhere_is_no_record() {
        let (from, to) = (file(50), file(50));
        write(&from, 3, 12, b"abc");
        for index in 3..10 {
            to[index + 4].store(ReadU64::of(&from[index]).load_relaxed(), Ordering::Relaxed);
        }
        assert_eq!(look(ReadU64::of_slice(&to), 7, 77), Look::Damaged);
    }

    #[test]
    fn numbers_that_could_wrap_are_damage_under_any_checksum() {
        let file = file(20);
        write(&file, 0, MOST_SEQ, b"");
        assert!(matches!(look(ReadU64::of_slice(&file), 0, 77), Look::Message(_)));
        for seq in [MOST_SEQ + 1, u64::MAX] {
            write(&file, 0, seq, b"");
            assert_eq!(look(ReadU64::of_slice(&file), 0, 77), Look::Damaged);
        }
    }

    #[test]
    fn any_word_at_any_place_is_bounded() {
        let file = file(8);
        for first in [1, u64::MAX, u64::from(u32::MAX), 1 << 32, 8 | 1 << 32, 9 | 1 << 32, 32 | 1 << 32] {
            for at in 0..10 {
                if let Some(word) = file.get(at) {
                    word.store(first, Ordering::Relaxed);
                }
                let found = look(ReadU64::of_slice(&file), at, 77);
                assert!(matches!(found, Look::Nothing | Look::Damaged), "{first:x} at {at}: {found:?}");
                assert!(perhaps_next(ReadU64::of_slice(&file), at).is_none_or(|next| next < 8));
            }
        }
    }
}
