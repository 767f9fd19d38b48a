//! A received message in Python's hands, read in place until it is released.

#![allow(unsafe_code)] // views that Python fills

use std::ffi::c_int;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use xbar::{OwnedSample, Timestamp};

use crate::buffer::{Span, fill};
use crate::held::{Bytes, Held};
use crate::numpy;

impl Bytes for OwnedSample {
    const NAME: &'static str = "sample";

    fn span(&self) -> Span {
        Span::read(self)
    }
}

/// A received message: a read-only buffer in shared memory. Its block stays as it is while the sample, or a view of it, lives.
#[pyclass(frozen, module = "xbar")]
#[derive(Debug)]
pub(crate) struct Sample {
    held: Held<OwnedSample>,
    length: usize,
    sequence: u64,
    publish_time: Option<Timestamp>,
}

impl Sample {
    pub(crate) fn of(sample: OwnedSample) -> Self {
        let (length, sequence, publish_time) = (sample.len(), sample.sequence(), sample.publish_time());
        Self { held: Held::new(sample), length, sequence, publish_time }
    }
}

#[pymethods]
impl Sample {
    /// Its place in the topic, from 0.
    #[getter]
    const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// When it was published, in seconds of `time.monotonic()`; `None` unless the region keeps publish times.
    #[getter]
    fn publish_time(&self) -> Option<f64> {
        self.publish_time.map(|time| time.as_nanos() as f64 / 1e9)
    }

    /// As `publish_time`, in nanoseconds of `time.monotonic_ns()`.
    #[getter]
    fn publish_time_ns(&self) -> Option<u64> {
        self.publish_time.map(Timestamp::as_nanos)
    }

    /// A numpy array upon the message, which it keeps.
    #[pyo3(signature = (dtype=None, shape=None))]
    fn array<'py>(
        slf: &Bound<'py, Self>,
        dtype: Option<&Bound<'py, PyAny>>,
        shape: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        numpy::array(slf.as_any(), dtype, shape)
    }

    /// Lets the message go: now, or with its last view. Twice is once.
    fn release(&self) {
        self.held.release();
    }

    const fn __len__(&self) -> usize {
        self.length
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyTuple>) {
        self.held.release();
    }

    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        // SAFETY: of Python, and the field of this object.
        unsafe { fill(&slf.get().held, slf.as_any(), view, flags) }
    }

    unsafe fn __releasebuffer__(&self, _view: *mut ffi::Py_buffer) {
        self.held.end_view();
    }

    fn __repr__(&self) -> String {
        let state = if self.held.is_held() { "" } else { ", released" };
        format!("<xbar.Sample {}, {} bytes{state}>", self.sequence, self.length)
    }
}
