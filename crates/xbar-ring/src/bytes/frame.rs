//! The first word of a frame: what follows it.

/// Bytes of a word, and of a frame's head.
pub(crate) const WORD: u64 = 8;

/// What is at the place where a frame begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    /// Nothing yet.
    Mark,
    /// Nothing, and nothing to come: the writer ended the stream.
    End,
    /// Nothing up to the ring's end: the next frame begins at the ring's beginning.
    Padding,
    /// A message.
    Message {
        /// How long it is.
        bytes: u32,
        /// What its writer calls it.
        kind: u16,
    },
    /// No frame begins here: the word is of another lap, or damaged.
    Other,
}

const MESSAGE: u64 = 1 << 32;
const PADDING: u64 = 2 << 32;
const END: u64 = 4 << 32;
const FLAGS: u64 = 0xffff << 32;

impl Head {
    /// What a word says.
    #[inline(always)]
    pub(crate) const fn of(word: u64) -> Self {
        match word & FLAGS {
            MESSAGE => Self::Message { bytes: word as u32, kind: (word >> 48) as u16 },
            0 if word == 0 => Self::Mark,
            PADDING => Self::Padding,
            END => Self::End,
            _ => Self::Other,
        }
    }

    /// Length and kind, if a word is a message's: the first thing to ask.
    #[inline(always)]
    pub(crate) const fn message(word: u64) -> Option<(u32, u16)> {
        if (word >> 32) as u16 == 1 { Some((word as u32, (word >> 48) as u16)) } else { None }
    }

    /// The word that says it.
    #[inline(always)]
    pub(crate) const fn word(self) -> u64 {
        match self {
            Self::Message { bytes, kind } => MESSAGE | bytes as u64 | (kind as u64) << 48,
            Self::Mark => 0,
            Self::Padding => PADDING,
            Self::End => END,
            Self::Other => FLAGS,
        }
    }
}

/// Bytes of the frame of a message of `bytes`: head and whole words.
#[inline(always)]
pub(crate) const fn frame_bytes(bytes: u64) -> u64 {
    // Shorter for a processor than `next_multiple_of`.
    WORD + ((bytes + (WORD - 1)) & !(WORD - 1))
}

#[cfg(all(test, not(xbar_loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_head_is_told_from_every_other() {
        let messages = [(0, 0), (1, 0), (u32::MAX, 0), (7, u16::MAX)];
        let messages = messages.map(|(bytes, kind)| Head::Message { bytes, kind });
        for head in messages.into_iter().chain([Head::Mark, Head::End, Head::Padding, Head::Other]) {
            assert_eq!(Head::of(head.word()), head);
        }
        assert_eq!(Head::of(5), Head::Other, "a length without a flag");
        assert_eq!(Head::Mark.word(), 0, "new memory is marked");
    }

    #[test]
    fn frames_are_whole_words() {
        assert_eq!([0, 1, 8, 9].map(frame_bytes), [8, 16, 16, 24]);
        assert_eq!(frame_bytes(u32::MAX.into()), 8 + (1 << 32));
    }
}
