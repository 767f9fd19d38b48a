//! A message that proves itself: who sent it, its number, and bytes that follow from both and from its length.

/// Bytes in front of the pattern: sender, number, check.
pub const HEAD: usize = 24;

/// Who sent a message, and its number among this sender's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub sender: u64,
    pub number: u64,
}

fn check(mark: Mark, length: usize) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for word in [mark.sender, mark.number, length as u64] {
        hash = (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
    }
    hash
}

/// Writes the message of `mark` over all of `bytes`, at least [`HEAD`].
pub fn write(mark: Mark, bytes: &mut [u8]) {
    let check = check(mark, bytes.len());
    bytes[..8].copy_from_slice(&mark.sender.to_le_bytes());
    bytes[8..16].copy_from_slice(&mark.number.to_le_bytes());
    bytes[16..HEAD].copy_from_slice(&check.to_le_bytes());
    for (place, byte) in bytes[HEAD..].iter_mut().enumerate() {
        *byte = pattern(check, place);
    }
}

/// Reads a message; `None` when a byte is not as it was written.
pub fn read(bytes: &[u8]) -> Option<Mark> {
    let word = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let mark = Mark { sender: word(0)?, number: word(8)? };
    let expected = check(mark, bytes.len());
    let whole = bytes.get(HEAD..)?.iter().enumerate().all(|(place, &byte)| byte == pattern(expected, place));
    (word(16)? == expected && whole).then_some(mark)
}

const fn pattern(check: u64, place: usize) -> u8 {
    (check >> (8 * (place % 8))) as u8 ^ (place / 8) as u8
}

/// The value of `mark` on a bus.
pub fn value(mark: Mark) -> [u64; 6] {
    let check = check(mark, 48);
    [mark.sender, mark.number, check, !check, check.rotate_left(7), check.rotate_left(31)]
}

/// What [`value`] was made of; `None` when it is torn.
pub fn of_value(value_: &[u64; 6]) -> Option<Mark> {
    let mark = Mark { sender: value_[0], number: value_[1] };
    (value(mark) == *value_).then_some(mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_changed_byte_is_noticed() {
        let mark = Mark { sender: 7, number: 9 };
        for length in [HEAD, 48, 100] {
            let mut bytes = vec![0; length];
            write(mark, &mut bytes);
            assert_eq!(read(&bytes), Some(mark));
            for place in 0..length {
                bytes[place] ^= 4;
                assert_eq!(read(&bytes), None, "byte {place} of {length}");
                bytes[place] ^= 4;
            }
            assert_eq!(read(&bytes[..length - 1]), None);
        }
        let mut words = value(mark);
        assert_eq!(of_value(&words), Some(mark));
        words[5] ^= 1;
        assert_eq!(of_value(&words), None);
    }
}
