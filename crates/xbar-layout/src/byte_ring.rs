//! A byte ring: messages of any length, one behind the other, behind four lines that say how far it is written.
//!
//! ```text
//! line 0      claimed     in bytes: the end of what the writer may have overwritten, always a section's
//! line 1      committed   in bytes: the end of what was sent
//! lines 2, 3  notes       for each section, an eighth of the ring: the position of its first frame (| 1), that message's number
//! ring        frames      a head, then the message, up to the next word
//! ```
//!
//! Positions count bytes from the beginning of the stream. A head is one word: the message's length in its low half, what the
//! frame is in the next 16 bits, and what its writer calls it in the last 16. What is stored in which order, and why a reader
//! needs nothing but loads, is told by xbar-ring, in `bytes.rs`.

/// The word behind which the ring begins.
pub const RING: usize = 32;

/// The word that says what is claimed.
pub const CLAIMED: usize = 0;

/// The word that says what was sent.
pub const COMMITTED: usize = 8;

/// The first note.
pub const NOTES: usize = 16;

/// Words of a note: position, number.
pub const NOTE_WORDS: usize = 2;

/// Sections, each with a note.
pub const SECTIONS: usize = 8;

/// Lines of the largest ring: 8 GiB, because lengths are 32 bits. The smallest has one.
pub const MOST_LINES: u32 = 1 << 27;

/// In a head: a message follows.
pub const MESSAGE: u64 = 1 << 32;

/// In a head: nothing up to the ring's end, the next frame is at its beginning.
pub const PADDING: u64 = 2 << 32;

/// In a head: the writer ended the stream here.
pub const END: u64 = 4 << 32;
