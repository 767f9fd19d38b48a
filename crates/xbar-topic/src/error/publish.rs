//! Why a message was not sent.

use std::fmt;

use xbar_discovery::Uri;

/// Why a message was not published. Nothing was sent, nothing was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublishError {
    /// The payload is larger than a block.
    TooLarge {
        /// The topic.
        uri: Uri,
        /// Bytes of the payload.
        bytes: usize,
        /// Bytes of a block.
        most: usize,
    },
    /// This publisher has lent out as many blocks as it may.
    TooManyLoans {
        /// Loans there can be at once.
        limit: u32,
    },
    /// No block is free: a publisher of the region holds more than its share.
    NoBlock {
        /// The topic.
        uri: Uri,
        /// Blocks of the pool.
        blocks: u32,
        /// Bytes of a block.
        bytes: usize,
    },
    /// A lossless topic has no room: its slowest reader has not received the oldest message.
    Full {
        /// The topic.
        uri: Uri,
        /// The process of that reader; 0 when it is gone by now.
        pid: u32,
    },
    /// The strategy by which room was waited for ended the wait: a token was stopped.
    Stopped {
        /// The topic.
        uri: Uri,
    },
    /// The topic is no pinned one.
    NotPinned {
        /// The topic.
        uri: Uri,
    },
    /// The topic's ring was damaged by somebody who writes the region's memory: nothing can be sent there any more.
    Damaged {
        /// The topic.
        uri: Uri,
    },
    /// The topic was registered by another publisher.
    ForeignTopic {
        /// The topic.
        uri: Uri,
    },
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { uri, bytes, most } => write!(
                f,
                "{bytes} bytes for {uri} do not fit its blocks of {most}: register it with larger `max_bytes`, or create the \
                 region with a larger `block_bytes`"
            ),
            Self::TooManyLoans { limit } => write!(
                f,
                "{limit} loans are out, as many as a publisher may have: publish or drop one, or create the region \
                 with more `loans`"
            ),
            Self::NoBlock { uri, blocks, bytes } => write!(
                f,
                "none of the {blocks} blocks of {bytes} bytes is free for {uri}: another publisher holds more than its \
                 share; try again or restart it"
            ),
            Self::Full { uri, pid: 0 } => write!(f, "{uri} is full: try again"),
            Self::Full { uri, pid } => write!(
                f,
                "{uri} is full: process {pid} has not received the oldest message; wait for it, or register the topic \
                 with a larger `depth`"
            ),
            Self::Stopped { uri } => {
                write!(f, "waiting for room in {uri} was stopped: nothing was sent")
            }
            Self::Damaged { uri } => {
                write!(f, "the ring of {uri} is damaged: stop the region's publishers and start them again")
            }
            Self::NotPinned { uri } => {
                write!(
                    f,
                    "{uri} is not a pinned topic: register it with `TopicConfig::pinned`, or use `loan`"
                )
            }
            Self::ForeignTopic { uri } => {
                write!(
                    f,
                    "topic {uri} was registered by another publisher: publish it there, or register it here"
                )
            }
        }
    }
}

impl std::error::Error for PublishError {}
