//! A loan in Python's hands: room for a message, until it is published or given back.

#![allow(unsafe_code, unsafe_op_in_unsafe_fn)] // views that Python fills: `methods_of_bytes`

use std::time::Duration;

use pyo3::prelude::*;

use crate::buffer::{Span, methods_of_bytes};
use crate::failure::Failure;
use crate::held::{Bytes, Held};
use crate::publisher::Lease;
use crate::waiting::Deadline;

impl Bytes for Lease {
    const NAME: &'static str = "loan";

    fn span(&self) -> Span {
        self.span
    }
}

/// Room for a message, to be written in place through its buffer and published. Dropped, it goes back.
///
/// Its bytes are those of an earlier message until they are written.
#[pyclass(frozen, module = "xbar")]
pub(crate) struct Loan {
    held: Held<Lease>,
    length: usize,
}

impl Loan {
    pub(crate) fn of(lease: Lease) -> Self {
        Self { length: lease.span.len(), held: Held::new(lease) }
    }

    fn try_publish(&self, py: Python<'_>, lease: &Lease, deadline: Deadline) -> Result<u64, Failure> {
        let mut inside = lease.family.enter("loan")?;
        let number = lease.number;
        if let Some(published) = inside.get().publish(number, Duration::ZERO) {
            return published;
        }
        if deadline.is_over() {
            return Err(Failure::full());
        }
        let published =
            deadline.wait(py, &mut *inside, |family, slice| family.get().publish(number, slice))?;
        published.unwrap_or_else(|| Err(Failure::full()))
    }
}

methods_of_bytes!(Loan);

#[pymethods]
impl Loan {
    /// Publishes the message; returns its number. Refused with `BufferError` while there are views. Where the topic is lossless, waits for
    /// room up to `timeout` seconds, `None` for ever, and raises `Full` when there is none: the loan stays then.
    #[pyo3(signature = (timeout=None))]
    fn publish(&self, py: Python<'_>, timeout: Option<f64>) -> Result<u64, Failure> {
        let deadline = Deadline::after(timeout)?;
        let lease = self.held.take("publish", 0)?;
        let published = self.try_publish(py, &lease, deadline);
        if published.is_err() {
            self.held.put(lease);
        }
        published
    }

    /// Gives the room back unpublished: now, or with its last view. Twice is once.
    fn release(&self) {
        self.held.release();
    }

    fn __repr__(&self) -> String {
        let state = if self.held.is_held() { "" } else { ", not held any more" };
        format!("<xbar.Loan of {} bytes{state}>", self.length)
    }
}
