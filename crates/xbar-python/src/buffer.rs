//! The buffer protocol: bytes of this library as Python sees them.
//!
//! Invariant: a view is filled from a [`Span`] of a [`Held`], which does not let go of what the span points to while a view is counted.

#![allow(unsafe_code)] // views that Python fills and releases

use std::ffi::c_int;
use std::ptr::{self, NonNull};

use pyo3::ffi;
use pyo3::prelude::*;

use crate::failure::Failure;
use crate::held::{Bytes, Held};

/// Where bytes lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    start: NonNull<u8>,
    length: usize,
    writable: bool,
}

// SAFETY: an address; whoever follows it is given it by `fill`, under the interpreter's lock.
unsafe impl Send for Span {}
// SAFETY: as above.
unsafe impl Sync for Span {}

impl Span {
    /// Bytes to be read.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        Self { start: NonNull::from(bytes).cast(), length: bytes.len(), writable: false }
    }

    /// Bytes to be written too.
    pub(crate) fn write(bytes: &mut [u8]) -> Self {
        Self { start: NonNull::from(&mut *bytes).cast(), length: bytes.len(), writable: true }
    }

    pub(crate) const fn len(&self) -> usize {
        self.length
    }
}

/// Fills a view with what `held` holds, and counts it; `owner` is whose field it is.
///
/// # Safety
///
/// `view` is what `__getbuffer__` was given, and `owner` the object whose `held` this is.
pub(crate) unsafe fn fill<T: Bytes>(
    held: &Held<T>,
    owner: &Bound<'_, PyAny>,
    view: *mut ffi::Py_buffer,
    flags: c_int,
) -> PyResult<()> {
    if view.is_null() {
        return Err(Failure::buffer("there is no view to fill: pass one").into());
    }
    // SAFETY: a view to be filled; null until it is, as the protocol asks of failures.
    unsafe { (*view).obj = ptr::null_mut() };
    let span = held.view()?;
    // One more byte than none may be asked for: an address that is not null.
    let (start, length) = (span.start.as_ptr().cast(), span.length as isize); // at most a block's 2^30 bytes, or a segment's 2^35
    let readonly = c_int::from(!span.writable);
    // SAFETY: `owner` lives as long as the view, which keeps it; the bytes as long as it is counted (invariant).
    let filled = unsafe { ffi::PyBuffer_FillInfo(view, owner.as_ptr(), start, length, readonly, flags) };
    if filled == 0 {
        return Ok(());
    }
    held.end_view();
    Err(PyErr::fetch(owner.py()))
}

/// The methods that every class has whose fields are a `held` and its `length`: the buffer, the length, `array`, and the end of a `with`.
///
/// Its file allows `unsafe_code`, for what is here, and `unsafe_op_in_unsafe_fn`, for what pyo3 writes around it.
macro_rules! methods_of_bytes {
    ($class:ident) => {
        #[pyo3::pymethods]
        impl $class {
            /// A numpy array upon the bytes, which it keeps.
            #[pyo3(signature = (dtype=None, shape=None))]
            fn array<'py>(
                slf: &pyo3::Bound<'py, Self>,
                dtype: Option<&pyo3::Bound<'py, pyo3::PyAny>>,
                shape: Option<&pyo3::Bound<'py, pyo3::PyAny>>,
            ) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::PyAny>> {
                $crate::numpy::array(slf.as_any(), dtype, shape)
            }

            const fn __len__(&self) -> usize {
                self.length
            }

            fn __enter__(slf: pyo3::Py<Self>) -> pyo3::Py<Self> {
                slf
            }

            #[pyo3(signature = (*_exception))]
            fn __exit__(&self, _exception: &pyo3::Bound<'_, pyo3::types::PyTuple>) {
                self.held.release();
            }

            unsafe fn __getbuffer__(
                slf: pyo3::Bound<'_, Self>,
                view: *mut pyo3::ffi::Py_buffer,
                flags: std::ffi::c_int,
            ) -> pyo3::PyResult<()> {
                // SAFETY: of Python, and the field of this object.
                unsafe { $crate::buffer::fill(&slf.get().held, slf.as_any(), view, flags) }
            }

            unsafe fn __releasebuffer__(&self, _view: *mut pyo3::ffi::Py_buffer) {
                self.held.end_view();
            }
        }
    };
}
pub(crate) use methods_of_bytes;
