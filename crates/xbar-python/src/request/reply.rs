//! An answer in Python's hands, read in place until it is released.

#![allow(unsafe_code)] // views that Python fills

use std::ffi::c_int;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::buffer::{Span, fill};
use crate::held::{Bytes, Held};
use crate::numpy;

impl Bytes for xbar::Reply {
    const NAME: &'static str = "reply";

    fn span(&self) -> Span {
        Span::read(self)
    }
}

/// An answer: a read-only buffer in shared memory, which stays as it is while the reply, or a view of it, lives.
#[pyclass(frozen, module = "xbar")]
#[derive(Debug)]
pub(crate) struct Reply {
    held: Held<xbar::Reply>,
    length: usize,
}

impl Reply {
    pub(crate) fn of(reply: xbar::Reply) -> Self {
        Self { length: reply.len(), held: Held::new(reply) }
    }
}

#[pymethods]
impl Reply {
    /// A numpy array upon the answer, which it keeps.
    #[pyo3(signature = (dtype=None, shape=None))]
    fn array<'py>(
        slf: &Bound<'py, Self>,
        dtype: Option<&Bound<'py, PyAny>>,
        shape: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        numpy::array(slf.as_any(), dtype, shape)
    }

    /// Lets the answer go: now, or with its last view. Twice is once.
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
        format!("<xbar.Reply of {} bytes>", self.length)
    }
}
