//! A handle that receives from a region.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use xbar::RegionError;

use crate::failure::Failure;
use crate::sole::Sole;
use crate::stream::Stream;
use crate::waiting::{Deadline, duration};

/// Receives from a region, through a read-only mapping. Any thread may use it; its streams may outlive it.
#[pyclass(frozen, module = "xbar")]
#[derive(Debug)]
pub(crate) struct Subscriber {
    subscriber: Sole<Arc<xbar::Subscriber>>,
    region: String,
    epoch: u64,
}

/// Where a stream begins.
#[derive(Debug, Clone, Copy)]
enum From {
    Now,
    Oldest,
    Last(u64),
}

fn from(word: Option<&Bound<'_, PyAny>>) -> Result<From, Failure> {
    let Some(word) = word else { return Ok(From::Now) };
    if let Ok(messages) = word.extract::<u64>() {
        return Ok(From::Last(messages));
    }
    match word.extract::<String>().as_deref() {
        Ok("now") => Ok(From::Now),
        Ok("oldest") => Ok(From::Oldest),
        _ => Err(Failure::invalid(format!(
            "a stream cannot begin from {}: use \"now\", \"oldest\" or a number of messages",
            word.repr()?
        ))),
    }
}

/// What was waited for in slices, and came or not: the time is that of all slices.
fn whole<T>(
    py: Python<'_>,
    timeout: Option<f64>,
    mut attempt: impl FnMut(Duration) -> Result<T, RegionError> + Send,
) -> Result<T, Failure>
where
    T: Send,
{
    let deadline = Deadline::after(timeout)?;
    let mut missing = None;
    let done = deadline.wait(py, &mut (), |(), slice| match attempt(slice) {
        Err(RegionError::TimedOut { last, .. }) => {
            missing = Some(last);
            None
        }
        done => Some(done),
    })?;
    match (done, missing) {
        (Some(done), _) => Ok(done?),
        (None, Some(last)) => {
            let waited = duration(timeout)?.unwrap_or(Duration::MAX);
            Err(RegionError::TimedOut { waited, last }.into())
        }
        (None, None) => Err(Failure::timeout()),
    }
}

fn connect(
    dir: Option<&Path>,
    user: Option<u32>,
    region: &str,
    slice: Option<Duration>,
) -> Result<xbar::Subscriber, RegionError> {
    use xbar::Subscriber;
    match (dir, user, slice) {
        (None, None, None) => Subscriber::connect(region),
        (Some(dir), None, None) => Subscriber::connect_in(dir, region),
        (None, Some(user), _) => Subscriber::connect_to_user(user, region),
        (Some(dir), Some(user), _) => Subscriber::connect_to_user_in(user, dir, region),
        (None, None, Some(slice)) => Subscriber::connect_timeout(region, slice),
        (Some(dir), None, Some(slice)) => Subscriber::connect_timeout_in(dir, region, slice),
    }
}

#[pymethods]
impl Subscriber {
    /// Connects to a region; waits up to `timeout` seconds for it to appear, not at all without.
    #[new]
    #[pyo3(signature = (region, timeout=None, *, dir=None, user=None))]
    fn new(
        py: Python<'_>,
        region: &str,
        timeout: Option<f64>,
        dir: Option<PathBuf>,
        user: Option<u32>,
    ) -> Result<Self, Failure> {
        if timeout.is_some() && user.is_some() {
            let text = "the region of another user cannot be waited for: leave out `timeout` or `user`";
            return Err(Failure::invalid(text.into()));
        }
        let dir = dir.as_deref();
        let subscriber = match timeout {
            None => connect(dir, user, region, None)?,
            Some(_) => whole(py, timeout, |slice| connect(dir, user, region, Some(slice)))?,
        };
        let (region, epoch) = (subscriber.region().to_owned(), subscriber.epoch());
        Ok(Self { subscriber: Sole::new(Arc::new(subscriber)), region, epoch })
    }

    /// Receives a topic: from now on, from the oldest message that is there, or from the last so many on. Waits up to `timeout` seconds
    /// for it to be registered, not at all without.
    #[pyo3(signature = (uri, from_=None, timeout=None))]
    fn subscribe(
        &self,
        py: Python<'_>,
        uri: &str,
        from_: Option<&Bound<'_, PyAny>>,
        timeout: Option<f64>,
    ) -> Result<Stream, Failure> {
        let start = from(from_)?;
        let subscriber = self.shared()?;
        if timeout.is_some() {
            let waited = whole(py, timeout, |slice| subscriber.subscribe_timeout(uri, slice))?;
            if let From::Now = start {
                return Ok(Stream::of(waited));
            }
        }
        Ok(Stream::of(match start {
            From::Now => subscriber.subscribe(uri),
            From::Oldest => subscriber.subscribe_from_oldest(uri),
            From::Last(messages) => subscriber.subscribe_last(uri, messages),
        }?))
    }

    /// URIs of the topics registered so far.
    fn topics(&self) -> Result<Vec<String>, Failure> {
        Ok(self.shared()?.topics())
    }

    /// Publishers of the region that are alive.
    #[getter]
    fn publisher_count(&self) -> Result<usize, Failure> {
        Ok(self.shared()?.publisher_count())
    }

    /// Name of the region.
    #[getter]
    fn region(&self) -> &str {
        &self.region
    }

    /// Increases each time the region is created anew under the same name.
    #[getter]
    const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Leaves the region, when its streams and samples are gone too. Twice is once.
    fn close(&self) -> Result<(), Failure> {
        drop(self.subscriber.close("subscriber")?);
        Ok(())
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyTuple>) -> Result<(), Failure> {
        self.close()
    }

    fn __repr__(&self) -> String {
        format!("<xbar.Subscriber of {}>", self.region)
    }
}

impl Subscriber {
    fn shared(&self) -> Result<Arc<xbar::Subscriber>, Failure> {
        Ok(Arc::clone(&*self.subscriber.enter("subscriber")?))
    }
}
