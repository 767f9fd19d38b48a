//! How to wait between two looks at a ring.

use core::fmt;
use core::task::Waker;
use core::time::Duration;

use xbar_layout::sync::spin_loop;

/// What to do after a look that found nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Look again.
    Look,
    /// Sleep until woken, if the receiver can; look again otherwise.
    Sleep,
    /// Give up: what waits says `Stopped`.
    Stop,
}

/// Something that can end a wait: a shutdown token, say.
pub trait Stop: Sync {
    /// True when waiting is to end.
    fn is_stopped(&self) -> bool;

    /// Wakes `sleeper` when waiting is to end, until [`forget`](Self::forget) is told what this returns. Whoever sleeps
    /// looks at [`is_stopped`](Self::is_stopped) behind this call.
    fn watch(&self, sleeper: &Waker) -> u64;

    /// Ends one [`watch`](Self::watch).
    fn forget(&self, watch: u64);
}

/// How a wait may be slept through.
#[derive(Clone, Copy, Default)]
pub struct Rest<'s> {
    /// How long at most.
    pub longest: Option<Duration>,
    /// What ends it early.
    pub stop: Option<&'s dyn Stop>,
}

impl fmt::Debug for Rest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rest").field("longest", &self.longest).finish_non_exhaustive()
    }
}

/// Decides what happens between two looks that found nothing.
///
/// Open: implement it to call your own scheduler. A strategy needs no operating system; when it says [`Step::Sleep`],
/// the receiver sleeps if it has something to sleep on: a stream of a topic and the channels of the facade have a futex. A
/// channel of this crate has nothing: there the thread gives way to others (with `std`) and looks again, which costs a core
/// as long as nobody else wants it. A [`Source`](crate::Source) of your own can do better: its `sleep` is what is called.
pub trait WaitStrategy {
    /// Called after the `looks`-th look in a row that found nothing, from 1.
    fn step(&mut self, looks: u32) -> Step;

    /// What ends a sleep of this wait early, if anything does.
    fn stop(&self) -> Option<&dyn Stop> {
        None
    }
}

impl<W: WaitStrategy + ?Sized> WaitStrategy for &mut W {
    #[inline]
    fn step(&mut self, looks: u32) -> Step {
        (**self).step(looks)
    }

    fn stop(&self) -> Option<&dyn Stop> {
        (**self).stop()
    }
}

#[cfg(feature = "alloc")]
impl<W: WaitStrategy + ?Sized> WaitStrategy for alloc::boxed::Box<W> {
    #[inline]
    fn step(&mut self, looks: u32) -> Step {
        (**self).step(looks)
    }

    fn stop(&self) -> Option<&dyn Stop> {
        (**self).stop()
    }
}

/// Looks again at once: the lowest latency, a core of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BusySpin;

impl WaitStrategy for BusySpin {
    #[inline(always)]
    fn step(&mut self, _looks: u32) -> Step {
        Step::Look
    }
}

/// One spin hint between looks: leaves the core's units to its other hardware thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct YieldSpin;

impl WaitStrategy for YieldSpin {
    #[inline(always)]
    fn step(&mut self, _looks: u32) -> Step {
        spin_loop();
        Step::Look
    }
}

/// 1, 2, 4 .. 64 spin hints between looks: less traffic on the line that the writer wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BackoffSpin;

impl WaitStrategy for BackoffSpin {
    #[inline]
    fn step(&mut self, looks: u32) -> Step {
        for _ in 0..1_u32 << looks.min(6) {
            spin_loop();
        }
        Step::Look
    }
}

/// The default: busy for 256 looks, with hints for 4096 more, then asleep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Adaptive;

impl WaitStrategy for Adaptive {
    #[inline(always)]
    fn step(&mut self, looks: u32) -> Step {
        if looks <= 256 {
            return Step::Look;
        }
        spin_loop();
        if looks <= 256 + 4096 { Step::Look } else { Step::Sleep }
    }
}

/// Sleeps at once, where the receiver can: no core is spent on waiting, a wake-up costs microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Park;

impl WaitStrategy for Park {
    #[inline(always)]
    fn step(&mut self, _looks: u32) -> Step {
        Step::Sleep
    }
}

/// Lets other threads run: what a receiver does that is told to sleep and has nothing to sleep on.
#[inline]
pub(crate) fn give_way() {
    #[cfg(feature = "std")]
    if !xbar_layout::sync::MODELLED {
        return std::thread::yield_now();
    }
    spin_loop();
}

/// Empty looks between two readings of the clock, which costs as much as ten looks.
#[cfg(feature = "std")]
const LOOKS_PER_READING: u32 = 64;

/// The end of a wait, for a waiter that does not read the clock at every look.
#[cfg(feature = "std")]
#[derive(Debug)]
pub(crate) struct Deadline {
    timeout: Duration,
    end: Option<std::time::Instant>,
}

#[cfg(feature = "std")]
impl Deadline {
    /// The clock is not read before the first look failed.
    pub(crate) const fn new(timeout: Duration) -> Self {
        Self { timeout, end: None }
    }

    /// The time that is left after the `looks`-th look; `None` when there is no reason to ask yet, and when the end is
    /// beyond the end of time.
    pub(crate) fn left(&mut self, looks: u32, step: Step) -> Option<Duration> {
        if looks != 1 && looks % LOOKS_PER_READING != 0 && step == Step::Look {
            return None;
        }
        let now = std::time::Instant::now();
        if self.end.is_none() {
            self.end = Some(now.checked_add(self.timeout)?);
        }
        Some(self.end?.saturating_duration_since(now))
    }
}

#[cfg(all(test, not(xbar_loom)))]
mod tests {
    use super::*;

    #[test]
    fn only_adaptive_and_park_ever_sleep() {
        let looks = || 1..10_000;
        assert!(looks().all(|n| BusySpin.step(n) == Step::Look));
        assert!(looks().all(|n| YieldSpin.step(n) == Step::Look));
        assert!((1..40).all(|n| BackoffSpin.step(n) == Step::Look));
        assert_eq!(Adaptive.step(1), Step::Look);
        assert_eq!(Adaptive.step(u32::MAX), Step::Sleep);
        assert_eq!(Park.step(1), Step::Sleep);
    }
}
