//! A topic as a subscriber receives it.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use xbar::{OwnedSample, RecvError, TryRecvError};

use crate::failure::Failure;
use crate::sample::Sample;
use crate::sole::Sole;
use crate::topic::word;
use crate::waiting::Deadline;

/// Receives one topic. Every receive brings the next message, or says why not.
///
/// One thread uses it at a time. A lossless topic's publishers wait for it until it is closed.
#[pyclass(frozen, module = "xbar")]
#[derive(Debug)]
pub(crate) struct Stream {
    stream: Sole<xbar::Stream>,
    uri: String,
}

impl Stream {
    pub(crate) fn of(stream: xbar::Stream) -> Self {
        let uri = stream.uri().to_owned();
        Self { stream: Sole::new(stream), uri }
    }

    fn wait(&self, py: Python<'_>, deadline: Deadline) -> Result<Option<OwnedSample>, Failure> {
        let mut inside = self.stream.enter("stream")?;
        match inside.try_recv() {
            Ok(sample) => return Ok(Some(sample.into_owned())),
            Err(TryRecvError::Empty) if deadline.is_over() => return Ok(None),
            Err(TryRecvError::Empty) => {}
            Err(error) => return Err(error.into()),
        }
        let received = deadline.wait(py, &mut *inside, |stream, slice| match stream.recv_timeout(slice) {
            Err(RecvError::Timeout) => None,
            received => Some(received.map(xbar::Sample::into_owned)),
        })?;
        Ok(received.transpose()?)
    }
}

#[pymethods]
impl Stream {
    /// The next message, if there is one; else `None`. Raises `Lagged` when messages were overwritten, once, and goes on behind them;
    /// `Disconnected` when the publisher is gone and everything was received.
    fn try_recv(&self) -> Result<Option<Sample>, Failure> {
        match self.stream.enter("stream")?.try_recv() {
            Ok(sample) => Ok(Some(Sample::of(sample.into_owned()))),
            Err(TryRecvError::Empty) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The next message, waiting up to `timeout` seconds, `None` for ever; raises `Timeout` when none came, and as `try_recv`.
    #[pyo3(signature = (timeout=None))]
    fn recv(&self, py: Python<'_>, timeout: Option<f64>) -> Result<Sample, Failure> {
        let received = self.wait(py, Deadline::after(timeout)?)?;
        received.map(Sample::of).ok_or_else(Failure::timeout)
    }

    /// The latest message of a pinned topic, received before or not; `None` before the first.
    fn latest(&self) -> Result<Option<Sample>, Failure> {
        match self.stream.enter("stream")?.try_recv_pinned() {
            Ok(sample) => Ok(Some(Sample::of(sample.into_owned()))),
            Err(TryRecvError::Empty) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a publisher has the topic registered; waits up to `timeout` seconds for one.
    #[pyo3(signature = (timeout=0.0))]
    fn wait_connected(&self, py: Python<'_>, timeout: Option<f64>) -> Result<bool, Failure> {
        let deadline = Deadline::after(timeout)?;
        let mut inside = self.stream.enter("stream")?;
        let is_connected = |stream: &mut xbar::Stream, slice| stream.wait_connected(slice).then_some(());
        Ok(deadline.wait(py, &mut *inside, is_connected)?.is_some())
    }

    #[getter]
    fn uri(&self) -> &str {
        &self.uri
    }

    /// `"lossy"`, `"lossless"` or `"pinned"`.
    #[getter]
    fn delivery(&self) -> Result<&'static str, Failure> {
        Ok(word(self.stream.enter("stream")?.delivery()))
    }

    /// The type that all messages have, if the topic was registered with one, in words.
    #[getter]
    fn value_type(&self) -> Result<Option<String>, Failure> {
        Ok(self.stream.enter("stream")?.value_type().map(|value| value.to_string()))
    }

    /// Messages received so far.
    #[getter]
    fn received(&self) -> Result<u64, Failure> {
        Ok(self.stream.enter("stream")?.received())
    }

    /// Messages missed so far; received + missed = published since the stream began, once it is drained.
    #[getter]
    fn missed(&self) -> Result<u64, Failure> {
        Ok(self.stream.enter("stream")?.missed())
    }

    /// Messages published and not yet received, as far as this moment tells.
    #[getter]
    fn pending(&self) -> Result<u64, Failure> {
        Ok(self.stream.enter("stream")?.pending())
    }

    /// Stops receiving; samples stay. Twice is once.
    fn close(&self) -> Result<(), Failure> {
        drop(self.stream.close("stream")?);
        Ok(())
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// The next message, however long that takes; the iteration ends when the publisher is gone and everything was received.
    fn __next__(&self, py: Python<'_>) -> Result<Option<Sample>, Failure> {
        match self.wait(py, Deadline::after(None)?) {
            Err(failure) if failure.is_end() => Ok(None),
            received => Ok(received?.map(Sample::of)),
        }
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyTuple>) -> Result<(), Failure> {
        self.close()
    }

    fn __repr__(&self) -> String {
        format!("<xbar.Stream of {}>", self.uri)
    }
}
