//! The files of a region: opened without following symlinks, checked before anything is mapped, so that no access can
//! raise SIGBUS.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FileType, Mode, OFlags, Stat, fdatasync, fstat, openat};
use rustix::io::{Errno, retry_on_intr};

use crate::base::check_owner;
use crate::error::ShmError;
use crate::mapping::Mapping;
use crate::segment::Segment;

/// How a file is opened and mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileAccess {
    /// To look.
    ReadOnly,
    /// To look and to write.
    ReadWrite,
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
    /// [`ShmError`] when that is not within the file or of no bytes, or there is no address space.
    pub fn map(&self, offset: usize, len: usize) -> Result<Arc<Mapping>, ShmError> {
        let needed_bytes = (offset as u64).saturating_add(len as u64);
        if needed_bytes > self.bytes {
            return Err(ShmError::TooShort { path: self.path.clone(), bytes: self.bytes, needed_bytes });
        }
        let mapping = Mapping::new(self.fd.as_fd(), offset, len, self.writable);
        mapping.map(Arc::new).map_err(ShmError::io("map", &self.path))
    }

    /// Where it was opened; its name may be another one by now.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until what was written is on its disk.
    ///
    /// # Errors
    ///
    /// [`ShmError`]: nobody knows what is on the disk then, and what is not cannot be written once more.
    pub fn sync(&self) -> Result<(), ShmError> {
        retry_on_intr(|| fdatasync(&self.fd)).map_err(ShmError::io("write to the disk", &self.path))
    }

    /// A file that was just opened or made.
    pub(crate) const fn new(fd: OwnedFd, bytes: u64, access: FileAccess, path: PathBuf) -> Self {
        Self { fd, bytes, writable: matches!(access, FileAccess::ReadWrite), path }
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Opens a plain file of a user who is believed; `NOENT` is the caller's to explain.
pub(crate) fn open_plain(
    dir: impl AsFd,
    file: &str,
    path: &Path,
    access: FileAccess,
    trusted: Option<u32>,
) -> Result<(OwnedFd, Stat), Result<ShmError, Errno>> {
    let mode = if access == FileAccess::ReadWrite { OFlags::RDWR } else { OFlags::RDONLY };
    // NONBLOCK, so that a pipe in its place does not hang us.
    let flags = mode | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let wrong = || Ok(ShmError::WrongKind { path: path.into(), expected: "a plain file" });
    let fd = match openat(dir, file, flags, Mode::empty()) {
        Ok(fd) => fd,
        Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => return Err(wrong()),
        Err(errno) => return Err(Err(errno)),
    };
    let stat = fstat(&fd).map_err(|errno| Ok(ShmError::io("look at", path)(errno)))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(wrong());
    }
    check_owner(path, stat.st_uid, trusted).map_err(Ok)?;
    Ok((fd, stat))
}

/// Bytes of a file, and how many of them it has memory for.
pub(crate) fn sizes(stat: &Stat) -> (u64, u64) {
    let bytes = u64::try_from(stat.st_size).unwrap_or(0);
    (bytes, u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512))
}

impl Segment {
    /// Opens `data`.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when it is no plain file of the right owner, or has holes.
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
        let (fd, stat) = match open_plain(&self.dir, file, &path, access, self.trusted) {
            Ok(opened) => opened,
            Err(Err(Errno::NOENT)) if !self.is_current() => {
                return Err(ShmError::Gone { name: self.name.clone() });
            }
            Err(Err(errno)) => return Err(ShmError::io("open", path)(errno)),
            Err(Ok(error)) => return Err(error),
        };
        let (bytes, allocated_bytes) = sizes(&stat);
        if allocated_bytes < bytes {
            return Err(ShmError::Holes { path, bytes, allocated_bytes });
        }
        Ok(SharedFile::new(fd, bytes, access, path))
    }
}
