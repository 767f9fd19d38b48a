//! Sleeping until a publisher rings, at no cost for a publisher whom nobody waits for.
//!
//! Two words: `word` belongs to the publisher and changes with every ring that anybody hears; `waiting` is set by
//! whoever is about to sleep and taken back by the publisher that wakes them. There is no count of sleepers that a
//! killed one could leave behind: a stale flag costs one system call, once.
//!
//! ```text
//! sleeper                                    publisher
//! 1  w <- word            acquire            a  message published
//! 2  waiting <- 1                            b  light fence
//! 3  fence on every core                     c  waiting == 0?  done
//! 4  anything published?  do not sleep       d  waiting <- 0
//! 5  sleep while word == w                   e  word <- word + 1   release
//!                                            f  wake all that sleep on word
//! ```
//!
//! No wake-up is lost:
//!
//! 1. The fences order 2 before 4 against a before c. If c finds 0 (or a flag older than 2), the sleeper finds the
//!    message at 4 and does not sleep.
//! 2. If c finds the flag of 2, then d comes after 2, and e after d. The sleeper read w before e: had it read e's value
//!    at 1, then d would have come before 2. So word changes after w was read, and 5 either does not sleep or is woken
//!    by f.
//! 3. If the flag that c found was another sleeper's, and 2 comes after d, the flag stays up for the next publisher;
//!    and this sleeper finds the message of a at 4, because otherwise c would have found 2.
//!
//! The fence is asymmetric, because publishing is frequent and falling asleep is not: a full fence after each
//! publication would wait for the very line that readers are about to fetch. The sleeper pays for both sides with
//! `membarrier`, which makes every core that runs a registered process execute a full fence. Where the kernel does not
//! offer it, a publisher fences itself, and a sleeper that cannot reach over sleeps in short slices.

use core::fmt;
use core::time::Duration;

use rustix::fs::Timespec;
use rustix::thread::{MembarrierCommand, futex, membarrier};
use xbar_layout::Lent;
use xbar_layout::sync::{self, AtomicU32, MODELLED, Ordering, ReadU32};

/// The longest that a sleeper without `membarrier` sleeps at once.
const BLIND_SLICE: Duration = Duration::from_millis(1);

/// What waking needs of an operating system. [`System`] is the one that ships; models bring their own.
pub trait Kernel {
    /// Sleeps while `word` is `expected`, at most `timeout`; may return early for any reason.
    fn sleep(&self, word: &ReadU32, expected: u32, timeout: Duration);
    /// Wakes everybody who sleeps on `word`.
    fn wake_all(&self, word: &AtomicU32);
    /// As [`Kernel::wake_all`], by somebody who may only look at the word.
    fn rouse(&self, word: &ReadU32);
    /// Lets other processes' [`Kernel::fence_everywhere`] reach this one; false when that is impossible.
    fn accept_fences(&self) -> bool;
    /// A full fence on every core that runs a process that accepts them; false when that is impossible.
    fn fence_everywhere(&self) -> bool;
}

/// Linux: `futex` and `membarrier`.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Kernel for System {
    fn sleep(&self, word: &ReadU32, expected: u32, timeout: Duration) {
        let timeout = Timespec {
            tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        // Woken, changed meanwhile, timed out, interrupted: the caller looks again in every case.
        let _ = futex::wait(word.for_kernel(), futex::Flags::empty(), expected, Some(&timeout));
    }

    fn wake_all(&self, word: &AtomicU32) {
        // Fails for an unmapped word only, which a reference excludes.
        let _ = futex::wake(sync::for_kernel(word), futex::Flags::empty(), i32::MAX as u32);
    }

    fn rouse(&self, word: &ReadU32) {
        let _ = futex::wake(word.for_kernel(), futex::Flags::empty(), i32::MAX as u32);
    }

    fn accept_fences(&self) -> bool {
        membarrier(MembarrierCommand::RegisterGlobalExpedited).is_ok()
    }

    fn fence_everywhere(&self) -> bool {
        membarrier(MembarrierCommand::GlobalExpedited).is_ok()
    }
}

/// The publisher's side.
pub struct Bell<K, O = System> {
    word: Lent<AtomicU32, K>,
    waiting: Lent<AtomicU32, K>,
    kernel: O,
    /// Sleepers' fences reach this process.
    reached: bool,
}

impl<K, O: Kernel> Bell<K, O> {
    /// A bell over its two words.
    pub fn new(word: Lent<AtomicU32, K>, waiting: Lent<AtomicU32, K>, kernel: O) -> Self {
        let reached = kernel.accept_fences();
        Self { word, waiting, kernel, reached }
    }

    /// True when a ring that nobody hears is one load, as [`Bell::ring_lightly`] takes for granted.
    pub const fn is_light(&self) -> bool {
        self.reached
    }

    /// As [`Bell::ring`], of a bell that is light.
    #[inline(always)]
    pub fn ring_lightly(&self) -> bool {
        debug_assert!(self.reached, "sleepers' fences do not reach this process");
        // ORDERING: park: publish before the look; the partner is the sleeper's fence on every core.
        sync::light_fence();
        self.look()
    }

    /// Wakes whoever waits for what was just published; says whether somebody did. One load when nobody does.
    #[inline(always)]
    pub fn ring(&self) -> bool {
        // ORDERING: park: publish before the look at `waiting`; the partner is the sleeper's fence on every core.
        if self.reached {
            sync::light_fence()
        } else {
            sync::full_fence()
        }
        self.look()
    }

    #[inline(always)]
    fn look(&self) -> bool {
        // ORDERING: park: ordered by the fence before it.
        let waiting = self.waiting.load(Ordering::Relaxed) != 0;
        if waiting {
            self.wake();
        }
        waiting
    }

    #[cold]
    fn wake(&self) {
        // ORDERING: park-word: carried by the release below; a sleeper that reads the new word has seen this.
        self.waiting.store(0, Ordering::Relaxed);
        // ORDERING: park-word: release pairs with the sleeper's acquire load of the word.
        self.word.fetch_add(1, Ordering::Release);
        self.kernel.wake_all(&self.word);
    }
}

impl<K, O> fmt::Debug for Bell<K, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bell").field("reached", &self.reached).finish_non_exhaustive()
    }
}

/// The reader's side; `word` may be in a read-only mapping.
pub struct Sleeper<K, O = System> {
    word: Lent<ReadU32, K>,
    waiting: Lent<AtomicU32, K>,
    kernel: O,
}

impl<K, O: Kernel> Sleeper<K, O> {
    /// A sleeper over the two words of a bell.
    pub const fn new(word: Lent<ReadU32, K>, waiting: Lent<AtomicU32, K>, kernel: O) -> Self {
        Self { word, waiting, kernel }
    }

    /// Wakes all that sleep on the bell, as if for nothing: they look again.
    pub fn rouse(&self) {
        self.kernel.rouse(&self.word);
    }

    /// Sleeps until rung, at most `timeout`, unless `ready()`. May return early for any reason: look again.
    pub fn sleep_unless(&self, ready: impl FnOnce() -> bool, timeout: Duration) {
        // ORDERING: park-word: acquire pairs with the release of the ring that changed the word.
        let word = self.word.load_acquire();
        // ORDERING: park: stored before the look below; the fences order it against the publisher's look.
        self.waiting.store(1, Ordering::Relaxed);
        let seen_by_all = self.kernel.fence_everywhere();
        // The kernel's fence is this thread's too; the model checker has no kernel.
        if MODELLED || !seen_by_all {
            // ORDERING: park: the partner is the fence in `Bell::ring`.
            sync::full_fence();
        }
        if ready() {
            return;
        }
        let timeout = if seen_by_all { timeout } else { timeout.min(BLIND_SLICE) };
        self.kernel.sleep(&self.word, word, timeout);
    }
}

impl<K, O> fmt::Debug for Sleeper<K, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleeper").finish_non_exhaustive()
    }
}
