//! What the operating system can refuse, in words that say what to do.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use rustix::io::Errno;

use crate::name::RegionName;

/// Why shared memory cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShmError {
    /// There is no region of this name.
    NotFound {
        /// The name.
        name: RegionName,
        /// Where it was looked for.
        base: PathBuf,
    },
    /// A living publisher has this name.
    Alive {
        /// The name.
        name: RegionName,
        /// Who it is.
        who: String,
    },
    /// A file or directory belongs to another user.
    Owner {
        /// Which.
        path: PathBuf,
        /// Whose it is.
        uid: u32,
    },
    /// Something else is where a directory or a plain file should be: perhaps a symlink.
    WrongKind {
        /// Where.
        path: PathBuf,
        /// What should be there.
        expected: &'static str,
    },
    /// Others may write into a directory.
    Permissions {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file system is full.
    NoSpace {
        /// Where.
        path: PathBuf,
        /// Bytes needed.
        needed_bytes: u64,
        /// Bytes that are free.
        available_bytes: u64,
    },
    /// The file system is read-only.
    ReadOnly {
        /// Where.
        path: PathBuf,
    },
    /// Somebody holds the region's lock for too long.
    Locked {
        /// The region.
        name: RegionName,
        /// How long was waited.
        waited: Duration,
    },
    /// The region was removed or replaced meanwhile.
    Gone {
        /// Its name.
        name: RegionName,
    },
    /// Anything else.
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        errno: Errno,
    },
}

impl ShmError {
    /// The error for a failed call on `path`.
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(Errno) -> Self {
        let path = path.into();
        move |errno| match errno {
            Errno::ROFS => Self::ReadOnly { path },
            _ => Self::Io { what, path, errno },
        }
    }
}

impl fmt::Display for ShmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { name, base } => {
                write!(
                    f,
                    "there is no region {name} in {}: start its publisher, or wait for it",
                    base.display()
                )
            }
            Self::Alive { name, who } => {
                write!(
                    f,
                    "region {name} is alive, held by {who}: open it, choose another name, or stop that process"
                )
            }
            Self::Owner { path, uid } => {
                write!(
                    f,
                    "{} belongs to user {uid}: run as that user, or set XBAR_DIR to your own",
                    path.display()
                )
            }
            Self::WrongKind { path, expected } => {
                write!(f, "{} is not {expected} (a symlink, perhaps): remove it", path.display())
            }
            Self::Permissions { path, mode } => {
                write!(f, "{} has mode {mode:03o}, others may write there: chmod it to 700", path.display())
            }
            Self::NoSpace { path, needed_bytes, available_bytes } => write!(
                f,
                "{needed_bytes} bytes are needed in {}, {available_bytes} are free: use fewer or smaller blocks or \
                 topics, or set XBAR_DIR to another place",
                path.display()
            ),
            Self::ReadOnly { path } => {
                write!(
                    f,
                    "{} is on a read-only file system: set XBAR_DIR to a writable place",
                    path.display()
                )
            }
            Self::Locked { name, waited } => write!(
                f,
                "region {name} is locked by somebody who joins or leaves, for over {waited:?}: is a process stopped?"
            ),
            Self::Gone { name } => {
                write!(f, "region {name} was removed or replaced meanwhile: connect again")
            }
            Self::Io { what, path, errno } => write!(f, "cannot {what} {}: {errno}", path.display()),
        }
    }
}

impl std::error::Error for ShmError {}
