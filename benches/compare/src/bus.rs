//! What a library of topics must do to be measured: bytes of any size, published under a name, by whoever finds it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::contract::Outcome;

/// Messages that a topic of any library here keeps: crossbar's default, and the latest where more would fill the caches.
pub const fn depth(bytes: usize) -> u32 {
    if bytes < 64 << 10 { 8 } else { 1 }
}

/// Looks behind which a message that has not come is not coming: 20 s or so, at 5 ns a look, where answers take microseconds.
pub const LOOKS: u64 = 1 << 32;
/// What is wrong then. The panic ends the run, and so the process that answers.
pub const STUCK: &str = "no message for a long time: the library is stuck";

/// A library of topics.
pub trait Bus: 'static {
    /// As goals and rows call it.
    const NAME: &'static str;
    /// A publishing handle of one topic.
    type Output: Puts;
    /// A receiving handle of one topic.
    type Input: Takes;

    /// Creates the topic `name` for messages of up to `bytes` and one input.
    fn output(name: &str, bytes: usize) -> Outcome<Self::Output>;

    /// As [`Bus::output`], with room for so many inputs where a library has to know.
    fn output_to(name: &str, bytes: usize, _readers: usize) -> Outcome<Self::Output> {
        Self::output(name, bytes)
    }

    /// Receives what is published on `name` from now on; the topic exists. To be asked once.
    fn input(name: &str) -> Outcome<Self::Input>;

    /// As [`Bus::input`], so many times.
    fn inputs(name: &str, readers: usize) -> Outcome<Vec<Self::Input>> {
        (0..readers).map(|_| Self::input(name)).collect()
    }
}

/// A publishing handle.
pub trait Puts {
    /// Publishes a copy of `bytes`, by the library's shortest way to send what lies elsewhere.
    fn copy(&mut self, bytes: &[u8]);

    /// Publishes copies of several, by the library's own way to do that if it has one.
    #[inline(always)]
    fn copy_many<'m>(&mut self, messages: impl Iterator<Item = &'m [u8]>) {
        messages.for_each(|bytes| self.copy(bytes));
    }

    /// Borrows memory, writes all of `bytes` there, publishes it.
    fn whole(&mut self, bytes: &[u8]);

    /// Borrows `bytes` of memory, writes the first eight only, publishes it.
    fn touch(&mut self, bytes: usize, first: u64);
}

/// A receiving handle.
pub trait Takes {
    /// Lets `read` have the next message in place, if there is one.
    fn take<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> Option<R>;

    /// Waits for the next message with a core of its own.
    fn wait<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> R;
}

/// A receiving handle that can sleep.
pub trait Parks {
    /// Sleeps until the next message, without looking for it first for any longer than it must.
    fn park<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> R;
}

/// A receiving handle that takes several messages at once, copied once.
pub trait Windows {
    /// Lets `read` have each message that is there, as many as lie in one piece; returns how many.
    fn window(&mut self, read: impl FnMut(&[u8])) -> usize;
}

/// How a message is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// [`Puts::copy`].
    Copy,
    /// [`Puts::whole`].
    Whole,
    /// [`Puts::touch`].
    Touch,
}

impl Way {
    /// Its word on a command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Whole => "whole",
            Self::Touch => "touch",
        }
    }

    /// The way of a word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Copy, Self::Whole, Self::Touch].into_iter().find(|way| way.word() == word)
    }

    /// Publishes `bytes` this way.
    #[inline(always)]
    pub fn put(self, output: &mut impl Puts, bytes: &[u8]) {
        match self {
            Self::Copy => output.copy(bytes),
            Self::Whole => output.whole(bytes),
            Self::Touch => output.touch(bytes.len(), first(bytes)),
        }
    }
}

/// A name that no other topic of this machine has.
pub fn fresh_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("xbar-compare-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The first eight bytes, as a number; fewer when there are no eight.
#[inline(always)]
pub fn first(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_ways_are_one_to_one() {
        for way in [Way::Copy, Way::Whole, Way::Touch] {
            assert_eq!(Way::of(way.word()), Some(way));
        }
        assert_eq!(Way::of("none"), None);
    }
}
