//! A received message in Python's hands, read in place until it is released.

#![allow(unsafe_code, unsafe_op_in_unsafe_fn)] // views that Python fills: `methods_of_bytes`

use pyo3::prelude::*;
use xbar::{OwnedSample, Timestamp};

use crate::buffer::{Span, methods_of_bytes};
use crate::held::{Bytes, Held};

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

methods_of_bytes!(Sample);

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

    /// Lets the message go: now, or with its last view. Twice is once.
    fn release(&self) {
        self.held.release();
    }

    fn __repr__(&self) -> String {
        let state = if self.held.is_held() { "" } else { ", released" };
        format!("<xbar.Sample {}, {} bytes{state}>", self.sequence, self.length)
    }
}
