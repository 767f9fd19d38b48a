//! Headers, entries and descriptors: what is believed of them is true of the memory behind them.

use xbar_layout::check::{RegionFacts, check_region, check_topic, check_uri};
use xbar_layout::ident::{MAGIC, VERSION_AND_ORDER};
use xbar_layout::pool::{BlockHeader, FreeHead};
use xbar_layout::region::{HEADER_BYTES, RegionHeader};
use xbar_layout::ring::{INLINE_BYTES, SLOT_BYTES};
use xbar_layout::topic::{ENTRY_BYTES, TopicEntry};
use xbar_layout::{
    Content, Delivery, Descriptor, Geometry, Limits, Message, PoolLimits, ReadOnly, TopicShape, ValueType,
};

use crate::bytes::Bytes;
use crate::memory::Words;

/// A region that is small, and has of everything more than one.
pub(crate) fn limits() -> Limits {
    let mut limits =
        Limits { topics: 5, ring_lines: 60, publishers: 3, subscribers: 3, streams: 2, ..Limits::SMALLEST };
    limits.pools[0] = PoolLimits { block_bytes: 64, slots: 20, blocks: 0, samples: 2, loans: 2 };
    limits.pools[1] = PoolLimits { block_bytes: 1000, slots: 8, blocks: 0, samples: 1, loans: 1 };
    limits
}

/// The words of a good header for `limits`.
fn header(limits: Limits) -> Vec<u64> {
    let geometry = Geometry::new(limits).expect("limits that work");
    let limits = geometry.limits();
    let mut words = vec![0; HEADER_BYTES / 8];
    let pair = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
    (words[0], words[1], words[2]) = (MAGIC, VERSION_AND_ORDER, 7);
    (words[5], words[6]) = (geometry.data_bytes as u64, geometry.peers_bytes as u64);
    words[8] = pair(limits.topics, limits.ring_lines);
    words[9] = pair(limits.publishers, limits.subscribers);
    words[10] = pair(limits.streams, 0);
    words[11] = pair(5, 0);
    for (place, pool) in limits.pools.iter().enumerate() {
        words[16 + 4 * place] = pair(pool.block_bytes, pool.slots);
        words[17 + 4 * place] = pair(pool.blocks, pool.samples);
        words[18 + 4 * place] = pair(pool.loans, 0);
    }
    words
}

/// Any bytes as a region's header, and a good one damaged: an error, or sections that lie within both files.
pub fn region_gate(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let mut words = header(limits());
    let geometry = Geometry::new(limits()).expect("limits that work");
    let mut sizes = (geometry.data_bytes as u64, geometry.peers_bytes as u64);
    match bytes.byte() {
        // The gate is open, or nothing here means anything.
        None => assert!(check(words, sizes).is_some()),
        Some(0) => {
            sizes = (bytes.word(), bytes.word());
            words.iter_mut().for_each(|word| *word = bytes.word());
            check(words, sizes);
        }
        Some(_) => {
            while let Some(place) = bytes.below(52) {
                match place {
                    50 => sizes.0 = bytes.damage(sizes.0).unwrap_or(0),
                    51 => sizes.1 = bytes.damage(sizes.1).unwrap_or(0),
                    _ => words[place] = bytes.damage(words[place]).unwrap_or(0),
                }
            }
            check(words, sizes);
        }
    }
}

fn check(words: Vec<u64>, (data_bytes, peers_bytes): (u64, u64)) -> Option<RegionFacts> {
    let words = Words::new(words);
    let header = words.view::<RegionHeader<ReadOnly>>(0);
    match check_region(&header, data_bytes, peers_bytes) {
        Ok(facts) => {
            let geometry = &facts.geometry;
            assert_eq!((geometry.data_bytes as u64, geometry.peers_bytes as u64), (data_bytes, peers_bytes));
            let limits = geometry.limits();
            let rings = geometry.rings_offset as u64 + u64::from(limits.ring_lines) * SLOT_BYTES as u64;
            assert!(rings <= data_bytes);
            for pool in geometry.pools() {
                let blocks = u64::from(pool.limits.blocks);
                assert!(pool.headers_offset as u64 + 8 * blocks <= data_bytes);
                assert!(pool.blocks_offset as u64 + pool.block_stride as u64 * blocks <= data_bytes);
                assert!((1..=16).contains(&pool.batch));
            }
            let records = geometry.participants() as u64 * geometry.record_stride as u64;
            assert!(geometry.records_offset as u64 + records <= peers_bytes);
            assert!((facts.default_pool as usize) < geometry.pools().len().max(1));
            Some(facts)
        }
        Err(error) => {
            assert!(!error.to_string().contains('\n'), "{error}");
            None
        }
    }
}

/// Any bytes as a topic's entry, and a good one damaged: nothing, or a ring that lies among the region's lines.
pub fn topic_table(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let mut words = vec![0; ENTRY_BYTES / 8];
    let kind = bytes.byte().unwrap_or(1);
    let is_good = bytes.0.is_empty();
    if kind == 0 {
        words.iter_mut().for_each(|word| *word = bytes.word());
    } else {
        let many = TopicShape {
            delivery: Delivery::Lossy,
            many: true,
            content: Content::Messages,
            pool: Some(0),
            slots: 8,
            value: ValueType::of::<u64>(),
        };
        let byte_bus =
            TopicShape { many: false, content: Content::Bytes, pool: None, slots: 16, value: None, ..many };
        let shape = if kind % 2 == 0 { byte_bus } else { many };
        let pair = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
        words[1] = 5;
        words[2] = pair(shape.kind(), shape.pool.map_or(0, |pool| pool + 1));
        words[3] = pair(1, shape.slots);
        words[4] = pair(shape.value.map_or(0, |value| value.size), 8);
        words[16] = u64::from_ne_bytes(*b"/tick\0\0\0");
        while let Some(place) = bytes.below(ENTRY_BYTES / 8) {
            words[place] = bytes.damage(words[place]).unwrap_or(0);
        }
    }
    let is_good = kind > 0 && is_good;
    let words = Words::new(words);
    let entry = words.view::<TopicEntry<ReadOnly>>(0);
    if let Some(stored) = check_uri(&entry) {
        let mut buffer = [0; 256];
        let text = stored.copy_to(&mut buffer);
        assert!((1..=255).contains(&text.len()));
        let _ = std::str::from_utf8(text).ok().map(xbar_discovery::Uri::new);
    }
    let geometry = Geometry::new(limits()).expect("limits that work");
    // The gate is open, or nothing here means anything.
    assert!(!is_good || check_topic(&entry, &geometry).is_some());
    if let Some(facts) = check_topic(&entry, &geometry) {
        let end = facts.ring_offset(&geometry) + SLOT_BYTES + 8 * facts.words();
        assert!(end <= geometry.rings_offset + geometry.limits().ring_lines as usize * SLOT_BYTES);
        assert!(facts.shape.pool.is_none_or(|pool| (pool as usize) < geometry.pools().len()));
        assert!(facts.shape.capacity_bytes().is_none_or(|bytes| {
            bytes.is_power_of_two() && facts.words() == xbar_ring::bytes::ring_words(bytes as usize)
        }));
        assert!(facts.shape.value.is_none_or(|value| value.align.is_power_of_two() && value.size > 0));
        let _ = facts.shape.value.map(|value| value.to_string());
    }
}

/// Any words as descriptors, block headers and list heads: what they name is there.
pub fn descriptors(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    while !bytes.0.is_empty() {
        let descriptor = Descriptor(bytes.word());
        let sizes = bytes.word();
        let (blocks, block_bytes) = (sizes as u32 & 0x7fff_ffff, (sizes >> 32) as u32 & 0x3fff_ffff);
        let inline_bytes = if sizes >> 63 == 0 { INLINE_BYTES } else { INLINE_BYTES - 8 };
        match descriptor.check(inline_bytes, blocks, block_bytes) {
            Some(Message::Inline { length, .. }) => assert!(length <= inline_bytes),
            Some(Message::Block { index, length }) => {
                assert!(index < blocks && length <= block_bytes as usize);
                assert_eq!(descriptor.named_block(blocks), Some(index));
            }
            None => {}
        }
        assert!(descriptor.named_block(blocks).is_none_or(|index| index < blocks));
        let header = BlockHeader::unpack(descriptor.0);
        if header.state.is_some() {
            assert_eq!(header.pack(), descriptor.0);
        }
        assert_eq!(FreeHead::unpack(descriptor.0).pack(), descriptor.0);
    }
}
