//! What can go wrong on a channel, in words that say what to do.

use std::fmt;

use crate::{PublishError, RecvError, RegionError, TryRecvError};

/// Why something is not sent or received.
#[derive(Debug)]
#[non_exhaustive]
pub enum ChannelError {
    /// No message yet.
    Empty,
    /// Not in time.
    Timeout,
    /// The half was closed, by the other end or, when sending, by this one.
    Closed,
    /// The other end is gone.
    Disconnected,
    /// The listener has no room for another connection.
    TooManyConnections {
        /// Connections there can be.
        limit: u32,
    },
    /// Too many received messages are held.
    TooManySamples {
        /// Messages that can be held at once.
        limit: usize,
    },
    /// What was received is no message of a channel.
    Damaged,
    /// The message cannot be sent.
    Publish(PublishError),
    /// The channel cannot be had.
    Region(RegionError),
}

impl fmt::Display for ChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "no message yet"),
            Self::Timeout => write!(f, "the other end did not answer in time"),
            Self::Closed => write!(f, "this direction of the channel was closed: connect again to send more"),
            Self::Disconnected => {
                write!(f, "the other end of the channel is gone: connect again when it is there")
            }
            Self::TooManyConnections { limit } => write!(
                f,
                "all {limit} connections of the listener are taken: wait for one, or listen with more `connections`"
            ),
            Self::TooManySamples { limit } => {
                write!(f, "{limit} received messages are held, as many as may be: drop one")
            }
            Self::Damaged => write!(f, "what was received is no message of a channel: the region is damaged"),
            Self::Publish(error) => error.fmt(f),
            Self::Region(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ChannelError {}

impl From<RegionError> for ChannelError {
    fn from(error: RegionError) -> Self {
        match error {
            RegionError::TimedOut { .. } => Self::Timeout,
            error => Self::Region(error),
        }
    }
}

impl From<PublishError> for ChannelError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Full { .. } => Self::Timeout,
            error => Self::Publish(error),
        }
    }
}

impl From<TryRecvError> for ChannelError {
    fn from(error: TryRecvError) -> Self {
        match error {
            TryRecvError::Empty => Self::Empty,
            error => RecvError::from(error).into(),
        }
    }
}

impl From<RecvError> for ChannelError {
    fn from(error: RecvError) -> Self {
        match error {
            RecvError::Timeout => Self::Timeout,
            RecvError::Disconnected => Self::Disconnected,
            RecvError::TooManySamples { limit } => Self::TooManySamples { limit },
            _ => Self::Damaged,
        }
    }
}
