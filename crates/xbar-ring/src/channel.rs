//! Channels between threads: typed values through the rings of this crate.
//!
//! | made by | writers | when a subscriber is slow | a value is |
//! |---|---|---|---|
//! | [`channel`] | one | it misses messages, and is told how many | [`Pod`](bytemuck::Pod) |
//! | [`channel_mpmc`] | any number | it misses messages, and is told how many | [`Pod`](bytemuck::Pod) |
//! | [`channel_bounded`] | one | the publisher waits | `Copy + Send` |
//! | [`channel_bounded_mpmc`] | any number | the publishers wait | `Copy + Send` |
//!
//! Every subscriber gets every message. Nothing allocates after construction. Any capacity from 2 will do, and none is
//! faster than another of its size: places in a ring are found by counting on, not by division, so powers of two have no
//! path of their own. Only joining and catching up divide.

#[cfg(feature = "alloc")]
mod bounded;
mod lossy;
#[cfg(feature = "alloc")]
mod many;
pub(crate) mod one;

#[cfg(feature = "alloc")]
pub use bounded::{
    Bounded, BoundedPublisher, BoundedSubscriber, BoundedSubscribers, Join, Lossless, LosslessSubscribers,
    MpBoundedPublisher, MpBoundedSubscriber, MpBoundedSubscribers, channel_bounded, channel_bounded_mpmc,
};
pub use lossy::Subscribers;
#[cfg(feature = "alloc")]
pub use many::{MpPublisher, MpReserved, MpSubscriber, MpSubscribers, Shared, channel_mpmc, channel_mpmc_in};
pub use one::{OneSubscriber, OneSubscribers, Publisher, Reserved, Slots};
#[cfg(feature = "alloc")]
pub use one::{channel, channel_bytes, channel_in};
