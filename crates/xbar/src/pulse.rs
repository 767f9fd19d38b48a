//! When to ask the kernel again whether another process lives: it takes microseconds, a message takes less.

use std::cell::Cell;
use std::time::Duration;

use xbar_shm::monotonic_ns;

/// How long an answer is believed; also how long somebody waits before looking again.
pub(crate) const PROBE_EVERY: Duration = Duration::from_millis(100);

/// The last time that the kernel was asked.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// In ns of the machine's monotonic clock; 0 = never.
    asked_ns: Cell<u64>,
}

impl Pulse {
    /// True when it is time to ask, at first at once; then it counts as asked.
    pub(crate) fn is_due(&self) -> bool {
        let now = monotonic_ns();
        let is_due = match self.asked_ns.get() {
            0 => true,
            asked => now.saturating_sub(asked) >= PROBE_EVERY.as_nanos() as u64,
        };
        if is_due {
            self.asked_ns.set(now.max(1));
        }
        is_due
    }
}
