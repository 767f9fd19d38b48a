//! Why there is no message.

use std::fmt;

/// Why [`try_recv`](crate::Stream::try_recv) has no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryRecvError {
    /// Nothing new.
    Empty,
    /// The publisher overtook this stream. Told once; the next receive continues behind the gap.
    Lagged {
        /// Messages lost, exactly.
        missed: u64,
    },
    /// The topic's publisher left or died, and everything it published was received.
    Disconnected,
    /// The next message is in a block, and this subscriber holds as many as it may. The message waits.
    TooManySamples {
        /// Samples with a block that can be held at once.
        limit: usize,
    },
    /// The topic is no pinned one.
    NotPinned,
    /// The message is no value of the type that was asked for. It counts as received.
    WrongType {
        /// Bytes of the message.
        bytes: usize,
        /// Size of the type.
        size: usize,
        /// Alignment of the type.
        align: usize,
    },
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "no message yet"),
            Self::Lagged { missed } => lagged(f, *missed),
            Self::Disconnected => disconnected(f),
            Self::TooManySamples { limit } => too_many(f, *limit),
            Self::NotPinned => not_pinned(f),
            Self::WrongType { bytes, size, align } => wrong_type(f, (*bytes, *size, *align)),
        }
    }
}

impl std::error::Error for TryRecvError {}

/// What a stream itself says: small enough to be returned in registers, which a receive would otherwise wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoSample {
    Empty,
    Lagged { missed: u64 },
    Disconnected,
    TooManySamples { limit: usize },
    NotPinned,
}

impl From<NoSample> for TryRecvError {
    #[inline(always)]
    fn from(why: NoSample) -> Self {
        match why {
            NoSample::Empty => Self::Empty,
            NoSample::Lagged { missed } => Self::Lagged { missed },
            NoSample::Disconnected => Self::Disconnected,
            NoSample::TooManySamples { limit } => Self::TooManySamples { limit },
            NoSample::NotPinned => Self::NotPinned,
        }
    }
}

impl From<NoSample> for RecvError {
    #[inline(always)]
    fn from(why: NoSample) -> Self {
        Self::of(why.into())
    }
}

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
    /// As [`TryRecvError::TooManySamples`].
    TooManySamples {
        /// Samples with a block that can be held at once.
        limit: usize,
    },
    /// The wait was told to stop: see [`Step::Stop`](xbar_ring::Step::Stop). What is there can still be received.
    Stopped,
    /// As [`TryRecvError::NotPinned`].
    NotPinned,
    /// As [`TryRecvError::WrongType`].
    WrongType {
        /// Bytes of the message.
        bytes: usize,
        /// Size of the type.
        size: usize,
        /// Alignment of the type.
        align: usize,
    },
}

impl From<TryRecvError> for RecvError {
    fn from(error: TryRecvError) -> Self {
        Self::of(error)
    }
}

impl RecvError {
    /// What a receive that does not wait said, from one that does: nothing there means that the time is over.
    #[inline]
    pub(crate) const fn of(error: TryRecvError) -> Self {
        match error {
            TryRecvError::Empty => Self::Timeout,
            TryRecvError::Lagged { missed } => Self::Lagged { missed },
            TryRecvError::Disconnected => Self::Disconnected,
            TryRecvError::TooManySamples { limit } => Self::TooManySamples { limit },
            TryRecvError::NotPinned => Self::NotPinned,
            TryRecvError::WrongType { bytes, size, align } => Self::WrongType { bytes, size, align },
        }
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => write!(f, "no message came in time"),
            Self::Stopped => write!(f, "told to stop before a message came"),
            Self::Lagged { missed } => lagged(f, *missed),
            Self::Disconnected => disconnected(f),
            Self::TooManySamples { limit } => too_many(f, *limit),
            Self::NotPinned => not_pinned(f),
            Self::WrongType { bytes, size, align } => wrong_type(f, (*bytes, *size, *align)),
        }
    }
}

impl std::error::Error for RecvError {}

fn lagged(f: &mut fmt::Formatter<'_>, missed: u64) -> fmt::Result {
    write!(
        f,
        "{missed} messages were overwritten before they were received: receive faster, or use a larger `depth`"
    )
}

fn disconnected(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "the publisher is gone: connect again when there is a new one")
}

fn too_many(f: &mut fmt::Formatter<'_>, limit: usize) -> fmt::Result {
    write!(
        f,
        "{limit} samples are held, as many as a subscriber may: drop one, or create the region with more `samples`"
    )
}

fn not_pinned(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "the topic is not pinned, it has no latest message: receive with `try_recv` or `recv`")
}

fn wrong_type(f: &mut fmt::Formatter<'_>, (bytes, size, align): (usize, usize, usize)) -> fmt::Result {
    write!(
        f,
        "a message of {bytes} bytes is no value of {size} bytes aligned to {align}: use the type that is published"
    )
}
