//! Ends of rings that sleep: a bell beside each, rung by the other side.
//!
//! Invariant: whatever moves (a message, room, the end of a side) is done before its bell rings, and whoever sleeps looks again
//! between announcing it and sleeping. So no wake-up is lost, and nobody polls.

use std::fmt;

use xbar_ring::{Look, Lossy, Rest, Sink, Source, Wake};
use xbar_shm::ThreadBell;

/// A bell as rings use it: see [`ThreadBell`].
#[derive(Debug, Clone, Default)]
pub struct Bell(ThreadBell);

impl Wake for Bell {
    #[inline(always)]
    fn ring(&self) {
        self.0.ring();
    }

    fn sleep(&self, ready: &dyn Fn() -> bool, rest: Rest<'_>) {
        // Known to whoever may stop this before the last look whether it was stopped.
        let watch = rest.stop.map(|stop| stop.watch(&self.0.waker()));
        let is_stopped = || rest.stop.is_some_and(|stop| stop.is_stopped());
        self.0.sleep_unless(|| ready() || is_stopped(), rest.longest);
        if let (Some(stop), Some(watch)) = (rest.stop, watch) {
            stop.forget(watch);
        }
    }
}

/// Rings when it is dropped: behind the fields in front of it.
#[derive(Debug, Clone)]
pub(crate) struct RingsLast(pub(crate) Bell);

impl Drop for RingsLast {
    fn drop(&mut self) {
        self.0.ring();
    }
}

/// A writing end that wakes readers, and sleeps when there is no room.
#[derive(Clone)]
pub struct Ringing<W> {
    sink: W,
    news: RingsLast,
    room: Bell,
}

impl<W> Ringing<W> {
    pub(crate) fn new(sink: W, news: &Bell, room: &Bell) -> Self {
        Self { sink, news: RingsLast(news.clone()), room: room.clone() }
    }
}

impl<W: Sink> Sink for Ringing<W> {
    type Value = W::Value;

    #[inline(always)]
    fn offer(&mut self, value: W::Value) -> Result<(), W::Value> {
        self.sink.offer(value)?;
        self.news.0.ring();
        Ok(())
    }

    #[inline]
    fn offer_batch(&mut self, values: &[W::Value]) -> usize {
        let taken = self.sink.offer_batch(values);
        self.news.0.ring();
        taken
    }

    fn published(&self) -> u64 {
        self.sink.published()
    }

    fn capacity(&self) -> usize {
        self.sink.capacity()
    }

    fn readers(&self) -> usize {
        self.sink.readers()
    }

    fn has_room(&self) -> bool {
        self.sink.has_room()
    }

    #[inline(always)]
    fn is_deserted(&self) -> bool {
        self.sink.is_deserted()
    }

    fn sleep(&mut self, rest: Rest<'_>) {
        let sink = &self.sink;
        self.room.sleep(&|| sink.has_room() || sink.is_deserted(), rest);
    }
}

impl<W: fmt::Debug> fmt::Debug for Ringing<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ringing").field(&self.sink).finish()
    }
}

/// A reading end that sleeps while there is nothing, and wakes writers that wait for room.
#[derive(Clone)]
pub struct Parked<S> {
    source: S,
    /// Of a lossless ring.
    room: Option<RingsLast>,
    news: Bell,
}

impl<S> Parked<S> {
    pub(crate) fn new(source: S, news: &Bell, room: Option<&Bell>) -> Self {
        Self { source, room: room.cloned().map(RingsLast), news: news.clone() }
    }

    #[inline(always)]
    fn made_room(&self) {
        if let Some(room) = &self.room {
            room.0.ring();
        }
    }
}

impl<S: Source> Source for Parked<S> {
    type Value = S::Value;

    #[inline(always)]
    fn look(&mut self) -> Look<S::Value> {
        let found = self.source.look();
        if matches!(found, Look::Value(_)) {
            self.made_room();
        }
        found
    }

    #[inline(always)]
    fn look_into(&mut self, place: &mut S::Value) -> Look<()> {
        let found = self.source.look_into(place);
        if matches!(found, Look::Value(())) {
            self.made_room();
        }
        found
    }

    #[inline]
    fn catch_up(&mut self) -> u64 {
        self.source.catch_up()
    }

    fn is_empty(&self) -> bool {
        self.source.is_empty()
    }

    #[inline(always)]
    fn position(&self) -> u64 {
        self.source.position()
    }

    fn pending(&self) -> u64 {
        self.source.pending()
    }

    #[inline]
    fn take(&mut self, into: &mut [S::Value]) -> usize {
        let taken = self.source.take(into);
        self.made_room();
        taken
    }

    #[inline(always)]
    fn each(&mut self, most: usize, read: impl FnMut(S::Value)) -> usize {
        let taken = self.source.each(most, read);
        self.made_room();
        taken
    }

    fn sleep(&mut self, rest: Rest<'_>) {
        let source = &self.source;
        self.news.sleep(&|| !source.is_empty(), rest);
    }
}

impl<S: Lossy> Lossy for Parked<S> {
    fn skip_all(&mut self) {
        self.source.skip_all();
    }

    fn rewind(&mut self) {
        self.source.rewind();
    }

    fn skip_to_newest(&mut self) -> u64 {
        self.source.skip_to_newest()
    }
}

impl<S: fmt::Debug> fmt::Debug for Parked<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Parked").field(&self.source).finish()
    }
}
