//! A region's directory: opened, locked and removed.
//!
//! The directory is its own lock: whoever joins, registers, recovers or removes holds `flock` on it, opened anew, and
//! then makes sure that it still has its name.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, Mode, RenameFlags, fstat, openat, renameat_with, statat};
use rustix::io::Errno;

use crate::base::{BaseDir, check_owner};
use crate::error::ShmError;
use crate::leftovers::{DIRECTORY, remove_tree, temporary_name};
use crate::liveness::Lock;
use crate::name::RegionName;
use crate::own::OwnFile;
use crate::seat::SeatKind;
use crate::sharing::SharedWith;

/// The region's lock; see [`Segment::lock`].
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub struct SegmentLock<'s> {
    _lock: Lock,
    _segment: &'s Segment,
}

/// A region's open directory. Stays what it is when the name goes to another.
#[derive(Debug)]
pub struct Segment {
    base: OwnedFd,
    pub(crate) dir: OwnedFd,
    pub(crate) name: RegionName,
    pub(crate) path: PathBuf,
    /// A user whose files are believed as well.
    pub(crate) trusted: Option<u32>,
    pub(crate) shared_with: SharedWith,
}

impl Segment {
    /// Opens the directory of region `name`.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when it does not exist, is no directory, another user's, or writable by others.
    pub fn open(base: &BaseDir, name: &RegionName) -> Result<Self, ShmError> {
        let missing = || ShmError::NotFound { name: name.clone(), base: base.path().into() };
        let base_fd = base.open_existing()?.ok_or_else(missing)?;
        let path = base.path().join(name.as_str());
        let dir = match openat(&base_fd, name.as_str(), DIRECTORY, Mode::empty()) {
            Ok(dir) => dir,
            Err(Errno::NOENT) => return Err(missing()),
            Err(Errno::NOTDIR | Errno::LOOP) => {
                return Err(ShmError::WrongKind { path, expected: "a directory" });
            }
            Err(errno) => return Err(ShmError::io("open", path)(errno)),
        };
        Self::of(base_fd, dir, name.clone(), path, base.trusted())
    }

    pub(crate) fn of(
        base: OwnedFd,
        dir: OwnedFd,
        name: RegionName,
        path: PathBuf,
        trusted: Option<u32>,
    ) -> Result<Self, ShmError> {
        let stat = fstat(&dir).map_err(ShmError::io("look at", &path))?;
        check_owner(&path, stat.st_uid, trusted)?;
        if stat.st_mode & 0o022 != 0 {
            return Err(ShmError::Permissions { path, mode: stat.st_mode & 0o7777 });
        }
        let shared_with = SharedWith::of_directory(stat.st_mode);
        Ok(Self { base, dir, name, path, trusted, shared_with })
    }

    /// The region's name.
    pub const fn name(&self) -> &RegionName {
        &self.name
    }

    /// Where it was opened, for messages.
    pub fn directory(&self) -> &Path {
        &self.path
    }

    /// Takes the region's lock, trying until `timeout` is over.
    ///
    /// # Errors
    ///
    /// [`ShmError::Locked`] when somebody holds it for that long, [`ShmError::Gone`] when the directory lost its name.
    pub fn lock(&self, timeout: Duration) -> Result<SegmentLock<'_>, ShmError> {
        let start = Instant::now();
        let mut pause = Duration::from_micros(50);
        // Opened anew: a lock of one handle excludes other handles of the same process too.
        let open = || openat(&self.dir, ".", DIRECTORY, Mode::empty());
        let mut dir = OwnFile::open(open).map_err(|errno| match errno {
            Errno::NOENT => ShmError::Gone { name: self.name.clone() },
            errno => ShmError::io("open", &self.path)(errno),
        })?;
        let lock = loop {
            dir = match Lock::try_exclusive(dir) {
                Ok(lock) => break lock,
                Err(dir) => dir,
            };
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(ShmError::Locked { name: self.name.clone(), waited: timeout });
            }
            thread::sleep(pause.min(left));
            pause = (pause * 2).min(Duration::from_millis(2));
        };
        if !self.is_current() {
            return Err(ShmError::Gone { name: self.name.clone() });
        }
        Ok(SegmentLock { _lock: lock, _segment: self })
    }

    /// True while this directory has its name.
    pub fn is_current(&self) -> bool {
        let named = statat(&self.base, self.name.as_str(), AtFlags::SYMLINK_NOFOLLOW);
        match (named, fstat(&self.dir)) {
            (Ok(named), Ok(own)) => (named.st_dev, named.st_ino) == (own.st_dev, own.st_ino),
            _ => false,
        }
    }

    /// Removes the region if no publisher is alive; says whether it did.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when the lock or the directory cannot be had.
    pub fn remove_if_dead(&self, timeout: Duration) -> Result<bool, ShmError> {
        let _lock = match self.lock(timeout) {
            Ok(lock) => lock,
            Err(ShmError::Gone { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        if !self.living_for_sure(SeatKind::Publisher)?.is_empty() {
            return Ok(false);
        }
        // Out of the way first, so that nobody finds it half-removed.
        let temporary = temporary_name(&self.name);
        renameat_with(&self.base, self.name.as_str(), &self.base, &temporary, RenameFlags::NOREPLACE)
            .map_err(ShmError::io("rename", &self.path))?;
        remove_tree(&self.base, &temporary);
        Ok(true)
    }
}
