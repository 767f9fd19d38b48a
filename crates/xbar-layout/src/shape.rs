//! What a topic is: how its messages are delivered, who publishes, what they consist of.

use core::fmt;

use crate::byte_ring;
use crate::pad::LINE_BYTES;
use crate::topic::{MOST_TYPE_NAME_BYTES, TYPE_NAME_WORDS, text_words};

/// Slots that a topic's ring has at most; at least it has 2. A byte ring has [`byte_ring::MOST_LINES`].
pub const MOST_SLOTS: u32 = 1 << 20;

/// What happens when a reader is slower than the publishers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Delivery {
    /// Publishers overwrite the oldest message; the reader learns how many it missed.
    Lossy = 0,
    /// Publishers wait for the slowest reader.
    Lossless = 1,
    /// There is only the latest message, to be read any number of times.
    Pinned = 2,
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lossy => "lossy",
            Self::Lossless => "lossless",
            Self::Pinned => "pinned",
        })
    }
}

/// The one type that all messages of a topic have.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ValueType {
    /// Size in bytes, at least 1.
    pub size: u32,
    /// Alignment in bytes.
    pub align: u32,
    pub(crate) name: [u64; TYPE_NAME_WORDS],
    pub(crate) name_bytes: u32,
}

impl ValueType {
    /// The type `T`, under no name; `None` when it has no size or more than 2^30 bytes, or more than a line's alignment.
    pub fn of<T>() -> Option<Self> {
        let size = u32::try_from(size_of::<T>()).ok()?;
        let align = align_of::<T>();
        let fits = size > 0 && size <= 1 << 30 && align <= LINE_BYTES;
        // At most a line.
        fits.then_some(Self { size, align: align as u32, name: [0; TYPE_NAME_WORDS], name_bytes: 0 })
    }

    /// A type of other languages: of `size` bytes, 1 to 2^30, aligned to `align`, a power of two up to a line. `None` when no type is
    /// like that: its size is no multiple of its alignment, say.
    ///
    /// ```
    /// use xbar_layout::ValueType;
    ///
    /// assert_eq!(ValueType::new(16, 8), ValueType::of::<[f64; 2]>());
    /// assert_eq!(ValueType::new(12, 8), None);
    /// ```
    pub fn new(size: u32, align: u32) -> Option<Self> {
        let fits = (1..=1 << 30).contains(&size) && align.is_power_of_two() && align <= LINE_BYTES as u32;
        let is_type = fits && size % align == 0;
        is_type.then_some(Self { size, align, name: [0; TYPE_NAME_WORDS], name_bytes: 0 })
    }

    /// The same under a name, of which the first 64 bytes count.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        let mut end = name.len().min(MOST_TYPE_NAME_BYTES);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        Self { name: text_words(&name.as_bytes()[..end]), name_bytes: end as u32, ..self } // at most 64
    }

    /// The words of the name, and its length in bytes.
    pub const fn name_words(&self) -> (&[u64; TYPE_NAME_WORDS], u32) {
        (&self.name, self.name_bytes)
    }

    /// True when values of one can be read as values of the other: sizes and alignments agree, and the names where both
    /// have one.
    pub fn agrees_with(&self, other: &Self) -> bool {
        (self.size, self.align) == (other.size, other.align)
            && (self.name_bytes == 0 || other.name_bytes == 0 || self.name == other.name)
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name_bytes > 0 {
            let mut bytes = [0; MOST_TYPE_NAME_BYTES];
            for (eight, word) in bytes.chunks_exact_mut(8).zip(self.name) {
                eight.copy_from_slice(&word.to_ne_bytes());
            }
            let name = &bytes[..(self.name_bytes as usize).min(MOST_TYPE_NAME_BYTES)];
            // From shared memory: anything.
            write!(f, "{} ", core::str::from_utf8(name).unwrap_or("(damaged name)").escape_debug())?;
        }
        write!(f, "of {} bytes aligned to {}", self.size, self.align)
    }
}

impl fmt::Debug for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValueType({self})")
    }
}

/// What a topic's ring holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Content {
    /// Descriptors: a message rides in its slot, or the slot names the block that it is in.
    Messages,
    /// The values themselves, whatever their size: a bus.
    Values,
    /// Messages of any length one behind the other, without slots: a [`byte_ring`].
    Bytes,
}

/// What a topic was registered as. Never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicShape {
    /// How its messages are delivered.
    pub delivery: Delivery,
    /// Whether several publishers may have it at once.
    pub many: bool,
    /// What its ring holds.
    pub content: Content,
    /// The pool that its blocks come from.
    pub pool: Option<u32>,
    /// Slots of its ring; of a byte ring, lines.
    pub slots: u32,
    /// The type of its messages, if they have one.
    pub value: Option<ValueType>,
}

/// 64-bit words of a line.
const LINE_WORDS: u32 = LINE_BYTES as u32 / 8;

const MANY: u32 = 1 << 8;
const VALUES: u32 = 1 << 9;
const BYTES: u32 = 1 << 10;

impl TopicShape {
    /// What stands in [`crate::topic::TopicEntry::kind`]: delivery in the lowest byte, bit 8 many publishers, bit 9
    /// values in the slots, bit 10 a byte ring.
    pub const fn kind(&self) -> u32 {
        let content = match self.content {
            Content::Messages => 0,
            Content::Values => VALUES,
            Content::Bytes => BYTES,
        };
        self.delivery as u32 | if self.many { MANY } else { 0 } | content
    }

    /// Delivery, many, content; `None` when no topic is like that.
    pub(crate) const fn of_kind(kind: u32) -> Option<(Delivery, bool, Content)> {
        let delivery = match kind & 0xff {
            0 => Delivery::Lossy,
            1 => Delivery::Lossless,
            2 => Delivery::Pinned,
            _ => return None,
        };
        let content = match kind & (VALUES | BYTES) {
            0 => Content::Messages,
            VALUES => Content::Values,
            BYTES => Content::Bytes,
            _ => return None,
        };
        let many = kind & MANY != 0;
        let is_lossy = matches!(delivery, Delivery::Lossy);
        let single = matches!(delivery, Delivery::Pinned) || !matches!(content, Content::Messages);
        if kind >> 11 != 0 || (many && single) || (matches!(content, Content::Bytes) && !is_lossy) {
            return None;
        }
        Some((delivery, many, content))
    }

    /// True when a ring may have as many slots; of a byte ring, lines.
    pub const fn has_possible_slots(&self) -> bool {
        match self.content {
            Content::Bytes => self.slots.is_power_of_two() && self.slots <= byte_ring::MOST_LINES,
            Content::Messages | Content::Values => self.slots >= 2 && self.slots <= MOST_SLOTS,
        }
    }

    /// Bytes that a byte ring has for messages and their heads; `None` of any other ring.
    pub const fn capacity_bytes(&self) -> Option<u64> {
        match self.content {
            Content::Bytes => Some(self.slots as u64 * LINE_BYTES as u64),
            Content::Messages | Content::Values => None,
        }
    }

    /// Words of one slot: a line of them, and where slots hold values, as many lines as it takes, or half a line or a quarter
    /// where that is enough.
    pub const fn slot_words(&self) -> u32 {
        match &self.value {
            Some(value) if matches!(self.content, Content::Values) => {
                // The stamp, then the value.
                let needed = 1 + value.size.div_ceil(8);
                if needed <= LINE_WORDS / 2 {
                    needed.next_power_of_two()
                } else {
                    needed.div_ceil(LINE_WORDS) * LINE_WORDS
                }
            }
            _ => LINE_WORDS,
        }
    }

    /// Lines of the ring: its header and its slots; of a byte ring, what is in front of the ring too.
    pub const fn ring_lines(&self) -> u64 {
        1 + self.words().div_ceil(LINE_WORDS as u64)
    }

    /// 64-bit words of the ring behind its header: of all its slots; of a byte ring, of what is in front of it too.
    pub const fn words(&self) -> u64 {
        let front = match self.content {
            Content::Bytes => byte_ring::RING as u64,
            Content::Messages | Content::Values => 0,
        };
        // The product of two 32-bit numbers, of which neither is near the largest.
        front + self.slots as u64 * self.slot_words() as u64
    }
}

/// Says what it is, as errors do: `a lossy topic of one publisher`, `a byte bus of 65536 bytes`.
impl fmt::Display for TopicShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let publishers = if self.many { "many publishers" } else { "one publisher" };
        match (self.content, &self.value) {
            (Content::Messages, _) => write!(f, "a {} topic of {publishers}", self.delivery),
            (Content::Values, Some(value)) => write!(f, "a {} bus of values {value}", self.delivery),
            (Content::Values, None) => write!(f, "a {} bus", self.delivery),
            (Content::Bytes, _) => write!(f, "a byte bus of {} bytes", self.slots as u64 * LINE_BYTES as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_kind_says_what_it_was_made_of_and_nothing_else_is_one() {
        let shape = TopicShape {
            delivery: Delivery::Lossy,
            many: false,
            content: Content::Messages,
            pool: None,
            slots: 2,
            value: None,
        };
        for delivery in [Delivery::Lossy, Delivery::Lossless, Delivery::Pinned] {
            for (many, content) in [
                (false, Content::Messages),
                (true, Content::Messages),
                (false, Content::Values),
                (false, Content::Bytes),
            ] {
                let kind = TopicShape { delivery, many, content, ..shape }.kind();
                let possible = !(many && delivery == Delivery::Pinned)
                    && (content != Content::Bytes || delivery == Delivery::Lossy);
                assert_eq!(TopicShape::of_kind(kind), possible.then_some((delivery, many, content)));
            }
        }
        for kind in [3, 0xff, MANY | VALUES, MANY | BYTES, VALUES | BYTES, BYTES | 1, 1 << 11, u32::MAX] {
            assert_eq!(TopicShape::of_kind(kind), None, "{kind:#x}");
        }
    }

    #[test]
    fn a_byte_ring_is_a_power_of_two_of_lines_behind_its_front() {
        let shape = |slots| TopicShape {
            delivery: Delivery::Lossy,
            many: false,
            content: Content::Bytes,
            pool: None,
            slots,
            value: None,
        };
        for slots in [1, 2, 1024, 1 << 20, byte_ring::MOST_LINES] {
            let shape = shape(slots);
            assert!(shape.has_possible_slots(), "{slots}");
            assert_eq!(shape.ring_lines(), 5 + u64::from(slots));
            assert_eq!(shape.words(), 32 + 8 * u64::from(slots));
            assert_eq!(shape.capacity_bytes(), Some(64 * u64::from(slots)));
        }
        for slots in [0, 3, 1000, byte_ring::MOST_LINES + 1, u32::MAX] {
            assert!(!shape(slots).has_possible_slots(), "{slots}");
        }
        assert_eq!(shape(1024).to_string(), "a byte bus of 65536 bytes");
    }

    #[test]
    fn types_agree_by_size_alignment_and_name() {
        let number = ValueType::of::<u64>().unwrap();
        assert!(number.agrees_with(&ValueType::of::<f64>().unwrap()), "no names, no difference");
        assert!(number.named("price").agrees_with(&number));
        assert!(!number.named("price").agrees_with(&number.named("size")));
        assert!(!number.agrees_with(&ValueType::of::<[u32; 2]>().unwrap()), "another alignment");
        assert!(!number.agrees_with(&ValueType::of::<[u64; 2]>().unwrap()), "another size");
        assert!(ValueType::of::<()>().is_none());
        assert_eq!(number.named("price").to_string(), "price of 8 bytes aligned to 8");
    }

    #[test]
    fn long_names_end_between_characters() {
        let name = "\u{20ac}".repeat(30);
        let named = ValueType::of::<u8>().unwrap().named(&name);
        assert_eq!(named.name_bytes, 63);
        assert!(named.to_string().starts_with('\u{20ac}'));
    }
}
