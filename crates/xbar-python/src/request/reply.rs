//! An answer in Python's hands, read in place until it is released.

#![allow(unsafe_code, unsafe_op_in_unsafe_fn)] // views that Python fills: `methods_of_bytes`

use pyo3::prelude::*;

use crate::buffer::{Span, methods_of_bytes};
use crate::held::{Bytes, Held};

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

methods_of_bytes!(Reply);

#[pymethods]
impl Reply {
    /// Lets the answer go: now, or with its last view. Twice is once.
    fn release(&self) {
        self.held.release();
    }

    fn __repr__(&self) -> String {
        format!("<xbar.Reply of {} bytes>", self.length)
    }
}
