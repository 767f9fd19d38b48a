//! A stream of messages kept on disk: appended by one writer, read from anywhere by any number of readers, in place.
//!
//! - **Allocates?** When handles are made, and when a segment is full: in a helper thread, unless told otherwise. Not when a
//!   message is appended or read.
//! - **Blocks?** Appending waits for nobody; for the disk only if [`Durability`] says so, and for a new segment if that is not
//!   ready in time. Reading waits only in the calls that say so; these end when the writer is gone, killed or not.
//! - **Loses?** Whatever was appended stays when a process dies, at any instruction. Each record has a checksum, and every reader
//!   says exactly what it did not get: received + missed = appended.
//! - **Who may call?** One writer at a time, held to that by a kernel lock; readers in any number, which map the files read-only
//!   and cost the writer nothing.
//! - **No signals:** a segment has all its bytes from the beginning, so a full disk is an error from
//!   [`append`](Writer::append). Only a file that somebody truncates while it is read ends the process (SIGBUS).
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = std::env::temp_dir().join(format!("xbar-log-doc-{}", std::process::id()));
//! use xbar_log::{LogOptions, Reader, TryReadError, Writer};
//!
//! // One process ...
//! let mut writer = Writer::open(&dir, "ticks", &LogOptions::new().segment_bytes(1 << 20))?;
//! writer.append(b"223.02")?;
//! writer.append(b"223.04")?;
//!
//! // ... and another, now or in a year.
//! let mut reader = Reader::open(&dir, "ticks")?;
//! assert_eq!(&*reader.try_next()?, b"223.02");
//! assert_eq!(&*reader.try_next()?, b"223.04");
//! assert_eq!(reader.try_next().unwrap_err(), TryReadError::Empty); // the live end
//! # std::fs::remove_dir_all(&dir).ok();
//! # Ok(())
//! # }
//! ```
//!
//! Not for several writers; not between machines; and not where a reader must hold the writer back: this one never waits.
//! docs/log-format.md says what is in the files.
#![deny(unsafe_code)]

mod checksum;
mod cursor;
mod error;
mod flusher;
mod gap;
mod helper;
mod layout;
mod message;
#[doc(hidden)] // for the models
pub mod model;
mod names;
mod options;
mod reader;
mod record;
mod reservation;
mod resume;
mod retention;
mod scan;
mod seek;
mod segment;
mod store;
mod survey;
mod waiting;
mod writer;

pub use cursor::Cursor;
pub use error::{LogError, ReadError, TryReadError};
pub use layout::{LEAST_SEGMENT_BYTES, LOG_FORMAT_VERSION, MOST_SEGMENT_BYTES};
pub use message::Record;
pub use options::{Durability, LogOptions, Retention, Times};
pub use reader::Reader;
pub use record::HEAD_BYTES;
pub use reservation::Reservation;
pub use resume::Recovery;
pub use seek::Start;
pub use survey::{Contents, LogInfo, SegmentInfo, inspect, list};
pub use writer::Writer;
