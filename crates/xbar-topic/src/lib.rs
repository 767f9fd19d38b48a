//! Messages of any size carried through a region.
//!
//! Where rings, pool and shared memory meet: a [`Publisher`] and its [`Topic`]s put messages into a region, a
//! [`Subscriber`] and its [`Stream`]s take them out. Small messages ride in a ring slot, larger ones in a block that
//! the slot names; docs/protocol.md has the bytes, `reader.rs` and `writer.rs` the order of events.
//!
//! The facade `xbar` gives these types their public face; this crate holds what must be `unsafe`, so that the facade
//! has none.
#![deny(unsafe_code)]

mod account;
mod bus;
mod byte_bus;
mod create;
mod error;
mod exclusive;
pub mod gate;
mod loan;
mod options;
mod place;
mod pools;
mod publisher;
mod reader;
mod receipts;
mod recover;
mod register;
mod rest;
mod rings;
mod room;
mod sample;
mod seat;
mod send;
mod slips;
mod spares;
mod stream;
mod subscriber;
mod table;
mod tally;
mod time;
mod topic;
mod watch;
mod writer;

pub use account::{HolderAccount, PoolAccount, RegionAccount, audit, audit_view};
pub use bus::{BusPublisher, BusReader, BusSubscriber};
pub use byte_bus::{BusLookout, ByteBusClaim, ByteBusPublisher, ByteBusSubscriber, published};
pub use create::Options;
pub use error::{PublishError, RecvError, RegionError, TryRecvError};
pub use loan::{Loan, NoRoom};
pub use options::{TopicConfig, value_type};
pub use publisher::Publisher;
pub use reader::{Found, Nothing, Otherwise, ReadRing, Reader, Taken};
pub use recover::{Recovery, recover};
pub use sample::{OwnedSample, Sample};
pub use stream::{Start, Stream};
pub use subscriber::{Subscriber, wait_for};
pub use time::Timestamp;
pub use topic::Topic;
pub use writer::{WriteRing, Writer};

/// Who keeps the memory: the mapping.
pub(crate) type Keep = std::sync::Arc<xbar_shm::Mapping>;
