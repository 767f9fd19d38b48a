//! What a subscriber does when it finds nothing: ask whether anybody is left who could send, and sleep.

use crate::wait::{Rest, give_way};

/// A subscriber's account: what became of the messages that were sent since it subscribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteAccount {
    /// Messages received.
    pub received: u64,
    /// Messages that it did not want: of other kinds, or older than the latest.
    pub skipped: u64,
    /// Messages that were overwritten before it came for them.
    pub missed: u64,
}

/// Whom a [`ByteSubscriber`](crate::bytes::ByteSubscriber) asks when it finds nothing.
///
/// Open: a crate with an operating system brings one that knows who lives and what to sleep on. Nothing of it is called while
/// messages are there.
pub trait Lookout {
    /// After a look that found nothing: true when nobody is left who could send. Then the subscriber looks once more, because
    /// what they sent before they went is there, and asks [`is_over`](Self::is_over) when that was nothing either.
    fn is_deserted(&mut self, account: ByteAccount) -> bool;

    /// Behind that second look: true unless somebody has come meanwhile. A subscriber says `Disconnected` then.
    fn is_over(&mut self) -> bool;

    /// Waits a while, as `rest` says, unless `ready` says that there is something; may return at any time.
    fn sleep(&mut self, ready: impl Fn() -> bool, rest: Rest<'_>);

    /// The subscriber goes.
    fn leave(&mut self, account: ByteAccount);
}

/// Nobody to ask, and nothing to sleep on: the writer ends the stream in the ring itself, and who is told to sleep gives way to
/// other threads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Alone;

impl Lookout for Alone {
    #[inline(always)]
    fn is_deserted(&mut self, _account: ByteAccount) -> bool {
        false
    }

    #[inline(always)]
    fn is_over(&mut self) -> bool {
        false
    }

    #[inline(always)]
    fn sleep(&mut self, _ready: impl Fn() -> bool, _rest: Rest<'_>) {
        give_way();
    }

    #[inline(always)]
    fn leave(&mut self, _account: ByteAccount) {}
}
