//! A topic's ring: a header line, then slots of one line each.
//!
//! ```text
//! word      0      1           2 .. 7
//! slot      stamp  descriptor  48 bytes of inline payload, or (a block's message) its publish time
//! ```
//!
//! Stamp of sequence number n: `2n + 1` = being written, `2n + 2` = holds n, 0 = never written. At 1e9 messages/s
//! it wraps after 292 years.

/// 64-bit words of a slot: one cache line.
pub const SLOT_WORDS: usize = 8;
/// Bytes of a slot.
pub const SLOT_BYTES: usize = SLOT_WORDS * 8;
/// 64-bit words of the ring's header: `head`, the rest zero.
pub const HEADER_WORDS: usize = 8;

/// Words of a message behind the stamp.
pub const MESSAGE_WORDS: usize = SLOT_WORDS - 1;
/// Place of the descriptor among a message's words.
pub const DESCRIPTOR: usize = 0;
/// First word of inline payload among a message's words.
pub const INLINE: usize = 1;
/// Words of inline payload.
pub const INLINE_WORDS: usize = MESSAGE_WORDS - INLINE;
/// Bytes of inline payload: the largest message that rides in the slot itself.
pub const INLINE_BYTES: usize = INLINE_WORDS * 8;
/// Place of the publish time of a block's message among its words.
pub const BLOCK_TIME: usize = 1;
