//! A publisher: one participant that puts messages into a region.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;

use xbar_discovery::{RegionView, Uri};
use xbar_layout::participant::{STATE_OWING, Sleepers};
use xbar_layout::ring::{HEADER_WORDS, INLINE_BYTES, SLOT_WORDS};
use xbar_layout::sync::{AtomicU32, AtomicU64, Ordering};
use xbar_layout::topic::TopicEntry;
use xbar_layout::{Byte, Lent, ReadWrite};
use xbar_pool::{Ledgers, Payload, Supply};
use xbar_ring::broadcast;
use xbar_shm::wake::{Bell, System};
use xbar_shm::{BaseDir, FileAccess, RegionName, SeatKind, SeatLock, Segment};

use crate::Keep;
use crate::create::{self, Options, free_list};
use crate::error::{PublishError, RegionError};
use crate::loan::Loan;
use crate::recover;
use crate::seat::{LOCK_PATIENCE, Seat, present};
use crate::table;
use crate::time::Clock;
use crate::writer::Writer;

/// Blocks at hand and in limbo.
pub(crate) type Blocks = Supply<Keep, Box<[u32]>>;

/// A handle that publishes. One thread uses it at a time; it may move between threads.
pub struct Publisher {
    // Declared before `seat`: a publisher's blocks go back before its seat does.
    pub(crate) supply: RefCell<Blocks>,
    pub(crate) payload: Payload<Keep>,
    pub(crate) loans: Cell<u32>,
    most_loans: u32,
    published: Cell<u64>,
    /// Ledger rows known to be in use.
    joined: Cell<u32>,
    clock: Clock,
    seat: Arc<Seat>,
}

/// A topic that a publisher registered. Belongs to that publisher.
pub struct Topic {
    pub(crate) writer: RefCell<Writer<Keep>>,
    bell: Bell<Keep>,
    entry: Lent<TopicEntry<ReadWrite>, Keep>,
    uri: Uri,
    seat: Arc<Seat>,
}

impl Publisher {
    /// Creates region `name` and publishes there.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when a publisher of that name lives, the limits cannot work, or there is no room.
    pub fn create(base: &BaseDir, name: &RegionName, options: &Options) -> Result<Self, RegionError> {
        let (view, lock) = create::create(base, name, options)?;
        Self::seated(view, 0, lock)
    }

    /// Joins region `name` as one more publisher.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when the region does not exist, its publishers are dead, or all seats are taken.
    pub fn open(base: &BaseDir, name: &RegionName) -> Result<Self, RegionError> {
        let view = RegionView::of(Segment::open(base, name)?, FileAccess::ReadWrite)?;
        let region = || name.clone();
        let limit = view.facts().geometry.limits().publishers;
        let held = view.segment().lock(LOCK_PATIENCE)?;
        if view.publishers() == 0 {
            return Err(RegionError::NoPublisher { region: region() });
        }
        for index in 0..limit {
            let Some(lock) = view.segment().take_seat(SeatKind::Publisher, index)? else { continue };
            drop(held);
            let publisher = Self::seated(view, index, lock)?;
            // Whoever sat here before may have been killed with blocks and topics in its name.
            publisher.under_lock(|| recover::recover_publisher(&publisher, index))?;
            return Ok(publisher);
        }
        Err(RegionError::TooManyPublishers { region: region(), limit })
    }

    fn seated(view: RegionView, index: u32, lock: SeatLock) -> Result<Self, RegionError> {
        let facts = *view.facts();
        let geometry = facts.geometry;
        let limits = geometry.limits();
        let seat = Seat::publisher(view, index, lock)?;
        let data = seat.view.data();
        let list = present(free_list(data, &geometry), &seat.view, "blocks")?;
        let bytes =
            data.slice::<Byte>(geometry.blocks_offset, limits.blocks as usize * geometry.block_stride);
        let bytes = present(bytes, &seat.view, "blocks")?;
        let payload = Payload::new(bytes, geometry.block_stride, limits.block_bytes as usize);
        let payload = present(payload, &seat.view, "blocks")?;
        let ledgers = present(ledgers(&seat), &seat.view, "samples")?;
        let intent = present(seat.intent_of(index), &seat.view, "peers")?;
        let cells = limits.subscribers as usize * limits.samples as usize;
        let storage = vec![0; cells + geometry.batch as usize].into_boxed_slice();
        let supply = Supply::new(seat.number(), geometry.batch as usize, list, intent, ledgers, storage);
        Ok(Self {
            supply: RefCell::new(supply),
            payload,
            loans: Cell::new(0),
            most_loans: limits.loans,
            published: Cell::new(0),
            joined: Cell::new(0),
            clock: Clock::new(facts.created_monotonic_ns, facts.publish_times),
            seat: Arc::new(seat),
        })
    }

    /// Registers topic `uri`, or takes it over when its publisher is gone: sequence numbers go on.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when somebody alive publishes it, or the table is full.
    pub fn register(&self, uri: &Uri) -> Result<Topic, RegionError> {
        self.under_lock(|| {
            let view = &self.seat.view;
            let found = match view.find(uri) {
                Some(found) => {
                    if let Some(owner) = found.owner() {
                        self.evict_dead_owner(owner, uri)?;
                    }
                    found
                }
                None => table::add(view, uri, self.seat.number())?,
            };
            let index = found.index();
            let entry = table::entry(view, index)?;
            let geometry = &view.facts().geometry;
            let limits = geometry.limits();
            let start = geometry.rings_offset + index as usize * geometry.ring_stride;
            let words = limits.ring_slots as usize * SLOT_WORDS;
            let head = present(view.data().view::<AtomicU64>(start), view, "ring_slots")?;
            let slots = view.data().slice::<AtomicU64>(start + 8 * HEADER_WORDS, words);
            let ring = broadcast::Writer::resume(present(slots, view, "ring_slots")?, head, SLOT_WORDS);
            let ring = present(ring.ok(), view, "ring_slots")?;
            let bell = Bell::new(entry.part(|entry| &entry.wake), sleepers(&self.seat, index)?, System);
            // ORDERING: topic-owner: release pairs with the acquire of readers: the ring is ready.
            entry.owner.store(self.seat.number(), Ordering::Release);
            Ok(Topic {
                writer: RefCell::new(Writer::new(ring, limits.blocks)),
                bell,
                entry,
                uri: uri.clone(),
                seat: Arc::clone(&self.seat),
            })
        })
    }

    /// Clears the way to a topic whose owner is dead, or says that it lives.
    fn evict_dead_owner(&self, owner: u32, uri: &Uri) -> Result<(), RegionError> {
        let view = &self.seat.view;
        let taken = |owner| {
            let record = self.seat.record_of(SeatKind::Publisher, owner);
            // ORDERING: none; a fact for people.
            let pid = record.map_or(0, |record| record.pid.load(Ordering::Relaxed));
            RegionError::TopicTaken { region: view.segment().name().clone(), uri: uri.clone(), pid }
        };
        if owner == self.seat.index {
            return Err(taken(owner));
        }
        if owner >= view.facts().geometry.limits().publishers {
            return Ok(()); // damage: no such seat
        }
        match view.segment().take_seat(SeatKind::Publisher, owner)? {
            Some(_proof_of_death) => recover::recover_publisher(self, owner),
            None => Err(taken(owner)),
        }
    }

    /// Lends a block for `length` bytes, to be written in place.
    ///
    /// # Errors
    ///
    /// [`PublishError`] when the payload is too large, too many loans are out, or no block is free.
    #[inline(always)]
    pub fn loan<'p>(&'p self, topic: &'p Topic, length: usize) -> Result<Loan<'p>, PublishError> {
        // Small enough to be inlined: a loan that is returned through memory costs more than taking its block.
        if length > self.payload.block_bytes() || self.loans.get() >= self.most_loans || !self.owns(topic) {
            return Err(self.refusal(topic, length));
        }
        let block = self.supply.borrow_mut().take(|| self.readers());
        let block = match block {
            Some(block) => block,
            None => self.take_after_recovery(topic)?,
        };
        Ok(Loan::new(self, topic, block, length))
    }

    /// Why there is no loan.
    #[cold]
    #[inline(never)]
    fn refusal(&self, topic: &Topic, bytes: usize) -> PublishError {
        let (uri, most) = (topic.uri.clone(), self.payload.block_bytes());
        if !self.owns(topic) {
            PublishError::ForeignTopic { uri }
        } else if bytes > most {
            PublishError::TooLarge { uri, bytes, most }
        } else {
            PublishError::TooManyLoans { limit: self.most_loans }
        }
    }

    #[cold]
    #[inline(never)]
    fn take_after_recovery(&self, topic: &Topic) -> Result<xbar_pool::Block, PublishError> {
        recover::recover_all(self);
        self.supply
            .borrow_mut()
            .take(|| self.readers())
            .ok_or_else(|| PublishError::NoBlock { uri: topic.uri.clone(), blocks: self.payload.blocks() })
    }

    /// Publishes a copy of `bytes`: in the slot itself up to 48 bytes, in a block above. Returns the sequence number.
    ///
    /// # Errors
    ///
    /// As [`Publisher::loan`]; up to 48 bytes only [`PublishError::ForeignTopic`].
    #[inline]
    pub fn send(&self, topic: &Topic, bytes: &[u8]) -> Result<u64, PublishError> {
        if bytes.len() > INLINE_BYTES {
            let mut loan = self.loan(topic, bytes.len())?;
            loan.copy_from_slice(bytes);
            return Ok(loan.publish());
        }
        if !self.owns(topic) {
            return Err(self.refusal(topic, bytes.len()));
        }
        let time = self.clock.stamp();
        let mut supply = self.supply.borrow_mut();
        let sequence = topic.writer.borrow_mut().inline(&mut supply, bytes, time);
        self.published_on(topic, &mut supply);
        Ok(sequence)
    }

    /// What follows every publication: wake, reclaim, count.
    #[inline(always)]
    pub(crate) fn published_on(&self, topic: &Topic, supply: &mut Blocks) {
        topic.bell.ring();
        supply.settle(|| self.readers());
        let published = self.published.get() + 1;
        self.published.set(published);
        // ORDERING: none; a figure for people.
        self.seat.record.counters.published.store(published, Ordering::Relaxed);
    }

    #[inline(always)]
    fn owns(&self, topic: &Topic) -> bool {
        Arc::ptr_eq(&self.seat, &topic.seat)
    }

    /// Ledger rows that may hold something.
    #[inline]
    pub(crate) fn readers(&self) -> usize {
        let most = self.seat.view.facts().geometry.limits().subscribers;
        // ORDERING: ledger: read behind the reclaimer's full fence; a reader raises it before the full fence of its
        // first hold.
        let joined = self.seat.control.subscribers_joined.load(Ordering::Relaxed).min(most);
        // It only grows: a subscriber that lowers it cannot make this publisher forget a row that it knows.
        self.joined.set(self.joined.get().max(joined));
        self.joined.get() as usize
    }

    #[inline(always)]
    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    pub(crate) fn seat(&self) -> &Seat {
        &self.seat
    }

    pub(crate) fn aborted(&self) {
        // ORDERING: none; a figure for people, written by this handle alone.
        self.seat.record.counters.aborted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn under_lock<T>(
        &self,
        work: impl FnOnce() -> Result<T, RegionError>,
    ) -> Result<T, RegionError> {
        let _lock = self.seat.view.segment().lock(LOCK_PATIENCE)?;
        work()
    }

    /// The region's view.
    pub fn view(&self) -> &RegionView {
        &self.seat.view
    }
}

impl Topic {
    /// Its name.
    pub const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Tells readers that nobody publishes here any more.
    fn disconnect(&self) {
        disconnect(&self.entry, self.seat.number(), &self.bell);
    }
}

/// Clears a topic's owner, if it is `number`, and wakes its readers.
pub(crate) fn disconnect(entry: &TopicEntry<ReadWrite>, number: u32, bell: &Bell<Keep>) {
    // ORDERING: topic-owner: release pairs with the acquire of readers: all that was published is there when the owner
    // is found gone. A failed exchange means that somebody else owns it: nothing to order.
    if entry.owner.compare_exchange(number, 0, Ordering::Release, Ordering::Relaxed).is_ok() {
        bell.ring();
    }
}

/// The line of topic `index` in `peers`.
pub(crate) fn sleepers(seat: &Seat, index: u32) -> Result<Lent<AtomicU32, Keep>, RegionError> {
    let offset = seat.view.facts().geometry.sleepers_offset + index as usize * size_of::<Sleepers>();
    let line = present(seat.peers.view::<Sleepers<ReadWrite>>(offset), &seat.view, "peers")?;
    Ok(line.part(|line| &line.waiting))
}

/// Every subscriber's ledger, as a publisher sees it.
pub(crate) fn ledgers(seat: &Seat) -> Option<Ledgers<Keep>> {
    let geometry = &seat.view.facts().geometry;
    let limits = geometry.limits();
    let words = seat.peers.slice::<AtomicU32>(0, geometry.peers_bytes / 4)?;
    let first = geometry.records_offset
        + limits.publishers as usize * geometry.record_stride
        + xbar_layout::participant::CELLS_OFFSET;
    Some(Ledgers::new(words, first / 4, geometry.record_stride / 4, limits.samples as usize))
}

impl Drop for Topic {
    fn drop(&mut self) {
        if self.seat.is_mine() {
            self.disconnect();
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        if self.seat.is_mine() {
            recover::disconnect_topics(&self.seat, self.seat.number());
            let mut supply = self.supply.borrow_mut();
            supply.close(|| self.readers());
            if supply.in_limbo() > 0 {
                // ORDERING: none; whoever recovers takes the lock file first.
                self.seat.record.state.store(STATE_OWING, Ordering::Relaxed);
            }
        }
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("region", &self.seat.view.segment().name())
            .field("seat", &self.seat.index)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic").field("uri", &self.uri).finish_non_exhaustive()
    }
}
