//! What a subscriber needs of a ring, whatever the ring.

use crate::wait::{Rest, give_way};

/// What a look at the next slot found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look<T> {
    /// The next message; the source has moved behind it.
    Value(T),
    /// Nothing new.
    Empty,
    /// Nothing new, and nothing to come.
    Ended,
    /// The next message is lost. It stays so until [`Source::catch_up`].
    Overtaken,
}

/// The reading end of a ring, as [`Subscriber`](crate::Subscriber) uses it.
///
/// Open: a crate with an operating system wraps one to add sleeping.
pub trait Source {
    /// What is received.
    type Value: Copy;

    /// Takes the next message, if there is one.
    fn look(&mut self) -> Look<Self::Value>;

    /// Takes the next message, if there is one, into `place`. Without one, what `place` holds afterwards is some value.
    #[inline(always)]
    fn look_into(&mut self, place: &mut Self::Value) -> Look<()> {
        match self.look() {
            Look::Value(value) => {
                *place = value;
                Look::Value(())
            }
            Look::Empty => Look::Empty,
            Look::Ended => Look::Ended,
            Look::Overtaken => Look::Overtaken,
        }
    }

    /// Moves a source that was overtaken behind the gap; says how many messages that skips, at least one.
    fn catch_up(&mut self) -> u64;

    /// True when a look would find nothing new. Does not move.
    fn is_empty(&self) -> bool;

    /// The sequence number of the next message, if the source is not overtaken.
    fn position(&self) -> u64;

    /// Messages published and not yet received, as far as this moment tells.
    fn pending(&self) -> u64;

    /// Takes messages as long as there are any and room for them; says how many it took.
    #[inline]
    fn take(&mut self, into: &mut [Self::Value]) -> usize {
        for (taken, place) in into.iter_mut().enumerate() {
            if self.look_into(place) != Look::Value(()) {
                return taken;
            }
        }
        into.len()
    }

    /// Gives `read` messages as long as there are any, `most` at most; says how many. A message that `read` panics at counts
    /// as taken.
    #[inline(always)] // the reason of `Subscriber::try_recv_each`
    fn each(&mut self, most: usize, mut read: impl FnMut(Self::Value)) -> usize {
        for taken in 0..most {
            match self.look() {
                Look::Value(value) => read(value),
                _ => return taken,
            }
        }
        most
    }

    /// Waits a while for something new, as `rest` says; may return at any time. A ring alone has nothing to sleep on: it
    /// gives way to other threads.
    fn sleep(&mut self, rest: Rest<'_>) {
        let _ = rest;
        give_way();
    }
}

/// A source whose messages may be skipped.
pub trait Lossy: Source {
    /// Goes on to what is published from now on.
    fn skip_all(&mut self);

    /// Goes back to the oldest message that is still readable.
    fn rewind(&mut self);

    /// Jumps over all messages but the newest; says how many. One that was overtaken stays where it is.
    fn skip_to_newest(&mut self) -> u64;
}
