//! A server with the requests that it has received: one family, which one thread uses at a time.

#![allow(unsafe_code)] // requests that are kept with what they borrow

use std::mem;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use xbar::{RequestError, ServerConfig};

use super::received::Request;
use crate::buffer::Span;
use crate::failure::Failure;
use crate::family::{self, State};
use crate::waiting::Deadline;

/// A request, and what it borrows from. Invariant: the request goes first, and what the count keeps does not move.
pub(crate) struct Asked {
    pub request: xbar::Request<'static>,
    _server: Rc<xbar::Server>,
}

pub(crate) type Family = family::Family<Rc<xbar::Server>, Asked>;
pub(crate) type Lease = family::Lease<Rc<xbar::Server>, Asked>;

impl State<Rc<xbar::Server>, Asked> {
    fn server(&self) -> Result<&Rc<xbar::Server>, Failure> {
        self.owner.as_ref().ok_or_else(|| Failure::closed("the server is closed: make another".into()))
    }

    /// The next request, waiting up to `patience`; `None` when there is none.
    fn receive(&mut self, patience: Duration) -> Option<Result<(u64, Span), Failure>> {
        let server = match self.server() {
            Ok(server) => Rc::clone(server),
            Err(failure) => return Some(Err(failure)),
        };
        let request = match server.recv_timeout(patience) {
            Ok(request) => request,
            Err(RequestError::Timeout { .. }) => return None,
            Err(error) => return Some(Err(error.into())),
        };
        // SAFETY: it borrows from what the count keeps, and goes before that (invariant).
        let request = unsafe { mem::transmute::<xbar::Request<'_>, xbar::Request<'static>>(request) };
        let span = Span::read(&request);
        Some(Ok((self.lend(Asked { request, _server: server }), span)))
    }
}

/// Answers requests. One thread uses it and its requests at a time; any number of requests may be held, and answered in any order.
#[pyclass(frozen, module = "xbar")]
#[derive(Debug)]
pub(crate) struct Server {
    family: Arc<Family>,
    name: String,
}

impl Server {
    fn wait(&self, py: Python<'_>, deadline: Deadline) -> Result<Option<Request>, Failure> {
        let mut inside = self.family.enter("server")?;
        let mut received = inside.get().receive(Duration::ZERO);
        if received.is_none() && !deadline.is_over() {
            received = deadline.wait(py, &mut *inside, |family, slice| family.get().receive(slice))?;
        }
        let Some(received) = received else { return Ok(None) };
        let (number, span) = received?;
        Ok(Some(Request::of(Lease { family: Arc::clone(&self.family), number, span })))
    }
}

#[pymethods]
impl Server {
    /// Begins to serve under `name`.
    #[new]
    #[pyo3(signature = (name, *, clients=None, depth=None, max_bytes=None, dir=None))]
    fn new(
        name: &str,
        clients: Option<u32>,
        depth: Option<u32>,
        max_bytes: Option<u32>,
        dir: Option<PathBuf>,
    ) -> Result<Self, Failure> {
        let mut config = ServerConfig::new();
        config = clients.into_iter().fold(config, ServerConfig::clients);
        config = depth.into_iter().fold(config, ServerConfig::depth);
        config = max_bytes.into_iter().fold(config, ServerConfig::max_bytes);
        config = dir.into_iter().fold(config, ServerConfig::dir);
        // SAFETY: the server's count is cloned into the family's requests, and nowhere else.
        let family = unsafe { Family::new(Rc::new(config.serve(name)?)) };
        Ok(Self { family, name: name.to_owned() })
    }

    /// The next request that somebody still waits for, if there is one; else `None`.
    fn try_recv(&self, py: Python<'_>) -> Result<Option<Request>, Failure> {
        self.wait(py, Deadline::after(Some(0.0))?)
    }

    /// The next request that somebody still waits for, waiting up to `timeout` seconds, `None` for ever; raises `Timeout` when none came.
    #[pyo3(signature = (timeout=None))]
    fn recv(&self, py: Python<'_>, timeout: Option<f64>) -> Result<Request, Failure> {
        self.wait(py, Deadline::after(timeout)?)?.ok_or_else(Failure::timeout)
    }

    /// Requests that nobody waited for any more when they were received.
    #[getter]
    fn expired(&self) -> Result<u64, Failure> {
        Ok(self.family.enter("server")?.get().server()?.expired())
    }

    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// Stops serving; requests that are held may still be answered. Twice is once.
    fn close(&self) -> Result<(), Failure> {
        drop(self.family.enter("server")?.get().owner.take());
        Ok(())
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// The next request, however long that takes.
    fn __next__(&self, py: Python<'_>) -> Result<Option<Request>, Failure> {
        self.wait(py, Deadline::after(None)?)
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyTuple>) -> Result<(), Failure> {
        self.close()
    }

    fn __repr__(&self) -> String {
        format!("<xbar.Server {}>", self.name)
    }
}
