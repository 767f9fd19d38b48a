//! A topic as its publisher has it: sending by copy, lending.

use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use xbar::{Delivery, TopicConfig, ValueType};

use crate::failure::Failure;
use crate::input::Input;
use crate::loan::Loan;
use crate::publisher::{Family, Lease};
use crate::waiting::Deadline;

/// A topic that is published here. Closing it lets another register it.
#[pyclass(frozen, module = "xbar")]
#[derive(Debug)]
pub(crate) struct Topic {
    family: Arc<Family>,
    number: u64,
    uri: String,
    delivery: Delivery,
}

/// Name, size in bytes, alignment in bytes.
pub(crate) type Value = (String, u32, u32);

/// What a topic is to be registered as.
pub(crate) fn config(
    delivery: &str,
    many_publishers: bool,
    depth: Option<u32>,
    max_bytes: Option<u32>,
    value: Option<Value>,
) -> Result<TopicConfig, Failure> {
    let mut config = match delivery {
        "lossy" => TopicConfig::new().lossy(),
        "lossless" => TopicConfig::new().lossless(),
        "pinned" => TopicConfig::new().pinned(),
        other => {
            let text = format!("there is no delivery {other:?}: use \"lossy\", \"lossless\" or \"pinned\"");
            return Err(Failure::invalid(text));
        }
    };
    if many_publishers {
        config = config.many_publishers();
    }
    config = depth.into_iter().fold(config, TopicConfig::depth);
    config = max_bytes.into_iter().fold(config, TopicConfig::max_bytes);
    if let Some((name, size, align)) = value {
        let value = ValueType::new(size, align).ok_or_else(|| {
            Failure::invalid(format!(
                "a type of {size} bytes aligned to {align} is impossible: use 1 byte to 1 GiB, a multiple of the alignment, which is a power of two up to 64"
            ))
        })?;
        config = config.value_type(value.named(&name));
    }
    Ok(config)
}

/// How messages are delivered, in a word.
pub(crate) const fn word(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Lossy => "lossy",
        Delivery::Lossless => "lossless",
        Delivery::Pinned => "pinned",
    }
}

impl Topic {
    pub(crate) fn of(family: &Arc<Family>, number: u64, topic: &xbar::Topic) -> Self {
        let (uri, delivery) = (topic.uri().to_owned(), topic.delivery());
        Self { family: Arc::clone(family), number, uri, delivery }
    }
}

#[pymethods]
impl Topic {
    /// Publishes a copy of any object with a contiguous buffer; returns its number. Where the topic is lossless, waits for room up to
    /// `timeout` seconds, `None` for ever, and raises `Full` when there is none.
    #[pyo3(signature = (data, timeout=None))]
    fn send(&self, py: Python<'_>, data: &Bound<'_, PyAny>, timeout: Option<f64>) -> Result<u64, Failure> {
        let deadline = Deadline::after(timeout)?;
        let input = Input::of(data)?;
        let mut inside = self.family.enter("topic")?;
        let number = self.number;
        if let Some(sent) = input.with(py, |bytes| inside.get().send(number, bytes, Duration::ZERO)) {
            return sent;
        }
        if !deadline.is_over() {
            let bytes = input.copy(py);
            let sent =
                deadline.wait(py, &mut *inside, |family, slice| family.get().send(number, &bytes, slice))?;
            if let Some(sent) = sent {
                return sent;
            }
        }
        Err(Failure::full())
    }

    /// Lends room for a message of `length` bytes, to be written in place and published.
    fn loan(&self, length: usize) -> Result<Loan, Failure> {
        let (number, span) = self.family.enter("topic")?.get().loan(self.number, length)?;
        Ok(Loan::of(Lease { family: Arc::clone(&self.family), number, span }))
    }

    #[getter]
    fn uri(&self) -> &str {
        &self.uri
    }

    /// `"lossy"`, `"lossless"` or `"pinned"`.
    #[getter]
    const fn delivery(&self) -> &'static str {
        word(self.delivery)
    }

    /// Streams that a lossless topic's publishers wait for; 0 of other topics.
    #[getter]
    fn reader_count(&self) -> Result<usize, Failure> {
        let mut inside = self.family.enter("topic")?;
        let (publisher, topic) = inside.get().topic(self.number)?;
        Ok(publisher.reader_count(topic))
    }

    /// Lets another register it. Twice is once.
    fn close(&self) -> Result<(), Failure> {
        let mut inside = self.family.enter("topic")?;
        if let Ok(desk) = inside.get().desk() {
            drop(desk.topics.remove(&self.number));
        }
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
        format!("<xbar.Topic {}, {}>", self.uri, self.delivery())
    }
}
