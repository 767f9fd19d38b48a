//! What the ends of a channel say when they cannot do what was asked.

use core::fmt;

/// Why a receive that does not wait has no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryRecvError {
    /// Nothing new.
    Empty,
    /// Messages that this subscriber will not get: overwritten before it came for them, or, with many writers, given up by
    /// the writer that had claimed their place. Told once; the next receive continues behind the gap.
    Lagged {
        /// Messages lost, exactly.
        missed: u64,
    },
    /// All publishers are gone, and everything they published was received.
    Disconnected,
    /// The next message is longer than the place for it. It stays the next one. Of byte rings alone.
    TooSmall {
        /// Bytes that it takes.
        needed_bytes: usize,
    },
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "no message yet"),
            Self::TooSmall { needed_bytes } => too_small(f, *needed_bytes),
            Self::Lagged { missed } => lagged(f, *missed),
            Self::Disconnected => disconnected(f),
        }
    }
}

impl core::error::Error for TryRecvError {}

/// Why a waiting receive has no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecvError {
    /// Nothing came in time.
    Timeout,
    /// As [`TryRecvError::Lagged`].
    Lagged {
        /// Messages lost, exactly.
        missed: u64,
    },
    /// As [`TryRecvError::Disconnected`].
    Disconnected,
    /// As [`TryRecvError::TooSmall`].
    TooSmall {
        /// Bytes that it takes.
        needed_bytes: usize,
    },
    /// The wait was told to stop: see [`Step::Stop`](crate::Step::Stop). What is there can still be received.
    Stopped,
}

impl RecvError {
    /// What a receive that does not wait said, from one that does: nothing there means that the time is over.
    pub(crate) const fn of(error: TryRecvError) -> Self {
        match error {
            TryRecvError::Empty => Self::Timeout,
            TryRecvError::Lagged { missed } => Self::Lagged { missed },
            TryRecvError::Disconnected => Self::Disconnected,
            TryRecvError::TooSmall { needed_bytes } => Self::TooSmall { needed_bytes },
        }
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => write!(f, "no message came in time"),
            Self::TooSmall { needed_bytes } => too_small(f, *needed_bytes),
            Self::Lagged { missed } => lagged(f, *missed),
            Self::Disconnected => disconnected(f),
            Self::Stopped => {
                write!(f, "told to stop before a message came: take what is left without waiting")
            }
        }
    }
}

impl core::error::Error for RecvError {}

/// Why a lossless channel did not take a value. It is handed back.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublishError<T> {
    /// The slowest subscriber has not made room yet, or nobody has subscribed and the ring is full; from a waiting
    /// publish: not in time.
    Full(T),
    /// All subscribers are gone, and nobody can subscribe any more.
    Disconnected(T),
    /// The wait for room was told to stop: see [`Step::Stop`](crate::Step::Stop).
    Stopped(T),
}

impl<T> PublishError<T> {
    /// The value.
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(value) | Self::Disconnected(value) | Self::Stopped(value) => value,
        }
    }

    /// The same refusal, with `value` to be handed back.
    #[cfg(feature = "alloc")]
    pub(crate) fn with<V>(self, value: V) -> PublishError<V> {
        match self {
            Self::Full(_) => PublishError::Full(value),
            Self::Disconnected(_) => PublishError::Disconnected(value),
            Self::Stopped(_) => PublishError::Stopped(value),
        }
    }

    /// True when another attempt may succeed.
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }
}

impl<T> fmt::Debug for PublishError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Disconnected(_) => "Disconnected(..)",
            Self::Stopped(_) => "Stopped(..)",
        })
    }
}

impl<T> fmt::Display for PublishError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => {
                "the ring is full: wait for the slowest subscriber, or subscribe somebody if nobody has yet"
            }
            Self::Disconnected(_) => "all subscribers are gone: the value would never be received",
            Self::Stopped(_) => "told to stop before there was room: the value was not published",
        })
    }
}

impl<T> core::error::Error for PublishError<T> {}

/// Why nobody else can subscribe to a lossless channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManySubscribers {
    pub(crate) limit: usize,
}

impl fmt::Display for TooManySubscribers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit;
        write!(
            f,
            "{limit} subscribers are there, as many as the channel has room for: build it with more `subscribers`"
        )
    }
}

impl core::error::Error for TooManySubscribers {}

fn lagged(f: &mut fmt::Formatter<'_>, missed: u64) -> fmt::Result {
    write!(
        f,
        "{missed} messages were lost before they were received: receive faster, or use a larger capacity"
    )
}

fn disconnected(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "all publishers are gone, and everything they published was received")
}

fn too_small(f: &mut fmt::Formatter<'_>, needed_bytes: usize) -> fmt::Result {
    write!(
        f,
        "the next message takes {needed_bytes} bytes, more than the place for it: receive into a larger one"
    )
}
