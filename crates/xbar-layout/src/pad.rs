//! Lines and pages: the two grains of sharing.

/// Bytes that move between cores together. A structure written by one side never shares a line with one written
/// by the other.
pub const LINE_BYTES: usize = 64;

/// Bytes that are mapped together. A participant's record is on pages of its own, so that a subscriber can be
/// given write access to its own and to no other.
pub const PAGE_BYTES: usize = 4096;

/// `value` rounded up to a multiple of `grain`, or `None` when that overflows or `grain` is 0.
pub const fn round_up(value: u64, grain: u64) -> Option<u64> {
    value.checked_next_multiple_of(grain)
}
