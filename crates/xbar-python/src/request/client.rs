//! The asking side.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use xbar::{RequestError, RequestId};

use super::reply::Reply;
use crate::failure::Failure;
use crate::input::Input;
use crate::sole::Sole;
use crate::waiting::{Deadline, duration};

/// Asks a server. One thread uses it at a time; any number of requests may be in flight, answered in any order.
#[pyclass(frozen, module = "xbar")]
#[derive(Debug)]
pub(crate) struct Client {
    client: Sole<xbar::Client>,
    name: String,
}

/// Waits for an answer as long as the request said, in slices.
fn wait(py: Python<'_>, client: &mut xbar::Client, id: RequestId) -> Result<Reply, Failure> {
    let answered =
        Deadline::after(None)?.wait(py, client, |client, slice| match client.wait_timeout(id, slice) {
            Err(RequestError::Empty) => None,
            done => Some(done),
        });
    match answered {
        Ok(Some(done)) => Ok(Reply::of(done?)),
        Ok(None) => Err(Failure::timeout()),
        Err(interrupt) => Err(interrupt.into()),
    }
}

fn send(
    py: Python<'_>,
    client: &mut xbar::Client,
    data: &Bound<'_, PyAny>,
    timeout: Option<Duration>,
) -> Result<RequestId, Failure> {
    let bytes = Input::of(data)?.copy(py);
    // Exclusively, so that it may be used where the interpreter is not.
    Ok(py.detach(move || {
        let client = client;
        client.send(&bytes, timeout)
    })?)
}

#[pymethods]
impl Client {
    /// Connects to whoever serves under `name`.
    #[new]
    #[pyo3(signature = (name, *, dir=None))]
    fn new(name: &str, dir: Option<PathBuf>) -> Result<Self, Failure> {
        let client = match dir {
            Some(dir) => xbar::Client::connect_in(dir, name)?,
            None => xbar::Client::connect(name)?,
        };
        Ok(Self { client: Sole::new(client), name: name.to_owned() })
    }

    /// Asks, and waits for the answer up to `timeout` seconds.
    fn call(&self, py: Python<'_>, data: &Bound<'_, PyAny>, timeout: f64) -> Result<Reply, Failure> {
        let timeout = duration(Some(timeout))?;
        let mut inside = self.client.enter("client")?;
        let client = &mut *inside;
        let id = send(py, client, data, timeout)?;
        let reply = wait(py, client, id);
        if let Err(Failure::Python(_)) = reply {
            client.give_up(id); // interrupted: nobody knows its number
        }
        reply
    }

    /// Sends a copy of any object with a contiguous buffer as a request, which is worth an answer for `timeout` seconds, `None` for ever;
    /// returns its number. Waits for room.
    #[pyo3(signature = (data, timeout=None))]
    fn send(&self, py: Python<'_>, data: &Bound<'_, PyAny>, timeout: Option<f64>) -> Result<u64, Failure> {
        let timeout = duration(timeout)?;
        let mut inside = self.client.enter("client")?;
        Ok(send(py, &mut inside, data, timeout)?.as_u64())
    }

    /// Waits for the answer to request `number`, as long as the request said.
    fn wait(&self, py: Python<'_>, number: u64) -> Result<Reply, Failure> {
        wait(py, &mut *self.client.enter("client")?, RequestId::from_u64(number))
    }

    /// The answer to request `number`, if it is there; else `None`.
    fn try_recv(&self, number: u64) -> Result<Option<Reply>, Failure> {
        match self.client.enter("client")?.try_recv(RequestId::from_u64(number)) {
            Ok(reply) => Ok(Some(Reply::of(reply))),
            Err(RequestError::Empty) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Stops waiting for request `number`.
    fn give_up(&self, number: u64) -> Result<(), Failure> {
        self.client.enter("client")?.give_up(RequestId::from_u64(number));
        Ok(())
    }

    /// Requests that were sent, and neither answered nor given up.
    #[getter]
    fn in_flight(&self) -> Result<usize, Failure> {
        Ok(self.client.enter("client")?.in_flight())
    }

    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// Leaves the server. Twice is once.
    fn close(&self) -> Result<(), Failure> {
        drop(self.client.close("client")?);
        Ok(())
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyTuple>) -> Result<(), Failure> {
        self.close()
    }

    fn __repr__(&self) -> String {
        format!("<xbar.Client of {}>", self.name)
    }
}
