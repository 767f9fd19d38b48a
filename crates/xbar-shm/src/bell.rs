//! A bell between the threads of one process: [`wake`](crate::wake) over two words on the heap.

#![allow(unsafe_code)] // two words lent with the Arc that keeps them

use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{self, Waker};
use std::time::Duration;

use xbar_layout::Lent;
use xbar_layout::sync::{AtomicU32, ReadU32};

use crate::wake::{Bell, Sleeper, System};

/// The longest sleep: as good as for ever, and within what the kernel takes.
const LONGEST: Duration = Duration::from_secs(1 << 30);

/// Each on a line of its own: `waiting` is looked at by every ring, and hardly ever written.
#[derive(Debug)]
#[repr(align(64))]
struct Line(AtomicU32);

#[derive(Debug)]
struct Words {
    word: Line,
    waiting: Line,
}

#[derive(Debug)]
struct Inner {
    bell: Bell<Arc<Words>>,
    sleeper: Sleeper<Arc<Words>>,
}

impl task::Wake for Inner {
    fn wake(self: Arc<Self>) {
        self.bell.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.bell.ring();
    }
}

/// A bell for the threads of this process; clone it for each of them. A ring costs one load while nobody sleeps.
///
/// ```
/// use std::time::Duration;
/// use xbar_layout::sync::{AtomicU32, Ordering};
///
/// static NEWS: AtomicU32 = AtomicU32::new(0);
/// let bell = xbar_shm::ThreadBell::new();
/// let theirs = bell.clone();
/// let sleeping = std::thread::spawn(move || {
///     while NEWS.load(Ordering::Acquire) == 0 {
///         theirs.sleep_unless(|| NEWS.load(Ordering::Acquire) != 0, None);
///     }
/// });
/// NEWS.store(1, Ordering::Release);
/// bell.ring();
/// sleeping.join().unwrap();
/// ```
#[derive(Clone)]
pub struct ThreadBell(Arc<Inner>);

impl ThreadBell {
    /// A bell that nobody sleeps by yet.
    pub fn new() -> Self {
        let [word, waiting] = [0; 2].map(|zero| Line(AtomicU32::new(zero)));
        let words = Arc::new(Words { word, waiting });
        // SAFETY: within what the Arc keeps, which never moves.
        let lend = |line: &Line| unsafe { Lent::new(NonNull::from(&line.0), Arc::clone(&words)) };
        let (word, waiting) = (lend(&words.word), lend(&words.waiting));
        let sleeper = Sleeper::new(word.part(ReadU32::of), waiting.clone(), System);
        Self(Arc::new(Inner { bell: Bell::new(word, waiting, System), sleeper }))
    }

    /// Wakes whoever sleeps for what just happened.
    #[inline(always)]
    pub fn ring(&self) {
        self.0.bell.ring();
    }

    /// Sleeps until rung, at most `longest`, unless `ready()`. May return early for any reason: look again.
    pub fn sleep_unless(&self, ready: impl FnOnce() -> bool, longest: Option<Duration>) {
        self.0.sleeper.sleep_unless(ready, longest.unwrap_or(LONGEST).min(LONGEST));
    }

    /// What rings this bell from wherever a waker is taken.
    pub fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.0))
    }
}

impl Default for ThreadBell {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ThreadBell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadBell").finish_non_exhaustive()
    }
}
