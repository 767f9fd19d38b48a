//! The two ends of a connection.

use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use xbar_layout::ring::INLINE_BYTES;

use super::{ChannelConfig, ChannelError, DATA, END, HELLO, Listener};
use crate::pulse::{PROBE_EVERY, Pulse};
use crate::{NoRoom, PublishError, Publisher, RegionError, Sample, Stream, Topic};

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
    pub(super) fn new(publisher: Publisher, tx: Topic, rx: Stream) -> Self {
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

/// A message to be written in place and sent. Dropped, it was never there.
pub struct ChannelLoan<'c> {
    loan: crate::Loan<'c>,
    len: usize,
}

impl ChannelLoan<'_> {
    /// Sends the message, waiting for room as long as the other end lives.
    pub fn send(self) {
        self.loan.publish();
    }

    /// As [`ChannelLoan::send`], waiting up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] with the loan.
    pub fn send_timeout(self, timeout: Duration) -> Result<(), NoRoom<Self>> {
        let len = self.len;
        let sent = self.loan.publish_timeout(timeout);
        sent.map(|_| ()).map_err(|NoRoom(loan)| NoRoom(Self { loan, len }))
    }
}

impl Deref for ChannelLoan<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.loan[..self.len]
    }
}

impl DerefMut for ChannelLoan<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.loan[..self.len]
    }
}

impl fmt::Debug for ChannelLoan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelLoan").field("len", &self.len).finish_non_exhaustive()
    }
}

/// A received message, as a slice of its bytes; it stays as it is until this is dropped.
pub struct Received<'c>(Sample<'c>);

impl Deref for Received<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0[..self.0.len() - 1]
    }
}

impl fmt::Debug for Received<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("bytes", &self.len()).finish()
    }
}
