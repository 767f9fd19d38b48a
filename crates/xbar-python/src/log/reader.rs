//! Reading a log, from wherever wished to its live end.
//!
//! A record in place is bytes of a mapping that the reader keeps until it goes on. So the reader refuses to go on while there is one: each has
//! a clone of `pin`, and of the reader itself.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use xbar::Adaptive;
use xbar::log::{ReadError, Start, TryReadError};

use super::record::{Body, Record};
use crate::buffer::Span;
use crate::failure::Failure;
use crate::sole::{Inside, Sole};
use crate::waiting::Deadline;

/// Reads a log. One thread uses it at a time; any number of them cost the writer nothing.
#[pyclass(frozen, module = "xbar.log")]
#[derive(Debug)]
pub(crate) struct Reader {
    place: Arc<Sole<Place>>,
    name: String,
}

/// Where it stands.
#[derive(Debug)]
pub(crate) struct Place {
    reader: xbar::log::Reader,
    pin: Arc<()>,
}

/// What keeps a record where it is.
#[derive(Debug)]
pub(crate) struct Pin {
    _pin: Arc<()>,
    _place: Arc<Sole<Place>>,
}

/// What was read, to be sent from where the interpreter is not.
struct Found {
    seq: u64,
    timestamp_ns: u64,
    tag: u16,
    span: Span,
    copy: Option<Vec<u8>>,
}

impl Found {
    fn of(record: xbar::log::Record<'_>, in_place: bool) -> Self {
        let (seq, timestamp_ns, tag) = (record.seq(), record.timestamp_ns(), record.tag());
        let copy = (!in_place).then(|| record.payload().to_vec());
        Self { seq, timestamp_ns, tag, span: Span::read(record.payload()), copy }
    }
}

fn start(number: Option<u64>, time_ns: Option<u64>, word: Option<&str>) -> Result<Option<Start>, Failure> {
    match (number, time_ns, word) {
        (None, None, None) => Ok(None),
        (Some(number), None, None) => Ok(Some(Start::Seq(number))),
        (None, Some(time_ns), None) => Ok(Some(Start::Time(time_ns))),
        (None, None, Some("oldest")) => Ok(Some(Start::Oldest)),
        (None, None, Some("live")) => Ok(Some(Start::Live)),
        (None, None, Some(other)) => {
            let text =
                format!("a log has no place {other:?}: use \"oldest\", \"live\", seq=NUMBER or time_ns=TIME");
            Err(Failure::invalid(text))
        }
        _ => Err(Failure::invalid("a reader goes to one place: pass a word, `seq` or `time_ns`".into())),
    }
}

impl Reader {
    /// Goes in to move on, which no record in place may be in the way of.
    fn enter(&self) -> Result<Inside<'_, Place>, Failure> {
        let inside = self.place.enter("log reader")?;
        if Arc::strong_count(&inside.pin) > 1 {
            return Err(Failure::buffer(
                "a record of this reader is held in place: release it, and its views, before the reader goes on",
            ));
        }
        Ok(inside)
    }

    fn record(&self, inside: &Place, found: Found) -> Record {
        let Found { seq, timestamp_ns, tag, span, copy } = found;
        let body = match copy {
            Some(copy) => Body::Copied(copy),
            None => {
                let (pin, place) = (Arc::clone(&inside.pin), Arc::clone(&self.place));
                Body::InPlace(span, Pin { _pin: pin, _place: place })
            }
        };
        Record::of(body, seq, timestamp_ns, tag)
    }

    fn wait(&self, py: Python<'_>, deadline: Deadline, in_place: bool) -> Result<Option<Record>, Failure> {
        let mut inside = self.enter()?;
        let at_once = inside.reader.try_next().map(|record| Found::of(record, in_place));
        match at_once {
            Ok(found) => return Ok(Some(self.record(&inside, found))),
            Err(TryReadError::Empty) if deadline.is_over() => return Ok(None),
            Err(TryReadError::Empty) => {}
            Err(error) => return Err(error.into()),
        }
        let read = deadline.wait(py, &mut inside.reader, |reader, slice| {
            match reader.next_timeout(Adaptive, slice) {
                Err(ReadError::Timeout) => None,
                read => Some(read.map(|record| Found::of(record, in_place))),
            }
        })?;
        match read {
            Some(found) => Ok(Some(self.record(&inside, found?))),
            None => Ok(None),
        }
    }
}

#[pymethods]
impl Reader {
    /// Opens log `name` in `folder`, to read from the oldest message that is there, or as `seek` would say.
    #[new]
    #[pyo3(signature = (folder, name, from_=None, *, seq=None, time_ns=None))]
    fn new(
        folder: PathBuf,
        name: &str,
        from_: Option<&str>,
        seq: Option<u64>,
        time_ns: Option<u64>,
    ) -> Result<Self, Failure> {
        let start = start(seq, time_ns, from_)?;
        let mut reader = xbar::log::Reader::open(folder, name)?;
        if let Some(start) = start {
            reader.seek(start)?;
        }
        let place = Arc::new(Sole::new(Place { reader, pin: Arc::new(()) }));
        Ok(Self { place, name: name.to_owned() })
    }

    /// Goes elsewhere: to `"oldest"`, to `"live"`, to message `seq`, to the first of `time_ns` or later.
    #[pyo3(signature = (place=None, *, seq=None, time_ns=None))]
    fn seek(&self, place: Option<&str>, seq: Option<u64>, time_ns: Option<u64>) -> Result<(), Failure> {
        let start = start(seq, time_ns, place)?;
        let start = start.ok_or_else(|| Failure::invalid("a reader goes to one place: pass it".into()))?;
        Ok(self.enter()?.reader.seek(start)?)
    }

    /// The next message, if there is one; else `None`. `Lagged` when messages were deleted or damaged, once; `Disconnected` when all is read
    /// and nobody writes any more.
    #[pyo3(signature = (*, in_place=false))]
    fn try_next(&self, in_place: bool) -> Result<Option<Record>, Failure> {
        let mut inside = self.enter()?;
        let found = match inside.reader.try_next() {
            Ok(record) => Found::of(record, in_place),
            Err(TryReadError::Empty) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(Some(self.record(&inside, found)))
    }

    /// The next message, waiting up to `timeout` seconds, `None` for ever; raises `Timeout` when none came, and as `try_next`.
    #[pyo3(signature = (timeout=None, *, in_place=false))]
    fn next(&self, py: Python<'_>, timeout: Option<f64>, in_place: bool) -> Result<Record, Failure> {
        self.wait(py, Deadline::after(timeout)?, in_place)?.ok_or_else(Failure::timeout)
    }

    /// The message before, going backwards; `None` at the beginning.
    #[pyo3(signature = (*, in_place=false))]
    fn try_previous(&self, in_place: bool) -> Result<Option<Record>, Failure> {
        let mut inside = self.enter()?;
        let found = match inside.reader.try_previous() {
            Ok(record) => Found::of(record, in_place),
            Err(TryReadError::Empty) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(Some(self.record(&inside, found)))
    }

    /// The number of the message that comes next.
    #[getter]
    fn next_seq(&self) -> Result<u64, Failure> {
        Ok(self.place.enter("log reader")?.reader.next_seq())
    }

    /// Whether somebody writes the log.
    #[getter]
    fn is_written(&self) -> Result<bool, Failure> {
        Ok(self.place.enter("log reader")?.reader.is_written())
    }

    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// Closes the files. Twice is once.
    fn close(&self) -> Result<(), Failure> {
        match self.enter() {
            Ok(inside) => drop(inside),
            Err(failure) if failure.is_closed() => return Ok(()),
            Err(failure) => return Err(failure),
        }
        drop(self.place.close("log reader")?);
        Ok(())
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// The next message, however long that takes; the iteration ends when all is read and nobody writes any more.
    fn __next__(&self, py: Python<'_>) -> Result<Option<Record>, Failure> {
        match self.wait(py, Deadline::after(None)?, false) {
            Err(failure) if failure.is_end() => Ok(None),
            read => read,
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
        format!("<xbar.log.Reader of {}>", self.name)
    }
}
