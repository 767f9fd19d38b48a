//! The machine's clocks.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since the machine started; the same for all its processes.
pub fn monotonic_ns() -> u64 {
    nanoseconds(ClockId::Monotonic)
}

/// Nanoseconds since 1970, as far as the machine knows.
pub fn unix_ns() -> u64 {
    nanoseconds(ClockId::Realtime)
}

/// As [`unix_ns`], as of the last tick of the kernel: up to some milliseconds ago, in a few nanoseconds.
pub fn coarse_unix_ns() -> u64 {
    nanoseconds(ClockId::RealtimeCoarse)
}

fn nanoseconds(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    let (seconds, nanoseconds) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
    seconds.unwrap_or(0) * 1_000_000_000 + nanoseconds.unwrap_or(0)
}
