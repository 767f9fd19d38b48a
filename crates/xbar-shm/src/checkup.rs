//! What a doctor looks at: owners, modes, room, leftovers and limits. Looks only; locks nothing for longer than an instant.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, Mode, fstat, fstatfs, openat, statat};
use rustix::process::{Resource, geteuid, getrlimit};

use crate::base::{BaseDir, entries};
use crate::error::ShmError;
use crate::leftovers::{DIRECTORY, is_temporary};
use crate::liveness::is_locked;
use crate::name::RegionName;
use crate::room::{TMPFS, available_bytes};
use crate::seat::SeatKind;
use crate::segment::Segment;
use crate::sharing::SharedWith;

/// A directory of regions, looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseCheckup {
    /// Its permission bits.
    pub mode: u32,
    /// Whether it is on a file system in memory.
    pub in_memory: bool,
    /// Bytes that new regions may have; `None` when nobody knows.
    pub available_bytes: Option<u64>,
    /// Directories of builders or removers that were killed at work.
    pub leftovers: Vec<String>,
    /// What is neither a region nor on its way to be one.
    pub strangers: Vec<String>,
}

/// One file of a region, looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileCheckup {
    /// Its name.
    pub name: String,
    /// Its permission bits.
    pub mode: u32,
    /// Those that are right for it, in a region shared as this one is.
    pub most: u32,
    /// Its owner.
    pub uid: u32,
    /// Whether it is a plain file.
    pub is_plain: bool,
}

/// What this process may have, `None` = as much as it likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessLimits {
    /// Memory that may be locked, in bytes (`ulimit -l`).
    pub locked_bytes: Option<u64>,
    /// Files that may be open (`ulimit -n`).
    pub open_files: Option<u64>,
    /// Size that a file may have, in bytes (`ulimit -f`).
    pub file_bytes: Option<u64>,
}

impl ProcessLimits {
    /// Those of this process.
    pub fn of_this_process() -> Self {
        let of = |resource| getrlimit(resource).current;
        Self {
            locked_bytes: of(Resource::Memlock),
            open_files: of(Resource::Nofile),
            file_bytes: of(Resource::Fsize),
        }
    }
}

/// The user that files should belong to.
pub fn effective_user() -> u32 {
    geteuid().as_raw()
}

impl BaseDir {
    /// Looks at the directory; `None` when it does not exist.
    ///
    /// # Errors
    ///
    /// As [`BaseDir::open_existing`], and when it cannot be read.
    pub fn checkup(&self) -> Result<Option<BaseCheckup>, ShmError> {
        let Some(dir) = self.open_existing()? else { return Ok(None) };
        let io = |what| ShmError::io(what, self.path());
        let mode = fstat(&dir).map_err(io("look at"))?.st_mode & 0o7777;
        let in_memory = fstatfs(&dir).is_ok_and(|stat| stat.f_type as u64 == TMPFS);
        let mut leftovers = Vec::new();
        let mut strangers = Vec::new();
        for (name, kind) in entries(&dir).map_err(io("read"))? {
            let is_dir = matches!(kind, FileType::Directory | FileType::Unknown);
            if is_dir && is_temporary(&name) {
                if is_left(&dir, &name) {
                    leftovers.push(name);
                }
            } else if !is_dir || RegionName::new(&name).is_err() {
                strangers.push(name);
            }
        }
        leftovers.sort();
        strangers.sort();
        Ok(Some(BaseCheckup {
            mode,
            in_memory,
            available_bytes: available_bytes(&dir),
            leftovers,
            strangers,
        }))
    }
}

/// True when nobody is at work in a temporary directory.
fn is_left(base: &OwnedFd, name: &str) -> bool {
    openat(base, name, DIRECTORY, Mode::empty()).is_ok_and(|dir| !is_locked(&dir))
}

impl Segment {
    /// Looks at the region's files, sorted by name.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when the directory cannot be read.
    pub fn checkup(&self) -> Result<Vec<FileCheckup>, ShmError> {
        let mut files = Vec::new();
        for (name, _) in entries(&self.dir).map_err(ShmError::io("read", &self.path))? {
            // One that went meanwhile is not there.
            let Ok(stat) = statat(&self.dir, &name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            files.push(FileCheckup {
                mode: stat.st_mode & 0o7777,
                most: self.most(&name),
                uid: stat.st_uid,
                is_plain: FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile,
                name,
            });
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    /// Whom the region is shared with, as its directory's mode says.
    pub const fn shared_with(&self) -> SharedWith {
        self.shared_with
    }

    /// The largest mode that is right for a file.
    fn most(&self, file: &str) -> u32 {
        let shared = self.shared_with;
        let mode = match file {
            "data" => shared.data(),
            "peers" => shared.peers(),
            _ if file.starts_with(SeatKind::Subscriber.prefix()) => shared.seat(SeatKind::Subscriber),
            _ => shared.seat(SeatKind::Publisher),
        };
        mode.as_raw_mode()
    }
}
