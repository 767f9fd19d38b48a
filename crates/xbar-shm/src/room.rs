//! How much memory a new region may take, asked before any is taken: a file system in memory gives all that there is
//! before it says no, and other processes pay for it.

use std::fs;
use std::os::fd::AsFd;

use rustix::fs::{fstatfs, fstatvfs};

/// What `fstatfs` calls a tmpfs.
pub(crate) const TMPFS: u64 = 0x0102_1994;

/// Bytes that new files in a directory may have; `None` when nobody knows.
pub(crate) fn available_bytes(dir: impl AsFd) -> Option<u64> {
    let room = fstatvfs(&dir).ok()?;
    // No blocks at all: a file system that knows no limit.
    let room = (room.f_blocks > 0).then(|| room.f_bavail.saturating_mul(room.f_frsize));
    if fstatfs(&dir).is_ok_and(|stat| stat.f_type as u64 == TMPFS) {
        let memory = fs::read_to_string("/proc/meminfo").ok().and_then(|text| free_memory_bytes(&text));
        return within(room, memory);
    }
    room
}

/// What a file system in memory can give, by its own limit and the machine's: nothing when neither is known.
fn within(room: Option<u64>, memory: Option<u64>) -> Option<u64> {
    match (room, memory) {
        (Some(room), Some(memory)) => Some(room.min(memory)),
        (room, memory) => Some(room.or(memory).unwrap_or(0)),
    }
}

/// Memory that can be had without killing anybody, from the text of `/proc/meminfo`.
fn free_memory_bytes(text: &str) -> Option<u64> {
    let kilobytes = |key: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let free = kilobytes("MemAvailable")?.saturating_add(kilobytes("SwapFree").unwrap_or(0));
    Some(free.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_in_memory_gives_no_more_than_the_machine_has() {
        assert_eq!(within(Some(10), Some(7)), Some(7));
        assert_eq!(within(Some(5), Some(7)), Some(5));
        assert_eq!(within(None, Some(7)), Some(7), "mounted without a limit");
        assert_eq!(within(Some(5), None), Some(5));
        assert_eq!(within(None, None), Some(0), "never all that there is");
    }

    #[test]
    fn free_memory_is_what_is_available_and_free_swap() {
        let text =
            "MemTotal: 100 kB\nMemFree: 9 kB\nMemAvailable:   20 kB\nSwapTotal: 8 kB\nSwapFree:  3 kB\n";
        assert_eq!(free_memory_bytes(text), Some(23 * 1024));
        assert_eq!(free_memory_bytes("MemAvailable: 20 kB\n"), Some(20 * 1024));
        assert_eq!(free_memory_bytes("MemTotal: 100 kB\n"), None);
        assert_eq!(free_memory_bytes("MemAvailable: much\n"), None);
    }
}
