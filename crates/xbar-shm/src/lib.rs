//! Memory that processes share.
//!
//! A region is a directory with two files that are mapped, and a lock file per participant: [`Building`] makes one,
//! [`Segment`] opens one, [`SeatLock`] is a participant's proof of life, [`wake`] lets readers sleep. The layer above says
//! what is in the files.
//!
//! - **Atomic:** a region is built under a temporary name and renamed into place; nobody sees half of one.
//! - **No signals:** all memory is taken at creation, sizes are checked before anything is mapped. Only truncation of a
//!   mapped file by the same user can still raise SIGBUS.
//! - **No guesses:** alive is who holds a kernel lock; no pids, heartbeats or timeouts decide that.
//! - **No surprises:** symlinks are not followed, other users' files not believed.
//! - It knows no rings, no pools and no topics.
#![deny(unsafe_code)]

#[cfg(not(target_os = "linux"))]
compile_error!("xbar-shm needs Linux: fallocate, renameat2, futexes on shared files");

mod base;
mod building;
mod clock;
mod error;
mod liveness;
mod mapping;
mod name;
mod segment;
pub mod wake;

pub use base::BaseDir;
pub use building::{Building, sweep_leftovers};
pub use clock::{monotonic_ns, unix_ns};
pub use error::ShmError;
pub use mapping::Mapping;
pub use name::{NameError, RegionName};
pub use segment::{FileAccess, SeatKind, SeatLock, Segment, SegmentLock, SharedFile};
