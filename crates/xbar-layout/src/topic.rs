//! The topic table: entries, and the hash index that finds them by URI.
//!
//! Topics are added under the region's lock and never removed, so a reader needs no lock: it looks an index slot
//! up (acquire), and the entry that it names is complete.

use crate::access::{Access, ReadWrite};

/// Longest URI in bytes.
pub const MOST_URI_BYTES: usize = 255;

/// Words that hold a URI, zero-padded.
pub const URI_WORDS: usize = 32;

/// Bytes of one entry.
pub const ENTRY_BYTES: usize = 320;

/// One topic.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct TopicEntry<A: Access = ReadWrite> {
    /// FNV-1a of the URI; written once.
    pub hash: A::U64,
    /// Length of the URI, 1 to 255; written once.
    pub uri_bytes: A::U32,
    /// Publisher seat + 1, or 0 while nobody publishes. Claimed by the registering publisher, cleared by it or by
    /// whoever sweeps it after its death.
    pub owner: A::U32,
    /// Futex word: changes when sleepers are to look again. Written by the publisher.
    pub wake: A::U32,
    /// Zero.
    pub reserved: [A::U32; 11],
    /// The URI, zero-padded, eight bytes a word in memory order; written once.
    pub uri: [A::U64; URI_WORDS],
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

/// `uri` as the words of an entry.
///
/// # Panics
///
/// When `uri` is longer than [`MOST_URI_BYTES`].
pub fn uri_words(uri: &[u8]) -> [u64; URI_WORDS] {
    assert!(uri.len() <= MOST_URI_BYTES, "a URI has at most {MOST_URI_BYTES} bytes, not {}", uri.len());
    let mut words = [0; URI_WORDS];
    for (word, bytes) in words.iter_mut().zip(uri.chunks(8)) {
        let mut eight = [0; 8];
        eight[..bytes.len()].copy_from_slice(bytes);
        *word = u64::from_ne_bytes(eight);
    }
    words
}
