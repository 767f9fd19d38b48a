//! What the bytes of an xbar region mean.
//!
//! The bottom layer: offsets, sizes and the vocabulary of words that live in memory which processes share. It
//! knows no operating system, allocates nothing, and moves no message. Everything above it agrees here on
//!
//! - which atomics exist ([`sync`]: the one place where the model checker is swapped in),
//! - how memory is lent to a lock-free piece ([`Lent`]),
//! - where things are in a region ([`Geometry`]), what a topic is ([`TopicShape`]) and what the rest is ([`region`], [`topic`], [`ring`],
//!   [`byte_ring`], [`pool`], [`participant`], [`Descriptor`]),
//! - and which foreign bytes are believed ([`check`]).
//!
//! docs/protocol.md tells the same for readers of other languages; `asserts.rs` holds every offset at compile
//! time.
#![no_std]
#![deny(unsafe_code)]

#[cfg(test)]
extern crate std;

mod access;
mod asserts;
pub mod byte_ring;
pub mod check;
mod descriptor;
pub mod fetch;
mod geometry;
pub mod ident;
mod lent;
mod limits;
pub mod pad;
pub mod participant;
pub mod pool;
pub mod region;
pub mod ring;
mod shape;
mod shared;
mod space;
pub mod sync;
pub mod topic;

pub use access::{Access, ReadOnly, ReadWrite};
pub use check::LayoutError;
pub use descriptor::{Descriptor, Message};
pub use geometry::{Geometry, PoolGeometry};
pub use lent::Lent;
pub use limits::{GeometryError, Limits, MOST_POOLS, PoolLimits};
pub use shape::{Content, Delivery, MOST_SLOTS, TopicShape, ValueType};
pub use shared::{Byte, Shared};
pub use space::Space;
