//! Events: values of any type that stay in their slots, written in place by producers, handled in place by stages.
//!
//! ```text
//! producer      n < limit?  otherwise limit <- slowest stage + capacity
//!               event(n) is changed where it is
//!               one: tail <- n + 1                        release
//!               many: stamp(n) <- 2(n + 1)                release; 2(n + 1) + 1 when the closure panicked
//!
//! stage         n < what all in front have passed?        acquire
//!               event(n) is handled where it is
//!               done <- n + 1                             release, when the handler has *returned*
//! ```
//!
//! Invariant 1: an event is touched by producers only when every stage that is not gone has passed it. Invariant 2: a stage
//! touches only what all stages in front of it have passed, and no stage behind it touches that before it has. Invariant 3: a
//! stage that *changes* events is in front of or behind every other one, so it is alone with what it touches; stages that
//! are beside one another only read.
//!
//! Stages are there before the first event is: [`Events::build`] gives the producer when the graph is complete. So there is
//! no stage that missed the beginning, and no producer that overwrites what nobody has seen.
//!
//! ```
//! use xbar_ring::event::Events;
//!
//! #[derive(Default)]
//! struct Order {
//!     symbol: String,
//!     price: f64,
//!     fee: f64,
//! }
//!
//! let mut events = Events::one_producer(64, Order::default);
//! let mut fees = events.changer([]);
//! let mut book = events.reader([fees.place()]);
//! let mut audit = events.reader([fees.place()]);
//! let mut producer = events.build();
//!
//! producer.publish(|order| {
//!     order.symbol.clear(); // its memory is used again, lap for lap
//!     order.symbol.push_str("AAPL");
//!     order.price = 223.02;
//! })?;
//! assert!(book.try_handle(|order| order.fee).is_err(), "fees come first");
//! fees.try_handle(|order| order.fee = order.price / 100.0)?;
//! assert_eq!(book.try_handle(|order| order.fee), Ok(2.2302));
//! assert_eq!(audit.try_handle(|order| order.symbol.len()), Ok(4));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod batch;
mod graph;
mod order;
mod poller;
mod producer;
mod slot;
mod waiting;

pub use access::{Access, Change, Read};
pub use batch::Batch;
pub use graph::{Events, Place};
pub use order::{Many, One, Order};
pub use poller::{At, Poller};
pub use producer::{Closer, Producer};
