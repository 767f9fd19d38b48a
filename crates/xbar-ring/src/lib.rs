//! Values moved through slots of lent memory.
//!
//! - **Allocates?** No; with the `alloc` feature (default) [`HeapRing`] puts a ring on the heap.
//! - **Blocks?** No. Publishing is wait-free; a receive is wait-free per attempt, and how to wait between attempts is
//!   the caller's [`WaitStrategy`].
//! - **Who may call?** One [`Writer`] per ring, any number of [`Reader`]s, in any threads or processes that see the
//!   memory. A reader only loads, so it may see the memory through a read-only mapping.
//! - **Loses?** A ring is lossy: the writer never waits. A reader that is overtaken learns exactly how many messages
//!   it missed.
//!
//! ```
//! use xbar_ring::{HeapRing, Received};
//!
//! let ring = HeapRing::new(8, 1);
//! let mut writer = ring.writer();
//! let mut reader = ring.reader();
//! writer.publish(&[42]);
//! let mut words = [0];
//! assert_eq!(reader.receive(&mut words), Received::Message { sequence: 0 });
//! assert_eq!(words, [42]);
//! assert_eq!(reader.receive(&mut words), Received::Empty);
//! ```
//!
//! When not to use it: when every message must arrive, however slow the reader; and for messages that are not plain
//! words: the facade `xbar` carries bytes of any size.
#![no_std]
#![deny(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod broadcast;
pub mod copy;
#[cfg(feature = "alloc")]
mod heap;
mod wait;

pub use broadcast::{Claim, Glimpse, Poll, Reader, Received, RingError, Writer};
#[cfg(feature = "alloc")]
pub use heap::HeapRing;
pub use wait::{Adaptive, BackoffSpin, BusySpin, Park, Step, WaitStrategy, YieldSpin};
