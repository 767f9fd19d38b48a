//! A request in the hands of the Python that serves, until it is answered or dropped.

#![allow(unsafe_code, unsafe_op_in_unsafe_fn)] // views that Python fills: `methods_of_bytes`

use std::sync::Arc;

use pyo3::prelude::*;

use super::server::Lease;
use crate::buffer::{Span, methods_of_bytes};
use crate::failure::Failure;
use crate::held::{Bytes, Held};
use crate::input::Input;

impl Bytes for Lease {
    const NAME: &'static str = "request";

    fn span(&self) -> Span {
        self.span
    }
}

/// A request: a read-only buffer in shared memory. Dropped without a reply, the client is told so.
#[pyclass(frozen, module = "xbar")]
pub(crate) struct Request {
    held: Held<Lease>,
    length: usize,
}

impl Request {
    pub(crate) fn of(lease: Lease) -> Self {
        Self { length: lease.span.len(), held: Held::new(lease) }
    }
}

methods_of_bytes!(Request);

#[pymethods]
impl Request {
    /// Answers with a copy of any object with a contiguous buffer, the request itself among them. Never waits. Refused with `BufferError`
    /// while there are other views of the request; over, whatever else goes wrong.
    fn reply(slf: &Bound<'_, Self>, py: Python<'_>, data: &Bound<'_, PyAny>) -> Result<(), Failure> {
        let input = Input::of(data)?;
        // An echo has a view of its own.
        let own = usize::from(data.is(slf));
        let lease = slf.get().held.take("answer", own)?;
        let bytes = input.copy(py);
        // The view of the request itself is to be gone before the request is.
        drop(input);
        let family = Arc::clone(&lease.family);
        let mut inside = match family.enter("request") {
            Ok(inside) => inside,
            Err(failure) => {
                slf.get().held.put(lease);
                return Err(failure);
            }
        };
        let asked = inside.get().lent.remove(&lease.number);
        let asked = asked.ok_or_else(|| Failure::closed("the request was answered before".into()))?;
        let super::server::Asked { request, .. } = asked;
        Ok(request.reply(&bytes)?)
    }

    /// Lets the request go unanswered, and tells the client so: now, or with its last view. Twice is once.
    fn refuse(&self) {
        self.held.release();
    }

    /// Seconds that the client still waits; `None` when it waits for ever.
    #[getter]
    fn time_left(&self) -> Result<Option<f64>, Failure> {
        self.held.look(|lease| {
            let mut inside = lease.family.enter("request")?;
            let asked = inside.get().lent.get(&lease.number);
            Ok(asked.and_then(|asked| asked.request.time_left()).map(|left| left.as_secs_f64()))
        })?
    }

    fn __repr__(&self) -> String {
        let state = if self.held.is_held() { "" } else { ", over" };
        format!("<xbar.Request of {} bytes{state}>", self.length)
    }
}
