//! A message of a log in Python's hands: a copy, or in place.

#![allow(unsafe_code)] // views that Python fills

use std::ffi::c_int;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::reader::Pin;
use crate::buffer::{Span, fill};
use crate::held::{Bytes, Held};
use crate::numpy;

/// Its bytes. Invariant: those in place stay as long as they are pinned.
#[derive(Debug)]
pub(crate) enum Body {
    Copied(Vec<u8>),
    InPlace(Span, #[allow(dead_code)] Pin), // to be dropped
}

impl Bytes for Body {
    const NAME: &'static str = "record";

    fn span(&self) -> Span {
        match self {
            Self::Copied(bytes) => Span::read(bytes),
            Self::InPlace(span, _) => *span,
        }
    }
}

/// A message of a log: a read-only buffer.
#[pyclass(frozen, module = "xbar.log")]
#[derive(Debug)]
pub(crate) struct Record {
    held: Held<Body>,
    length: usize,
    seq: u64,
    timestamp_ns: u64,
    tag: u16,
}

impl Record {
    pub(crate) fn of(body: Body, seq: u64, timestamp_ns: u64, tag: u16) -> Self {
        Self { length: body.span().len(), held: Held::new(body), seq, timestamp_ns, tag }
    }
}

#[pymethods]
impl Record {
    /// Its number: the first message of a log has 0.
    #[getter]
    const fn seq(&self) -> u64 {
        self.seq
    }

    /// When it was appended, in nanoseconds since 1970.
    #[getter]
    const fn time_ns(&self) -> u64 {
        self.timestamp_ns
    }

    /// The writer's tag.
    #[getter]
    const fn tag(&self) -> u16 {
        self.tag
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
        format!("<xbar.log.Record {}, {} bytes>", self.seq, self.length)
    }
}
