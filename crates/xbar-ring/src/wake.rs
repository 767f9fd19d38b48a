//! How the ends of a ring wake one another.

use crate::wait::{Rest, give_way};

/// A bell that whoever moves on rings, and that whoever waits sleeps by.
///
/// Open: a crate with an operating system brings one. [`Quiet`] is the one without.
pub trait Wake: Send + Sync {
    /// Something has moved on; wakes whoever sleeps.
    fn ring(&self);

    /// Sleeps until rung, unless `ready` says that there is no reason to; may return at any time. No ring between the look of
    /// `ready` and the sleep is lost.
    fn sleep(&self, ready: &dyn Fn() -> bool, rest: Rest<'_>);
}

/// No bell: ringing costs nothing, and whoever sleeps gives way to other threads and looks again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quiet;

impl Wake for Quiet {
    #[inline(always)]
    fn ring(&self) {}

    fn sleep(&self, _ready: &dyn Fn() -> bool, _rest: Rest<'_>) {
        give_way();
    }
}
