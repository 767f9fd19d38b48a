//! The 8-byte word that names a message's payload.

use crate::ring::INLINE_BYTES;

/// Largest publish time that an inline descriptor can carry: 4.5 years after the region was created, in ns.
const MOST_INLINE_TIME: u64 = (1 << 57) - 1;

const INLINE_FLAG: u64 = 1 << 63;

/// A descriptor as it stands in a slot; any bit pattern may be read.
///
/// ```text
/// inline   1:1 | publish time:57 (ns since the region was created, 0 = none) | length:6
/// block    0:1 | index + 1:31 | length:32          the publish time is in the slot's next word
/// none     0
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Descriptor(pub u64);

/// What a descriptor says, after its lengths were checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// The payload is in the slot.
    Inline {
        /// Bytes, at most [`INLINE_BYTES`].
        length: usize,
        /// Publish time in ns since the region was created; 0 when the region keeps none.
        time: u64,
    },
    /// The payload is in a block.
    Block {
        /// Which block, below the pool's size.
        index: u32,
        /// Bytes, at most the pool's block size.
        length: usize,
    },
}

impl Descriptor {
    /// Names nothing: what a slot holds before its first message.
    pub const NONE: Self = Self(0);

    /// Names `length` bytes in the slot itself.
    #[inline]
    pub const fn inline(length: usize, time: u64) -> Self {
        debug_assert!(length <= INLINE_BYTES);
        let time = if time > MOST_INLINE_TIME { MOST_INLINE_TIME } else { time };
        Self(INLINE_FLAG | time << 6 | (length as u64 & 0x3f))
    }

    /// Names `length` bytes of block `index`.
    #[inline]
    pub const fn block(index: u32, length: u32) -> Self {
        debug_assert!(index < (1 << 31) - 1);
        Self((index as u64 + 1) << 32 | length as u64)
    }

    /// The block that is named, whatever the length says; `None` for inline, nothing, or an index outside a pool of
    /// `blocks`.
    #[inline]
    pub const fn named_block(self, blocks: u32) -> Option<u32> {
        if self.is_inline() {
            return None;
        }
        let index = ((self.0 >> 32) as u32).wrapping_sub(1);
        if index < blocks { Some(index) } else { None }
    }

    /// True when the payload is in the slot.
    #[inline(always)]
    pub const fn is_inline(self) -> bool {
        self.0 & INLINE_FLAG != 0
    }

    /// The publish time that an inline descriptor carries.
    #[inline(always)]
    pub const fn inline_time(self) -> u64 {
        (self.0 & !INLINE_FLAG) >> 6
    }

    /// What this says in a slot with room for `inline_bytes`, in a pool of `blocks` blocks of `block_bytes`; `None` when it
    /// cannot be true there.
    #[inline]
    pub const fn check(self, inline_bytes: usize, blocks: u32, block_bytes: u32) -> Option<Message> {
        if self.is_inline() {
            let length = (self.0 & 0x3f) as usize;
            if length > inline_bytes {
                return None;
            }
            return Some(Message::Inline { length, time: self.inline_time() });
        }
        let length = self.0 as u32;
        match self.named_block(blocks) {
            Some(index) if length <= block_bytes => Some(Message::Block { index, length: length as usize }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn says_what_it_was_made_of() {
        let inline = Descriptor::inline(48, 123_456_789);
        assert_eq!(inline.check(INLINE_BYTES, 1, 1), Some(Message::Inline { length: 48, time: 123_456_789 }));
        assert_eq!(inline.named_block(10), None);
        let block = Descriptor::block(9, 4096);
        assert_eq!(block.check(INLINE_BYTES, 10, 4096), Some(Message::Block { index: 9, length: 4096 }));
        assert_eq!(Descriptor::NONE.check(INLINE_BYTES, 10, 4096), None);
        assert_eq!(Descriptor::NONE.named_block(10), None);
    }

    #[test]
    fn a_late_publish_time_stops_at_the_largest() {
        let late = Descriptor::inline(1, u64::MAX);
        assert_eq!(
            late.check(INLINE_BYTES, 1, 1),
            Some(Message::Inline { length: 1, time: MOST_INLINE_TIME })
        );
    }

    proptest! {
        #[test]
        fn no_bit_pattern_names_what_is_not_there(word: u64, inline_bytes in 0..=INLINE_BYTES, blocks in 1..5_000_u32, block_bytes in 1..5_000_u32) {
            match Descriptor(word).check(inline_bytes, blocks, block_bytes) {
                Some(Message::Inline { length, .. }) => prop_assert!(length <= inline_bytes),
                Some(Message::Block { index, length }) => {
                    prop_assert!(index < blocks && length <= block_bytes as usize);
                }
                None => {}
            }
        }
    }
}
