//! Publish times: nanoseconds of the machine's monotonic clock.

use std::time::Duration;

use xbar_shm::monotonic_ns;

/// When a message was published, by `CLOCK_MONOTONIC`: comparable between all processes of one machine since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// This moment.
    pub fn now() -> Self {
        Self(monotonic_ns())
    }

    /// Nanoseconds since the machine started.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Time since then; zero when it is in the future.
    pub fn elapsed(self) -> Duration {
        Duration::from_nanos(monotonic_ns().saturating_sub(self.0))
    }
}

/// How a region's times are written and read: in ns since its creation, 0 = none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    created_monotonic_ns: u64,
    enabled: bool,
}

impl Clock {
    pub(crate) const fn new(created_monotonic_ns: u64, enabled: bool) -> Self {
        Self { created_monotonic_ns, enabled }
    }

    /// What to store for a message that is published now. Reading the clock takes longer than everything
    /// else about publishing a small message (docs/benchmarks.md), so regions keep times only when asked to.
    #[inline(always)]
    pub(crate) fn stamp(self) -> u64 {
        if self.enabled { self.read() } else { 0 }
    }

    fn read(self) -> u64 {
        monotonic_ns().saturating_sub(self.created_monotonic_ns).max(1)
    }

    /// What a stored time means.
    #[inline]
    pub(crate) fn timestamp(self, stored: u64) -> Option<Timestamp> {
        (stored != 0).then(|| Timestamp(self.created_monotonic_ns.saturating_add(stored)))
    }
}
