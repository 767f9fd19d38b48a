//! What a topic is: how its messages are delivered, who publishes, what they consist of.

use core::fmt;

use crate::pad::LINE_BYTES;
use crate::topic::{MOST_TYPE_NAME_BYTES, TYPE_NAME_WORDS, text_words};

/// Slots that a topic's ring has at most; at least it has 2.
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

/// What a topic was registered as. Never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicShape {
    /// How its messages are delivered.
    pub delivery: Delivery,
    /// Whether several publishers may have it at once.
    pub many: bool,
    /// Whether its slots hold the values themselves, whatever their size, rather than descriptors.
    pub values: bool,
    /// The pool that its blocks come from.
    pub pool: Option<u32>,
    /// Slots of its ring.
    pub slots: u32,
    /// The type of its messages, if they have one.
    pub value: Option<ValueType>,
}

/// 64-bit words of a line.
const LINE_WORDS: u32 = LINE_BYTES as u32 / 8;

const MANY: u32 = 1 << 8;
const VALUES: u32 = 1 << 9;

impl TopicShape {
    /// What stands in [`crate::topic::TopicEntry::kind`]: delivery in the lowest byte, bit 8 many publishers, bit 9
    /// values in the slots.
    pub const fn kind(&self) -> u32 {
        self.delivery as u32 | if self.many { MANY } else { 0 } | if self.values { VALUES } else { 0 }
    }

    /// Delivery, many, values; `None` when no topic is like that.
    pub(crate) const fn of_kind(kind: u32) -> Option<(Delivery, bool, bool)> {
        let delivery = match kind & 0xff {
            0 => Delivery::Lossy,
            1 => Delivery::Lossless,
            2 => Delivery::Pinned,
            _ => return None,
        };
        let (many, values) = (kind & MANY != 0, kind & VALUES != 0);
        let single = matches!(delivery, Delivery::Pinned) || values;
        if kind >> 10 != 0 || (many && single) {
            return None;
        }
        Some((delivery, many, values))
    }

    /// Words of one slot: a line of them, and where slots hold values, as many lines as it takes, or half a line or a quarter
    /// where that is enough.
    pub const fn slot_words(&self) -> u32 {
        match &self.value {
            Some(value) if self.values => {
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

    /// Lines of the ring: its header and its slots.
    pub const fn ring_lines(&self) -> u64 {
        1 + (self.slots as u64 * self.slot_words() as u64).div_ceil(LINE_WORDS as u64)
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
            values: false,
            pool: None,
            slots: 2,
            value: None,
        };
        for delivery in [Delivery::Lossy, Delivery::Lossless, Delivery::Pinned] {
            for (many, values) in [(false, false), (true, false), (false, true)] {
                let kind = TopicShape { delivery, many, values, ..shape }.kind();
                let possible = !(many && delivery == Delivery::Pinned);
                assert_eq!(TopicShape::of_kind(kind), possible.then_some((delivery, many, values)));
            }
        }
        for kind in [3, 0xff, MANY | VALUES, 1 << 10, u32::MAX] {
            assert_eq!(TopicShape::of_kind(kind), None, "{kind:#x}");
        }
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
