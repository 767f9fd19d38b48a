//! A topic's ring: a header line, then slots of one line each.
//!
//! ```text
//! word             0      1           2           3 .. 7
//! one publisher    stamp  descriptor  48 bytes of inline payload, or (a block's message) its publish time
//! many publishers  stamp  bypass      descriptor  40 bytes of inline payload, or likewise
//! ```
//!
//! What stamps mean is told by xbar-ring, in `broadcast.rs` and `mpmc.rs`. At 1e9 messages/s they wrap after 146 years.

/// 64-bit words of a slot: one cache line.
pub const SLOT_WORDS: usize = 8;
/// Bytes of a slot.
pub const SLOT_BYTES: usize = SLOT_WORDS * 8;
/// 64-bit words of the ring's header line.
pub const HEADER_WORDS: usize = 8;

/// The header's word for messages published, or (many publishers) a hint at that.
pub const HEAD: usize = 0;

/// The header's word for how far publishers of a lossless topic have announced to write.
pub const ANNOUNCED: usize = 1;

/// Words of a message behind stamp and bypass, for one publisher.
pub const MESSAGE_WORDS: usize = SLOT_WORDS - 1;

/// Place of the descriptor among a message's words.
pub const DESCRIPTOR: usize = 0;

/// First word of inline payload among a message's words.
pub const INLINE: usize = 1;

/// Words of inline payload, for one publisher; one less for many.
pub const INLINE_WORDS: usize = MESSAGE_WORDS - INLINE;

/// Bytes of inline payload: the largest message that rides in the slot itself. Eight less where there are many
/// publishers.
pub const INLINE_BYTES: usize = INLINE_WORDS * 8;

/// Place of the publish time of a block's message among its words.
pub const BLOCK_TIME: usize = 1;
