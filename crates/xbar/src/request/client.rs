//! The asking side.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::time::{Duration, Instant};

use xbar_shm::monotonic_ns;

use super::{
    ANSWERED, RequestError, RequestId, SERVING, TRAILER_BYTES, Trailer, reply_topic, requests, trailer_of,
};
use crate::channel::nonce;
use crate::pulse::{PROBE_EVERY, Pulse};
use crate::{
    OwnedSample, Publisher, RecvError, RegionError, Sample, Stream, Subscriber, Topic, TryRecvError,
};

/// Asks a server. `Send`, not `Sync`; any number of requests may be in flight, answered in any order.
///
/// ```
/// # let dir = std::env::temp_dir().join(format!("xbar-doc-req-{}", std::process::id()));
/// use std::time::Duration;
/// use xbar::{Client, ServerConfig};
///
/// let server = ServerConfig::new().dir(&dir).serve("adder")?;
/// let client = Client::connect_in(&dir, "adder")?; // in another process
///
/// let id = client.send(&[2, 3], Some(Duration::from_secs(5)))?;
/// let request = server.recv()?;
/// let sum = request[0] + request[1];
/// request.reply(&[sum])?;
/// assert_eq!(&*client.wait(id)?, &[5]);
/// # drop((client, server));
/// # std::fs::remove_dir_all(&dir).ok();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Client {
    requests: Topic,
    replies: Stream,
    /// Where another server says that it is there.
    serving: Stream,
    publisher: Publisher,
    server: Pulse,
    number: u64,
    next: Cell<u64>,
    /// Another server was found: of the requests below this one no answers come any more but those that are there.
    over: Cell<Option<RequestId>>,
    flight: RefCell<BTreeMap<RequestId, Flight>>,
}

/// A request on its way.
#[derive(Debug)]
struct Flight {
    /// When it began, and how long it may take.
    start: Instant,
    timeout: Option<Duration>,
    reply: Option<Result<Reply, Unanswered>>,
}

/// Why a request has no answer.
#[derive(Debug)]
enum Unanswered {
    /// The server dropped it.
    Refused,
    /// Another serves.
    Gone,
}

impl Client {
    /// Connects to whoever serves under `name`.
    ///
    /// # Errors
    ///
    /// [`RequestError::Region`] when nobody serves there, or it has no room for another client.
    pub fn connect(name: &str) -> Result<Self, RequestError> {
        Self::join(Publisher::open(name)?, &Subscriber::connect(name)?)
    }

    /// As [`Client::connect`], with servers living in `dir`.
    ///
    /// # Errors
    ///
    /// As [`Client::connect`].
    pub fn connect_in(dir: impl AsRef<Path>, name: &str) -> Result<Self, RequestError> {
        let dir = dir.as_ref();
        Self::join(Publisher::open_in(dir, name)?, &Subscriber::connect_in(dir, name)?)
    }

    fn join(publisher: Publisher, subscriber: &Subscriber) -> Result<Self, RequestError> {
        let replies = subscriber.subscribe(&reply_topic(publisher.seat()))?;
        // The region may be there for the sake of other clients alone.
        if !replies.wait_connected(Duration::ZERO) {
            let region = publisher.0.view().segment().name().clone();
            return Err(RegionError::NoPublisher { region }.into());
        }
        let serving = subscriber.subscribe(SERVING)?;
        let requests = publisher.register_with(super::REQUESTS, &requests())?;
        let (number, next, over) = (nonce(), Cell::new(0), Cell::new(None));
        let (server, flight) = (Pulse::default(), RefCell::default());
        Ok(Self { requests, replies, serving, publisher, server, number, next, over, flight })
    }

    /// Asks, and waits for the answer up to `timeout`.
    ///
    /// # Errors
    ///
    /// As [`Client::send`] and [`Client::wait`].
    pub fn call(&self, bytes: &[u8], timeout: Duration) -> Result<Reply, RequestError> {
        let id = self.send(bytes, Some(timeout))?;
        self.wait(id)
    }

    /// Sends a copy of `bytes` as a request, which is worth an answer for `timeout`. Waits for room.
    ///
    /// # Errors
    ///
    /// [`RequestError::Disconnected`] when the server is gone, [`RequestError::Timeout`] when there was no room in time,
    /// [`RequestError::Publish`] when the request is too large.
    pub fn send(&self, bytes: &[u8], timeout: Option<Duration>) -> Result<RequestId, RequestError> {
        let start = Instant::now();
        let id = RequestId(self.next.get());
        self.next.set(id.0 + 1);
        let deadline_ns = timeout.map_or(0, |timeout| {
            monotonic_ns().saturating_add(u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX)).max(1)
        });
        let seat = self.publisher.seat();
        let trailer = Trailer { client: self.number, id: id.0, deadline_ns, seat, status: 0 };
        let mut loan = self.publisher.loan(&self.requests, bytes.len().saturating_add(TRAILER_BYTES))?;
        loan[..bytes.len()].copy_from_slice(bytes);
        loan[bytes.len()..].copy_from_slice(bytemuck::bytes_of(&trailer));
        loop {
            let is_connected = match self.server.is_due() {
                true => self.replies.wait_connected(Duration::ZERO),
                false => self.replies.is_connected(),
            };
            if !is_connected {
                return Err(RequestError::Disconnected);
            }
            // Behind the look at the replies: whoever has them has said so before.
            self.look_who_serves(id);
            let left = timeout.map_or(PROBE_EVERY, |timeout| timeout.saturating_sub(start.elapsed()));
            match loan.publish_timeout(left.min(PROBE_EVERY)) {
                Ok(_) => break,
                Err(_) if left.is_zero() => return Err(RequestError::Timeout { waited: timeout }),
                Err(crate::NoRoom(again)) => loan = again,
            }
        }
        self.flight.borrow_mut().insert(id, Flight { start, timeout, reply: None });
        Ok(id)
    }

    /// Waits for the answer to a request, as long as the request said. Answers to others that come meanwhile are kept.
    ///
    /// # Errors
    ///
    /// [`RequestError::Timeout`], [`RequestError::Refused`], [`RequestError::Disconnected`] when the server is gone; the
    /// request is over then. [`RequestError::TooManySamples`] when too many replies are held: it goes on.
    pub fn wait(&self, id: RequestId) -> Result<Reply, RequestError> {
        self.wait_timeout(id, Duration::MAX)
    }

    /// As [`Client::wait`], for no longer than `patience`: then [`RequestError::Empty`], and the request goes on.
    ///
    /// # Errors
    ///
    /// As [`Client::wait`], and [`RequestError::Empty`].
    pub fn wait_timeout(&self, id: RequestId, patience: Duration) -> Result<Reply, RequestError> {
        let asked = Instant::now();
        loop {
            let left = match self.flight.borrow().get(&id) {
                None => return Err(RequestError::Unknown { id }),
                Some(Flight { reply: Some(_), .. }) => Duration::ZERO,
                Some(Flight { start, timeout, .. }) => {
                    timeout.map_or(Duration::MAX, |timeout| timeout.saturating_sub(start.elapsed()))
                }
            };
            if let Some(reply) = self.take(id) {
                return reply;
            }
            let still = patience.saturating_sub(asked.elapsed());
            match self.receive(left.min(still)) {
                Ok(()) => {}
                Err(RequestError::Timeout { .. }) if still < left => return Err(RequestError::Empty),
                Err(RequestError::Timeout { .. }) => {
                    let flight = self.flight.borrow_mut().remove(&id);
                    return Err(RequestError::Timeout { waited: flight.and_then(|flight| flight.timeout) });
                }
                Err(error @ RequestError::Disconnected) => {
                    self.flight.borrow_mut().remove(&id);
                    return Err(error);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The answer to a request, if it is there.
    ///
    /// # Errors
    ///
    /// [`RequestError::Empty`], and as [`Client::wait`].
    pub fn try_recv(&self, id: RequestId) -> Result<Reply, RequestError> {
        let stopped = loop {
            if let Err(error) = self.receive(Duration::ZERO) {
                break error;
            }
        };
        if let Some(reply) = self.take(id) {
            return reply;
        }
        let is_over = match self.flight.borrow().get(&id) {
            None => return Err(RequestError::Unknown { id }),
            Some(Flight { start, timeout: Some(timeout), .. }) => start.elapsed() >= *timeout,
            Some(_) => false,
        };
        let error = match stopped {
            RequestError::Timeout { .. } if !is_over => return Err(RequestError::Empty),
            RequestError::Timeout { .. } => RequestError::Timeout { waited: None },
            RequestError::Disconnected => RequestError::Disconnected,
            error => return Err(error),
        };
        self.give_up(id);
        Err(error)
    }

    /// Requests that were sent, and neither answered nor given up.
    pub fn in_flight(&self) -> usize {
        self.flight.borrow().len()
    }

    /// Stops waiting for a request. A reply that comes nevertheless is thrown away.
    pub fn give_up(&self, id: RequestId) {
        self.flight.borrow_mut().remove(&id);
    }

    /// The reply to `id`, if it is there: then the request is over.
    fn take(&self, id: RequestId) -> Option<Result<Reply, RequestError>> {
        let mut flight = self.flight.borrow_mut();
        let reply = flight.get_mut(&id)?.reply.take()?;
        flight.remove(&id);
        Some(reply.map_err(|unanswered| match unanswered {
            Unanswered::Refused => RequestError::Refused,
            Unanswered::Gone => RequestError::Disconnected,
        }))
    }

    /// Receives one message and puts it where it belongs, or ends what another server knows nothing of.
    fn receive(&self, timeout: Duration) -> Result<(), RequestError> {
        let start = Instant::now();
        loop {
            let left = timeout.saturating_sub(start.elapsed());
            // In slices, because another server may come unnoticed.
            let patience = if self.over.get().is_some() { Duration::ZERO } else { left.min(PROBE_EVERY) };
            match self.replies.recv_timeout(patience) {
                Ok(message) => {
                    self.enter(message);
                    return Ok(());
                }
                Err(RecvError::Timeout) => {}
                Err(error) => return Err(error.into()),
            }
            // All that the last server answered has been received.
            if let Some(next) = self.over.take() {
                for (_, flight) in self.flight.borrow_mut().range_mut(..next) {
                    flight.reply.get_or_insert(Err(Unanswered::Gone));
                }
                return Ok(());
            }
            self.look_who_serves(RequestId(self.next.get()));
            if self.over.get().is_none() && left <= patience {
                return Err(RequestError::Timeout { waited: None });
            }
        }
    }

    /// If another server has said that it is there, no request below `next` was for it.
    fn look_who_serves(&self, next: RequestId) {
        while let Ok(_) | Err(TryRecvError::Lagged { .. }) = self.serving.try_recv() {
            self.over.set(Some(next));
        }
    }

    fn enter(&self, message: Sample<'_>) {
        let Some(trailer) = trailer_of(&message) else { return };
        let mut flight = self.flight.borrow_mut();
        let Some(flight) = flight.get_mut(&RequestId(trailer.id)).filter(|_| trailer.client == self.number)
        else {
            return; // for somebody else, or given up
        };
        flight.reply = Some(match trailer.status {
            ANSWERED => Ok(Reply(message.into_owned())),
            _ => Err(Unanswered::Refused),
        });
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("in_flight", &self.in_flight()).finish_non_exhaustive()
    }
}

/// An answer, as a slice of its bytes; it stays as it is until this is dropped.
pub struct Reply(OwnedSample);

impl Deref for Reply {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0[..self.0.len() - TRAILER_BYTES]
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("bytes", &self.len()).finish()
    }
}
