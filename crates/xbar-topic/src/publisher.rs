//! A publisher: one participant that puts messages into a region.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use xbar_discovery::RegionView;
use xbar_layout::participant::STATE_OWING;
use xbar_layout::ring::INLINE_BYTES;
use xbar_layout::sync::Ordering;
use xbar_pool::Block;
use xbar_ring::mpmc::Refused;
use xbar_shm::{BaseDir, FileAccess, RegionName, SeatKind, SeatLock, Segment, ShmError};

use crate::create::{self, Options};
use crate::error::{PublishError, RegionError};
use crate::loan::Loan;
use crate::pools::Pool;
use crate::recover;
use crate::seat::{LOCK_PATIENCE, Seat};
use crate::slips::Slip;
use crate::spares::Spares;
use crate::time::Clock;
use crate::topic::Topic;

/// How long a publisher that joins looks for what its seat's last owner left in a busy pool, while others wait for the region's lock.
const BUSY_PATIENCE: Duration = Duration::from_millis(500);

/// A handle that publishes. One thread uses it at a time; it may move between threads.
pub struct Publisher {
    // Declared before `seat`: a publisher's blocks go back before its seat does.
    pub(crate) pools: Box<[Pool]>,
    slips: Spares<Slip>,
    /// Ledger rows known to be in use.
    joined: Cell<u32>,
    clock: Clock,
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
        Self::join(base, name, false)
    }

    /// As [`Publisher::open`], also when all publishers are dead: then the region goes on under a higher epoch, and its readers
    /// with it.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when the region does not exist, or all seats are taken.
    pub fn revive(base: &BaseDir, name: &RegionName) -> Result<Self, RegionError> {
        Self::join(base, name, true)
    }

    fn join(base: &BaseDir, name: &RegionName, revive: bool) -> Result<Self, RegionError> {
        let view = RegionView::of(Segment::open(base, name)?, FileAccess::ReadWrite)?;
        let limit = view.facts().geometry.limits().publishers;
        // Held, by a handle of its own, until whoever was killed on the seat is out of its topics: in between, its topics would seem to be
        // published by this living publisher, and those who want them be refused.
        let directory = Segment::open(base, name)?;
        let held = directory.lock(LOCK_PATIENCE)?;
        if !view.segment().is_current() {
            return Err(ShmError::Gone { name: name.clone() }.into());
        }
        if view.publishers() == 0 {
            if !revive {
                return Err(RegionError::NoPublisher { region: name.clone() });
            }
            create::raise_epoch(&view)?;
        }
        for index in 0..limit {
            let Some(lock) = view.segment().take_seat(SeatKind::Publisher, index)? else { continue };
            let publisher = Self::seated(view, index, lock)?;
            // Whoever sat here before may have been killed with blocks and topics in its name. What a busy pool hides now would stay
            // in this seat's name until it is left again.
            let start = Instant::now();
            let recovered = loop {
                match recover::recover_publisher(&publisher, index) {
                    Ok(false) if start.elapsed() < BUSY_PATIENCE => {}
                    done => break done,
                }
            };
            drop(held); // before a publisher that fails leaves, which takes the lock
            return recovered.map(|_complete| publisher);
        }
        Err(RegionError::TooManyPublishers { region: name.clone(), limit })
    }

    fn seated(view: RegionView, index: u32, lock: SeatLock) -> Result<Self, RegionError> {
        let facts = *view.facts();
        let seat = Seat::publisher(view, index, lock)?;
        let pools = (0..facts.geometry.pools().len()).map(|pool| Pool::open(&seat, pool));
        Ok(Self {
            pools: pools.collect::<Result<_, _>>()?,
            slips: Spares::new(),
            joined: Cell::new(0),
            clock: Clock::new(facts.created_monotonic_ns, facts.publish_times),
            seat: Arc::new(seat),
        })
    }

    /// Lends room for `length` bytes, to be written in place: a block, unless the message will ride in a slot.
    ///
    /// # Errors
    ///
    /// [`PublishError`] when the payload is too large, too many loans are out, or no block is free.
    #[inline(always)]
    pub fn loan<'p>(&'p self, topic: &'p Topic, length: usize) -> Result<Loan<'p>, PublishError> {
        // Small enough to be inlined: a loan that is returned through memory costs more than taking its block.
        if length <= INLINE_BYTES && topic.straight && self.owns(topic) {
            return Ok(Loan::on_slip(self, topic, self.slips.free(), length));
        }
        let (pool, block) = self.take_block(topic, length)?;
        Ok(Loan::in_block(self, topic, (pool, block), length))
    }

    /// A block of `topic`'s pool, for `length` bytes.
    #[inline(always)]
    pub(crate) fn take_block(&self, topic: &Topic, length: usize) -> Result<(&Pool, Block), PublishError> {
        let Some(pool) = self.pools.get(topic.pool) else { return Err(self.refusal(topic, length)) };
        if length > pool.payload.block_bytes() || pool.loans.get() >= pool.most_loans || !self.owns(topic) {
            return Err(self.refusal(topic, length));
        }
        let block = pool.supply().take(|| self.readers());
        let block = match block {
            Some(block) => block,
            None => self.take_after_recovery(topic, pool)?,
        };
        pool.loans.set(pool.loans.get() + 1);
        Ok((pool, block))
    }

    /// Bytes that a message of `topic` may have.
    pub(crate) fn most_bytes(&self, topic: &Topic) -> usize {
        let in_block = self.pools.get(topic.pool).map_or(0, |pool| pool.payload.block_bytes());
        in_block.max(topic.inline_bytes)
    }

    /// Why there is no loan.
    #[cold]
    #[inline(never)]
    pub(crate) fn refusal(&self, topic: &Topic, bytes: usize) -> PublishError {
        let uri = topic.uri().clone();
        let Some(pool) = self.pools.get(topic.pool).filter(|_| self.owns(topic)) else {
            return PublishError::ForeignTopic { uri };
        };
        let most = pool.payload.block_bytes();
        if bytes > most {
            PublishError::TooLarge { uri, bytes, most }
        } else {
            PublishError::TooManyLoans { limit: pool.most_loans }
        }
    }

    #[cold]
    #[inline(never)]
    fn take_after_recovery(&self, topic: &Topic, pool: &Pool) -> Result<Block, PublishError> {
        let _ = recover::recover_all(self);
        pool.supply().take(|| self.readers()).ok_or_else(|| PublishError::NoBlock {
            uri: topic.uri().clone(),
            blocks: pool.payload.blocks(),
            bytes: pool.payload.block_bytes(),
        })
    }

    /// Publishes `bytes` in a slot of a straight topic of this publisher; `None`, and nothing has happened, where it takes more
    /// than that.
    #[inline(always)]
    pub(crate) fn put_at_once(&self, topic: &Topic, bytes: &[u8]) -> Option<u64> {
        let sequence = topic.writer().inline_at_once(topic.straight_below.get(), bytes)?;
        topic.published_straight();
        Some(sequence)
    }

    /// Publishes `bytes` in a slot, if there is room. Small messages mostly follow small ones: the pool is only looked at when
    /// the slot has named a block.
    #[inline(always)]
    pub(crate) fn put(&self, topic: &Topic, bytes: &[u8]) -> Result<u64, Refused> {
        let mut has_evicted = false;
        let sequence = topic.writer().inline(topic.room.limit(), bytes, self.clock.stamp(), |index| {
            has_evicted = true;
            self.evict(topic.pool, index);
        })?;
        topic.published();
        topic.look_ahead();
        if has_evicted {
            self.settle(topic.pool);
        }
        Ok(sequence)
    }

    #[inline(never)]
    pub(crate) fn evict(&self, pool: usize, index: u32) {
        if let Some(pool) = self.pools.get(pool) {
            pool.supply().evict(index);
        }
    }

    #[inline(never)]
    pub(crate) fn settle(&self, pool: usize) {
        if let Some(pool) = self.pools.get(pool) {
            pool.supply().settle(|| self.readers());
        }
    }

    #[inline(always)]
    pub(crate) fn owns(&self, topic: &Topic) -> bool {
        topic.membership.is_of(&self.seat)
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

    pub(crate) fn seat(&self) -> &Arc<Seat> {
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

    /// Takes back at once what the dead left behind.
    ///
    /// # Errors
    ///
    /// [`RegionError`] when the region's lock cannot be had.
    pub fn recover(&self) -> Result<(), RegionError> {
        recover::recover_all(self)
    }

    /// The number of this handle among the region's publishers.
    pub fn seat_index(&self) -> u32 {
        self.seat.index
    }

    /// Streams that the publishers of a lossless topic wait for, as far as this moment tells.
    pub fn readers_of(&self, topic: &Topic) -> usize {
        topic.room.streams(self.readers())
    }

    /// The region's view.
    pub fn view(&self) -> &RegionView {
        &self.seat.view
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        if self.seat.is_mine() {
            recover::leave_topics(&self.seat, self.seat.index);
            let mut owing = false;
            for pool in &self.pools {
                let mut supply = pool.supply();
                supply.close(|| self.readers());
                owing |= supply.in_limbo() > 0;
            }
            if owing {
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
