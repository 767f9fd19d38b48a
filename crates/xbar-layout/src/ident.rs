//! How a file says that it is a region, of which format, from which kind of machine.

/// The first eight bytes of `data`.
pub const MAGIC: u64 = u64::from_le_bytes(*b"xbar\0rgn");

/// Changes when a byte changes its meaning, not with each release.
pub const FORMAT_VERSION: u32 = 4;

/// Reads as another number on a machine of the other byte order.
pub const BYTE_ORDER: u32 = 0x0102_0304;

/// What a creator stores: `FORMAT_VERSION` and `BYTE_ORDER` in one word, version in the low half.
pub const VERSION_AND_ORDER: u64 = FORMAT_VERSION as u64 | (BYTE_ORDER as u64) << 32;
