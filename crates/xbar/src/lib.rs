//! Zero-copy publish and subscribe by URI, between the processes of one machine, through shared memory.
//!
//! - **Allocates?** When handles are made. Not when messages are sent or received.
//! - **Blocks?** Publishing on a lossy or pinned topic never waits; on a lossless one it waits for the slowest reader, or not,
//!   as you call it. Receiving waits only in the calls that say so; all of them have a form with a timeout, and end when the
//!   publisher is gone, killed or not.
//! - **Loses?** A lossy topic overwrites its oldest message, and each [`Stream`] says exactly how many it missed: received +
//!   missed = published. A lossless one ([`TopicConfig::lossless`]) loses none.
//! - **Leaks?** Nothing: whatever a killed process held comes back to the others by itself.
//! - **Who may call?** Any number of processes. Subscribers map the data read-only: they cannot harm a publisher.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = std::env::temp_dir().join(format!("xbar-doc-{}", std::process::id()));
//! use xbar::{Config, Publisher, Subscriber};
//!
//! // One process ...
//! let publisher = Publisher::create("market", &Config::new().dir(&dir))?;
//! let apple = publisher.register("/tick/AAPL")?;
//!
//! // ... and another.
//! let subscriber = Subscriber::connect_in(&dir, "market")?;
//! let ticks = subscriber.subscribe("/tick/AAPL")?;
//!
//! publisher.send(&apple, b"223.02")?;
//!
//! let mut loan = publisher.loan(&apple, 1000)?; // written in place, at any size
//! loan[..4].copy_from_slice(b"book");
//! loan.publish();
//!
//! assert_eq!(&*ticks.recv()?, b"223.02");
//! assert_eq!(&ticks.recv()?[..4], b"book");
//! # std::fs::remove_dir_all(&dir).ok();
//! # Ok(())
//! # }
//! ```
//!
//! # In one process
//!
//! [`ThreadChannel`] carries values between threads, [`event`] has events that stay in their slots while stages change and read them, run
//! by [`Handlers`]; a [`Bus`] has topics by name, a [`Pipeline`] stages in threads. All of them sleep while they wait, end by a
//! [`Shutdown`], and lie in [`memory`] as wished, near the cores that [`affinity`] tells. Topics of a region and these share
//! words and forms of receiving, not memory.
//!
//! # When not to use it
//!
//! Between machines; when topics must survive a restart, as a [`log`] does. And between processes of different users, unless they are to trust each other with the payload:
//! SECURITY.md says who is trusted with what.
#![forbid(unsafe_code)]

mod audit;
mod bell;
pub mod bus;
mod bus_region;
mod byte_bus;
mod channel;
mod config;
mod discover;
pub mod doctor;
mod handlers;
pub mod pipeline;
mod pod_bus;
mod publisher;
mod pulse;
mod request;
mod shutdown;
mod sole;
mod structured;
mod subscriber;
mod thread_channel;
mod typed;
mod worker;

pub use audit::{audit, audit_in, recover, recover_in};
pub use bell::{Bell, Parked, Ringing};
pub use bus::{Bus, BusError, BusTopic, TypedBus, Writers};
pub use byte_bus::{BusLookout, ByteBus, ByteBusClaim, ByteBusConfig, ByteBusSubscriber};
pub use channel::{Channel, ChannelConfig, ChannelError, ChannelLoan, Listener, Received};
pub use config::{Config, SizeClass};
pub use discover::{ParticipantInfo, RegionInfo, TopicInfo, discover, discover_in};
pub use handlers::Handlers;
pub use pipeline::Pipeline;
pub use pod_bus::{BusConfig, BusSubscriber, PodBus};
pub use publisher::{Loan, Publisher, Topic};
pub use request::{Client, Reply, ReplyLoan, Request, RequestError, RequestId, Server, ServerConfig};
pub use shutdown::{Shutdown, Until};
pub use structured::{Structured, StructuredError};
pub use subscriber::{Stream, Subscriber};
pub use thread_channel::{
    LosslessEnds, LosslessPublisher, LosslessSubscribers, LossyEnds, LossyPublisher, LossySubscribers,
    ThreadChannel,
};
pub use typed::{TypedLoan, TypedSample, TypedStream, TypedTopic};
pub use worker::{StagePanic, StartError};

pub use bytemuck;
pub use xbar_layout::{Delivery, ValueType};

/// Channels between the threads of one process: typed, lossy or lossless, a few nanoseconds a message.
pub use xbar_ring as ring;

/// Streams of messages kept on disk: appended by one writer, replayed from anywhere or tailed live by any number of readers.
pub use xbar_log as log;

pub use xbar_ring::event;
pub use xbar_ring::{
    PublishError as RingPublishError, RecvError as RingRecvError, TryRecvError as RingTryRecvError,
};
pub use xbar_shm::SharedWith;
pub use xbar_shm::affinity;
pub use xbar_shm::memory;

pub use xbar_discovery::{Pattern, PatternError, Uri, UriError};
pub use xbar_ring::{Adaptive, BackoffSpin, BusySpin, Park, Step, WaitStrategy, YieldSpin};
pub use xbar_topic::{
    HolderAccount, NoRoom, OwnedSample, PoolAccount, PublishError, Recovery, RecvError, RegionAccount,
    RegionError, Sample, Timestamp, TopicConfig, TryRecvError,
};

/// Largest message in bytes that rides in a ring slot itself when it is sent by copy: one cache line moves, no block is
/// used.
pub const INLINE_BYTES: usize = xbar_layout::ring::INLINE_BYTES;

/// The README's example compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
