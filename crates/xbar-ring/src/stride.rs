//! How far apart the slots of a ring are: told at run time for memory whose format says so, or known from a type.

use core::fmt;
use core::marker::PhantomData;

use xbar_layout::pad::LINE_BYTES;

/// 64-bit words of a cache line.
pub const LINE_WORDS: usize = LINE_BYTES / 8;

/// Words from one slot to the next.
///
/// A `usize` is one; [`OneLine`] and [`ValueStride`] are such as the compiler knows, so that places inside a slot cost nothing to
/// find.
pub trait Stride: Copy {
    /// A one-writer ring's head is stored once for so many messages; whoever wants the front walks from there. A store to a
    /// line of its own is a quarter of the cost of a small message.
    const MESSAGES_PER_HEAD: u64;

    /// How many slots ahead of the message a writer has the slot's line fetched; 0 = it does not. In a ring that no cache holds,
    /// each message would wait for its line otherwise, and each page of them for its address.
    const FETCHED_AHEAD: usize = 0;

    /// The distance.
    fn words(self) -> usize;
}

impl Stride for usize {
    const MESSAGES_PER_HEAD: u64 = 1;

    #[inline(always)]
    fn words(self) -> usize {
        self
    }
}

/// The stride of slots of one cache line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneLine;

impl Stride for OneLine {
    /// Exact: tools read the head of a topic without its slots.
    const MESSAGES_PER_HEAD: u64 = 1;

    const FETCHED_AHEAD: usize = 16;

    #[inline(always)]
    fn words(self) -> usize {
        LINE_WORDS
    }
}

/// The stride of slots of `HEAD` words and a value of type `T`.
///
/// In whole cache lines: two neighbours never share one, so that writers of two slots do not hold each other up. Or, if `DENSE`,
/// with up to four slots on a line, where values are small: for one writer, which has the next slot's line with the one that it
/// writes, and four times as many of them in its cache.
pub struct ValueStride<T, const HEAD: usize, const DENSE: bool = false>(PhantomData<fn() -> T>);

impl<T, const HEAD: usize, const DENSE: bool> ValueStride<T, HEAD, DENSE> {
    /// The stride of `T`.
    pub const NEW: Self = Self(PhantomData);

    /// Cache lines of a slot, at most.
    pub const LINES: usize = (HEAD + value_words::<T>()).div_ceil(LINE_WORDS);

    /// Words of a slot.
    pub const WORDS: usize = {
        // A slot has a word behind its head even where values have no size.
        let value = if size_of::<T>() == 0 { 1 } else { value_words::<T>() };
        let needed = HEAD + value;
        if DENSE && needed <= LINE_WORDS / 2 { needed.next_power_of_two() } else { Self::LINES * LINE_WORDS }
    };

    /// The words of the value among those of a message. In one line it follows the head at once, because a core commits
    /// neighbouring stores together; a longer one lies at the slot's end, so that one of whole lines begins on a line,
    /// where copies are fastest.
    ///
    /// # Panics
    ///
    /// When `message` is not the words of a slot behind its head.
    #[inline(always)]
    pub fn value<W>(message: &[W]) -> &[W] {
        let from = const { if Self::LINES == 1 { 0 } else { Self::WORDS - HEAD - value_words::<T>() } };
        &message[from..from + value_words::<T>()]
    }
}

impl<T, const HEAD: usize, const DENSE: bool> Stride for ValueStride<T, HEAD, DENSE> {
    const MESSAGES_PER_HEAD: u64 = 8;

    /// Dense ones lie in a core's first cache as a rule, and a fetch takes a tenth of the time of a message.
    const FETCHED_AHEAD: usize = if DENSE { 0 } else { 4 };

    #[inline(always)]
    fn words(self) -> usize {
        Self::WORDS
    }
}

impl<T, const HEAD: usize, const DENSE: bool> Clone for ValueStride<T, HEAD, DENSE> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, const HEAD: usize, const DENSE: bool> Copy for ValueStride<T, HEAD, DENSE> {}

impl<T, const HEAD: usize, const DENSE: bool> fmt::Debug for ValueStride<T, HEAD, DENSE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.words())
    }
}

/// 64-bit words that a `T` takes in a slot.
pub const fn value_words<T>() -> usize {
    size_of::<T>().div_ceil(8)
}

#[cfg(all(test, not(xbar_loom)))]
mod tests {
    use super::*;

    const fn words<T>() -> [usize; 2] {
        [ValueStride::<T, 1, true>::WORDS, ValueStride::<T, 1>::WORDS]
    }

    #[test]
    fn small_values_share_a_line_where_slots_are_dense_and_nowhere_else() {
        assert_eq!(words::<()>(), [2, 8]);
        assert_eq!(words::<u64>(), [2, 8]);
        assert_eq!(words::<[u64; 3]>(), [4, 8]);
        assert_eq!(words::<[u64; 4]>(), [8, 8]);
        assert_eq!(words::<[u8; 100]>(), [16, 16]);
    }
}
