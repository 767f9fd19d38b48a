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
//! - **No inheritance:** a forked child neither keeps its parent alive nor takes anything from it.
//!
//! Opening, locking and removing make system calls and allocate; views of a mapping are plain memory. Everything may be
//! called from any thread, nothing from a signal handler. Waits for a region's lock have a deadline.
//!
//! ```
//! use xbar_layout::sync::{AtomicU64, Ordering, ReadU64};
//! use xbar_shm::{BaseDir, Building, FileAccess, RegionName, SeatKind, Segment};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let path = std::env::temp_dir().join(format!("xbar-shm-doc-{}", std::process::id()));
//! let base = BaseDir::at(&path); // or BaseDir::standard()
//! let name = RegionName::new("market")?;
//!
//! // One process builds a region and gives it its name.
//! let building = Building::start(&base, &name, 4096, 4096)?;
//! let word = building.data().view::<AtomicU64>(0).ok_or("out of bounds")?;
//! word.store(7, Ordering::Relaxed);
//! let (region, seat) = building.publish(|_old| {})?;
//!
//! // Another opens it, and can only look.
//! let other = Segment::open(&base, &name)?;
//! assert!(other.seat_is_alive(SeatKind::Publisher, 0));
//! let data = other.open_data(FileAccess::ReadOnly)?.map(0, 4096)?;
//! assert_eq!(data.view::<ReadU64>(0).ok_or("out of bounds")?.load_relaxed(), 7);
//! assert!(data.view::<AtomicU64>(0).is_none());
//!
//! drop(seat); // or the end of the process, whatever the cause
//! assert!(!other.seat_is_alive(SeatKind::Publisher, 0));
//! assert!(region.remove_if_dead(std::time::Duration::from_secs(1))?);
//! # std::fs::remove_dir(path)?;
//! # Ok(())
//! # }
//! ```
//!
//! Not for messages by itself: it knows no rings, no pools and no topics.
#![deny(unsafe_code)]

#[cfg(not(target_os = "linux"))]
compile_error!("xbar-shm needs Linux: fallocate, renameat2, futexes on shared files");

pub mod affinity;
mod base;
mod bell;
mod building;
mod checkup;
mod clock;
mod error;
mod file;
mod folder;
mod huge;
mod leftovers;
mod liveness;
mod mapping;
pub mod memory;
mod name;
mod own;
mod placement;
mod room;
mod seat;
mod segment;
mod sharing;
pub mod wake;

pub use base::BaseDir;
pub use bell::ThreadBell;
pub use building::Building;
pub use checkup::{BaseCheckup, FileCheckup, ProcessLimits, effective_user};
pub use clock::{coarse_unix_ns, monotonic_ns, unix_ns};
pub use error::ShmError;
pub use file::{FileAccess, SharedFile};
pub use folder::{FileLock, Folder, LockWatch};
pub use leftovers::sweep_leftovers;
pub use mapping::Mapping;
pub use name::{MOST_NAME_BYTES, NameError, RegionName};
pub use own::fork_generation;
pub use seat::{SeatKind, SeatLock};
pub use segment::{Segment, SegmentLock};
pub use sharing::SharedWith;
