//! Messages of any size carried through a region.
//!
//! Where rings, pool and shared memory meet: a [`Publisher`] and its [`Topic`]s put messages into a region, a
//! [`Subscriber`] and its [`Stream`]s take them out. Small messages ride in a ring slot, larger ones in a block that
//! the slot names; docs/protocol.md has the bytes, `reader.rs` and `writer.rs` the order of events.
//!
//! The facade `xbar` gives these types their public face; this crate holds what must be `unsafe`, so that the facade
//! has none.
#![deny(unsafe_code)]

mod create;
mod error;
mod loan;
mod publisher;
mod reader;
mod recover;
mod sample;
mod seat;
mod stream;
mod subscriber;
mod table;
mod time;
mod writer;

pub use create::Options;
pub use error::{PublishError, RecvError, RegionError, TryRecvError};
pub use loan::Loan;
pub use publisher::{Publisher, Topic};
pub use reader::{Found, InBlock, Inline, Nothing, Reader};
pub use sample::{OwnedSample, Sample};
pub use stream::Stream;
pub use subscriber::Subscriber;
pub use time::Timestamp;
pub use writer::Writer;

/// Who keeps the memory: the mapping.
pub(crate) type Keep = std::sync::Arc<xbar_shm::Mapping>;
