//! A publisher with its topics and loans: one family, which one thread uses at a time.

#![allow(unsafe_code)] // loans that are kept with what they borrow

use std::collections::BTreeMap;
use std::mem;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use xbar::{Config, NoRoom, PublishError, SharedWith, SizeClass};

use crate::buffer::Span;
use crate::failure::Failure;
use crate::family::{self, State};
use crate::topic::{self, Topic};

/// What is published with, until it is closed.
pub(crate) struct Desk {
    /// By number. They go before their publisher.
    pub topics: BTreeMap<u64, Rc<xbar::Topic>>,
    next: u64,
    pub publisher: Rc<xbar::Publisher>,
}

/// A loan, and what it borrows from. Invariant: the loan goes first, and what the counts keep does not move.
pub(crate) struct Lent {
    loan: xbar::Loan<'static>,
    topic: Rc<xbar::Topic>,
    publisher: Rc<xbar::Publisher>,
}

pub(crate) type Family = family::Family<Desk, Lent>;
pub(crate) type Lease = family::Lease<Desk, Lent>;

fn closed(what: &str) -> Failure {
    Failure::closed(format!("the {what} is closed: make another"))
}

/// What is done with the family, by whoever is inside.
impl State<Desk, Lent> {
    pub(crate) fn desk(&mut self) -> Result<&mut Desk, Failure> {
        self.owner.as_mut().ok_or_else(|| closed("publisher"))
    }

    pub(crate) fn topic(&self, number: u64) -> Result<(&xbar::Publisher, &xbar::Topic), Failure> {
        let desk = self.owner.as_ref().ok_or_else(|| closed("publisher"))?;
        let topic = desk.topics.get(&number).ok_or_else(|| closed("topic"))?;
        Ok((&desk.publisher, topic))
    }

    fn register(&mut self, uri: &str, config: &xbar::TopicConfig) -> Result<u64, Failure> {
        let desk = self.desk()?;
        let topic = Rc::new(desk.publisher.register_with(uri, config)?);
        let number = desk.next;
        desk.next += 1;
        desk.topics.insert(number, topic);
        Ok(number)
    }

    /// Sends, waiting up to `patience` for room; `None` when there is none.
    pub(crate) fn send(
        &mut self,
        topic: u64,
        bytes: &[u8],
        patience: Duration,
    ) -> Option<Result<u64, Failure>> {
        let (publisher, topic) = match self.topic(topic) {
            Ok(found) => found,
            Err(failure) => return Some(Err(failure)),
        };
        let sent = match patience.is_zero() {
            true => publisher.try_send(topic, bytes),
            false => publisher.send_timeout(topic, bytes, patience),
        };
        match sent {
            Err(PublishError::Full { .. }) => None,
            sent => Some(sent.map_err(Failure::from)),
        }
    }

    /// Lends room for `length` bytes.
    pub(crate) fn loan(&mut self, topic: u64, length: usize) -> Result<(u64, Span), Failure> {
        let desk = self.desk()?;
        let topic = Rc::clone(desk.topics.get(&topic).ok_or_else(|| closed("topic"))?);
        let publisher = Rc::clone(&desk.publisher);
        let mut loan = publisher.loan(&topic, length)?;
        let span = Span::write(&mut loan);
        // SAFETY: it borrows from what the two counts keep, and goes before them (invariant).
        let loan = unsafe { mem::transmute::<xbar::Loan<'_>, xbar::Loan<'static>>(loan) };
        Ok((self.lend(Lent { loan, topic, publisher }), span))
    }

    /// Publishes a loan, waiting up to `patience` for room; `None` when there is none, and the loan stays.
    pub(crate) fn publish(&mut self, number: u64, patience: Duration) -> Option<Result<u64, Failure>> {
        let Some(Lent { publisher, topic, loan }) = self.lent.remove(&number) else {
            return Some(Err(Failure::closed(
                "the loan is not held any more: it was published before".into(),
            )));
        };
        let published = match patience.is_zero() {
            true => loan.try_publish(),
            false => loan.publish_timeout(patience),
        };
        match published {
            Ok(sequence) => {
                drop(topic);
                drop(publisher);
                Some(Ok(sequence))
            }
            Err(NoRoom(loan)) => {
                self.lent.insert(number, Lent { loan, topic, publisher });
                None
            }
        }
    }
}

/// Publishes into a region of shared memory, which it creates.
///
/// One thread uses it, its topics and its loans at a time. Closing the last publisher of a region removes it; loans that are out may still be
/// published, and keep it until then.
#[pyclass(frozen, module = "xbar")]
#[derive(Debug)]
pub(crate) struct Publisher {
    family: Arc<Family>,
    region: String,
    epoch: u64,
}

impl Publisher {
    fn of(publisher: xbar::Publisher) -> Self {
        let (region, epoch) = (publisher.region().to_owned(), publisher.epoch());
        let desk = Desk { topics: BTreeMap::new(), next: 0, publisher: Rc::new(publisher) };
        // SAFETY: the counts of publisher and topics are cloned into the family's loans, and nowhere else.
        let family = unsafe { Family::new(desk) };
        Self { family, region, epoch }
    }
}

/// `block_bytes`, `topics`, `depth`, `samples`, `loans`, `blocks`: a `xbar.SizeClass`.
type Sizes = (u32, u32, u32, u32, u32, u32);

#[pymethods]
impl Publisher {
    #[new]
    #[pyo3(signature = (region, *, dir=None, topics=None, depth=None, block_bytes=None, blocks=None, publishers=None,
        subscribers=None, samples=None, loans=None, lossless_streams=None, size_classes=None, budget_bytes=None,
        publish_times=false, shared_with=None))]
    #[allow(clippy::too_many_arguments)] // keywords of Python
    fn new(
        region: &str,
        dir: Option<PathBuf>,
        topics: Option<u32>,
        depth: Option<u32>,
        block_bytes: Option<u32>,
        blocks: Option<u32>,
        publishers: Option<u32>,
        subscribers: Option<u32>,
        samples: Option<u32>,
        loans: Option<u32>,
        lossless_streams: Option<u32>,
        size_classes: Option<Vec<Sizes>>,
        budget_bytes: Option<u64>,
        publish_times: bool,
        shared_with: Option<&str>,
    ) -> Result<Self, Failure> {
        let mut config = Config::new().publish_times(publish_times);
        config = dir.into_iter().fold(config, Config::dir);
        config = topics.into_iter().fold(config, Config::topics);
        config = depth.into_iter().fold(config, Config::depth);
        config = block_bytes.into_iter().fold(config, Config::block_bytes);
        config = blocks.into_iter().fold(config, Config::blocks);
        config = publishers.into_iter().fold(config, Config::publishers);
        config = subscribers.into_iter().fold(config, Config::subscribers);
        config = samples.into_iter().fold(config, Config::samples);
        config = loans.into_iter().fold(config, Config::loans);
        config = lossless_streams.into_iter().fold(config, Config::lossless_streams);
        config = budget_bytes.into_iter().fold(config, Config::budget_bytes);
        for (block_bytes, topics, depth, samples, loans, blocks) in size_classes.into_iter().flatten() {
            let class = SizeClass::new(block_bytes).topics(topics, depth).samples(samples).loans(loans);
            config = config.size_class(class.blocks(blocks));
        }
        config = config.shared_with(match shared_with {
            None => SharedWith::Nobody,
            Some("group") => SharedWith::Group,
            Some("everybody") => SharedWith::Everybody,
            Some(other) => {
                let text =
                    format!("a region cannot be shared with {other:?}: use \"group\", \"everybody\" or None");
                return Err(Failure::invalid(text));
            }
        });
        Ok(Self::of(xbar::Publisher::create(region, &config)?))
    }

    /// Joins a region that another publisher created.
    #[staticmethod]
    #[pyo3(signature = (region, *, dir=None))]
    fn open(region: &str, dir: Option<PathBuf>) -> Result<Self, Failure> {
        let publisher = match dir {
            Some(dir) => xbar::Publisher::open_in(dir, region),
            None => xbar::Publisher::open(region),
        };
        Ok(Self::of(publisher?))
    }

    /// Registers a topic, to publish there.
    #[pyo3(signature = (uri, *, delivery="lossy", many_publishers=false, depth=None, max_bytes=None, value_type=None))]
    fn topic(
        &self,
        uri: &str,
        delivery: &str,
        many_publishers: bool,
        depth: Option<u32>,
        max_bytes: Option<u32>,
        value_type: Option<topic::Value>,
    ) -> Result<Topic, Failure> {
        let config = topic::config(delivery, many_publishers, depth, max_bytes, value_type)?;
        let mut inside = self.family.enter("publisher")?;
        let number = inside.get().register(uri, &config)?;
        let (_, registered) = inside.get().topic(number)?;
        Ok(Topic::of(&self.family, number, registered))
    }

    /// Name of the region.
    #[getter]
    fn region(&self) -> &str {
        &self.region
    }

    /// Increases each time the region is created anew under the same name.
    #[getter]
    fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Subscribers of the region that are alive.
    #[getter]
    fn subscriber_count(&self) -> Result<usize, Failure> {
        Ok(self.family.enter("publisher")?.get().desk()?.publisher.subscriber_count())
    }

    /// Leaves the region. Twice is once.
    fn close(&self) -> Result<(), Failure> {
        drop(self.family.enter("publisher")?.get().owner.take());
        Ok(())
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, pyo3::types::PyTuple>) -> Result<(), Failure> {
        self.close()
    }

    fn __repr__(&self) -> String {
        format!("<xbar.Publisher of {}>", self.region)
    }
}
