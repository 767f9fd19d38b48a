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
    use crate::byte_ring;
    use crate::pad::{LINE_BYTES, PAGE_BYTES};
    use crate::participant::{
        Control, Counters, IntentWords, Record, STREAM_BYTES, STREAMS_OFFSET, TopicLine,
    };
    use crate::region::{HEADER_BYTES, PoolHeader, RegionHeader};
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
    const_assert_eq!(size_of::<Header>(), 384);
    const_assert_eq!(align_of::<Header>(), LINE_BYTES);
    spans! { header_spans, Header:
        magic 0..8, version_and_order 8..16, epoch 16..24, created_unix_ns 24..32, created_monotonic_ns 32..40,
        data_bytes 40..48, peers_bytes 48..56, creator_pid 56..60, flags 60..64, topics 64..68, ring_lines 68..72,
        publishers 72..76, subscribers 76..80, streams 80..84, topics_registered 84..88, default_slots 88..92,
        default_pool 92..96, reserved 96..128,
        pools 128..384,
    }
    const_assert_eq!(size_of::<PoolHeader<ReadWrite>>(), 32);
    spans! { pool_spans, PoolHeader<ReadWrite>:
        block_bytes 0..4, slots 4..8, blocks 8..12, samples 12..16, loans 16..20, reserved 20..32,
    }

    const_assert_eq!(size_of::<Entry>(), ENTRY_BYTES);
    const_assert_eq!(align_of::<Entry>(), LINE_BYTES);
    spans! { entry_spans, Entry:
        hash 0..8, uri_bytes 8..12, wake 12..16, kind 16..20, pool 20..24, ring_line 24..28, ring_slots 28..32,
        type_size 32..36, type_align 36..40, type_name_bytes 40..44, reserved 44..64, promised 64..96,
        padding 96..128, uri 128..384, type_name 384..448,
    }

    const_assert_eq!(SLOT_BYTES, LINE_BYTES);
    const_assert_eq!(INLINE_BYTES, 48);

    // In words; xbar-topic tests that the ring puts them there.
    const_assert_eq!(byte_ring::CLAIMED, 0);
    const_assert_eq!(byte_ring::COMMITTED * 8, LINE_BYTES);
    const_assert_eq!(byte_ring::NOTES * 8, 2 * LINE_BYTES);
    const_assert_eq!(byte_ring::RING, byte_ring::NOTES + byte_ring::SECTIONS * byte_ring::NOTE_WORDS);
    const_assert_eq!(byte_ring::RING * 8, 4 * LINE_BYTES);

    const_assert_eq!(size_of::<Control>(), LINE_BYTES);
    const_assert_eq!(offset_of!(Control, subscribers_joined), 0);
    const_assert_eq!(size_of::<TopicLine>(), LINE_BYTES);
    spans! { topic_line_spans, TopicLine<ReadWrite>:
        readers_waiting 0..4, room 4..8, publishers_waiting 8..12, reserved 12..64,
    }

    const_assert_eq!(size_of::<Participant>(), STREAMS_OFFSET);
    const_assert_eq!(align_of::<Participant>(), LINE_BYTES);
    spans! { record_spans, Participant:
        state 0..4, pid 4..8, joined_unix_ns 8..16, active_unix_ns 16..24, reserved 24..64,
        counters 64..128, intents 128..192, padding 192..256,
    }
    const_assert_eq!(size_of::<Counters>(), LINE_BYTES);
    spans! { counters_spans, Counters<ReadWrite>:
        published 0..8, aborted 8..16, received 16..24, missed 24..32, waits 32..40, reserved 40..64,
    }
    const_assert_eq!(size_of::<IntentWords>(), 8);
    spans! { intent_spans, IntentWords<ReadWrite>: first 0..4, count 4..8 }
    const_assert_eq!(STREAM_BYTES, LINE_BYTES);
}
