//! What a library must do to be measured: one trait per shape, so that every loop that is timed is written once.
//!
//! All methods are inlined into that loop; an adapter may do nothing that its library's user would not do.

use std::fmt::Debug;

/// A message of plain words; the first says which message it is.
pub trait Payload: bytemuck::Pod + photon_ring::Pod + PartialEq + Debug + Send + Sync {
    /// Bytes of one message.
    const BYTES: usize = size_of::<Self>();

    /// Makes it message `number`.
    fn number(&mut self, number: u64);

    /// Which message it is.
    #[inline(always)]
    fn which(&self) -> u64 {
        bytemuck::cast_slice(std::slice::from_ref(self))[0]
    }

    /// Message `number`, with all other words made from it.
    fn filled(number: u64) -> Self {
        let mut value = Self::zeroed();
        for (index, word) in bytemuck::cast_slice_mut(std::slice::from_mut(&mut value)).iter_mut().enumerate()
        {
            *word = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(index as u64);
        }
        value.number(number);
        value
    }
}

impl Payload for u64 {
    #[inline(always)]
    fn number(&mut self, number: u64) {
        *self = number;
    }
}

impl<const WORDS: usize> Payload for [u64; WORDS] {
    #[inline(always)]
    fn number(&mut self, number: u64) {
        self[0] = number;
    }
}

/// A writing end.
pub trait Sends<T: Copy> {
    /// Sends one message. A lossless end waits for room.
    fn send(&mut self, value: &T);

    /// Sends several, by the library's own way to do that if it has one.
    #[inline(always)]
    fn send_many(&mut self, values: &[T]) {
        values.iter().for_each(|value| self.send(value));
    }
}

/// A reading end. `read` sees a message wherever the library leaves it, so that nobody copies it once more for the harness.
pub trait Receives<T> {
    /// Lets `read` see the next message, if there is one.
    fn take<R>(&mut self, read: impl FnOnce(&T) -> R) -> Option<R>;

    /// Lets `read` see the next message, waiting as the library does with a core of its own.
    fn wait<R>(&mut self, read: impl FnOnce(&T) -> R) -> R;

    /// Lets `read` see what is there, at most `most` messages; returns how many that were.
    #[inline(always)]
    fn drain(&mut self, most: usize, mut read: impl FnMut(&T)) -> usize {
        for taken in 0..most {
            if self.take(&mut read).is_none() {
                return taken;
            }
        }
        most
    }
}

/// A way to move values from one writing end, or several, to reading ends.
pub trait Channel<T: Copy>: 'static {
    /// Its writing end.
    type Sender: Sends<T> + Send;
    /// Its reading end.
    type Receiver: Receives<T> + Send;

    /// A channel of `slots` messages with its reading ends.
    fn open<const READERS: usize>(slots: usize) -> (Self::Sender, [Self::Receiver; READERS]);
}

/// A channel whose writing end can be had several times.
pub trait ManyWriters<T: Copy>: Channel<T> {
    /// One more writing end.
    fn another(sender: &Self::Sender) -> Self::Sender;
}

/// A lossless channel with two reading ends, the second of which reads a message when the first has handled it.
pub trait Staged<T: Copy>: 'static {
    /// Its writing end.
    type Sender: Sends<T> + Send;
    /// Its first stage.
    type First: Receives<T> + Send;
    /// Its second stage.
    type Second: Receives<T> + Send;

    /// A channel of `slots` messages with its two stages.
    fn open(slots: usize) -> (Self::Sender, Self::First, Self::Second);
}

/// What a library said when it could not do something, in one line.
pub type Outcome<R> = Result<R, String>;

/// Turns any error into its line.
pub fn told<E: Debug>(error: E) -> String {
    format!("{error:?}").replace('\n', " ")
}
