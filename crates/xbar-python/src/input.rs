//! Bytes that Python passes: any object with a contiguous buffer.

#![allow(unsafe_code)] // the bytes of a foreign buffer

use std::slice;

use pyo3::buffer::PyUntypedBuffer;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::failure::Failure;

/// A foreign buffer, kept as long as this lives.
pub(crate) enum Input<'py> {
    Bytes(Bound<'py, PyBytes>),
    /// Invariant: contiguous.
    Buffer(PyUntypedBuffer),
}

impl<'py> Input<'py> {
    /// The bytes of `object`.
    pub(crate) fn of(object: &Bound<'py, PyAny>) -> Result<Self, Failure> {
        if let Ok(bytes) = object.cast_exact::<PyBytes>() {
            return Ok(Self::Bytes(bytes.clone()));
        }
        let buffer = PyUntypedBuffer::get(object)?;
        if !buffer.is_c_contiguous() {
            return Err(Failure::buffer(
                "the buffer is not contiguous: copy it into one that is, as by numpy.ascontiguousarray",
            ));
        }
        Ok(Self::Buffer(buffer))
    }

    /// Lends the bytes to `work`, which runs no code of Python.
    pub(crate) fn with<R>(&self, _py: Python<'py>, work: impl FnOnce(&[u8]) -> R) -> R {
        let buffer = match self {
            Self::Bytes(bytes) => return work(bytes.as_bytes()),
            Self::Buffer(buffer) => buffer,
        };
        let length = buffer.len_bytes();
        if length == 0 {
            return work(&[]); // its address may be null
        }
        // SAFETY: as many bytes, which lie together (invariant) and stay while the buffer is held. Nobody writes them: who would needs the
        // interpreter, which this thread has (`_py`). Code that writes arrays without it must not be sent from meanwhile, docs/python.md.
        work(unsafe { slice::from_raw_parts(buffer.buf_ptr().cast(), length) })
    }

    /// A copy, to be used without the interpreter.
    pub(crate) fn copy(&self, py: Python<'py>) -> Vec<u8> {
        self.with(py, <[u8]>::to_vec)
    }
}
