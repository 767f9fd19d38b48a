//! Who listens, who knocks, and how they come to a connection.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use xbar_layout::Limits;
use xbar_topic::wait_for;

use super::{
    Channel, ChannelError, DOOR, LISTENING, SPARE_SEATS, door, down, hello, knock, nonce, numbers_of, up,
};
use crate::pulse::PROBE_EVERY;
use crate::{
    Config, PublishError, Publisher, RecvError, RegionError, Stream, Subscriber, Topic, TopicConfig,
    TryRecvError, Uri, sole,
};

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
    /// Where a listener was killed or dropped whose connections live, this one takes its place: they stay as they are, and whoever
    /// waits to be accepted is accepted by this one, unless it has been told before that the last one is gone.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when somebody alive listens there, the configuration cannot work or is not that of the listener whose place
    /// this one takes ([`RegionError::OtherConfig`]), or the memory is not to be had.
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
            .lossless_streams(1)
            .maybe_dir(self.dir.as_deref());
        let (publisher, listening) = sole::publisher(name, &config, LISTENING, in_words)?;
        for n in 0..connections {
            sole::provide(&publisher, &down(n), &TopicConfig::new().lossless())?;
        }
        // Behind the connections: whoever finds it finds them. Kept: somebody could always knock.
        let doorbell = publisher.register_with(DOOR, &door())?;
        let door = self.subscriber(name)?.subscribe(DOOR)?;
        // Whoever knocked before this one heard knocks again. A region too damaged for that is one where nobody connects.
        let _ = publisher.send(&listening, b"listening");
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
            let (view, door) = (subscriber.0.view(), Uri::new(DOOR)?);
            let region = || view.segment().name().clone();
            if view.find(&door).is_none() {
                return Err(RegionError::NoTopic { region: region(), uri: door });
            }
            let listening = subscriber.subscribe(LISTENING)?;
            // The region may be there for the sake of connections alone.
            if !listening.wait_connected(Duration::ZERO) {
                return Err(RegionError::NoPublisher { region: region() });
            }
            Ok((subscriber, listening, self.publisher(name)?))
        };
        let (subscriber, listening, publisher) = match timeout {
            // All again each time: a region is there before somebody listens, and another may take its place at any moment.
            Some(timeout) => wait_for(timeout, look),
            None => look(),
        }
        .map_err(all_taken)?;
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
            let answer = 'knocking: loop {
                let door = publisher.register_with(DOOR, &door())?;
                while let Err(error) = publisher.send_timeout(&door, &knock(n, number), slice()) {
                    match error {
                        PublishError::Full { .. } => go_on()?,
                        error => return Err(error.into()),
                    }
                }
                drop(door);
                loop {
                    match rx.recv_timeout(slice()) {
                        Ok(message) => break 'knocking *message == hello(number),
                        // Nobody is there before it is accepted.
                        Err(RecvError::Timeout | RecvError::Disconnected) => go_on()?,
                        Err(error) => return Err(error.into()),
                    }
                    // Another listens now, who may not have heard the knock.
                    if matches!(listening.try_recv(), Ok(_) | Err(TryRecvError::Lagged { .. })) {
                        break;
                    }
                    rx.wait_connected(slice());
                }
            };
            if answer {
                return Ok(Channel::new(publisher, tx, rx));
            }
        }
    }

    fn publisher(&self, name: &str) -> Result<Publisher, RegionError> {
        Publisher::open_at(self.dir.as_deref(), name)
    }

    fn subscriber(&self, name: &str) -> Result<Subscriber, RegionError> {
        Subscriber::connect_at(self.dir.as_deref(), name)
    }
}

/// Accepts connections under one name. Dropped, nobody can connect until the next one listens; connections that are there stay.
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
            let knock = self.door.recv_timeout(timeout.saturating_sub(start.elapsed()))?;
            let Some((n, number)) = numbers_of(&knock) else { continue };
            if let Some(channel) = self.open(n, number)? {
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
        // The kernel is asked: a listener that was killed has no connection.
        if rx.wait_connected(Duration::ZERO) {
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

/// What a listener's region was created with.
fn in_words(limits: &Limits, slots: u32) -> [(&'static str, u32); 3] {
    [
        ("connections", limits.publishers.saturating_sub(SPARE_SEATS) / 2),
        ("depth", slots.saturating_sub(1)),
        ("max_bytes", limits.pools[0].block_bytes.saturating_sub(1)),
    ]
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
