//! What a reader of a topic watches besides its ring: who could still publish, how to sleep until somebody does, and its own
//! account.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use xbar_discovery::{TopicView, seats_of};
use xbar_layout::Lent;
use xbar_layout::sync::{Ordering, ReadU64};
use xbar_ring::{Rest, Step, WaitStrategy};
use xbar_shm::wake::{Sleeper, System};
use xbar_shm::{SeatKind, monotonic_ns, unix_ns};

use crate::error::{NoSample, RecvError, RegionError};
use crate::reader::Otherwise;
use crate::seat::Seat;
use crate::{Keep, rest};

/// Empty looks between two readings of the clock, or two entries in the subscriber's counters.
const HOUSEKEEPING: u32 = 64;

/// Messages between two entries in the subscriber's counters, for whoever never finds nothing.
pub(crate) const ENTRY_EVERY: u64 = 1024;

/// Spinning looks between two that ask for the publishers too, which takes as long as a dozen others.
const LOOKS_PER_PROBE: u32 = 256;

/// How often an idle reader asks the kernel whether its publishers live; also the longest sleep at once.
const PROBE_EVERY: Duration = Duration::from_millis(100);

/// One reader's watch.
#[derive(Debug)]
pub(crate) struct Watch {
    sleeper: Arc<Sleeper<Keep>>,
    publishers: Lent<[ReadU64], Keep>,
    received: Cell<u64>,
    missed: Cell<u64>,
    /// What the subscriber's counters know of `received` and `missed`.
    told: Cell<(u64, u64)>,
    /// Empty looks in a row.
    idle: Cell<u32>,
    /// Last time the kernel was asked, in ns.
    probed_ns: Cell<u64>,
    /// The publishers, as [`Watch::publishers`] says them, that were found dead then; 0 = none.
    dead: Cell<u64>,
    /// The region's epoch when one of the publishers was found alive last.
    epoch: Cell<u64>,
    pub(crate) seat: Arc<Seat>,
}

/// Publishers that are all gone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gone(u64);

impl Watch {
    pub(crate) fn new(seat: Arc<Seat>, topic: &TopicView) -> Result<Self, RegionError> {
        let line = seat.topic_line(topic.index())?;
        let wake = topic.entry().part(|entry| &entry.wake);
        Ok(Self {
            sleeper: Arc::new(Sleeper::new(wake, line.part(|line| &line.readers_waiting), System)),
            publishers: topic.publishers().clone(),
            received: Cell::new(0),
            missed: Cell::new(0),
            told: Cell::new((0, 0)),
            idle: Cell::new(0),
            probed_ns: Cell::new(0),
            dead: Cell::new(0),
            epoch: Cell::new(seat.view.epoch()),
            seat,
        })
    }

    pub(crate) fn received(&self) -> u64 {
        self.received.get()
    }

    pub(crate) fn missed(&self) -> u64 {
        self.missed.get()
    }

    #[inline(always)]
    pub(crate) fn count_received(&self) {
        let received = self.received.get() + 1;
        self.received.set(received);
        if received % ENTRY_EVERY == 0 {
            self.tell();
        }
    }

    pub(crate) fn add_received(&self, messages: u64) {
        self.received.set(self.received.get().wrapping_add(messages));
    }

    pub(crate) fn count_missed(&self, missed: u64) {
        self.missed.set(self.missed.get().saturating_add(missed));
    }

    /// Enters figures counted elsewhere.
    pub(crate) fn set_counts(&self, received: u64, missed: u64) {
        self.received.set(received);
        self.missed.set(missed);
    }

    /// After a look that found nothing: the publishers, if all of them are gone. Then what is there now is all that there
    /// will be, unless they come again ([`Watch::have_come_again`]). `probe` asks the kernel if it is time;
    /// `due` is called when it was asked.
    #[inline(always)]
    pub(crate) fn gone(&self, probe: bool, due: impl FnOnce()) -> Option<Gone> {
        let idle = self.idle.get().wrapping_add(1);
        self.idle.set(idle);
        let publishers = self.publishers();
        if publishers != 0 && publishers != self.dead.get() && idle % HOUSEKEEPING != 0 && !probe {
            return None;
        }
        self.gone_by_the_kernel(publishers, due)
    }

    #[cold]
    fn gone_by_the_kernel(&self, publishers: u64, due: impl FnOnce()) -> Option<Gone> {
        self.tell();
        let now = monotonic_ns();
        if now.saturating_sub(self.probed_ns.get()) >= PROBE_EVERY.as_nanos() as u64 {
            self.probed_ns.set(now);
            due();
            self.probe();
        } else if self.dead.get() == publishers && self.epoch.get() != self.seat.view.epoch() {
            // Somebody has gone on with the region since, and may sit where the dead one sat: the set looks the same.
            self.probe();
        }
        (publishers == 0 || self.dead.get() == publishers).then_some(Gone(publishers))
    }

    /// True while there are publishers, alive when the kernel was asked last.
    pub(crate) fn is_connected(&self) -> bool {
        let publishers = self.publishers();
        publishers != 0 && publishers != self.dead.get()
    }

    /// Waits up to `timeout` until there are publishers that live.
    pub(crate) fn wait_connected(&self, timeout: Duration) -> bool {
        let start = Instant::now();
        loop {
            self.probe();
            if self.is_connected() {
                return true;
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return false;
            }
            let dead = self.dead.get();
            self.sleeper.sleep_unless(|| self.publishers() != dead, left.min(PROBE_EVERY));
        }
    }

    /// Asks the kernel about the publishers.
    fn probe(&self) {
        let (publishers, epoch) = (self.publishers(), self.seat.view.epoch());
        let segment = self.seat.view.segment();
        let mut seats = seats_of(&self.publishers);
        let alive = seats.any(|seat| segment.seat_is_alive(SeatKind::Publisher, seat));
        self.dead.set(if alive { 0 } else { publishers });
        if alive {
            self.epoch.set(epoch);
        }
    }

    /// True when the publishers are others than those that were gone.
    pub(crate) fn have_come_again(&self, gone: Gone) -> bool {
        self.publishers() != gone.0
    }

    /// The topic's set of publishers as one word: 0 when there are none, and another for another set.
    #[inline(always)]
    fn publishers(&self) -> u64 {
        match &*self.publishers {
            // ORDERING: topic-publishers: pairs with the release of whoever left: all it published is there.
            [word] => word.load_acquire(),
            words => {
                let seats = seats_of(words).map(|seat| u64::from(seat) + 1);
                seats.fold(0, |all, seat| (all ^ seat).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
            }
        }
    }

    /// Sleeps until woken, as `rest` says and never for long, unless there is something or nobody left to wait for.
    pub(crate) fn sleep_unless(&self, ready: impl Fn() -> bool, rest: Rest<'_>) {
        let longest = rest.longest.map_or(PROBE_EVERY, |longest| longest.min(PROBE_EVERY));
        let ready = || ready() || self.publishers() == 0;
        rest::sleep_unless(&self.sleeper, ready, longest, rest.stop);
    }

    /// Asks the kernel about the publishers at the next look that finds nothing, if it is time.
    pub(crate) fn probe_soon(&self) {
        self.idle.set(u32::MAX);
    }

    /// Looks until there is something, as `strategy` says, up to `timeout`. `look(true)` is to ask the kernel about the
    /// publishers. `take` takes what is there, if anything is and it can do that at once; `ready` says whether a look would find
    /// something.
    #[inline]
    pub(crate) fn wait<T>(
        &self,
        mut strategy: impl WaitStrategy,
        timeout: Option<Duration>,
        look: impl Fn(bool) -> Result<T, NoSample>,
        take: impl Fn() -> Result<Option<T>, Otherwise>,
        ready: impl Fn() -> bool,
    ) -> Result<T, RecvError> {
        let mut end = None;
        let mut looks = 0_u32;
        let mut probe = false;
        loop {
            match look(probe) {
                Err(NoSample::Empty) => {}
                done => return done.map_err(RecvError::from),
            }
            // Between two such looks, which ask for the publishers as well, only for the message.
            probe = loop {
                looks = looks.saturating_add(1);
                let step = strategy.step(looks);
                // Spinning reads the clock now and then; sleeping costs more than the clock anyway.
                let mut left = PROBE_EVERY;
                if let Some(timeout) = timeout {
                    if looks == 1 || looks % HOUSEKEEPING == 0 || step == Step::Sleep {
                        let now = Instant::now();
                        // A timeout beyond the end of time is none.
                        if let Some(end) = *end.get_or_insert_with(|| now.checked_add(timeout)) {
                            left = left.min(end.saturating_duration_since(now));
                        }
                        if left.is_zero() {
                            // One last look: what came while the clock was read is not late.
                            return look(true).map_err(RecvError::from);
                        }
                    }
                }
                match step {
                    Step::Look => {
                        match take() {
                            Ok(Some(taken)) => return Ok(taken),
                            Err(Otherwise) if ready() => break false,
                            _ => {}
                        }
                        if looks % LOOKS_PER_PROBE == 0 {
                            break true;
                        }
                    }
                    Step::Sleep => {
                        self.sleep_unless(&ready, Rest { longest: Some(left), stop: strategy.stop() });
                        break true;
                    }
                    Step::Stop => return Err(RecvError::Stopped),
                }
            };
        }
    }

    /// Enters what was received and missed since the last time into the subscriber's counters.
    pub(crate) fn tell(&self) {
        let now = (self.received.get(), self.missed.get());
        let (received, missed) = self.told.replace(now);
        let record = &self.seat.record;
        // ORDERING: none; figures for people, added to because streams of one subscriber may be in several threads.
        if now.0 != received {
            record.counters.received.fetch_add(now.0.wrapping_sub(received), Ordering::Relaxed);
            // ORDERING: none; as above.
            record.active_unix_ns.store(unix_ns(), Ordering::Relaxed);
        }
        // ORDERING: none; as above.
        if now.1 != missed {
            record.counters.missed.fetch_add(now.1.wrapping_sub(missed), Ordering::Relaxed);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.seat.is_mine() {
            self.tell();
        }
    }
}
