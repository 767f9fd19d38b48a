//! Every offset and size that another program may rely on, at compile time.
//!
//! A failure here is a change of the memory format: raise `FORMAT_VERSION`, docs/protocol.md and the C header with
//! it. Under the model checker the words are its own and have no layout to assert.

#![allow(unsafe_code)] // one pointer cast between views whose layouts are asserted equal below

use crate::access::{Access, ReadOnly};
use crate::region::RegionHeader;

/// A header seen by somebody who may only look.
pub(crate) fn look<A: Access>(header: &RegionHeader<A>) -> &RegionHeader<ReadOnly> {
    // SAFETY: both views are repr(C) over words that are repr(transparent) over the same atomics (access.rs), and
    // looking is all that the result can do.
    unsafe { &*core::ptr::from_ref(header).cast::<RegionHeader<ReadOnly>>() }
}

#[cfg(not(any(xbar_loom, miri)))]
mod layout {
    use core::mem::{align_of, size_of};

    use memoffset::offset_of;
    use static_assertions::{assert_eq_align, assert_eq_size, const_assert_eq};

    use crate::access::{ReadOnly, ReadWrite};
    use crate::pad::{LINE_BYTES, PAGE_BYTES};
    use crate::participant::{CELLS_OFFSET, Control, Counters, Record, Sleepers};
    use crate::region::{HEADER_BYTES, RegionHeader};
    use crate::ring::{INLINE_BYTES, SLOT_BYTES};
    use crate::sync::{AtomicU32, AtomicU64, ReadU32, ReadU64};
    use crate::topic::{ENTRY_BYTES, TopicEntry};

    type Header = RegionHeader<ReadWrite>;
    type Entry = TopicEntry<ReadWrite>;
    type Participant = Record<ReadWrite>;

    /// Starts at compile time; ends too, by a test, because `span_of!` is not const.
    macro_rules! spans {
        ($test:ident, $type:ty: $($field:ident $start:literal..$end:literal),+ $(,)?) => {
            $(const_assert_eq!(offset_of!($type, $field), $start);)+

            #[cfg(test)]
            #[test]
            fn $test() {
                $(assert_eq!(memoffset::span_of!($type, $field), $start..$end);)+
            }
        };
    }

    assert_eq_size!(AtomicU32, ReadU32, u32);
    assert_eq_size!(AtomicU64, ReadU64, u64);
    assert_eq_align!(AtomicU64, ReadU64);
    assert_eq_size!(RegionHeader<ReadOnly>, RegionHeader<ReadWrite>);
    assert_eq_size!(TopicEntry<ReadOnly>, TopicEntry<ReadWrite>);
    assert_eq_size!(Record<ReadOnly>, Record<ReadWrite>);

    const_assert_eq!(HEADER_BYTES, PAGE_BYTES);
    const_assert_eq!(size_of::<Header>(), 128);
    const_assert_eq!(align_of::<Header>(), LINE_BYTES);
    spans! { header_spans, Header:
        magic 0..8, version_and_order 8..16, epoch 16..24, created_unix_ns 24..32, created_monotonic_ns 32..40,
        data_bytes 40..48, peers_bytes 48..56, creator_pid 56..60, flags 60..64, topics 64..68, ring_slots 68..72,
        block_bytes 72..76, blocks 76..80, publishers 80..84, subscribers 84..88, samples 88..92, loans 92..96,
        topics_registered 96..100, reserved 100..120,
    }

    const_assert_eq!(size_of::<Entry>(), ENTRY_BYTES);
    const_assert_eq!(align_of::<Entry>(), LINE_BYTES);
    spans! { entry_spans, Entry:
        hash 0..8, uri_bytes 8..12, owner 12..16, wake 16..20, reserved 20..64, uri 64..320,
    }

    const_assert_eq!(SLOT_BYTES, LINE_BYTES);
    const_assert_eq!(INLINE_BYTES, 48);

    const_assert_eq!(size_of::<Control>(), LINE_BYTES);
    const_assert_eq!(offset_of!(Control, subscribers_joined), 0);
    const_assert_eq!(size_of::<Sleepers>(), LINE_BYTES);
    const_assert_eq!(offset_of!(Sleepers, waiting), 0);

    const_assert_eq!(size_of::<Participant>(), CELLS_OFFSET);
    const_assert_eq!(align_of::<Participant>(), LINE_BYTES);
    spans! { record_spans, Participant:
        state 0..4, pid 4..8, joined_unix_ns 8..16, intent_first 16..20, intent_count 20..24, reserved 24..64,
        counters 64..128, padding 128..256,
    }
    const_assert_eq!(size_of::<Counters>(), LINE_BYTES);
    spans! { counters_spans, Counters<ReadWrite>:
        published 0..8, aborted 8..16, received 16..24, missed 24..32, reserved 32..64,
    }
}
