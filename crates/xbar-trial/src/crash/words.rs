//! Messages that say whose they are, which, and in every further byte the same again: one that is torn shows.

use std::fmt;

use super::fault::{Checked, ensure};

/// Rides in a slot, whatever the kind of topic.
pub const SMALL: usize = 40;

/// Takes a block.
pub const LARGE: usize = 1000;

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Words {
    /// Whose it is: a number that no other process of the campaign has.
    pub source: u64,
    /// Which of the source's.
    pub number: u64,
}

/// Bytes in front of the pattern.
const HEAD: usize = 16;

impl Words {
    /// The message as `length` bytes, at least 16.
    pub fn bytes(self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.write(&mut bytes);
        bytes
    }

    /// Writes the message into all of `bytes`, at least 16.
    pub fn write(self, bytes: &mut [u8]) {
        bytes[..8].copy_from_slice(&self.source.to_ne_bytes());
        bytes[8..HEAD].copy_from_slice(&self.number.to_ne_bytes());
        for (place, byte) in bytes[HEAD..].iter_mut().enumerate() {
            *byte = self.pattern(place);
        }
    }

    /// Reads a message, whole or not at all.
    pub fn read(bytes: &[u8]) -> Checked<Self> {
        ensure(bytes.len() >= HEAD, || format!("a message of {} bytes that nobody sent", bytes.len()))?;
        let (head, rest) = bytes.split_at(HEAD);
        let word =
            |at: usize| head[at..at + 8].iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
        let words = Self { source: word(0), number: word(8) };
        let torn = rest.iter().enumerate().find(|&(place, &byte)| byte != words.pattern(place));
        match torn {
            Some((place, _)) => Err(format!("torn message {words}: byte {place} of {}", rest.len())),
            None => Ok(words),
        }
    }

    fn pattern(self, place: usize) -> u8 {
        let mixed = (self.source ^ self.number << 32 ^ place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 56) as u8
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.number, self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_message_is_noticed_whatever_byte_is_wrong() {
        let words = Words { source: 7, number: 3 };
        let whole = words.bytes(64);
        assert_eq!(Words::read(&whole), Ok(words));
        for place in 0..64 {
            let mut torn = whole.clone();
            torn[place] ^= 1;
            assert_ne!(Words::read(&torn), Ok(words), "byte {place}");
        }
        assert!(Words::read(&[0; 3]).is_err());
    }
}
