//! From the facade's errors to one result and its words.

use std::borrow::Cow;

use xbar::log::{LogError, ReadError, TryReadError};
use xbar::ring::bytes::TooLarge;
use xbar::{
    PublishError, RecvError, RegionError, RequestError, RingRecvError, RingTryRecvError, TryRecvError,
};
use xbar_discovery::ViewError;
use xbar_shm::ShmError;

use crate::result::xbar_result::{self, *};

/// Why a call failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub result: xbar_result,
    pub text: Cow<'static, str>,
}

impl Failure {
    fn new(result: xbar_result, error: &dyn std::fmt::Display) -> Self {
        Self { result, text: error.to_string().into() }
    }

    /// Polled for: without an allocation.
    const fn fixed(result: xbar_result, text: &'static str) -> Self {
        Self { result, text: Cow::Borrowed(text) }
    }

    pub(crate) const fn empty() -> Self {
        Self::fixed(XBAR_EMPTY, "nothing there yet: try again later, or wait")
    }

    const fn timeout() -> Self {
        Self::fixed(XBAR_TIMEOUT, "nothing came in time: wait for longer")
    }

    /// An argument that cannot be.
    pub(crate) fn invalid(text: impl Into<Cow<'static, str>>) -> Self {
        Self { result: XBAR_INVALID, text: text.into() }
    }

    pub(crate) fn null(what: &str) -> Self {
        Self::invalid(format!("{what} is NULL: pass one"))
    }

    pub(crate) fn differs(text: String) -> Self {
        Self { result: XBAR_DIFFERS, text: text.into() }
    }
}

const fn of_shm(error: &ShmError) -> xbar_result {
    match error {
        ShmError::NotFound { .. } | ShmError::Gone { .. } => XBAR_NOT_FOUND,
        ShmError::Alive { .. } => XBAR_TAKEN,
        ShmError::NoSpace { .. } => XBAR_NO_SPACE,
        ShmError::TooShort { .. } | ShmError::Holes { .. } => XBAR_DAMAGED,
        _ => XBAR_SYSTEM,
    }
}

impl From<RegionError> for Failure {
    fn from(error: RegionError) -> Self {
        use RegionError as E;
        let result = match &error {
            E::Name(_) | E::Uri(_) | E::Pattern(_) => XBAR_BAD_NAME,
            E::Config(_)
            | E::Capacity { .. }
            | E::Depth { .. }
            | E::OnePublisher { .. }
            | E::NoPool { .. }
            | E::Type { .. } => XBAR_BAD_CONFIG,
            E::Open(ViewError::Shm(error)) => of_shm(error),
            E::Open(ViewError::Layout { .. }) => XBAR_DAMAGED,
            E::OtherConfig { .. } | E::Differs { .. } => XBAR_DIFFERS,
            E::NoPublisher { .. } => XBAR_NO_PUBLISHER,
            E::TooManyPublishers { .. }
            | E::TooManySubscribers { .. }
            | E::TooManyTopics { .. }
            | E::TooManyStreams { .. }
            | E::NoRoomForRing { .. }
            | E::BlocksPromised { .. } => XBAR_LIMIT,
            E::TopicTaken { .. } => XBAR_TAKEN,
            E::NoTopic { .. } => XBAR_NOT_FOUND,
            E::TimedOut { .. } => XBAR_TIMEOUT,
            _ => XBAR_SYSTEM,
        };
        Self::new(result, &error)
    }
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        use PublishError as E;
        let result = match &error {
            E::TooLarge { .. } => XBAR_TOO_LARGE,
            E::TooManyLoans { .. } => XBAR_LIMIT,
            E::NoBlock { .. } => XBAR_NO_SPACE,
            E::Full { .. } => XBAR_FULL,
            E::Stopped { .. } => XBAR_STOPPED,
            E::NotPinned { .. } => XBAR_NOT_PINNED,
            E::Damaged { .. } => XBAR_DAMAGED,
            _ => XBAR_INVALID,
        };
        Self::new(result, &error)
    }
}

impl From<RecvError> for Failure {
    fn from(error: RecvError) -> Self {
        use RecvError as E;
        let result = match &error {
            E::Timeout => return Self::timeout(),
            E::Lagged { .. } => XBAR_LAGGED,
            E::Disconnected => XBAR_DISCONNECTED,
            E::TooManySamples { .. } => XBAR_LIMIT,
            E::Stopped => XBAR_STOPPED,
            E::NotPinned => XBAR_NOT_PINNED,
            E::WrongType { .. } => XBAR_DIFFERS,
            _ => XBAR_SYSTEM,
        };
        Self::new(result, &error)
    }
}

impl From<TryRecvError> for Failure {
    fn from(error: TryRecvError) -> Self {
        match error {
            TryRecvError::Empty => Self::empty(),
            error => RecvError::from(error).into(),
        }
    }
}

impl From<RingRecvError> for Failure {
    fn from(error: RingRecvError) -> Self {
        match error {
            RingRecvError::Timeout => Self::timeout(),
            RingRecvError::Lagged { missed } => RecvError::Lagged { missed }.into(),
            RingRecvError::Disconnected => RecvError::Disconnected.into(),
            RingRecvError::Stopped => RecvError::Stopped.into(),
            error => Self::new(XBAR_SYSTEM, &error),
        }
    }
}

impl From<RingTryRecvError> for Failure {
    fn from(error: RingTryRecvError) -> Self {
        match error {
            RingTryRecvError::Empty => Self::empty(),
            RingTryRecvError::Lagged { missed } => RecvError::Lagged { missed }.into(),
            RingTryRecvError::Disconnected => RecvError::Disconnected.into(),
            error => Self::new(XBAR_SYSTEM, &error),
        }
    }
}

impl From<TooLarge> for Failure {
    fn from(error: TooLarge) -> Self {
        Self::new(XBAR_TOO_LARGE, &error)
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        use RequestError as E;
        let result = match error {
            E::Empty => return Self::empty(),
            E::Publish(error) => return error.into(),
            E::Region(error) => return error.into(),
            E::Timeout { .. } => XBAR_TIMEOUT,
            E::Refused => XBAR_REFUSED,
            E::Disconnected => XBAR_DISCONNECTED,
            E::Unknown { .. } => XBAR_NOT_FOUND,
            E::Full => XBAR_FULL,
            E::TooManySamples { .. } => XBAR_LIMIT,
            E::Damaged => XBAR_DAMAGED,
            _ => XBAR_SYSTEM,
        };
        Self::new(result, &error)
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        use LogError as E;
        let result = match &error {
            E::Name { .. } => XBAR_BAD_NAME,
            E::Options { .. } => XBAR_BAD_CONFIG,
            E::NotFound { .. } => XBAR_NOT_FOUND,
            E::Alive { .. } => XBAR_TAKEN,
            E::TooLarge { .. } => XBAR_TOO_LARGE,
            E::NoSpace { .. } => XBAR_NO_SPACE,
            E::Damaged { .. } => XBAR_DAMAGED,
            E::NotYet { .. } => XBAR_EMPTY,
            E::Forked => XBAR_FORKED,
            E::System(error) => of_shm(error),
            _ => XBAR_SYSTEM,
        };
        Self::new(result, &error)
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        use ReadError as E;
        let result = match error {
            E::Timeout => return Self::timeout(),
            E::Log(error) => return error.into(),
            E::Stopped => XBAR_STOPPED,
            E::Lagged { .. } => XBAR_LAGGED,
            E::Damaged { .. } => XBAR_DAMAGED,
            E::Disconnected { .. } => XBAR_DISCONNECTED,
            _ => XBAR_SYSTEM,
        };
        Self::new(result, &error)
    }
}

impl From<TryReadError> for Failure {
    fn from(error: TryReadError) -> Self {
        use TryReadError as E;
        let result = match error {
            E::Empty => return Self::empty(),
            E::Log(error) => return error.into(),
            E::Lagged { .. } => XBAR_LAGGED,
            E::Damaged { .. } => XBAR_DAMAGED,
            E::Disconnected { .. } => XBAR_DISCONNECTED,
            _ => XBAR_SYSTEM,
        };
        Self::new(result, &error)
    }
}
