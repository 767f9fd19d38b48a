//! A stream: one topic as one subscriber receives it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use xbar_discovery::{TopicView, Uri};
use xbar_layout::ring::{HEADER_WORDS, SLOT_WORDS};
use xbar_layout::sync::{Ordering, ReadU64};
use xbar_layout::topic::TopicEntry;
use xbar_layout::{Byte, Lent, ReadOnly};
use xbar_pool::{Ledger, Payload};
use xbar_ring::{Adaptive, Step, WaitStrategy, broadcast};
use xbar_shm::wake::{Sleeper, System};
use xbar_shm::{SeatKind, monotonic_ns};

use crate::Keep;
use crate::error::{RecvError, RegionError, TryRecvError};
use crate::publisher::sleepers;
use crate::reader::{Found, InBlock, Inline, Nothing, Reader};
use crate::sample::Sample;
use crate::seat::{Seat, present};
use crate::time::Clock;

/// Empty looks between two readings of the clock, and messages between two entries in the subscriber's counters.
const HOUSEKEEPING: u32 = 64;

/// How often an idle stream asks the kernel whether its publisher lives; also the longest sleep at once.
const PROBE_EVERY: Duration = Duration::from_millis(100);

/// Receives one topic. One thread uses it at a time; it may move between threads.
pub struct Stream {
    reader: RefCell<Reader<Keep>>,
    pub(crate) ledger: Ledger<Keep>,
    pub(crate) payload: Payload<Keep>,
    pub(crate) clock: Clock,
    sleeper: Sleeper<Keep>,
    entry: Lent<TopicEntry<ReadOnly>, Keep>,
    uri: Uri,
    received: Cell<u64>,
    missed: Cell<u64>,
    /// What the subscriber's counters know of `received` and `missed`.
    told: Cell<(u64, u64)>,
    /// Empty looks in a row.
    idle: Cell<u32>,
    /// Last time the kernel was asked, in ns.
    probed_ns: Cell<u64>,
    /// The owner (seat + 1) that was found dead then; 0 = none.
    dead_owner: Cell<u32>,
    pub(crate) seat: Arc<Seat>,
}

impl Stream {
    pub(crate) fn new(seat: Arc<Seat>, topic: TopicView) -> Result<Self, RegionError> {
        let view = &seat.view;
        let facts = view.facts();
        let geometry = &facts.geometry;
        let limits = geometry.limits();
        let data = view.data();
        let start = geometry.rings_offset + topic.index() as usize * geometry.ring_stride;
        let head = present(data.view::<ReadU64>(start), view, "ring_slots")?;
        let words = limits.ring_slots as usize * SLOT_WORDS;
        let slots = present(data.slice::<ReadU64>(start + 8 * HEADER_WORDS, words), view, "ring_slots")?;
        let ring = broadcast::Reader::join(slots, head, SLOT_WORDS);
        let ring = present(ring.ok(), view, "ring_slots")?;
        let bytes =
            data.slice::<Byte>(geometry.blocks_offset, limits.blocks as usize * geometry.block_stride);
        let bytes = present(bytes, view, "blocks")?;
        let payload = Payload::new(bytes, geometry.block_stride, limits.block_bytes as usize);
        let payload = present(payload, view, "blocks")?;
        let entry = topic.entry().clone();
        let sleeper = Sleeper::new(entry.part(|entry| &entry.wake), sleepers(&seat, topic.index())?, System);
        Ok(Self {
            reader: RefCell::new(Reader::new(ring, limits.blocks, limits.block_bytes)),
            ledger: Ledger::new(seat.cells.clone()),
            payload,
            clock: Clock::new(facts.created_monotonic_ns, facts.publish_times),
            sleeper,
            entry,
            uri: topic.uri().clone(),
            received: Cell::new(0),
            missed: Cell::new(0),
            told: Cell::new((0, 0)),
            idle: Cell::new(0),
            probed_ns: Cell::new(0),
            dead_owner: Cell::new(0),
            seat,
        })
    }

    /// Goes back to the oldest message that is still readable.
    pub(crate) fn rewind(&self) {
        self.reader.borrow_mut().rewind();
    }

    /// The topic's name.
    pub const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Messages received so far.
    pub fn received(&self) -> u64 {
        self.received.get()
    }

    /// Messages missed so far. Received + missed = published since the stream began, once it is drained.
    pub fn missed(&self) -> u64 {
        self.missed.get()
    }

    /// Messages published and not yet received.
    pub fn pending(&self) -> u64 {
        self.reader.borrow().pending()
    }

    /// The next message, if there is one.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    #[inline(always)]
    pub fn try_recv(&self) -> Result<Sample<'_>, TryRecvError> {
        if self.is_empty() {
            return self.nothing(false);
        }
        self.take()
    }

    /// The next message, waiting for it as `strategy` says, up to `timeout`.
    ///
    /// # Errors
    ///
    /// [`RecvError`].
    #[inline]
    pub fn recv_with(
        &self,
        mut strategy: impl WaitStrategy,
        timeout: Option<Duration>,
    ) -> Result<Sample<'_>, RecvError> {
        let mut deadline = None;
        let mut looks = 0_u32;
        while self.is_empty() {
            match self.nothing(false) {
                Err(TryRecvError::Empty) => {}
                done => return done.map_err(RecvError::of),
            }
            looks = looks.saturating_add(1);
            let step = strategy.step(looks);
            // Spinning reads the clock now and then; sleeping costs more than the clock anyway.
            let mut left = PROBE_EVERY;
            if let Some(timeout) = timeout {
                if looks == 1 || looks % HOUSEKEEPING == 0 || step == Step::Sleep {
                    let now = Instant::now();
                    // A timeout beyond the end of time is none.
                    if let Some(end) = *deadline.get_or_insert_with(|| now.checked_add(timeout)) {
                        left = left.min(end.saturating_duration_since(now));
                    }
                    if left.is_zero() {
                        break; // one last look, so that a zero timeout is a look
                    }
                }
            }
            if step == Step::Sleep {
                self.sleeper.sleep_unless(|| !self.is_empty() || self.owner() == 0, left);
                match self.nothing(true) {
                    Err(TryRecvError::Empty) => {}
                    done => return done.map_err(RecvError::of),
                }
            }
        }
        self.take().map_err(RecvError::of)
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

    #[inline(always)]
    fn is_empty(&self) -> bool {
        self.reader.borrow().is_empty()
    }

    /// Takes what is there.
    #[inline(always)]
    fn take(&self) -> Result<Sample<'_>, TryRecvError> {
        self.reader.borrow_mut().take(&self.ledger, self)
    }

    #[inline(always)]
    fn count(&self) {
        let received = self.received.get() + 1;
        self.received.set(received);
        if received % u64::from(HOUSEKEEPING) == 0 {
            self.tell();
        }
    }

    /// Nothing there: is somebody left who could send? A message that came just before the end is not lost.
    #[inline(always)]
    fn nothing(&self, probe_now: bool) -> Result<Sample<'_>, TryRecvError> {
        let idle = self.idle.get().wrapping_add(1);
        self.idle.set(idle);
        let owner = self.owner();
        if owner != 0 && owner != self.dead_owner.get() && idle % HOUSEKEEPING != 0 && !probe_now {
            return Err(TryRecvError::Empty);
        }
        self.is_anybody_left(owner)
    }

    #[cold]
    fn is_anybody_left(&self, owner: u32) -> Result<Sample<'_>, TryRecvError> {
        self.tell();
        if owner != 0 {
            let now = monotonic_ns();
            if now.saturating_sub(self.probed_ns.get()) >= PROBE_EVERY.as_nanos() as u64 {
                self.probed_ns.set(now);
                let alive = self.seat.view.segment().seat_is_alive(SeatKind::Publisher, owner - 1);
                self.dead_owner.set(if alive { 0 } else { owner });
            }
            if self.dead_owner.get() != owner {
                return Err(TryRecvError::Empty);
            }
        }
        match self.take() {
            Err(TryRecvError::Empty) => Err(TryRecvError::Disconnected),
            done => done,
        }
    }

    #[inline(always)]
    fn owner(&self) -> u32 {
        // ORDERING: topic-owner: pairs with the release of whoever left: all it published is there.
        self.entry.owner.load_acquire()
    }

    /// Enters what was received and missed since the last time into the subscriber's counters.
    fn tell(&self) {
        let now = (self.received.get(), self.missed.get());
        let (received, missed) = self.told.replace(now);
        let counters = &self.seat.record.counters;
        // ORDERING: none; figures for people, added to because streams of one subscriber may be in several threads.
        if now.0 != received {
            counters.received.fetch_add(now.0 - received, Ordering::Relaxed);
        }
        // ORDERING: none; as above.
        if now.1 != missed {
            counters.missed.fetch_add(now.1 - missed, Ordering::Relaxed);
        }
    }
}

impl<'s> Found<'s, Keep> for &'s Stream {
    type Output = Result<Sample<'s>, TryRecvError>;

    #[inline(always)]
    fn inline(self, message: Inline) -> Self::Output {
        self.count();
        Ok(Sample::inline(self, message))
    }

    #[inline(always)]
    fn block(self, message: InBlock<'s, Keep>) -> Self::Output {
        self.count();
        Ok(Sample::block(self, message))
    }

    #[inline(always)]
    fn nothing(self, nothing: Nothing) -> Self::Output {
        Err(match nothing {
            Nothing::Empty => TryRecvError::Empty,
            Nothing::Lagged { missed } => {
                self.missed.set(self.missed.get() + missed);
                TryRecvError::Lagged { missed }
            }
            Nothing::Full => TryRecvError::TooManySamples { limit: self.ledger.cells() },
        })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.seat.is_mine() {
            self.tell();
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("uri", &self.uri)
            .field("received", &self.received)
            .field("missed", &self.missed)
            .finish_non_exhaustive()
    }
}
