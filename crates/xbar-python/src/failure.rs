//! From the facade's errors to Python's exceptions: the class says what to do about it, the words are the facade's.

use std::fmt::Display;

use pyo3::exceptions::PyBufferError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use xbar::log::{LogError, ReadError, TryReadError};
use xbar::{NoRoom, PublishError, RecvError, RegionError, RequestError, TryRecvError};
use xbar_discovery::ViewError;
use xbar_shm::ShmError;

/// Why a call failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A class of `xbar/_errors.py`, and the words.
    Of(Class, String),
    /// How many messages were lost.
    Lagged(u64, String),
    /// Another exception.
    Python(PyErr),
}

/// The classes of `xbar/_errors.py`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Error,
    Timeout,
    Disconnected,
    Full,
    Limit,
    NotFound,
    Taken,
    Invalid,
    Closed,
    Busy,
    Refused,
    NoSpace,
    Damaged,
}

impl Failure {
    fn new(class: Class, error: &dyn Display) -> Self {
        Self::Of(class, error.to_string())
    }

    pub(crate) fn closed(text: String) -> Self {
        Self::Of(Class::Closed, text)
    }

    pub(crate) fn invalid(text: String) -> Self {
        Self::Of(Class::Invalid, text)
    }

    pub(crate) fn busy(what: &str) -> Self {
        let text = format!(
            "the {what} is in use, by another thread or by the call that this one interrupted: use one handle a thread"
        );
        Self::Of(Class::Busy, text)
    }

    pub(crate) fn buffer(text: impl Into<String>) -> Self {
        Self::Python(PyBufferError::new_err(text.into()))
    }

    /// Nothing more will come.
    pub(crate) const fn is_end(&self) -> bool {
        matches!(self, Self::Of(Class::Disconnected, _))
    }

    pub(crate) const fn is_closed(&self) -> bool {
        matches!(self, Self::Of(Class::Closed, _))
    }

    pub(crate) fn timeout() -> Self {
        RecvError::Timeout.into()
    }

    /// A lossless topic had no room.
    pub(crate) fn full() -> Self {
        Self::new(Class::Full, &NoRoom(()))
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        static LAGGED: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        match failure {
            Failure::Python(error) => error,
            Failure::Lagged(missed, text) => {
                Python::attach(|py| match LAGGED.import(py, "xbar._errors", "Lagged") {
                    Ok(class) => Self::from_type(class.clone(), (text, missed)),
                    Err(error) => error,
                })
            }
            Failure::Of(class, text) => Python::attach(|py| {
                let class = py.import("xbar._errors").and_then(|module| module.getattr(format!("{class:?}")));
                match class.and_then(|class| Ok(class.cast_into::<PyType>()?)) {
                    Ok(class) => Self::from_type(class, (text,)),
                    Err(error) => error,
                }
            }),
        }
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

const fn of_shm(error: &ShmError) -> Class {
    match error {
        ShmError::NotFound { .. } | ShmError::Gone { .. } => Class::NotFound,
        ShmError::Alive { .. } => Class::Taken,
        ShmError::NoSpace { .. } => Class::NoSpace,
        ShmError::TooShort { .. } | ShmError::Holes { .. } => Class::Damaged,
        _ => Class::Error,
    }
}

impl From<RegionError> for Failure {
    fn from(error: RegionError) -> Self {
        use RegionError as E;
        let class = match &error {
            E::Name(_)
            | E::Uri(_)
            | E::Pattern(_)
            | E::Config(_)
            | E::Depth { .. }
            | E::OnePublisher { .. }
            | E::NoPool { .. }
            | E::Type { .. }
            | E::OtherConfig { .. }
            | E::Differs { .. } => Class::Invalid,
            E::Open(ViewError::Shm(error)) => of_shm(error),
            E::Open(ViewError::Layout { .. }) => Class::Damaged,
            E::NoPublisher { .. } => Class::Disconnected,
            E::TooManyPublishers { .. }
            | E::TooManySubscribers { .. }
            | E::TooManyTopics { .. }
            | E::TooManyStreams { .. }
            | E::NoRoomForRing { .. }
            | E::BlocksPromised { .. } => Class::Limit,
            E::TopicTaken { .. } => Class::Taken,
            E::NoTopic { .. } => Class::NotFound,
            E::TimedOut { .. } => Class::Timeout,
            _ => Class::Error,
        };
        Self::new(class, &error)
    }
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        use PublishError as E;
        let class = match &error {
            E::TooLarge { .. } | E::NotPinned { .. } | E::ForeignTopic { .. } => Class::Invalid,
            E::TooManyLoans { .. } => Class::Limit,
            E::Full { .. } | E::NoBlock { .. } => Class::Full,
            E::Damaged { .. } => Class::Damaged,
            _ => Class::Error,
        };
        Self::new(class, &error)
    }
}

impl From<RecvError> for Failure {
    fn from(error: RecvError) -> Self {
        use RecvError as E;
        let class = match &error {
            E::Lagged { missed } => return Self::Lagged(*missed, error.to_string()),
            E::Timeout => Class::Timeout,
            E::Disconnected => Class::Disconnected,
            E::TooManySamples { .. } => Class::Limit,
            E::NotPinned | E::WrongType { .. } => Class::Invalid,
            _ => Class::Error,
        };
        Self::new(class, &error)
    }
}

impl From<TryRecvError> for Failure {
    fn from(error: TryRecvError) -> Self {
        RecvError::from(error).into()
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        use RequestError as E;
        let class = match error {
            E::Publish(error) => return error.into(),
            E::Region(error) => return error.into(),
            E::Timeout { .. } | E::Empty => Class::Timeout,
            E::Refused => Class::Refused,
            E::Disconnected => Class::Disconnected,
            E::Unknown { .. } => Class::NotFound,
            E::Full => Class::Full,
            E::TooManySamples { .. } => Class::Limit,
            E::Damaged => Class::Damaged,
            _ => Class::Error,
        };
        Self::new(class, &error)
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        use LogError as E;
        let class = match &error {
            E::Name { .. } | E::Options { .. } | E::TooLarge { .. } => Class::Invalid,
            E::NotFound { .. } | E::NotYet { .. } => Class::NotFound,
            E::Alive { .. } => Class::Taken,
            E::NoSpace { .. } => Class::NoSpace,
            E::Damaged { .. } => Class::Damaged,
            E::System(error) => of_shm(error),
            _ => Class::Error,
        };
        Self::new(class, &error)
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        use ReadError as E;
        let class = match error {
            E::Log(error) => return error.into(),
            // Both are told once, with what they cost; reading goes on behind them.
            E::Lagged { missed } | E::Damaged { missed, .. } => {
                return Self::Lagged(missed, error.to_string());
            }
            E::Timeout => Class::Timeout,
            E::Disconnected { .. } => Class::Disconnected,
            _ => Class::Error,
        };
        Self::new(class, &error)
    }
}

impl From<TryReadError> for Failure {
    fn from(error: TryReadError) -> Self {
        use TryReadError as E;
        match error {
            E::Log(error) => error.into(),
            E::Lagged { missed } => ReadError::Lagged { missed }.into(),
            E::Damaged { segment, position, missed } => {
                ReadError::Damaged { segment, position, missed }.into()
            }
            E::Disconnected { clean } => ReadError::Disconnected { clean }.into(),
            _ => ReadError::Timeout.into(),
        }
    }
}
