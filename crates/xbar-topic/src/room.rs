//! Room for the next message: what a publisher of a lossless topic waits for.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use xbar_discovery::{TopicView, Uri};
use xbar_layout::Delivery;
use xbar_layout::sync::{AtomicU64, Ordering, ReadU32};
use xbar_ring::mpmc::Refused;
use xbar_ring::{Step, WaitStrategy};
use xbar_shm::SeatKind;
use xbar_shm::wake::{Sleeper, System};

use crate::Keep;
use crate::error::{PublishError, RegionError};
use crate::gate::Gate;
use crate::publisher::Publisher;
use crate::seat::{Seat, present};
use crate::{recover, rest, rings};

/// Looks at a full topic between two readings of the clock.
const LOOKS_PER_READING: u32 = 64;

/// How often a waiting publisher asks the kernel whether those whom it waits for live; also the longest sleep at once.
const PROBE_EVERY: Duration = Duration::from_millis(100);

/// How long to wait for room.
pub(crate) enum Patience<'w> {
    /// Not at all.
    Never,
    /// As a strategy says, up to a timeout if there is one.
    As(&'w mut dyn WaitStrategy, Option<Duration>),
}

/// Why there was no room in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GivenUp {
    /// Somebody has not read yet.
    Full,
    /// The strategy said so.
    Stopped,
    /// The ring is damaged: there will be no room.
    Damaged,
}

/// The room of one topic, as one publisher has it.
#[derive(Debug)]
pub(crate) struct Room {
    /// Only messages below may be written. The largest number where nobody is waited for.
    limit: Cell<u64>,
    /// When the kernel was asked last whether those live who are waited for.
    probed: Cell<Option<Instant>>,
    /// Why there was none when it was wanted last.
    given_up: Cell<GivenUp>,
    gate: Option<(Gate<Keep>, Arc<Sleeper<Keep>>)>,
}

impl Room {
    pub(crate) fn open(seat: &Arc<Seat>, topic: &TopicView) -> Result<Self, RegionError> {
        let facts = topic.facts();
        let room = |limit, gate| {
            let (limit, given_up) = (Cell::new(limit), Cell::new(GivenUp::Full));
            Self { limit, probed: Cell::new(None), given_up, gate }
        };
        if facts.shape.delivery != Delivery::Lossless {
            return Ok(room(u64::MAX, None));
        }
        let cursors = present(seat.cursors(), &seat.view, "peers")?;
        let announced = rings::announced::<AtomicU64>(&seat.view, facts)?;
        let line = seat.topic_line(topic.index())?;
        let gate = Gate::new(announced, cursors, topic.index(), rings::room(facts));
        let word = line.part(|line| ReadU32::of(&line.room));
        let sleeper = Sleeper::new(word, line.part(|line| &line.publishers_waiting), System);
        Ok(room(0, Some((gate, Arc::new(sleeper)))))
    }

    /// The number below which messages may be written.
    #[inline(always)]
    pub(crate) fn limit(&self) -> u64 {
        self.limit.get()
    }

    /// The subscriber seat that is waited for.
    pub(crate) fn slowest(&self, readers: usize) -> Option<u32> {
        let (gate, _) = self.gate.as_ref()?;
        gate.slowest(readers).map(|(seat, _)| seat as u32) // a seat
    }

    /// How many streams are waited for.
    pub(crate) fn streams(&self, readers: usize) -> usize {
        self.gate.as_ref().map_or(0, |(gate, _)| gate.streams(readers))
    }

    /// Whether another attempt may succeed: readers have made room, or it takes an attempt to know.
    fn may_go_on(&self, refused: Refused, next: u64, readers: impl Fn() -> usize) -> bool {
        let Some((gate, _)) = &self.gate else { return true };
        if self.limit.get() <= next {
            self.limit.set(gate.widen(self.limit.get(), next, readers));
        }
        self.limit.get() > next || refused == Refused::AllClaimed
    }
}

impl Publisher {
    /// Goes on trying what was refused, as long as `patience` lasts. `next` says a number that is the next to be written, or
    /// written.
    #[cold]
    #[inline(never)]
    pub(crate) fn persist<T>(
        &self,
        room: &Room,
        mut refused: Refused,
        mut patience: Patience<'_>,
        next: impl Fn() -> u64,
        mut attempt: impl FnMut() -> Result<T, Refused>,
    ) -> Option<T> {
        let may_go_on = |refused| room.may_go_on(refused, next(), || self.readers());
        let mut looks = 0_u32;
        let mut started: Option<Instant> = None;
        loop {
            if may_go_on(refused) {
                match attempt() {
                    Ok(done) => return Some(done),
                    Err(again) => refused = again,
                }
            }
            let given_up = |why| {
                room.given_up.set(why);
                None
            };
            if refused == Refused::Damaged {
                return given_up(GivenUp::Damaged);
            }
            let Patience::As(strategy, timeout) = &mut patience else {
                // Whoever only ever tries gets past the dead as well.
                if self.bury(room, refused, Instant::now()) {
                    continue;
                }
                return given_up(GivenUp::Full);
            };
            looks = looks.saturating_add(1);
            let step = strategy.step(looks);
            let mut left = PROBE_EVERY;
            if looks == 1 || looks % LOOKS_PER_READING == 0 || step == Step::Sleep {
                let now = Instant::now();
                if started.is_none() {
                    // ORDERING: none; a figure for people, written by this handle alone.
                    self.seat().record.counters.waits.fetch_add(1, Ordering::Relaxed);
                }
                let waited = now.duration_since(*started.get_or_insert(now));
                if let Some(timeout) = timeout {
                    left = left.min(timeout.saturating_sub(waited));
                    if left.is_zero() {
                        return given_up(GivenUp::Full);
                    }
                }
                if self.bury(room, refused, now) {
                    continue;
                }
            }
            match (&room.gate, step) {
                (_, Step::Stop) => return given_up(GivenUp::Stopped),
                (Some((_, sleeper)), Step::Sleep) if refused == Refused::Limit => {
                    rest::sleep_unless(sleeper, || may_go_on(refused), left, strategy.stop());
                }
                (_, Step::Sleep) => std::thread::yield_now(),
                _ => {}
            }
        }
    }

    /// Why nothing was sent on topic `uri`.
    #[cold]
    #[inline(never)]
    pub(crate) fn no_room(&self, uri: &Uri, room: &Room) -> PublishError {
        let uri = uri.clone();
        match room.given_up.get() {
            GivenUp::Damaged => PublishError::Damaged { uri },
            GivenUp::Stopped => PublishError::Stopped { uri },
            GivenUp::Full => {
                let slowest = room.slowest(self.readers());
                let record = slowest.and_then(|seat| self.seat().record_of(SeatKind::Subscriber, seat));
                // ORDERING: none; a fact for people.
                PublishError::Full { uri, pid: record.map_or(0, |record| record.pid.load(Ordering::Relaxed)) }
            }
        }
    }

    /// Recovers from the one who is waited for, if it is time to ask and it is dead. Says whether it was time.
    fn bury(&self, room: &Room, refused: Refused, now: Instant) -> bool {
        if room.probed.get().is_some_and(|probed| now.saturating_duration_since(probed) < PROBE_EVERY) {
            return false;
        }
        room.probed.set(Some(now));
        let (Some(reader), Refused::Limit) = (room.slowest(self.readers()), refused) else {
            let _ = recover::recover_all(self);
            return true;
        };
        if !self.view().segment().seat_is_alive(SeatKind::Subscriber, reader) {
            // Somebody else may hold the lock for the same reason; the next probe looks again.
            let _ = self.under_lock(|| recover::recover_subscriber(self.seat(), reader));
        }
        true
    }
}
