//! Appending to a log.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use xbar::log::{Durability, LogOptions, Retention, Times};

use crate::failure::Failure;
use crate::input::Input;
use crate::sole::Sole;
use crate::waiting::duration;

/// Appends to a log, alone. One thread uses it at a time.
#[pyclass(frozen, module = "xbar.log")]
#[derive(Debug)]
pub(crate) struct Writer {
    writer: Sole<xbar::log::Writer>,
    name: String,
}

#[pymethods]
impl Writer {
    /// Opens log `name` in `folder`, or goes on with it. At most one of `sync_ms`, `sync_records` says how often it is written to the disk.
    #[new]
    #[pyo3(signature = (folder, name, *, segment_bytes=None, exact_times=false, sync_ms=None, sync_records=None,
        keep_bytes=None, keep_seconds=None, keep_records=None, despite_cursors=false, prefault=true, helper=true))]
    #[allow(clippy::too_many_arguments)] // keywords of Python
    fn new(
        py: Python<'_>,
        folder: PathBuf,
        name: &str,
        segment_bytes: Option<u64>,
        exact_times: bool,
        sync_ms: Option<u32>,
        sync_records: Option<u32>,
        keep_bytes: Option<u64>,
        keep_seconds: Option<f64>,
        keep_records: Option<u64>,
        despite_cursors: bool,
        prefault: bool,
        helper: bool,
    ) -> Result<Self, Failure> {
        let mut retention = Retention::everything();
        retention = keep_bytes.into_iter().fold(retention, Retention::bytes);
        retention = keep_records.into_iter().fold(retention, Retention::records);
        if keep_seconds.is_some() {
            retention = duration(keep_seconds)?.into_iter().fold(retention, Retention::age);
        }
        if despite_cursors {
            retention = retention.despite_cursors();
        }
        let durability = match (sync_ms, sync_records) {
            (None, None) => Durability::None,
            (Some(ms), None) => Durability::EveryMs(ms),
            (None, Some(1)) => Durability::EveryRecord,
            (None, Some(records)) => Durability::EveryRecords(records),
            (Some(_), Some(_)) => {
                let text = "a log is written to the disk by time or by records: leave out `sync_ms` or `sync_records`";
                return Err(Failure::invalid(text.into()));
            }
        };
        let times = if exact_times { Times::Exact } else { Times::Coarse };
        let options = LogOptions::new().times(times).durability(durability).retention(retention);
        let options = options.prefault(prefault).helper(helper);
        let options = segment_bytes.into_iter().fold(options, LogOptions::segment_bytes);
        let writer = py.detach(|| xbar::log::Writer::open(folder, name, &options))?;
        Ok(Self { writer: Sole::new(writer), name: name.to_owned() })
    }

    /// Appends a copy of any object with a contiguous buffer; returns its number. `time_ns` is since 1970; now, unless told.
    #[pyo3(signature = (data, *, tag=0, time_ns=None))]
    fn append(
        &self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        tag: u16,
        time_ns: Option<u64>,
    ) -> Result<u64, Failure> {
        let input = Input::of(data)?;
        let mut writer = self.writer.enter("log writer")?;
        Ok(input.with(py, |bytes| match time_ns {
            None => writer.append_tagged(tag, bytes),
            Some(time_ns) => writer.append_at(tag, time_ns, bytes),
        })?)
    }

    /// Returns when all messages are on the disk.
    fn flush(&self, py: Python<'_>) -> Result<(), Failure> {
        let mut inside = self.writer.enter("log writer")?;
        let writer = &mut *inside;
        Ok(py.detach(|| writer.flush())?)
    }

    /// Deletes what need not be kept; returns how many segments that were.
    fn retain(&self) -> Result<usize, Failure> {
        Ok(self.writer.enter("log writer")?.retain()?)
    }

    /// The number of the message that comes next.
    #[getter]
    fn next_seq(&self) -> Result<u64, Failure> {
        Ok(self.writer.enter("log writer")?.next_seq())
    }

    /// Longest message in bytes.
    #[getter]
    fn most_bytes(&self) -> Result<usize, Failure> {
        Ok(self.writer.enter("log writer")?.most_bytes())
    }

    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// Closes the log: readers that have read all hear that it ended well. Twice is once.
    fn close(&self, py: Python<'_>) -> Result<(), Failure> {
        match self.writer.close("log writer")? {
            Some(writer) => Ok(py.detach(|| writer.close())?),
            None => Ok(()),
        }
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> Result<(), Failure> {
        self.close(py)
    }

    fn __repr__(&self) -> String {
        format!("<xbar.log.Writer of {}>", self.name)
    }
}
