//! Waiting without the interpreter, in slices: signals are looked for between two of them.

use std::time::{Duration, Instant};

use pyo3::prelude::*;

use crate::failure::Failure;

/// How long Ctrl-C may go unnoticed.
const SLICE: Duration = Duration::from_millis(100);

/// When a wait is over; `None` is never.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Option<Instant>);

/// Seconds, as Python has them; `None` and what is more than there can be is for ever.
pub(crate) fn duration(seconds: Option<f64>) -> Result<Option<Duration>, Failure> {
    match seconds {
        Some(seconds) if seconds.is_nan() || seconds < 0.0 => {
            Err(Failure::invalid(format!("a timeout of {seconds} s is impossible: use 0 or more, or None")))
        }
        Some(seconds) => Ok(Duration::try_from_secs_f64(seconds).ok()),
        None => Ok(None),
    }
}

impl Deadline {
    /// `timeout` seconds from now.
    pub(crate) fn after(timeout: Option<f64>) -> Result<Self, Failure> {
        Ok(Self(duration(timeout)?.and_then(|timeout| Instant::now().checked_add(timeout))))
    }

    pub(crate) fn is_over(self) -> bool {
        self.0.is_some_and(|end| end <= Instant::now())
    }

    fn slice(self) -> Duration {
        self.0.map_or(SLICE, |end| end.saturating_duration_since(Instant::now()).min(SLICE))
    }

    /// Tries until `attempt`, which may take as long as it is told, has a result of `thing`; `None` when the time is over.
    ///
    /// Lent exclusively: a thing that is `Send` may then be used where the interpreter is not.
    pub(crate) fn wait<T: Send, R: Send>(
        self,
        py: Python<'_>,
        thing: &mut T,
        mut attempt: impl FnMut(&mut T, Duration) -> Option<R> + Send,
    ) -> PyResult<Option<R>> {
        loop {
            let slice = self.slice();
            if let Some(done) = py.detach(|| attempt(thing, slice)) {
                return Ok(Some(done));
            }
            py.check_signals()?;
            if self.is_over() {
                return Ok(None);
            }
        }
    }
}
