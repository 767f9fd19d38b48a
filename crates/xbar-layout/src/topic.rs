//! The topic table: entries, and the hash index that finds them by URI.
//!
//! Topics are added under the region's lock and never removed, so a reader needs no lock: it looks an index slot
//! up (acquire), and the entry that it names is complete.

use crate::access::{Access, ReadWrite};
use crate::limits::MOST_POOLS;

/// Longest URI in bytes.
pub const MOST_URI_BYTES: usize = 255;

/// Words that hold a URI, zero-padded.
pub const URI_WORDS: usize = 32;

/// Longest name of a type in bytes.
pub const MOST_TYPE_NAME_BYTES: usize = 64;

/// Words that hold the name of a type, zero-padded.
pub const TYPE_NAME_WORDS: usize = MOST_TYPE_NAME_BYTES / 8;

/// Bytes of one entry.
pub const ENTRY_BYTES: usize = 448;

/// One topic. Everything but `wake` is written once, before the entry is registered.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct TopicEntry<A: Access = ReadWrite> {
    /// FNV-1a of the URI.
    pub hash: A::U64,
    /// Length of the URI, 1 to 255.
    pub uri_bytes: A::U32,
    /// Futex word: changes when sleepers are to look again. Written by publishers.
    pub wake: A::U32,
    /// [`crate::TopicShape::kind`].
    pub kind: A::U32,
    /// The pool that its blocks come from, + 1; 0 = none.
    pub pool: A::U32,
    /// The first line of its ring: the ring's header.
    pub ring_line: A::U32,
    /// Slots of its ring; of a byte ring, lines.
    pub ring_slots: A::U32,
    /// Size of its type in bytes; 0 = bytes of any kind.
    pub type_size: A::U32,
    /// Alignment of its type in bytes.
    pub type_align: A::U32,
    /// Length of its type's name; 0 = none was given.
    pub type_name_bytes: A::U32,
    /// Zero.
    pub reserved: [A::U32; 5],
    /// Ring slots of each pool that this topic and all before it may fill.
    pub promised: [A::U32; MOST_POOLS],
    /// Zero.
    pub padding: [A::U32; 8],
    /// The URI, zero-padded, eight bytes a word in memory order.
    pub uri: [A::U64; URI_WORDS],
    /// The name of its type, likewise.
    pub type_name: [A::U64; TYPE_NAME_WORDS],
}

/// FNV-1a, 64 bits: short names, no state, the same in every language.
pub const fn hash_uri(uri: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut i = 0;
    while i < uri.len() {
        hash = (hash ^ uri[i] as u64).wrapping_mul(0x0100_0000_01b3);
        i += 1;
    }
    hash
}

/// `text` as the words of an entry, zero-padded.
///
/// # Panics
///
/// When `text` is longer than `WORDS` words.
pub fn text_words<const WORDS: usize>(text: &[u8]) -> [u64; WORDS] {
    assert!(text.len() <= WORDS * 8, "a name here has at most {} bytes, not {}", WORDS * 8, text.len());
    let mut words = [0; WORDS];
    for (word, bytes) in words.iter_mut().zip(text.chunks(8)) {
        let mut eight = [0; 8];
        eight[..bytes.len()].copy_from_slice(bytes);
        *word = u64::from_ne_bytes(eight);
    }
    words
}
