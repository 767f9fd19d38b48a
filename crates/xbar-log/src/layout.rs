//! Where things are in a segment's file, and the one gate for a header that somebody else wrote.

use bytemuck::{Pod, Zeroable};

use crate::checksum::checksum_of;
use crate::record::{HEAD_BYTES, words_of};

/// "xbar-log", as the bytes lie.
pub(crate) const MAGIC: u64 = u64::from_le_bytes(*b"xbar-log");
/// Raised with every change of what the bytes mean.
pub const LOG_FORMAT_VERSION: u32 = 1;

/// Bytes of a page; files and their parts are multiples of it.
pub(crate) const PAGE: u64 = 4096;
/// Shortest segment.
pub const LEAST_SEGMENT_BYTES: u64 = 4 * PAGE;
/// Longest segment: places in it are 32-bit numbers of words.
pub const MOST_SEGMENT_BYTES: u64 = 32 << 30;

/// The word that says how the segment is being written; on a line of its own.
pub(crate) const STATE_AT: usize = 128 / 8;
/// The word beside it: the epoch of the writer that has the segment, or had it last.
pub(crate) const EPOCH_AT: usize = STATE_AT + 1;
/// Somebody writes it, or died writing it.
pub(crate) const STATE_OPEN: u64 = 1;
/// Its writer has closed the log.
pub(crate) const STATE_CLOSED: u64 = 2;

/// The index begins here.
pub(crate) const INDEX_AT: usize = PAGE as usize / 8;
/// Words of an entry of the index: place of a record in bytes, its number, its time. The place is stored last; 0 = none.
pub(crate) const ENTRY_WORDS: usize = 3;
/// Bytes of records between two entries, in a segment as long as most.
const STRIDE: u64 = 64 << 10;
/// Entries of a longer one, at most.
const MOST_ENTRIES: u64 = 1 << 16;

/// What a segment's file begins with. Written before the file has its name, and never again.
///
/// All numbers are little-endian.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
pub(crate) struct Header {
    /// [`MAGIC`].
    pub magic: u64,
    /// [`LOG_FORMAT_VERSION`].
    pub version: u32,
    /// Bytes of records between two entries of the index; a multiple of 8.
    pub stride: u32,
    /// Bytes of the file; a multiple of [`PAGE`].
    pub file_bytes: u64,
    /// Where records begin, in bytes; a multiple of [`PAGE`].
    pub data_offset: u64,
    /// Which segment of the log it is, from 1, as in the file's name.
    pub number: u64,
    /// Number of the first message.
    pub first_seq: u64,
    /// Which writer of the log made it, counted from 1.
    pub epoch: u64,
    /// When it was begun, ns since 1970.
    pub created_ns: u64,
    /// Goes into the checksum of each record: those of other segments are none here.
    pub salt: u32,
    /// Entries that the index has room for.
    pub entries: u32,
    /// Zero.
    pub reserved: u32,
    /// Of the words before it, the upper half of the last one taken as zero.
    pub checksum: u32,
}

/// Words of a header.
pub(crate) const HEADER_WORDS: usize = size_of::<Header>() / 8;

impl Header {
    /// The header of a segment of `file_bytes`, which are within the limits and a multiple of [`PAGE`].
    pub(crate) fn new(
        file_bytes: u64,
        number: u64,
        first_seq: u64,
        epoch: u64,
        created_ns: u64,
        salt: u32,
    ) -> Self {
        let (stride, entries) = index_of(file_bytes);
        let header = Self {
            magic: MAGIC,
            version: LOG_FORMAT_VERSION,
            stride,
            file_bytes,
            data_offset: data_offset(entries),
            number,
            first_seq,
            epoch,
            created_ns,
            salt,
            entries,
            reserved: 0,
            checksum: 0,
        };
        Self { checksum: header.sum(), ..header }
    }

    fn sum(&self) -> u32 {
        checksum_of(0, &Self { checksum: 0, ..*self }.words())
    }

    pub(crate) fn words(&self) -> [u64; HEADER_WORDS] {
        bytemuck::cast(*self)
    }

    /// The gate: a header that may be believed, out of the first bytes of a file.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn check(bytes: &[u8]) -> Result<Self, &'static str> {
        let bytes = bytes.get(..size_of::<Self>()).ok_or("it ends within its header")?;
        let header: Self = bytemuck::pod_read_unaligned(bytes);
        if header.magic != MAGIC {
            return Err("it is no segment of a log");
        }
        if header.version != LOG_FORMAT_VERSION {
            return Err("it is of another version of the format");
        }
        if header.checksum != header.sum() {
            return Err("its header is damaged");
        }
        // Also a header with the right checksum may have been made by anybody.
        let is_size = (LEAST_SEGMENT_BYTES..=MOST_SEGMENT_BYTES).contains(&header.file_bytes)
            && header.file_bytes % PAGE == 0;
        if !is_size || (header.stride, header.entries) != index_of(header.file_bytes) {
            return Err("its header says impossible sizes");
        }
        if header.data_offset != data_offset(header.entries) || header.number == 0 || header.reserved != 0 {
            return Err("its header says impossible numbers");
        }
        // Numbers of messages are counted up from here, one for each record of a file that is not as long.
        if header.first_seq > u64::MAX / 2 || header.epoch > u64::MAX / 2 || header.number > u64::MAX / 2 {
            return Err("its header says impossible numbers");
        }
        Ok(header)
    }

    /// The first word of the first record.
    pub(crate) const fn data_at(&self) -> usize {
        self.data_offset as usize / 8 // at most 32 GiB
    }

    /// Words of the file.
    pub(crate) const fn end_at(&self) -> usize {
        self.file_bytes as usize / 8 // as above
    }

    /// Words between two entries of the index.
    pub(crate) const fn stride_words(&self) -> usize {
        self.stride as usize / 8
    }

    /// The longest payload that fits, beside the end of the segment.
    pub(crate) const fn most_payload_bytes(&self) -> usize {
        let words = self.end_at() - self.data_at() - 2 * words_of(0);
        if words * 8 > u32::MAX as usize { u32::MAX as usize } else { words * 8 }
    }
}

/// Stride and entries of the index of a segment.
const fn index_of(file_bytes: u64) -> (u32, u32) {
    let least = file_bytes.div_ceil(MOST_ENTRIES).next_multiple_of(PAGE);
    let stride = if least > STRIDE { least } else { STRIDE };
    (stride as u32, file_bytes.div_ceil(stride) as u32) // at most 512 KiB, and MOST_ENTRIES
}

const fn data_offset(entries: u32) -> u64 {
    PAGE + (entries as u64 * ENTRY_WORDS as u64 * 8).next_multiple_of(PAGE)
}

const _: () = {
    assert!(HEAD_BYTES == 32 && size_of::<Header>() == 80 && size_of::<Header>() <= STATE_AT * 8);
    assert!(core::mem::offset_of!(Header, magic) == 0);
    assert!(core::mem::offset_of!(Header, version) == 8);
    assert!(core::mem::offset_of!(Header, stride) == 12);
    assert!(core::mem::offset_of!(Header, file_bytes) == 16);
    assert!(core::mem::offset_of!(Header, data_offset) == 24);
    assert!(core::mem::offset_of!(Header, number) == 32);
    assert!(core::mem::offset_of!(Header, first_seq) == 40);
    assert!(core::mem::offset_of!(Header, epoch) == 48);
    assert!(core::mem::offset_of!(Header, created_ns) == 56);
    assert!(core::mem::offset_of!(Header, salt) == 64);
    assert!(core::mem::offset_of!(Header, entries) == 68);
    assert!(core::mem::offset_of!(Header, reserved) == 72);
    assert!(core::mem::offset_of!(Header, checksum) == 76);
    assert!(data_offset(index_of(LEAST_SEGMENT_BYTES).1) < LEAST_SEGMENT_BYTES);
    assert!(cfg!(target_endian = "little"), "the format is little-endian, and words are mapped as they are");
};

#[cfg(all(test, not(xbar_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_believed_and_with_any_bit_changed_it_is_not() {
        for file_bytes in [LEAST_SEGMENT_BYTES, 1 << 20, 64 << 20, MOST_SEGMENT_BYTES] {
            let header = Header::new(file_bytes, 3, 100, 2, 7, 9);
            let bytes = bytemuck::bytes_of(&header);
            assert_eq!(Header::check(bytes), Ok(header));
            assert!(header.most_payload_bytes() >= 8128 && header.data_at() < header.end_at());
            for bit in 0..bytes.len() * 8 {
                let mut damaged = bytes.to_vec();
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert!(Header::check(&damaged).is_err(), "bit {bit}");
            }
            for length in 0..bytes.len() {
                assert!(Header::check(&bytes[..length]).is_err());
            }
        }
    }

    #[test]
    fn impossible_numbers_are_refused_also_under_a_right_checksum() {
        let good = Header::new(1 << 20, 3, 100, 2, 7, 9);
        let bad = [
            Header { file_bytes: 0, ..good },
            Header { file_bytes: u64::MAX, ..good },
            Header { file_bytes: (1 << 20) + 1, ..good },
            Header { stride: 0, ..good },
            Header { entries: u32::MAX, ..good },
            Header { data_offset: 1 << 20, ..good },
            Header { number: 0, ..good },
            Header { first_seq: u64::MAX, ..good },
            Header { epoch: u64::MAX, ..good },
            Header { reserved: 1, ..good },
        ];
        for header in bad {
            let header = Header { checksum: header.sum(), ..header };
            assert!(Header::check(bytemuck::bytes_of(&header)).is_err(), "{header:?}");
        }
    }
}
