//! Where the subscribers of a lossy channel come from.

use core::fmt;

use crate::source::Lossy;
use crate::subscriber::Subscriber;

/// Makes subscribers of one channel; clone it to make them in several places.
#[derive(Clone)]
pub struct Subscribers<S> {
    source: S,
}

impl<S: Lossy + Clone> Subscribers<S> {
    pub(crate) const fn new(source: S) -> Self {
        Self { source }
    }

    /// A subscriber of what is published from now on.
    pub fn subscribe(&self) -> Subscriber<S> {
        let mut source = self.source.clone();
        source.skip_all();
        Subscriber::new(source)
    }

    /// A subscriber that begins with the oldest message that is still readable.
    pub fn subscribe_from_oldest(&self) -> Subscriber<S> {
        let mut source = self.source.clone();
        source.rewind();
        Subscriber::new(source)
    }
}

impl<S> fmt::Debug for Subscribers<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscribers").finish_non_exhaustive()
    }
}
