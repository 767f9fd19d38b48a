//! Bytes that Python passes: any object with a contiguous buffer.

#![allow(unsafe_code)] // foreign buffers

use std::slice;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// A foreign buffer, kept as long as this lives.
pub(crate) enum Input<'py> {
    Bytes(Bound<'py, PyBytes>),
    Buffer(View<'py>),
}

/// Invariant: filled, as contiguous bytes, and released once: by `drop`. Boxed, because exporters may point into it.
pub(crate) struct View<'py> {
    view: Box<ffi::Py_buffer>,
    /// It goes where the interpreter is.
    _py: Python<'py>,
}

impl<'py> Input<'py> {
    /// The bytes of `object`.
    pub(crate) fn of(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.cast_exact::<PyBytes>() {
            return Ok(Self::Bytes(bytes.clone()));
        }
        let mut view = Box::new(ffi::Py_buffer::new());
        // SAFETY: an object, and a view that is empty and stays where it is.
        let filled = unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), &raw mut *view, ffi::PyBUF_SIMPLE) };
        if filled != 0 {
            return Err(PyErr::fetch(object.py()));
        }
        Ok(Self::Buffer(View { view, _py: object.py() }))
    }

    /// Lends the bytes to `work`, which runs no code of Python.
    pub(crate) fn with<R>(&self, _py: Python<'py>, work: impl FnOnce(&[u8]) -> R) -> R {
        let view = match self {
            Self::Bytes(bytes) => return work(bytes.as_bytes()),
            Self::Buffer(View { view, .. }) => view,
        };
        let length = usize::try_from(view.len).unwrap_or(0);
        if length == 0 {
            return work(&[]); // its address may be null
        }
        // SAFETY: as many bytes, which lie together and stay while the view is held (invariant). Nobody writes them: who would needs the
        // interpreter, which this thread has. Code that writes arrays without it must not be sent from meanwhile: docs/python.md.
        work(unsafe { slice::from_raw_parts(view.buf.cast(), length) })
    }

    /// A copy, to be used without the interpreter.
    pub(crate) fn copy(&self, py: Python<'py>) -> Vec<u8> {
        self.with(py, <[u8]>::to_vec)
    }
}

impl Drop for View<'_> {
    fn drop(&mut self) {
        // SAFETY: filled, and not released before (invariant).
        unsafe { ffi::PyBuffer_Release(&raw mut *self.view) };
    }
}
