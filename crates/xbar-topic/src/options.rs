//! What a topic is to be registered as.

use xbar_discovery::Uri;
use xbar_layout::check::RegionFacts;
use xbar_layout::{Content, Delivery, TopicShape, ValueType};

use crate::error::RegionError;

/// Slots of a pinned topic: one that is read, one that is written, and two in between, so that a reader must be slower than
/// three publications to look again.
const PINNED_SLOTS: u32 = 4;

/// How a topic delivers, how much it keeps, who may publish on it. Fixed when it is registered first; whoever registers it
/// again asks for the same.
///
/// ```
/// use xbar_topic::TopicConfig;
///
/// let orders = TopicConfig::new().lossless().many_publishers().depth(1000).max_bytes(256);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct TopicConfig {
    pub(crate) delivery: Delivery,
    pub(crate) many: bool,
    pub(crate) content: Content,
    pub(crate) depth: Option<u32>,
    pub(crate) max_bytes: Option<u32>,
    pub(crate) value: Option<ValueType>,
}

impl Default for TopicConfig {
    fn default() -> Self {
        Self {
            delivery: Delivery::Lossy,
            many: false,
            content: Content::Messages,
            depth: None,
            max_bytes: None,
            value: None,
        }
    }
}

impl TopicConfig {
    /// Lossy, one publisher, the region's depth and block size, any bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The publisher overwrites the oldest message; a reader that is too slow learns how many it missed. The default.
    pub const fn lossy(mut self) -> Self {
        self.delivery = Delivery::Lossy;
        self
    }

    /// Publishers wait for the slowest reader, as long as it lives. Without readers nobody is waited for. Late joiners find at
    /// least three quarters of the depth as history.
    pub const fn lossless(mut self) -> Self {
        self.delivery = Delivery::Lossless;
        self
    }

    /// There is only the latest message, which readers may read any number of times. It has no depth, and one publisher.
    pub const fn pinned(mut self) -> Self {
        self.delivery = Delivery::Pinned;
        self
    }

    /// Any number of publishers at once, in any number of processes; all readers see their messages in one order.
    ///
    /// Up to 40 bytes ride in a slot rather than 48, and a message costs one contended exchange more.
    pub const fn many_publishers(mut self) -> Self {
        self.many = true;
        self
    }

    /// Messages that a reader may be behind, 1 to 2^20 - 1. Default: the region's `depth`.
    pub const fn depth(mut self, depth: u32) -> Self {
        self.depth = Some(depth);
        self
    }

    /// The depth, if one was asked for.
    pub fn depth_or(&self, otherwise: u32) -> u32 {
        self.depth.unwrap_or(otherwise)
    }

    /// Largest message in bytes: the topic's blocks are the smallest of the region that hold as much. Default: the type's
    /// size, or the region's `block_bytes`.
    pub const fn max_bytes(mut self, bytes: u32) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Every message is one value of this type.
    pub const fn value_type(mut self, value: ValueType) -> Self {
        self.value = Some(value);
        self
    }

    /// Values lie in the slots themselves, whatever their size: a bus.
    pub(crate) const fn values(mut self) -> Self {
        self.content = Content::Values;
        self
    }

    /// The ring takes messages of any length: a byte bus.
    pub(crate) const fn bytes(mut self) -> Self {
        self.content = Content::Bytes;
        self
    }

    /// Lines of a byte bus.
    pub(crate) const fn lines(mut self, lines: u32) -> Self {
        self.depth = Some(lines);
        self
    }

    /// The topic that this asks for in a region; `Err` with the bytes for which there is no pool.
    pub(crate) fn shape(&self, region: &RegionFacts) -> Result<TopicShape, u32> {
        let Self { delivery, many, content, depth, max_bytes, value } = *self;
        let pool = match max_bytes.or(value.map(|value| value.size)) {
            _ if content != Content::Messages => None,
            Some(bytes) => Some(region.geometry.pool_for(bytes).ok_or(bytes)? as u32), // at most 8
            None if region.geometry.pools().is_empty() => return Err(0),
            None => Some(region.default_pool),
        };
        let slots = match (delivery, depth) {
            (Delivery::Pinned, _) => PINNED_SLOTS,
            (_, Some(lines)) if content == Content::Bytes => lines,
            // A writer alone keeps one slot marked ahead, which cannot be read.
            (_, Some(depth)) => depth.saturating_add(1),
            (_, None) => region.default_slots,
        };
        Ok(TopicShape { delivery, many, content, pool, slots, value })
    }
}

/// `T` as the type of the messages of topic `uri`.
///
/// # Errors
///
/// [`RegionError::Type`] when it has no size, more than 1 GiB, or more than 64 bytes of alignment.
pub fn value_type<T>(uri: &Uri) -> Result<ValueType, RegionError> {
    ValueType::of::<T>().ok_or_else(|| RegionError::Type {
        uri: uri.clone(),
        name: std::any::type_name::<T>(),
        size: size_of::<T>(),
        align: align_of::<T>(),
    })
}
