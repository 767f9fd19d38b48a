//! Regions as damage leaves them, worked on: what fuzz targets and tests share.
//!
//! Each function takes any bytes and makes of them memory, or what is done with memory while it is damaged. It returns, or it has
//! found a fault: a panic, an access outside, a loop without an end. Wrong payload and errors are no faults.
//!
//! `fuzz/` runs them under AddressSanitizer (`cargo xtask fuzz`); `tests/` runs them on random bytes, and on every input that
//! ever found something.
#![deny(unsafe_code)]
#![allow(clippy::missing_panics_doc)] // a panic is what they are for

mod byte_ring;
mod bytes;
mod log;
mod memory;
mod region;
mod ring;
mod table;
mod text;

pub use byte_ring::byte_ring;
pub use log::log;
pub use region::{participants, region};
pub use ring::{gate, pool as ledger, ring_slots};
pub use table::{descriptors, region_gate, topic_table};
pub use text::{patterns, uris};

/// A function under a name.
pub type Target = (&'static str, fn(&[u8]));

/// Every function here, under the name of its fuzz target.
pub const TARGETS: [Target; 12] = [
    ("region_gate", region_gate),
    ("topic_table", topic_table),
    ("descriptors", descriptors),
    ("ring_slots", ring_slots),
    ("byte_ring", byte_ring),
    ("ledger", ledger),
    ("gate", gate),
    ("participants", participants),
    ("region", region),
    ("log", log),
    ("uris", uris),
    ("patterns", patterns),
];
