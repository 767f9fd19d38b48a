//! The answering side.

use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use xbar_layout::Limits;
use xbar_shm::monotonic_ns;

use super::{
    ANSWERED, REFUSED, RequestError, SERVING, TRAILER_BYTES, Trailer, reply_topic, requests, trailer_of,
};
use crate::pulse::Pulse;
use crate::{
    Config, Loan, NoRoom, Publisher, RecvError, RegionError, Sample, Stream, Subscriber, Topic, TopicConfig,
    sole,
};

/// What a server's region holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct ServerConfig {
    clients: u32,
    depth: u32,
    max_bytes: u32,
    dir: Option<PathBuf>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self { clients: 16, depth: 64, max_bytes: 4096, dir: None }
    }
}

impl ServerConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Clients at once, 1 to 1024. Default 16.
    pub const fn clients(mut self, clients: u32) -> Self {
        self.clients = clients;
        self
    }

    /// Requests of all clients that may be unread, and replies of each. Default 64.
    pub const fn depth(mut self, depth: u32) -> Self {
        self.depth = depth;
        self
    }

    /// Largest request and reply in bytes. Default 4096.
    pub const fn max_bytes(mut self, bytes: u32) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Where the server lives. Default: the environment's `XBAR_DIR`, else a directory of this user's under `/dev/shm`.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Begins to serve under `name`.
    ///
    /// Where a server was killed or dropped whose clients live, this one takes its place, and they go on with it. What they had asked
    /// before and has no answer ends with [`RequestError::Disconnected`].
    ///
    /// # Errors
    ///
    /// [`RegionError`] when somebody alive serves there, the configuration cannot work or is not that of the server whose place this
    /// one takes ([`RegionError::OtherConfig`]), or the memory is not to be had.
    pub fn serve(&self, name: &str) -> Result<Server, RegionError> {
        let clients = self.clients.clamp(1, 1024);
        let config = Config::new()
            .topics(clients + 3)
            .depth(self.depth)
            .block_bytes(self.max_bytes.saturating_add(TRAILER_BYTES as u32))
            .publishers(clients + 1)
            .subscribers(clients + 1)
            .samples(self.depth.clamp(1, 64))
            .loans(4)
            .lossless_streams(1)
            .maybe_dir(self.dir.as_deref());
        let (publisher, serving) = sole::publisher(name, &config, SERVING, in_words)?;
        // A client asks as soon as it finds its reply topic connected, and what it asks before the server hears is for nobody: so the
        // server hears first.
        let own = publisher.register_with(super::REQUESTS, &requests())?;
        let subscriber = Subscriber::connect_at(self.dir.as_deref(), name)?;
        let requests = subscriber.subscribe(super::REQUESTS)?;
        // What was asked before this is over. A region too damaged for that is one where nobody is answered.
        let _ = publisher.send(&serving, b"serving");
        // One of them is of this publisher's own seat, and of no use.
        let replies = (0..=clients)
            .map(|seat| publisher.register_with(&reply_topic(seat), &TopicConfig::new().lossless()))
            .collect::<Result<_, _>>()?;
        let pulses = (0..=clients).map(|_| Pulse::default()).collect();
        Ok(Server { requests, replies, pulses, _topics: [own, serving], publisher, expired: Cell::new(0) })
    }
}

/// What a server's region was created with.
fn in_words(limits: &Limits, slots: u32) -> [(&'static str, u32); 3] {
    [
        ("clients", limits.publishers.saturating_sub(1)),
        ("depth", slots.saturating_sub(1)),
        ("max_bytes", limits.pools[0].block_bytes.saturating_sub(TRAILER_BYTES as u32)),
    ]
}

/// Answers requests. `Send`, not `Sync`; any number of requests may be held and answered in any order.
pub struct Server {
    requests: Stream,
    /// Of seat n.
    replies: Vec<Topic>,
    /// When the client of seat n was known to live.
    pulses: Vec<Pulse>,
    /// The requests, so that the stream is connected also without clients; and what says who serves.
    _topics: [Topic; 2],
    publisher: Publisher,
    expired: Cell<u64>,
}

impl Server {
    /// Begins to serve under `name`: [`ServerConfig::serve`] with the defaults.
    ///
    /// # Errors
    ///
    /// As [`ServerConfig::serve`].
    pub fn serve(name: &str) -> Result<Self, RegionError> {
        ServerConfig::new().serve(name)
    }

    /// The next request that somebody still waits for, if there is one.
    ///
    /// # Errors
    ///
    /// [`RequestError::Empty`], [`RequestError::TooManySamples`] when too many requests are held.
    pub fn try_recv(&self) -> Result<Request<'_>, RequestError> {
        match self.recv_timeout(Duration::ZERO) {
            Err(RequestError::Timeout { .. }) => Err(RequestError::Empty),
            done => done,
        }
    }

    /// The next request that somebody still waits for, however long that takes.
    ///
    /// # Errors
    ///
    /// As [`Server::try_recv`], never `Empty`.
    pub fn recv(&self) -> Result<Request<'_>, RequestError> {
        loop {
            let message = self.requests.recv()?;
            if let Some(request) = self.request(message) {
                return Ok(request);
            }
        }
    }

    /// As [`Server::recv`], waiting up to `timeout`.
    ///
    /// # Errors
    ///
    /// As [`Server::recv`], and [`RequestError::Timeout`].
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Request<'_>, RequestError> {
        let start = Instant::now();
        loop {
            let message = match self.requests.recv_timeout(timeout.saturating_sub(start.elapsed())) {
                Err(RecvError::Timeout) => return Err(RequestError::Timeout { waited: Some(timeout) }),
                message => message?,
            };
            if let Some(request) = self.request(message) {
                return Ok(request);
            }
        }
    }

    /// The request in a message; none when its deadline is over, or it is no request.
    fn request<'s>(&'s self, message: Sample<'s>) -> Option<Request<'s>> {
        let trailer = trailer_of(&message)?;
        let topic = self.replies.get(trailer.seat as usize)?;
        if trailer.deadline_ns != 0 && trailer.deadline_ns <= monotonic_ns() {
            self.expired.set(self.expired.get() + 1);
            return None;
        }
        Some(Request { message, trailer, topic, server: self, answered: false })
    }

    /// Whether somebody receives on `topic`, the reply topic of `seat`; the kernel is asked now and then.
    fn has_client(&self, topic: &Topic, seat: u32) -> bool {
        let pulse = self.pulses.get(seat as usize);
        let is_alive = || self.publisher.seat_is_alive(seat);
        self.publisher.reader_count(topic) > 0 && (!pulse.is_some_and(Pulse::is_due) || is_alive())
    }

    /// Requests that nobody waited for any more when they were received, and that were dropped therefore.
    pub fn expired(&self) -> u64 {
        self.expired.get()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("clients", &(self.replies.len() - 1)).finish_non_exhaustive()
    }
}

/// A request, as a slice of its bytes. Dropped without a reply, the client is told so.
pub struct Request<'s> {
    message: Sample<'s>,
    trailer: Trailer,
    topic: &'s Topic,
    server: &'s Server,
    answered: bool,
}

impl<'s> Request<'s> {
    /// Answers with a copy of `bytes`. Never waits.
    ///
    /// # Errors
    ///
    /// [`RequestError::Disconnected`] when the client is gone, [`RequestError::Full`] when it does not receive,
    /// [`RequestError::Publish`] when the reply is too large.
    pub fn reply(self, bytes: &[u8]) -> Result<(), RequestError> {
        let mut loan = self.loan(bytes.len())?;
        loan.copy_from_slice(bytes);
        loan.send()
    }

    /// Lends a block for a reply of `len` bytes, to be written in place.
    ///
    /// # Errors
    ///
    /// [`RequestError::Publish`] when it is too large, or too many loans are out.
    pub fn loan(self, len: usize) -> Result<ReplyLoan<'s>, RequestError> {
        let loan = self.server.publisher.loan(self.topic, len.saturating_add(TRAILER_BYTES))?;
        Ok(ReplyLoan { loan, len, request: self })
    }

    /// Time that the client still waits; `None` when it waits for ever.
    pub fn time_left(&self) -> Option<Duration> {
        let deadline_ns = self.trailer.deadline_ns;
        (deadline_ns != 0).then(|| Duration::from_nanos(deadline_ns.saturating_sub(monotonic_ns())))
    }

    fn trailer(&self, status: u32) -> Trailer {
        Trailer { status, ..self.trailer }
    }
}

impl Deref for Request<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.message[..self.message.len() - TRAILER_BYTES]
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        if !self.answered {
            let refusal = self.trailer(REFUSED);
            // A client that has no room for it has its deadline.
            let _ = self.server.publisher.try_send(self.topic, bytemuck::bytes_of(&refusal));
        }
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("bytes", &self.len()).finish_non_exhaustive()
    }
}

/// A reply to be written in place and sent.
pub struct ReplyLoan<'s> {
    loan: Loan<'s>,
    len: usize,
    request: Request<'s>,
}

impl ReplyLoan<'_> {
    /// Sends the reply. Never waits.
    ///
    /// # Errors
    ///
    /// As [`Request::reply`].
    pub fn send(self) -> Result<(), RequestError> {
        let Self { mut loan, len, mut request } = self;
        if !request.server.has_client(request.topic, request.trailer.seat) {
            request.answered = true; // nobody to refuse
            return Err(RequestError::Disconnected);
        }
        loan[len..].copy_from_slice(bytemuck::bytes_of(&request.trailer(ANSWERED)));
        request.answered = true;
        loan.try_publish().map(|_| ()).map_err(|NoRoom(_)| RequestError::Full)
    }
}

impl Deref for ReplyLoan<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.loan[..self.len]
    }
}

impl DerefMut for ReplyLoan<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.loan[..self.len]
    }
}

impl fmt::Debug for ReplyLoan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyLoan").field("len", &self.len).finish_non_exhaustive()
    }
}
