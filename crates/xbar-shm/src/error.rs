//! What the operating system can refuse, in words that say what to do.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use rustix::io::Errno;

use crate::name::RegionName;
use crate::sharing::SharedWith;

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
    /// Those whom a region is to be shared with cannot enter the directory of regions.
    Closed {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// Who they are.
        to: SharedWith,
    },
    /// A file is shorter than what should be in it.
    TooShort {
        /// Which.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// What it should have at least.
        needed_bytes: u64,
    },
    /// A file has memory for a part of its bytes only: on a full file system, touching the rest would kill the process.
    Holes {
        /// Which.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// Bytes that it has memory for.
        allocated_bytes: u64,
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
                write!(
                    f,
                    "{} is not {expected} (a symlink, perhaps): name another, or move it away if it is yours",
                    path.display()
                )
            }
            Self::Permissions { path, mode } => {
                write!(f, "{} has mode {mode:03o}, others may write there: chmod it to 700", path.display())
            }
            Self::Closed { path, mode, to } => write!(
                f,
                "{} has mode {mode:03o}, so that a region there cannot be shared with {to}: chmod it to {}, or choose \
                 another directory",
                path.display(),
                if *to == SharedWith::Everybody { "755" } else { "750" }
            ),
            Self::TooShort { path, bytes, needed_bytes } => write!(
                f,
                "{} has {bytes} bytes, {needed_bytes} are needed: it is damaged, restart the region's publishers",
                path.display()
            ),
            Self::Holes { path, bytes, allocated_bytes } => write!(
                f,
                "{} has memory for {allocated_bytes} of its {bytes} bytes: it is damaged, restart the region's publishers",
                path.display()
            ),
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
            Self::Io { what, path, errno } => {
                write!(f, "cannot {what} {}: {errno}: {}", path.display(), advice(*errno))
            }
        }
    }
}

/// What to do about an error that has no variant of its own.
const fn advice(errno: Errno) -> &'static str {
    match errno {
        Errno::ACCESS | Errno::PERM => "check its owner and mode, or set XBAR_DIR to a directory of yours",
        Errno::MFILE | Errno::NFILE => "close files, or raise the limit on open files (ulimit -n)",
        Errno::FBIG => "use fewer or smaller blocks, or raise the limit on file sizes (ulimit -f)",
        Errno::NOMEM => "use fewer or smaller blocks, or raise the limit on memory",
        Errno::NOSPC | Errno::DQUOT => "make room there, or set XBAR_DIR to another place",
        Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL => {
            "that file system cannot do it, set XBAR_DIR to one that can, like tmpfs"
        }
        _ => "check that path, or set XBAR_DIR to another place",
    }
}

impl std::error::Error for ShmError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_one_lower_case_line_that_names_what_it_is_about() {
        let name = RegionName::new("market").unwrap();
        let path = || PathBuf::from("/x/market");
        let io = |errno| ShmError::io("open", path())(errno);
        let errors = [
            ShmError::NotFound { name: name.clone(), base: "/x".into() },
            ShmError::Alive { name: name.clone(), who: "publisher 0, process 7".into() },
            ShmError::Owner { path: path(), uid: 7 },
            ShmError::WrongKind { path: path(), expected: "a directory" },
            ShmError::Permissions { path: path(), mode: 0o777 },
            ShmError::Closed { path: path(), mode: 0o700, to: SharedWith::Group },
            ShmError::TooShort { path: path(), bytes: 1, needed_bytes: 2 },
            ShmError::Holes { path: path(), bytes: 2, allocated_bytes: 1 },
            ShmError::NoSpace { path: path(), needed_bytes: 2, available_bytes: 1 },
            io(Errno::ROFS),
            ShmError::Locked { name: name.clone(), waited: Duration::from_secs(1) },
            ShmError::Gone { name },
            io(Errno::ACCESS),
            io(Errno::MFILE),
            io(Errno::IO),
        ];
        for error in errors {
            let line = error.to_string();
            assert!(!line.contains('\n') && !line.starts_with(|c: char| c.is_ascii_uppercase()), "{line}");
            assert!(line.contains("market"), "{line}");
            assert!(line.contains(": ") || line.contains("? "), "says what to do: {line}");
        }
        assert!(matches!(io(Errno::ROFS), ShmError::ReadOnly { .. }));
    }
}
