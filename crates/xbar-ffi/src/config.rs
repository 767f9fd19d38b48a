//! What a region holds, and what a topic is: structs of C, where 0 means the default.

#![allow(unsafe_code)] // pointers of callers

use std::ffi::c_char;

use xbar::{Config, SharedWith, SizeClass, TopicConfig, ValueType};

use crate::arguments::{exclusive, maybe_path, maybe_text, slice};
use crate::boundary::enter;
use crate::failure::Failure;
use crate::growing::{self, Growing};
use crate::result::xbar_result;

/// Nobody but this user may subscribe: the default.
pub const XBAR_SHARED_WITH_NOBODY: u32 = 0;
/// The members of the files' group may subscribe too.
pub const XBAR_SHARED_WITH_GROUP: u32 = 1;
/// Every user of the machine may subscribe.
pub const XBAR_SHARED_WITH_EVERYBODY: u32 = 2;

/// The number none, for `lossless_streams`, where 0 is the default.
pub const XBAR_NONE: u32 = u32::MAX;

/// Blocks of one size, beside those of the region's `block_bytes`, for topics of larger or smaller messages.
/// In numbers that are 0 the default.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct xbar_size_class {
    /// Bytes of a block, 1 to 2^30.
    pub block_bytes: u32,
    /// Topics of such messages. Default 1.
    pub topics: u32,
    /// Messages of each of them. A pinned topic has 3. Default 4.
    pub depth: u32,
    /// Samples of this size that a subscriber may hold at once. Default 1.
    pub samples: u32,
    /// Loans of this size that a publisher may have at once. Default 1.
    pub loans: u32,
    /// Blocks in all. Default: counted, so that they cannot run out.
    pub blocks: u32,
}

/// The configuration of a region. Set `struct_size` to `sizeof(xbar_config)` and the rest to 0 but for what you want to choose:
/// `xbar_config config = {.struct_size = sizeof config, .depth = 16};`
#[derive(Debug)]
#[repr(C)]
pub struct xbar_config {
    /// `sizeof(xbar_config)`.
    pub struct_size: usize,
    /// Where regions live. NULL: the environment's `XBAR_DIR`, else a directory of this user's under `/dev/shm`.
    pub dir: *const c_char,
    /// Blocks of other sizes, `size_class_count` of them, up to seven; NULL for none.
    pub size_classes: *const xbar_size_class,
    /// How many those are.
    pub size_class_count: usize,
    /// All the memory that the region may take, in bytes, instead of `block_bytes`, `blocks`, `samples`, `loans` and size
    /// classes; 0 for none.
    pub budget_bytes: u64,
    /// Topics that can be registered, 1 to 2^20. Default 64.
    pub topics: u32,
    /// Messages of a topic that a reader may be behind, 1 to 2^20 - 1. Default 64.
    pub depth: u32,
    /// Largest message in bytes, 1 to 2^30, of topics that do not say. Default 4096.
    pub block_bytes: u32,
    /// Blocks of `block_bytes`. Default: counted, so that they cannot run out.
    pub blocks: u32,
    /// Publisher handles alive at once, 1 to 4096. Default 4.
    pub publishers: u32,
    /// Subscriber handles alive at once, 1 to 4096. Default 32.
    pub subscribers: u32,
    /// Samples with a block that one subscriber handle may hold at once, 1 to 4096. Default 16.
    pub samples: u32,
    /// Loans with a block that one publisher handle may have at once, 1 to 4096. Default 16.
    pub loans: u32,
    /// Streams of lossless topics that one subscriber handle may have at once, up to 4096. Default 16; `XBAR_NONE` for none.
    pub lossless_streams: u32,
    /// 1: messages carry the time at which they were published. Default 0: none, which is faster.
    pub publish_times: u32,
    /// One of `XBAR_SHARED_WITH_*`.
    pub shared_with: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: numbers and pointers, the size first.
unsafe impl Growing for xbar_config {
    const NAME: &'static str = "xbar_config";
    const FIRST_BYTES: usize = size_of::<Self>();
}

/// Publishers overwrite the oldest message; a reader that is too slow learns how many it missed. The default.
pub const XBAR_LOSSY: u32 = 0;
/// Publishers wait for the slowest reader, as long as it lives.
pub const XBAR_LOSSLESS: u32 = 1;
/// There is only the latest message, to be read any number of times.
pub const XBAR_PINNED: u32 = 2;

/// What a topic is. Set `struct_size` to `sizeof(xbar_topic_config)` and the rest to 0 but for what you want to choose.
#[derive(Debug)]
#[repr(C)]
pub struct xbar_topic_config {
    /// `sizeof(xbar_topic_config)`.
    pub struct_size: usize,
    /// One of `XBAR_LOSSY`, `XBAR_LOSSLESS`, `XBAR_PINNED`.
    pub delivery: u32,
    /// 1: any number of publishers at once, in any number of processes, in one order for all readers. Default 0: one.
    pub many_publishers: u32,
    /// Messages that a reader may be behind, 1 to 2^20 - 1. Default: the region's.
    pub depth: u32,
    /// Largest message in bytes. Default: `value_size`, or the region's `block_bytes`.
    pub max_bytes: u32,
    /// Where every message is one value of a type: its size in bytes, `sizeof`. Default 0: any bytes.
    pub value_size: u32,
    /// And its alignment, `alignof`: 1, 2, 4, .. 64.
    pub value_align: u32,
    /// And its name, of which 64 bytes count: compared where both ends give one. NULL for none.
    pub value_name: *const c_char,
}

// SAFETY: numbers and pointers, the size first.
unsafe impl Growing for xbar_topic_config {
    const NAME: &'static str = "xbar_topic_config";
    const FIRST_BYTES: usize = size_of::<Self>();
}

/// Bytes that a region of this configuration will take, into `bytes`. NULL: of the defaults.
///
/// # Safety
///
/// `config` is NULL or points to a struct of the size that it says, with pointers that are NULL or as described there; `bytes`
/// is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xbar_config_footprint_bytes(
    config: *const xbar_config,
    bytes: *mut u64,
) -> xbar_result {
    enter(|| {
        // SAFETY: the caller's promise.
        let bytes = unsafe { exclusive("bytes", bytes) }?;
        *bytes = 0;
        // SAFETY: the caller's promise.
        *bytes = unsafe { region_config(config) }?.footprint_bytes()? as u64;
        Ok(())
    })
}

/// How one number is set.
type Setter = fn(Config, u32) -> Config;

/// 1 for yes, 0 for no.
fn flag(what: &str, flag: u32) -> Result<bool, Failure> {
    match flag {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Failure::invalid(format!("{what} is {flag}: use 0 or 1"))),
    }
}

/// # Safety
///
/// As `xbar_config_footprint_bytes`.
pub(crate) unsafe fn region_config(config: *const xbar_config) -> Result<Config, Failure> {
    // SAFETY: the caller's promise.
    let asked = unsafe { growing::read(config) }?;
    let mut config = Config::new().publish_times(flag("publish_times", asked.publish_times)?);
    let numbers: [(u32, Setter); 9] = [
        (asked.topics, Config::topics),
        (asked.depth, Config::depth),
        (asked.block_bytes, Config::block_bytes),
        (asked.blocks, Config::blocks),
        (asked.publishers, Config::publishers),
        (asked.subscribers, Config::subscribers),
        (asked.samples, Config::samples),
        (asked.loans, Config::loans),
        (asked.lossless_streams, |config, streams| {
            config.lossless_streams(if streams == XBAR_NONE { 0 } else { streams })
        }),
    ];
    for (number, set) in numbers {
        if number != 0 {
            config = set(config, number);
        }
    }
    if asked.budget_bytes != 0 {
        config = config.budget_bytes(asked.budget_bytes);
    }
    config = config.shared_with(match asked.shared_with {
        XBAR_SHARED_WITH_NOBODY => SharedWith::Nobody,
        XBAR_SHARED_WITH_GROUP => SharedWith::Group,
        XBAR_SHARED_WITH_EVERYBODY => SharedWith::Everybody,
        other => {
            return Err(Failure::invalid(format!("shared_with is {other}: use one of XBAR_SHARED_WITH_*")));
        }
    });
    // SAFETY: the caller's promise.
    for class in unsafe { slice("size_classes", asked.size_classes, asked.size_class_count) }? {
        config = config.size_class(size_class(class));
    }
    // SAFETY: the caller's promise.
    Ok(match unsafe { maybe_path(asked.dir) } {
        Some(dir) => config.dir(dir),
        None => config,
    })
}

fn size_class(asked: &xbar_size_class) -> SizeClass {
    let or = |number: u32, default| if number == 0 { default } else { number };
    SizeClass::new(asked.block_bytes)
        .topics(or(asked.topics, 1), or(asked.depth, 4))
        .samples(or(asked.samples, 1))
        .loans(or(asked.loans, 1))
        .blocks(asked.blocks)
}

/// # Safety
///
/// `config` is null or points to a struct of the size that it says, with a name that is null or ends with a zero byte.
pub(crate) unsafe fn topic_config(config: *const xbar_topic_config) -> Result<TopicConfig, Failure> {
    // SAFETY: the caller's promise.
    let asked = unsafe { growing::read(config) }?;
    let mut config = match asked.delivery {
        XBAR_LOSSY => TopicConfig::new(),
        XBAR_LOSSLESS => TopicConfig::new().lossless(),
        XBAR_PINNED => TopicConfig::new().pinned(),
        other => {
            return Err(Failure::invalid(format!(
                "delivery is {other}: use XBAR_LOSSY, XBAR_LOSSLESS or XBAR_PINNED"
            )));
        }
    };
    if flag("many_publishers", asked.many_publishers)? {
        config = config.many_publishers();
    }
    if asked.depth != 0 {
        config = config.depth(asked.depth);
    }
    if asked.max_bytes != 0 {
        config = config.max_bytes(asked.max_bytes);
    }
    // SAFETY: the caller's promise.
    if let Some(value) = unsafe { value_type(asked.value_size, asked.value_align, asked.value_name) }? {
        config = config.value_type(value);
    }
    Ok(config)
}

/// The type that a struct speaks of; none for size and alignment 0.
///
/// # Safety
///
/// `name` is null or ends with a zero byte.
pub(crate) unsafe fn value_type(
    size: u32,
    align: u32,
    name: *const c_char,
) -> Result<Option<ValueType>, Failure> {
    if (size, align) == (0, 0) {
        return Ok(None);
    }
    let value = ValueType::new(size, align).ok_or_else(|| {
        Failure::invalid(format!(
            "no type has {size} bytes aligned to {align}: use sizeof and alignof, 1 byte to 1 GiB, aligned to 64 at most"
        ))
    })?;
    // SAFETY: the caller's promise.
    let name = unsafe { maybe_text("value_name", name) }?;
    Ok(Some(name.map_or(value, |name| value.named(name))))
}
