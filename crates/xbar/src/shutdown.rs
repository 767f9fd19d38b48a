//! A token that ends waiting: in receives, in publishes, in stages.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use xbar_layout::sync::{AtomicU32, Ordering};
use xbar_ring::{Adaptive, Step, Stop, WaitStrategy};

#[derive(Debug, Default)]
struct Sleepers {
    next: u64,
    asleep: Vec<(u64, Waker)>,
}

struct Inner {
    /// 0, or 1 from [`Shutdown::stop`] on.
    stopped: AtomicU32,
    /// Only whoever falls asleep, and whoever stops, takes this lock.
    sleepers: Mutex<Sleepers>,
}

/// Ends waiting, in every thread that waits by a strategy of it; clone it for each. Once stopped, it stays so.
///
/// Who waits is woken: nobody polls. What is there already is still received and published without waiting.
///
/// ```
/// use xbar::{ThreadChannel, RingRecvError, Shutdown};
///
/// let shutdown = Shutdown::new();
/// let (publisher, subscribers) = ThreadChannel::new(64).lossless::<u64>()?;
/// let mut subscriber = subscribers.subscribe()?;
/// let until = shutdown.waiting();
/// let receiving = std::thread::spawn(move || subscriber.recv_with(until));
/// shutdown.stop();
/// assert_eq!(receiving.join().unwrap(), Err(RingRecvError::Stopped));
/// # drop(publisher);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Shutdown(Arc<Inner>);

impl Shutdown {
    /// A token that nobody has stopped.
    pub fn new() -> Self {
        Self(Arc::new(Inner { stopped: AtomicU32::new(0), sleepers: Mutex::default() }))
    }

    /// Ends all waiting. What the caller did before is visible to whoever finds it stopped.
    pub fn stop(&self) {
        // ORDERING: shutdown: release pairs with whoever finds it stopped. The bells that are rung below order it before the look at
        // who sleeps.
        self.0.stopped.store(1, Ordering::Release);
        // Rung outside the lock.
        let asleep: Vec<Waker> = self.sleepers().asleep.iter().map(|(_, waker)| waker.clone()).collect();
        asleep.iter().for_each(Waker::wake_by_ref);
    }

    /// True when it was stopped.
    #[inline]
    pub fn is_stopped(&self) -> bool {
        // ORDERING: shutdown: pairs with the release of whoever stopped it.
        self.0.stopped.load(Ordering::Acquire) != 0
    }

    /// Waits as [`Adaptive`] does, until stopped.
    pub fn waiting(&self) -> Until<Adaptive> {
        self.waiting_as(Adaptive)
    }

    /// Waits as `strategy` says, until stopped.
    pub fn waiting_as<W: WaitStrategy>(&self, strategy: W) -> Until<W> {
        Until { shutdown: self.clone(), strategy }
    }

    fn sleepers(&self) -> MutexGuard<'_, Sleepers> {
        self.0.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Stop for Shutdown {
    fn is_stopped(&self) -> bool {
        self.is_stopped()
    }

    fn watch(&self, sleeper: &Waker) -> u64 {
        let mut sleepers = self.sleepers();
        let watch = sleepers.next;
        sleepers.next += 1;
        sleepers.asleep.push((watch, sleeper.clone()));
        watch
    }

    fn forget(&self, watch: u64) {
        self.sleepers().asleep.retain(|(other, _)| *other != watch);
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown").field("is_stopped", &self.is_stopped()).finish()
    }
}

/// A strategy that ends with a [`Shutdown`].
#[derive(Debug, Clone)]
pub struct Until<W> {
    shutdown: Shutdown,
    strategy: W,
}

impl<W: WaitStrategy> WaitStrategy for Until<W> {
    #[inline]
    fn step(&mut self, looks: u32) -> Step {
        if self.shutdown.is_stopped() { Step::Stop } else { self.strategy.step(looks) }
    }

    fn stop(&self) -> Option<&dyn Stop> {
        Some(&self.shutdown)
    }
}
