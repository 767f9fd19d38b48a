//! A stream: one topic as one subscriber receives it.

#![allow(unsafe_code)] // the reader, which only this file borrows

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use xbar_discovery::{TopicView, Uri};
use xbar_layout::sync::ReadU64;
use xbar_layout::{Delivery, TopicShape};
use xbar_pool::{Ledger, Payload};
use xbar_ring::{Adaptive, WaitStrategy};
use xbar_shm::SeatKind;

use crate::Keep;
use crate::error::{NoSample, RecvError, RegionError, TryRecvError};
use crate::exclusive::{Borrow, Exclusive};
use crate::place::Place;
use crate::pools::payload;
use crate::reader::{Nothing, Otherwise, Reader, Taken};
use crate::receipts::{Blank, Receipt};
use crate::rings;
use crate::sample::Sample;
use crate::seat::{Seat, present};
use crate::spares::Spares;
use crate::time::Clock;
use crate::watch::{ENTRY_EVERY, Watch};

/// Receives one topic. One thread uses it at a time; it may move between threads.
pub struct Stream {
    reader: Exclusive<Reader<Keep>>,
    pub(crate) ledger: Ledger<Keep>,
    receipts: Spares<Receipt>,
    pub(crate) payload: Payload<Keep>,
    pub(crate) clock: Clock,
    pub(crate) watch: Watch,
    /// Of a lossless topic.
    place: Option<Place>,
    pinned: bool,
    /// One publisher, neither lossless nor pinned: what there is, is taken and that is all.
    straight: bool,
    /// Of a straight one: the messages from this one on were received, and are not in the watch's count yet.
    counted: Cell<u64>,
    shape: TopicShape,
    uri: Uri,
}

/// Where a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With what is published from now on.
    Now,
    /// With the last messages that were published before, this many at most, as far as they are still readable.
    Last(u64),
}

impl Stream {
    pub(crate) fn new(seat: &Arc<Seat>, topic: &TopicView, start: Start) -> Result<Self, RegionError> {
        let view = &seat.view;
        let facts = view.facts();
        let shape = topic.facts().shape;
        let pool = present(shape.pool, view, "pools")? as usize;
        let limits = present(facts.geometry.pools().get(pool), view, "pools")?.limits;
        let lossless = shape.delivery == Delivery::Lossless;
        let pinned = shape.delivery == Delivery::Pinned;
        let ring = rings::read(view, topic)?;
        let mut reader = Reader::new(ring, limits.blocks, limits.block_bytes, lossless);
        match start {
            // The latest message of a pinned topic is always news for a new reader.
            _ if pinned => reader.rewind(1),
            Start::Last(messages) => reader.rewind(messages),
            Start::Now => {}
        }
        let place = if lossless { Some(Place::take(seat, topic, reader.next())?) } else { None };
        if let Some(place) = &place {
            reader.skip_to(place.position());
        }
        let counted = Cell::new(reader.next());
        Ok(Self {
            reader: Exclusive::new(reader),
            ledger: Ledger::new(present(seat.cells(pool), view, "samples")?),
            receipts: Spares::new(),
            payload: payload(view, pool)?,
            clock: Clock::new(facts.created_monotonic_ns, facts.publish_times),
            watch: Watch::new(Arc::clone(seat), topic)?,
            place,
            pinned,
            straight: !lossless && !pinned && !shape.many,
            counted,
            shape,
            uri: topic.uri().clone(),
        })
    }

    /// The topic's name.
    pub const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// What the topic was registered as.
    pub const fn shape(&self) -> &TopicShape {
        &self.shape
    }

    /// True while a publisher has the topic registered, and was alive when the kernel was asked last.
    pub fn is_connected(&self) -> bool {
        self.watch.is_connected()
    }

    /// Waits up to `timeout` for a living publisher to have the topic registered; says whether one has.
    pub fn wait_connected(&self, timeout: Duration) -> bool {
        self.watch.wait_connected(timeout)
    }

    /// Messages received so far.
    pub fn received(&self) -> u64 {
        self.enter();
        self.watch.received()
    }

    /// Messages missed so far. Received + missed = published since the stream began, once it is drained; a pinned topic
    /// misses none.
    pub fn missed(&self) -> u64 {
        self.watch.missed()
    }

    /// Messages published and not yet received.
    pub fn pending(&self) -> u64 {
        self.reader().pending()
    }

    /// The next message, if there is one; of a pinned topic the latest, if it was not received yet.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    #[inline(always)]
    pub fn try_recv(&self) -> Result<Sample<'_>, TryRecvError> {
        Ok(self.look(false)?)
    }

    /// The next message, or who is left to send one.
    #[inline(always)]
    fn look(&self, probe: bool) -> Result<Sample<'_>, NoSample> {
        match self.take_at_once::<false>() {
            Ok(Some(sample)) => Ok(sample),
            _ => self.look_closely(probe),
        }
    }

    #[inline(never)]
    fn look_closely(&self, probe: bool) -> Result<Sample<'_>, NoSample> {
        match self.take() {
            Err(NoSample::Empty) => self.nothing(probe),
            done => done,
        }
    }

    /// The next message, waiting for it as `strategy` says, up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    #[inline]
    pub fn recv_with(
        &self,
        strategy: impl WaitStrategy,
        timeout: Option<Duration>,
    ) -> Result<Sample<'_>, RecvError> {
        let ready = || !self.is_empty();
        self.watch.wait(strategy, timeout, |probe| self.look(probe), || self.take_at_once::<true>(), ready)
    }

    /// The next message, waiting up to `timeout`: spinning first, then asleep.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Sample<'_>, RecvError> {
        self.recv_with(Adaptive, Some(timeout))
    }

    /// The next message, however long that takes: spinning first, then asleep.
    ///
    /// # Errors
    ///
    /// [`RecvError`], but never [`RecvError::Timeout`].
    pub fn recv(&self) -> Result<Sample<'_>, RecvError> {
        self.recv_with(Adaptive, None)
    }

    /// The latest message of a pinned topic, received already or not.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`]; `Empty` only before the first, `NotPinned` when the topic is not.
    #[inline(always)]
    pub fn try_recv_pinned(&self) -> Result<Sample<'_>, TryRecvError> {
        Ok(self.look_at_newest()?)
    }

    #[inline(always)]
    fn look_at_newest(&self) -> Result<Sample<'_>, NoSample> {
        match self.take_newest_at_once() {
            Some(sample) => Ok(sample),
            None => self.look_closely_at_newest(),
        }
    }

    #[inline(never)]
    fn look_closely_at_newest(&self) -> Result<Sample<'_>, NoSample> {
        match self.take_newest() {
            Err(NoSample::Empty) => self.nothing(false),
            done => done,
        }
    }

    /// As [`Stream::try_recv_pinned`], waiting for the first message as `strategy` says, up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    pub fn recv_pinned_with(
        &self,
        strategy: impl WaitStrategy,
        timeout: Option<Duration>,
    ) -> Result<Sample<'_>, RecvError> {
        match self.look_at_newest() {
            Err(NoSample::Empty) => self.recv_with(strategy, timeout),
            done => Ok(done?),
        }
    }

    #[inline(always)]
    fn is_empty(&self) -> bool {
        self.reader().is_empty()
    }

    /// Takes what is there, if anything is and that is the straight way. Whoever `WAITED` for it has it fetched.
    #[inline(always)]
    fn take_at_once<const WAITED: bool>(&self) -> Result<Option<Sample<'_>>, Otherwise> {
        if !self.straight {
            return Err(Otherwise);
        }
        let blank = self.blank();
        let copy = |words: &[ReadU64], length| blank.copy(words, length);
        let fetch = |index, length| {
            if WAITED {
                self.payload.fetch(index, length);
            }
        };
        let taken = self.reader().take_at_once(&self.ledger, copy, fetch)?;
        let Some(taken) = taken else { return Ok(None) };
        let sample = self.sample(blank, taken);
        // Everything that came was received: counted now and then.
        if sample.sequence() % ENTRY_EVERY == 0 {
            self.tell();
        }
        Ok(Some(sample))
    }

    /// Takes what is there, whatever it takes.
    fn take(&self) -> Result<Sample<'_>, NoSample> {
        self.enter();
        let (mut reader, blank) = (self.reader(), self.blank());
        let copy = |words: &[ReadU64], length| blank.copy(words, length);
        let found = if self.pinned {
            reader.take_newer(&self.ledger, copy)
        } else {
            let found = reader.take(&self.ledger, copy);
            if let Some(place) = &self.place {
                place.move_to(reader.next());
            }
            found
        };
        match found {
            Ok(taken) if self.straight => Ok(self.sample(blank, taken)),
            Ok(taken) => {
                self.watch.count_received();
                Ok(self.sample(blank, taken))
            }
            Err(nothing) => {
                self.counted.set(reader.next());
                Err(self.account_for(nothing))
            }
        }
    }

    /// The latest message of a pinned topic, received already or not, if that is the straight way.
    #[inline(always)]
    fn take_newest_at_once(&self) -> Option<Sample<'_>> {
        if !self.pinned {
            return None;
        }
        let blank = self.blank();
        let taken =
            self.reader().take_newest_at_once(&self.ledger, |words, length| blank.copy(words, length))?;
        let sample = self.sample(blank, taken);
        self.watch.count_received();
        Some(sample)
    }

    /// The latest message of a pinned topic, received already or not.
    fn take_newest(&self) -> Result<Sample<'_>, NoSample> {
        if !self.pinned {
            return Err(NoSample::NotPinned);
        }
        let blank = self.blank();
        match self.reader().take_newest(&self.ledger, |words, length| blank.copy(words, length)) {
            Ok(taken) => {
                self.watch.count_received();
                Ok(self.sample(blank, taken))
            }
            Err(nothing) => Err(self.account_for(nothing)),
        }
    }

    /// Counts what was received the straight way since the last time.
    fn enter(&self) {
        if self.straight {
            let next = self.reader().next();
            // Wrapping: damaged memory may send a reader anywhere.
            self.watch.add_received(next.wrapping_sub(self.counted.replace(next)));
        }
    }

    /// The same, and lets others know.
    #[cold]
    #[inline(never)]
    fn tell(&self) {
        self.enter();
        self.watch.tell();
    }

    #[inline(always)]
    fn blank(&self) -> Blank<'_> {
        // SAFETY: each of this file's uses gives it out, or drops it before the next one.
        unsafe { Blank::of(&self.receipts) }
    }

    #[inline(always)]
    fn reader(&self) -> Borrow<'_, Reader<Keep>> {
        // SAFETY: this file's uses call the ring, the ledger, a blank and the place, and none of them comes back here.
        unsafe { self.reader.borrow_mut() }
    }

    /// A sample of what was taken.
    #[inline(always)]
    fn sample<'s>(&'s self, blank: Blank<'s>, taken: Taken<'s, Keep, ()>) -> Sample<'s> {
        match taken {
            Taken::Inline { sequence, descriptor, length, .. } => {
                blank.for_copy(self, (sequence, descriptor), length)
            }
            Taken::Block { sequence, time, index, length, held } => {
                blank.for_block(self, (sequence, time), (index, length), held)
            }
        }
    }

    fn account_for(&self, nothing: Nothing) -> NoSample {
        match nothing {
            Nothing::Empty => NoSample::Empty,
            Nothing::Lagged { missed } => {
                self.watch.count_missed(missed);
                NoSample::Lagged { missed }
            }
            Nothing::Full => NoSample::TooManySamples { limit: self.ledger.cells() },
        }
    }

    /// Nothing there: is somebody left who could send? A message that came just before the end is not lost.
    #[inline]
    fn nothing(&self, probe: bool) -> Result<Sample<'_>, NoSample> {
        let Some(gone) = self.watch.gone(probe, || self.skip_claim_of_the_dead()) else {
            return Err(NoSample::Empty);
        };
        if !self.is_empty() {
            return self.take();
        }
        Err(if self.watch.have_come_again(gone) { NoSample::Empty } else { NoSample::Disconnected })
    }

    /// Goes on behind a message that will never come, because the publisher that began it is dead.
    fn skip_claim_of_the_dead(&self) {
        let Some(owner) = self.reader().claimed_by() else { return };
        if self.watch.seat.view.segment().seat_is_alive(SeatKind::Publisher, owner) {
            return;
        }
        let mut reader = self.reader();
        if reader.skip_claim_of(owner) {
            match &self.place {
                Some(place) => place.move_to(reader.next()),
                None => self.watch.count_missed(1),
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.enter();
        if let (Some(place), true) = (&self.place, self.watch.seat.is_mine()) {
            place.leave();
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("uri", &self.uri)
            .field("received", &self.received())
            .field("missed", &self.missed())
            .finish_non_exhaustive()
    }
}
