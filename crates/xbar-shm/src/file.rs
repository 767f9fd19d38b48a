//! The files of a region: opened without following symlinks, checked before anything is mapped, so that no access can
//! raise SIGBUS.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fs::{FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;

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
        check_owner(&path, stat.st_uid, self.trusted)?;
        let bytes = u64::try_from(stat.st_size).unwrap_or(0);
        let allocated_bytes = u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512);
        if allocated_bytes < bytes {
            return Err(ShmError::Holes { path, bytes, allocated_bytes });
        }
        Ok(SharedFile { fd, bytes, writable: access == FileAccess::ReadWrite, path })
    }
}
