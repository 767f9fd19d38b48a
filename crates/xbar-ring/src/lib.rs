//! Values moved through slots: channels between threads, and the rings beneath them.
//!
//! - **Allocates?** Not after construction; a [`FixedRing`] never. **Blocks?** Only the receives and publishes that say
//!   so, and how they wait is the caller's [`WaitStrategy`].
//! - **Who may call?** Every end belongs to one thread at a time; make as many subscribers as you need.
//! - **Loses?** A lossy channel's writer never waits: a subscriber that is overtaken learns exactly how many messages
//!   it missed. A lossless channel's writer waits for the slowest.
//!
//! ```
//! use xbar_ring::{TryRecvError, channel, channel_bounded};
//!
//! // The newest values, for as many as want them; nobody holds the publisher up.
//! let (mut publisher, subscribers) = channel::<[f64; 2]>(1024);
//! let mut subscriber = subscribers.subscribe();
//! publisher.publish([1.5, 2.5]);
//! assert_eq!(subscriber.try_recv(), Ok([1.5, 2.5]));
//! assert_eq!(subscriber.try_recv(), Err(TryRecvError::Empty));
//!
//! // Every value, for everybody.
//! let (mut publisher, subscribers) = channel_bounded::<u64>(1024);
//! let mut subscriber = subscribers.subscribe()?;
//! publisher.publish(7)?;
//! assert_eq!(subscriber.recv()?, 7);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Values that are not plain data, or that stages change one after the other, stay where they are: [`event`].
//!
//! Messages of any length are bytes: [`bytes`].
//!
//! When not to use it: between processes: the facade `xbar` does that.
//!
//! # Layers
//!
//! [`broadcast`] and [`mpmc`] work on words that somebody lends (a heap, a `static`, a mapping); topics between processes
//! use them as they are; so does [`bytes`]. [`bounded`] keeps values in private memory behind a [`gate`]. A [`Source`] is the reading end
//! of any of them, and [`Subscriber`] is everything one can do with one.
//!
//! # Features
//!
//! `std` (default): timeouts, and giving way to other threads while waiting. It implies `alloc`: channels on the heap.
//! Without either, [`FixedRing`], [`FixedByteRing`](bytes::FixedByteRing) and the rings over lent memory remain.
#![no_std]
#![deny(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

#[cfg(feature = "alloc")]
pub mod bounded;
pub mod broadcast;
pub mod bytes;
pub mod channel;
pub mod copy;
mod error;
#[cfg(feature = "alloc")]
pub mod event;
mod fixed;
#[cfg(feature = "alloc")]
pub mod gate;
mod glimpse;
mod group;
#[cfg(feature = "alloc")]
pub mod heap;
mod line;
pub mod mpmc;
mod path;
mod sink;
#[cfg(feature = "alloc")]
pub mod slots;
mod source;
#[cfg(feature = "alloc")]
mod stage;
pub mod stride;
mod subscriber;
mod wait;
#[cfg(feature = "alloc")]
mod wake;

/// Without an allocator there is no heap, and nothing on it.
#[cfg(not(feature = "alloc"))]
mod heap {
    /// Keeps nothing.
    #[derive(Debug, Clone, Copy)]
    pub enum Heap {}
}

pub use bytemuck;
pub use bytemuck::{Pod, Zeroable};

pub use broadcast::{Claim, Reader, Received, Writer};
#[cfg(feature = "alloc")]
pub use channel::{channel, channel_bounded, channel_bounded_mpmc, channel_mpmc};
pub use error::{PublishError, RecvError, TooManySubscribers, TryRecvError};
pub use fixed::{FixedPublisher, FixedRing, FixedSubscribers, lines_for};
pub use glimpse::{Glimpse, Poll};
pub use group::{Consumer, SubscriberGroup};
#[cfg(feature = "alloc")]
pub use heap::HeapRing;
pub use path::RingError;
pub use sink::Sink;
pub use source::{Look, Lossy, Source};
#[cfg(feature = "alloc")]
pub use stage::{Progress, Stage};
pub use subscriber::{Drain, Subscriber};
pub use wait::{Adaptive, BackoffSpin, BusySpin, Park, Rest, Step, Stop, WaitStrategy, YieldSpin};
#[cfg(feature = "alloc")]
pub use wake::{Quiet, Wake};
