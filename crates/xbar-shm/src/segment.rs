//! A region's directory: opened, locked, looked at and removed.
//!
//! The directory is its own lock: whoever joins, registers, recovers or removes holds `flock` on it, opened anew, and
//! then makes sure that it still has its name.

use std::fmt;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, ftruncate, openat, renameat, statat, unlinkat};
use rustix::io::{Errno, pread, pwrite};

use crate::base::{BaseDir, check_owner, entries};
use crate::building::temporary_name;
use crate::error::ShmError;
use crate::liveness::{self, Lock};
use crate::mapping::Mapping;
use crate::name::RegionName;

/// What a participant does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeatKind {
    /// Publishes.
    Publisher,
    /// Subscribes.
    Subscriber,
}

impl fmt::Display for SeatKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Publisher => "publisher",
            Self::Subscriber => "subscriber",
        })
    }
}

/// How a file is opened and mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileAccess {
    /// To look.
    ReadOnly,
    /// To look and to write.
    ReadWrite,
}

/// A seat taken: others see it alive until this is dropped, or its process ends.
#[derive(Debug)]
pub struct SeatLock(Lock);

impl SeatLock {
    /// False in a forked child of the process that took the seat.
    pub fn is_mine(&self) -> bool {
        self.0.is_mine()
    }
}

/// The region's lock; see [`Segment::lock`].
#[derive(Debug)]
pub struct SegmentLock<'s> {
    _lock: Lock,
    _segment: &'s Segment,
}

/// A region's open directory. Stays what it is when the name goes to another.
#[derive(Debug)]
pub struct Segment {
    base: OwnedFd,
    dir: OwnedFd,
    name: RegionName,
    path: PathBuf,
}

/// Tries of a seat's lock: a prober may have it for an instant.
const SEAT_TRIES: usize = 16;

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
        Self::of(base_fd, dir, name.clone(), path)
    }

    pub(crate) fn of(base: OwnedFd, dir: OwnedFd, name: RegionName, path: PathBuf) -> Result<Self, ShmError> {
        let stat = fstat(&dir).map_err(ShmError::io("look at", &path))?;
        check_owner(&path, stat.st_uid)?;
        if stat.st_mode & 0o022 != 0 {
            return Err(ShmError::Permissions { path, mode: stat.st_mode & 0o7777 });
        }
        Ok(Self { base, dir, name, path })
    }

    /// The region's name.
    pub const fn name(&self) -> &RegionName {
        &self.name
    }

    /// Where it was opened, for messages.
    pub fn directory(&self) -> &Path {
        &self.path
    }

    /// Opens `data`.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when it is no plain file of the right owner.
    pub fn open_data(&self, access: FileAccess) -> Result<SharedFile, ShmError> {
        self.open_file("data", access)
    }

    /// Opens `peers`.
    ///
    /// # Errors
    ///
    /// As [`Segment::open_data`].
    pub fn open_peers(&self, access: FileAccess) -> Result<SharedFile, ShmError> {
        self.open_file("peers", access)
    }

    fn open_file(&self, file: &str, access: FileAccess) -> Result<SharedFile, ShmError> {
        let path = self.path.join(file);
        let mode = if access == FileAccess::ReadWrite { OFlags::RDWR } else { OFlags::RDONLY };
        // NONBLOCK, so that a pipe in its place does not hang us.
        let flags = mode | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let wrong = |path: PathBuf| ShmError::WrongKind { path, expected: "a plain file" };
        let fd = match openat(&self.dir, file, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => return Err(wrong(path)),
            Err(Errno::NOENT) if !self.is_current() => {
                return Err(ShmError::Gone { name: self.name.clone() });
            }
            Err(errno) => return Err(ShmError::io("open", path)(errno)),
        };
        let stat = fstat(&fd).map_err(ShmError::io("look at", &path))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(wrong(path));
        }
        check_owner(&path, stat.st_uid)?;
        let bytes = u64::try_from(stat.st_size).unwrap_or(0);
        Ok(SharedFile { fd, bytes, writable: access == FileAccess::ReadWrite, path })
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
        let mut dir = openat(&self.dir, ".", DIRECTORY, Mode::empty()).map_err(|errno| match errno {
            Errno::NOENT => ShmError::Gone { name: self.name.clone() },
            errno => ShmError::io("open", &self.path)(errno),
        })?;
        let lock = loop {
            dir = match Lock::try_exclusive(dir) {
                Ok(lock) => break lock,
                Err(dir) => dir,
            };
            if start.elapsed() >= timeout {
                return Err(ShmError::Locked { name: self.name.clone(), waited: timeout });
            }
            thread::sleep(pause.min(timeout));
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

    /// Takes seat `index`; `None` while somebody alive sits there.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when the lock file cannot be made.
    pub fn take_seat(&self, kind: SeatKind, index: u32) -> Result<Option<SeatLock>, ShmError> {
        let file = format!("{kind}.{index}");
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let mut fd =
            openat(&self.dir, &file, flags, Mode::RUSR | Mode::WUSR).map_err(|errno| match errno {
                Errno::NOENT => ShmError::Gone { name: self.name.clone() },
                errno => ShmError::io("open", self.path.join(&file))(errno),
            })?;
        for _ in 0..SEAT_TRIES {
            fd = match Lock::try_exclusive(fd) {
                Ok(lock) => {
                    // For people; nothing depends on it.
                    if let Some(file) = lock.file() {
                        let _ = ftruncate(file, 0);
                        let _ = pwrite(file, std::process::id().to_string().as_bytes(), 0);
                    }
                    return Ok(Some(SeatLock(lock)));
                }
                Err(fd) => fd,
            };
            thread::yield_now();
        }
        Ok(None)
    }

    /// Whether somebody alive sits on seat `index`. In doubt, yes: nobody is declared dead without proof.
    pub fn seat_is_alive(&self, kind: SeatKind, index: u32) -> bool {
        match self.open_seat(kind, index) {
            Ok(file) => liveness::is_locked(&file),
            Err(errno) => errno != Errno::NOENT,
        }
    }

    fn open_seat(&self, kind: SeatKind, index: u32) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        openat(&self.dir, format!("{kind}.{index}"), flags, Mode::empty())
    }

    /// The seats of a kind on which somebody alive sits, sorted.
    pub fn living(&self, kind: SeatKind) -> Vec<u32> {
        let prefix = format!("{kind}.");
        let found = entries(&self.dir).unwrap_or_default();
        let seats = found.iter().filter_map(|(name, _)| name.strip_prefix(&prefix)?.parse().ok());
        let mut living: Vec<_> = seats.filter(|&index| self.seat_is_alive(kind, index)).collect();
        living.sort_unstable();
        living
    }

    /// The process on publisher seat `index`, as it said itself.
    pub(crate) fn who(&self, index: u32) -> String {
        let mut text = [0; 20];
        let pid = self.open_seat(SeatKind::Publisher, index).and_then(|file| pread(&file, &mut text, 0)).ok();
        match pid.and_then(|bytes| std::str::from_utf8(&text[..bytes]).ok()).filter(|pid| !pid.is_empty()) {
            Some(pid) => format!("process {pid}"),
            None => format!("publisher {index}"),
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
        if !self.living(SeatKind::Publisher).is_empty() {
            return Ok(false);
        }
        // Out of the way first, so that nobody finds it half-removed.
        let temporary = temporary_name(&self.name);
        renameat(&self.base, self.name.as_str(), &self.base, &temporary)
            .map_err(ShmError::io("rename", &self.path))?;
        remove_tree(&self.base, &temporary);
        Ok(true)
    }
}

pub(crate) const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Removes a directory of plain files, as far as it is one.
pub(crate) fn remove_tree(base: &OwnedFd, name: &str) {
    if let Ok(dir) = openat(base, name, DIRECTORY, Mode::empty()) {
        for (file, _) in entries(&dir).unwrap_or_default() {
            let _ = unlinkat(&dir, file, AtFlags::empty());
        }
    }
    let _ = unlinkat(base, name, AtFlags::REMOVEDIR);
}

/// An open file of a region.
#[derive(Debug)]
pub struct SharedFile {
    fd: OwnedFd,
    bytes: u64,
    writable: bool,
    path: PathBuf,
}

impl SharedFile {
    /// Its size when it was opened.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Maps `len` bytes from `offset`, a multiple of the page size, with the access it was opened with.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when that is not within the file, or there is no address space.
    pub fn map(&self, offset: usize, len: usize) -> Result<Arc<Mapping>, ShmError> {
        let end = offset.checked_add(len).and_then(|end| u64::try_from(end).ok());
        if len == 0 || end.is_none_or(|end| end > self.bytes) {
            return Err(ShmError::io("map", &self.path)(Errno::OVERFLOW));
        }
        let mapping = Mapping::new(std::os::fd::AsFd::as_fd(&self.fd), offset as u64, len, self.writable);
        mapping.map(Arc::new).map_err(ShmError::io("map", &self.path))
    }
}
