//! A pair of ends between two processes, as a TCP connection is, through a region of its own.
//!
//! The listener's region has a topic `/door`, where connectors knock, and for each connection n `/n/up` and `/n/down`, all
//! lossless; and `/listening`, on which nothing is sent: whoever has it registered lives and accepts. A connector takes a
//! connection by registering its `/n/up`, which one publisher can have; the kernel's locks say when it is free again. The last
//! byte of each message says what it is, so that the payload in front of it keeps its alignment.
//!
//! A connector may give up or be killed at any time, and its knock stays. So it says its number on `/n/up` before it knocks, and
//! the listener answers with it on `/n/down`:
//! 1. Nobody has `/n/up`: the knock is of the past.
//! 2. Another has, and has said its number: it does not match the knock, which is of the past.
//! 3. Another has, and has not said its number yet: the listener's end is for one that is gone. It finds the other's number in
//!    its stream, and is disconnected; the other finds the wrong number, and takes another connection.

mod error;
mod message;

use std::cell::Cell;
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use xbar_layout::ring::INLINE_BYTES;
use xbar_topic::wait_for;

pub use error::ChannelError;
pub use message::{ChannelLoan, Received};

use crate::pulse::{PROBE_EVERY, Pulse};
use crate::{
    Config, NoRoom, PublishError, Publisher, RecvError, RegionError, Sample, Stream, Subscriber, Topic,
    TopicConfig,
};

const DOOR: &str = "/door";
const LISTENING: &str = "/listening";

/// A knock at the door: the number of the connection, then the connector's own.
const KNOCK_BYTES: usize = 12;

/// Seats besides those of the connections' ends: the listener's, and one for a connector that finds all taken.
const SPARE_SEATS: u32 = 2;

/// Last byte of a message: payload.
const DATA: u8 = 0;
/// Last byte of the first message of each end; in front of it the connector's number.
const HELLO: u8 = 1;
/// Last byte of a message: nothing more will be sent.
const END: u8 = 2;

/// What a listener's region holds; the same says where to find it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct ChannelConfig {
    connections: u32,
    depth: u32,
    max_bytes: u32,
    dir: Option<PathBuf>,
}

impl Default for ChannelConfig {
    fn default() -> Self {
        Self { connections: 8, depth: 64, max_bytes: 4096, dir: None }
    }
}

impl ChannelConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Connections at once, 1 to 1024. Default 8.
    pub const fn connections(mut self, connections: u32) -> Self {
        self.connections = connections;
        self
    }

    /// Messages in each direction that may be unread. Default 64.
    pub const fn depth(mut self, depth: u32) -> Self {
        self.depth = depth;
        self
    }

    /// Largest message in bytes. Default 4096.
    pub const fn max_bytes(mut self, bytes: u32) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Where channels live. Default: the environment's `XBAR_DIR`, else a directory of this user's under `/dev/shm`.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Listens under `name` for any number of connections, one after the other or at once.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when somebody alive listens there, the configuration cannot work, or the memory is not to be had.
    pub fn listen(&self, name: &str) -> Result<Listener, RegionError> {
        let connections = self.connections.clamp(1, 1024);
        let config = Config::new()
            .topics(2 * connections + 2)
            .depth(self.depth)
            .block_bytes(self.max_bytes.saturating_add(1))
            .publishers(2 * connections + SPARE_SEATS)
            .subscribers(2 * connections + SPARE_SEATS)
            .samples(16)
            .loans(4)
            .lossless_streams(1);
        let config = match &self.dir {
            Some(dir) => config.dir(dir),
            None => config,
        };
        let publisher = Publisher::create(name, &config)?;
        // Registered and left: there for connectors to subscribe to.
        for n in 0..connections {
            publisher.register_with(&down(n), &TopicConfig::new().lossless())?;
        }
        // Kept: somebody could always knock.
        let doorbell = publisher.register_with(DOOR, &door())?;
        let door = self.subscriber(name)?.subscribe(DOOR)?;
        // The last thing that a listener makes.
        let listening = publisher.register(LISTENING)?;
        let (name, config) = (name.to_owned(), self.clone());
        Ok(Listener { door, name, config, _topics: [doorbell, listening], _publisher: publisher })
    }

    /// Connects to whoever listens under `name`, waiting until that accepts.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] when nobody listens there, all connections are taken, or the listener goes before it accepts.
    pub fn connect(&self, name: &str) -> Result<Channel, ChannelError> {
        self.connect_within(name, None)
    }

    /// As [`ChannelConfig::connect`], waiting up to `timeout`, also for the listener to appear.
    ///
    /// # Errors
    ///
    /// As [`ChannelConfig::connect`], and [`ChannelError::Timeout`].
    pub fn connect_timeout(&self, name: &str, timeout: Duration) -> Result<Channel, ChannelError> {
        self.connect_within(name, Some(timeout))
    }

    fn connect_within(&self, name: &str, timeout: Option<Duration>) -> Result<Channel, ChannelError> {
        let start = Instant::now();
        let left = || timeout.map(|timeout| timeout.saturating_sub(start.elapsed()));
        let look = || {
            let subscriber = self.subscriber(name)?;
            let listening = subscriber.subscribe(LISTENING)?;
            Ok((subscriber, listening))
        };
        let (subscriber, listening) = match timeout {
            // Both again each time: a region is there before somebody listens, and another may take its place.
            Some(timeout) => wait_for(timeout, look),
            None => look(),
        }
        .map_err(all_taken)?;
        let publisher = self.publisher(name).map_err(all_taken)?;
        let slice = || left().map_or(PROBE_EVERY, |left| left.min(PROBE_EVERY));
        // Until it accepts, the listener itself must live.
        let go_on = || match left() {
            _ if !listening.wait_connected(Duration::ZERO) => Err(ChannelError::Disconnected),
            Some(Duration::ZERO) => Err(ChannelError::Timeout),
            _ => Ok(()),
        };
        loop {
            let (rx, tx, n) = take_connection(&subscriber, &publisher)?;
            let number = nonce();
            publisher.send(&tx, &hello(number))?; // nobody receives there, who could be waited for
            let mut knock = [0; KNOCK_BYTES];
            knock[..4].copy_from_slice(&n.to_ne_bytes());
            knock[4..].copy_from_slice(&number.to_ne_bytes());
            let door = publisher.register_with(DOOR, &door())?;
            while let Err(error) = publisher.send_timeout(&door, &knock, slice()) {
                match error {
                    PublishError::Full { .. } => go_on()?,
                    error => return Err(error.into()),
                }
            }
            drop(door);
            let answer = loop {
                match rx.recv_timeout(slice()) {
                    Ok(message) => break *message == hello(number),
                    // Nobody is there before it is accepted.
                    Err(RecvError::Timeout | RecvError::Disconnected) => go_on()?,
                    Err(error) => return Err(error.into()),
                }
                rx.wait_connected(slice());
            };
            if answer {
                return Ok(Channel::new(publisher, tx, rx));
            }
        }
    }

    fn publisher(&self, name: &str) -> Result<Publisher, RegionError> {
        match &self.dir {
            Some(dir) => Publisher::open_in(dir, name),
            None => Publisher::open(name),
        }
    }

    fn subscriber(&self, name: &str) -> Result<Subscriber, RegionError> {
        match &self.dir {
            Some(dir) => Subscriber::connect_in(dir, name),
            None => Subscriber::connect(name),
        }
    }
}

/// Takes the first connection that is free at both ends.
fn take_connection(
    subscriber: &Subscriber,
    publisher: &Publisher,
) -> Result<(Stream, Topic, u32), ChannelError> {
    for n in 0.. {
        let rx = match subscriber.subscribe(&down(n)) {
            Ok(rx) => rx,
            Err(RegionError::NoTopic { .. }) => return Err(ChannelError::TooManyConnections { limit: n }),
            Err(error) => return Err(error.into()),
        };
        if rx.is_connected() {
            continue;
        }
        match publisher.register_with(&up(n), &TopicConfig::new().lossless()) {
            Ok(tx) => return Ok((rx, tx, n)),
            Err(RegionError::TopicTaken { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ChannelError::TooManyConnections { limit: u32::MAX })
}

/// A region has seats for all its connections and one that finds them taken; more of these find no seat.
fn all_taken(error: RegionError) -> ChannelError {
    match error {
        RegionError::TooManyPublishers { limit, .. } | RegionError::TooManySubscribers { limit, .. } => {
            ChannelError::TooManyConnections { limit: (limit - SPARE_SEATS) / 2 }
        }
        error => error.into(),
    }
}

fn up(n: u32) -> String {
    format!("/{n}/up")
}

fn down(n: u32) -> String {
    format!("/{n}/down")
}

fn door() -> TopicConfig {
    TopicConfig::new().lossless().many_publishers()
}

fn hello(number: u64) -> [u8; 9] {
    let mut hello = [HELLO; 9];
    hello[..8].copy_from_slice(&number.to_ne_bytes());
    hello
}

/// A number that nobody else has at the same time, most probably.
pub(crate) fn nonce() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one((std::process::id(), xbar_shm::monotonic_ns()))
}

/// Accepts connections under one name. Dropped, nobody can connect any more; connections that are there stay.
pub struct Listener {
    door: Stream,
    name: String,
    config: ChannelConfig,
    // Declared before `_publisher`: topics are left before their seat.
    _topics: [Topic; 2],
    _publisher: Publisher,
}

impl Listener {
    /// The next connection, however long that takes.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] when the region was damaged or removed.
    pub fn accept(&self) -> Result<Channel, ChannelError> {
        loop {
            match self.accept_timeout(Duration::from_secs(3600)) {
                Err(ChannelError::Timeout) => {}
                done => return done,
            }
        }
    }

    /// The next connection, waiting up to `timeout`. Zero looks once.
    ///
    /// # Errors
    ///
    /// As [`Listener::accept`], and [`ChannelError::Timeout`].
    pub fn accept_timeout(&self, timeout: Duration) -> Result<Channel, ChannelError> {
        let start = Instant::now();
        loop {
            let knock = match self.door.recv_timeout(timeout.saturating_sub(start.elapsed())) {
                Ok(knock) if knock.len() == KNOCK_BYTES => knock,
                Ok(_) => continue,
                Err(error) => return Err(error.into()),
            };
            let (n, number) = knock.split_at(4);
            let (Ok(n), Ok(number)) = (n.try_into(), number.try_into()) else { continue };
            if let Some(channel) = self.open(u32::from_ne_bytes(n), u64::from_ne_bytes(number))? {
                return Ok(channel);
            }
        }
    }

    /// The listener's end of connection `n`; `None` when the connector is gone already.
    fn open(&self, n: u32, number: u64) -> Result<Option<Channel>, ChannelError> {
        let rx = match self.config.subscriber(&self.name)?.subscribe_last(&up(n), 1) {
            Ok(rx) => rx,
            Err(RegionError::NoTopic { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if !rx.wait_connected(Duration::ZERO) || !matches!(rx.try_recv(), Ok(said) if *said == hello(number))
        {
            return Ok(None);
        }
        let publisher = self.config.publisher(&self.name)?;
        let tx = match publisher.register_with(&down(n), &TopicConfig::new().lossless()) {
            Ok(tx) => tx,
            // This end is there already, for a connector that was before.
            Err(RegionError::TopicTaken { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        publisher.send(&tx, &hello(number))?;
        Ok(Some(Channel::new(publisher, tx, rx)))
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One end of a connection: messages of up to `max_bytes` in both directions, none lost, in order.
///
/// `Send`, not `Sync`. A sender waits, or is told, when the other end does not receive; what was sent before an end
/// closed or died is still received.
///
/// ```
/// # let dir = std::env::temp_dir().join(format!("xbar-doc-chan-{}", std::process::id()));
/// use xbar::ChannelConfig;
///
/// let config = ChannelConfig::new().dir(&dir);
/// let listener = config.listen("desk")?;
/// let client = std::thread::spawn(move || { // in another process, `Channel::connect("desk")`
///     let channel = config.connect("desk")?;
///     channel.send(b"buy")?;
///     let answer = channel.recv()?.to_vec();
///     Ok::<_, xbar::ChannelError>(answer)
/// });
/// let channel = listener.accept()?;
/// assert_eq!(&*channel.recv()?, b"buy");
/// channel.send(b"done")?;
/// assert_eq!(client.join().unwrap()?, b"done");
/// # drop((channel, listener));
/// # std::fs::remove_dir_all(&dir).ok();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Channel {
    // Declared before `publisher`: the topic is left before its seat.
    tx: Topic,
    rx: Stream,
    publisher: Publisher,
    other: Pulse,
    /// The other end has said that it sends nothing more.
    ended: Cell<bool>,
    /// This end has.
    closed: Cell<bool>,
}

impl Channel {
    fn new(publisher: Publisher, tx: Topic, rx: Stream) -> Self {
        Self { tx, rx, publisher, other: Pulse::default(), ended: Cell::new(false), closed: Cell::new(false) }
    }

    /// Listens under `name`: [`ChannelConfig::listen`] with the defaults.
    ///
    /// # Errors
    ///
    /// As [`ChannelConfig::listen`].
    pub fn listen(name: &str) -> Result<Listener, RegionError> {
        ChannelConfig::new().listen(name)
    }

    /// Connects to whoever listens under `name`: [`ChannelConfig::connect`] with the defaults.
    ///
    /// # Errors
    ///
    /// As [`ChannelConfig::connect`].
    pub fn connect(name: &str) -> Result<Self, ChannelError> {
        ChannelConfig::new().connect(name)
    }

    /// Sends a copy of `bytes`, waiting for room.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Disconnected`] when the other end is gone, [`ChannelError::Closed`] when this end closed its sending
    /// half, [`ChannelError::Publish`] when the message is too large.
    pub fn send(&self, bytes: &[u8]) -> Result<(), ChannelError> {
        loop {
            // In slices, because the other end may go while this one waits.
            match self.send_timeout(bytes, PROBE_EVERY) {
                Err(ChannelError::Timeout) => self.look_at_the_other_end()?,
                done => return done,
            }
        }
    }

    /// As [`Channel::send`], waiting up to `timeout`. Zero does not wait.
    ///
    /// # Errors
    ///
    /// As [`Channel::send`], and [`ChannelError::Timeout`] when there was no room.
    pub fn send_timeout(&self, bytes: &[u8], timeout: Duration) -> Result<(), ChannelError> {
        if bytes.len() < INLINE_BYTES {
            self.may_send()?;
            let mut small = [DATA; INLINE_BYTES];
            small[..bytes.len()].copy_from_slice(bytes);
            let sent = self.publisher.send_timeout(&self.tx, &small[..=bytes.len()], timeout);
            return sent.map(|_| ()).map_err(ChannelError::from);
        }
        let mut loan = self.loan(bytes.len())?;
        loan.copy_from_slice(bytes);
        loan.send_timeout(timeout).map_err(|NoRoom(_)| ChannelError::Timeout)
    }

    /// Lends a block for a message of `len` bytes, to be written in place.
    ///
    /// # Errors
    ///
    /// As [`Channel::send`], and [`ChannelError::Publish`] when too many loans are out.
    pub fn loan(&self, len: usize) -> Result<ChannelLoan<'_>, ChannelError> {
        self.may_send()?;
        let mut loan = self.publisher.loan(&self.tx, len.saturating_add(1))?;
        loan[len] = DATA;
        Ok(ChannelLoan { loan, len })
    }

    /// The next message, if there is one.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Empty`], [`ChannelError::Closed`] when the other end closed its sending half and all was received,
    /// [`ChannelError::Disconnected`] when it died, [`ChannelError::TooManySamples`] when too many messages are held.
    pub fn try_recv(&self) -> Result<Received<'_>, ChannelError> {
        self.received(|| self.rx.try_recv().map_err(ChannelError::from))
    }

    /// The next message, however long that takes.
    ///
    /// # Errors
    ///
    /// As [`Channel::try_recv`], never `Empty`.
    pub fn recv(&self) -> Result<Received<'_>, ChannelError> {
        self.received(|| self.rx.recv().map_err(ChannelError::from))
    }

    /// The next message, waiting up to `timeout`.
    ///
    /// # Errors
    ///
    /// As [`Channel::recv`], and [`ChannelError::Timeout`].
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Received<'_>, ChannelError> {
        self.received(|| self.rx.recv_timeout(timeout).map_err(ChannelError::from))
    }

    fn received<'c>(
        &self,
        next: impl FnOnce() -> Result<Sample<'c>, ChannelError>,
    ) -> Result<Received<'c>, ChannelError> {
        // Nothing is waited for behind the end.
        if self.ended.get() {
            return Err(ChannelError::Closed);
        }
        let message = next()?;
        match message.last() {
            Some(&DATA) => Ok(Received(message)),
            Some(&END) => {
                self.ended.set(true);
                Err(ChannelError::Closed)
            }
            // Another connector has the place of the one that this end is for.
            Some(&HELLO) => Err(ChannelError::Disconnected),
            _ => Err(ChannelError::Damaged),
        }
    }

    /// Closes the sending half: the other end finds [`ChannelError::Closed`] when it has received everything, and can still
    /// send. Waits for room.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Disconnected`] when the other end is gone.
    pub fn close(&self) -> Result<(), ChannelError> {
        if self.closed.get() {
            return Ok(());
        }
        while let Err(error) = self.publisher.send_timeout(&self.tx, &[END], PROBE_EVERY) {
            match error {
                PublishError::Full { .. } => self.look_at_the_other_end()?,
                error => return Err(error.into()),
            }
        }
        self.closed.set(true);
        Ok(())
    }

    fn may_send(&self) -> Result<(), ChannelError> {
        if self.closed.get() {
            return Err(ChannelError::Closed);
        }
        let is_connected = match self.other.is_due() {
            true => self.rx.wait_connected(Duration::ZERO),
            false => self.rx.is_connected(),
        };
        if is_connected { Ok(()) } else { Err(ChannelError::Disconnected) }
    }

    /// Disconnected when the other end receives no more.
    fn look_at_the_other_end(&self) -> Result<(), ChannelError> {
        if self.publisher.reader_count(&self.tx) == 0 || !self.rx.wait_connected(Duration::ZERO) {
            return Err(ChannelError::Disconnected);
        }
        Ok(())
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        if !self.closed.get() {
            // Without room the other end finds this one gone.
            let _ = self.publisher.try_send(&self.tx, &[END]);
        }
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("sends", &self.tx).field("receives", &self.rx).finish()
    }
}
