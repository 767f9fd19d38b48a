//! Messages of a channel, sent and received: payload, and behind it a byte that says so.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use crate::{Loan, NoRoom, Sample};

/// A message to be written in place and sent. Dropped, it was never there.
pub struct ChannelLoan<'c> {
    pub(super) loan: Loan<'c>,
    pub(super) len: usize,
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
pub struct Received<'c>(pub(super) Sample<'c>);

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
