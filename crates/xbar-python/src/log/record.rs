//! A message of a log in Python's hands: a copy, or in place.

#![allow(unsafe_code, unsafe_op_in_unsafe_fn)] // views that Python fills: `methods_of_bytes`

use pyo3::prelude::*;

use super::reader::Pin;
use crate::buffer::{Span, methods_of_bytes};
use crate::held::{Bytes, Held};

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

methods_of_bytes!(Record);

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

    /// Lets the message go: now, or with its last view. Twice is once.
    fn release(&self) {
        self.held.release();
    }

    fn __repr__(&self) -> String {
        format!("<xbar.log.Record {}, {} bytes>", self.seq, self.length)
    }
}
