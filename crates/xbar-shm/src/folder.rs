//! A folder of plain files: made with all their bytes or not at all, opened without following symlinks, locked by the kernel.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process;

use rustix::fs::{
    AtFlags, FallocateFlags, Mode, OFlags, RenameFlags, fallocate, fstatfs, fsync, ftruncate, openat,
    renameat_with, unlinkat,
};
use rustix::io::{Errno, pread, pwrite, retry_on_intr};
use rustix::process::{Resource, getrlimit};

use crate::base::{BaseDir, entries};
use crate::error::ShmError;
use crate::file::{FileAccess, SharedFile, open_plain, sizes};
use crate::liveness::{self, Lock};
use crate::own::OwnFile;
use crate::room::{TMPFS, available_bytes};

/// An open folder of this user's, or of root's.
#[derive(Debug)]
pub struct Folder {
    dir: OwnedFd,
    path: PathBuf,
}

/// A lock file that this process has locked: others see it so until this is dropped, or the process ends.
#[derive(Debug)]
#[must_use = "the file is unlocked when this is dropped"]
pub struct FileLock(Lock);

impl FileLock {
    /// False in a forked child of the process that took the lock.
    pub fn is_mine(&self) -> bool {
        self.0.is_mine()
    }
}

/// A lock file that is looked at.
#[derive(Debug)]
pub struct LockWatch(OwnedFd);

impl LockWatch {
    /// Whether somebody alive has it locked, or may have.
    pub fn is_locked(&self) -> bool {
        liveness::is_locked(&self.0)
    }
}

impl Folder {
    /// Opens it, made with mode 0700 if need be.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when it is no directory, another user's, or writable by others, or cannot be made.
    pub fn open_or_create(path: &Path) -> Result<Self, ShmError> {
        let dir = BaseDir::at(path).open_or_create()?;
        Ok(Self { dir, path: path.into() })
    }

    /// Opens it; `None` when it does not exist.
    ///
    /// # Errors
    ///
    /// As [`Folder::open_or_create`].
    pub fn open_existing(path: &Path) -> Result<Option<Self>, ShmError> {
        let dir = BaseDir::at(path).open_existing()?;
        Ok(dir.map(|dir| Self { dir, path: path.into() }))
    }

    /// Another handle of the same folder.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when there are too many open files.
    pub fn another(&self) -> Result<Self, ShmError> {
        let dir = rustix::io::fcntl_dupfd_cloexec(&self.dir, 0).map_err(ShmError::io("open", &self.path))?;
        Ok(Self { dir, path: self.path.clone() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names of what is in it, in no order; names that are no text left out.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when it cannot be read.
    pub fn names(&self) -> Result<Vec<String>, ShmError> {
        let found = entries(&self.dir).map_err(ShmError::io("read", &self.path))?;
        Ok(found.into_iter().map(|(name, _)| name).collect())
    }

    /// Makes a file of `bytes` zeroes with memory for all of them, where none is, to look and to write.
    ///
    /// # Errors
    ///
    /// [`ShmError`], and then there is no file: [`ShmError::NoSpace`] when there is no room.
    pub fn create_file(&self, name: &str, bytes: u64) -> Result<SharedFile, ShmError> {
        let path = self.path.join(name);
        if getrlimit(Resource::Fsize).current.is_some_and(|limit| limit < bytes) {
            // Before the kernel says so by a signal.
            return Err(ShmError::io("allocate", path)(Errno::FBIG));
        }
        let free_bytes = available_bytes(&self.dir);
        let no_space =
            |available_bytes| ShmError::NoSpace { path: path.clone(), needed_bytes: bytes, available_bytes };
        // A file system in memory gives all that there is before it says no.
        if let Some(free) = free_bytes.filter(|free| *free < bytes) {
            return Err(no_space(free));
        }
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let fd = openat(&self.dir, name, flags, mode).map_err(ShmError::io("make", &path))?;
        match retry_on_intr(|| fallocate(&fd, FallocateFlags::empty(), 0, bytes)) {
            Ok(()) => Ok(SharedFile::new(fd, bytes, FileAccess::ReadWrite, path)),
            Err(errno) => {
                let _ = unlinkat(&self.dir, name, AtFlags::empty());
                match errno {
                    Errno::NOSPC | Errno::DQUOT => Err(no_space(available_bytes(&self.dir).unwrap_or(0))),
                    errno => Err(ShmError::io("allocate", path)(errno)),
                }
            }
        }
    }

    /// Opens a file; `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when it is no plain file, or another user's, or has holes that would kill whoever touches them: on a file
    /// system in memory.
    pub fn open_file(&self, name: &str, access: FileAccess) -> Result<Option<SharedFile>, ShmError> {
        let path = self.path.join(name);
        let (fd, stat) = match open_plain(&self.dir, name, &path, access, None) {
            Ok(opened) => opened,
            Err(Err(Errno::NOENT)) => return Ok(None),
            Err(Err(errno)) => return Err(ShmError::io("open", path)(errno)),
            Err(Ok(error)) => return Err(error),
        };
        let (bytes, allocated_bytes) = sizes(&stat);
        if allocated_bytes < bytes && fstatfs(&fd).is_ok_and(|stat| stat.f_type as u64 == TMPFS) {
            return Err(ShmError::Holes { path, bytes, allocated_bytes });
        }
        Ok(Some(SharedFile::new(fd, bytes, access, path)))
    }

    /// True when there is something of that name.
    pub fn has(&self, name: &str) -> bool {
        rustix::fs::statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Gives a file another name, which nothing has: false when something does.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when the file is not there, or the system says no.
    pub fn rename(&self, from: &str, to: &str) -> Result<bool, ShmError> {
        match renameat_with(&self.dir, from, &self.dir, to, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(errno) => Err(ShmError::io("rename", self.path.join(from))(errno)),
        }
    }

    /// Removes a file: false when there is none.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when the system says no.
    pub fn remove(&self, name: &str) -> Result<bool, ShmError> {
        match unlinkat(&self.dir, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(ShmError::io("remove", self.path.join(name))(errno)),
        }
    }

    /// Waits until the names in it are on the disk.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when the system says no.
    pub fn sync(&self) -> Result<(), ShmError> {
        retry_on_intr(|| fsync(&self.dir)).map_err(ShmError::io("write to the disk", &self.path))
    }

    /// Locks a lock file, made if need be; `None` while somebody alive has it.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when it cannot be made, or is no plain file.
    pub fn lock(&self, name: &str) -> Result<Option<FileLock>, ShmError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let open = || openat(&self.dir, name, flags, Mode::RUSR | Mode::WUSR);
        let file = OwnFile::open(open).map_err(|errno| match errno {
            Errno::LOOP | Errno::ISDIR | Errno::NXIO => {
                ShmError::WrongKind { path: self.path.join(name), expected: "a plain file" }
            }
            errno => ShmError::io("open", self.path.join(name))(errno),
        })?;
        let Some(lock) = Lock::despite_probers(file) else { return Ok(None) };
        if let Some(file) = lock.file() {
            // For people; nothing depends on it.
            let _ = ftruncate(file, 0);
            let _ = pwrite(file, process::id().to_string().as_bytes(), 0);
        }
        Ok(Some(FileLock(lock)))
    }

    /// Whether somebody alive has a lock file locked. In doubt, yes: nobody is declared dead without proof.
    pub fn is_locked(&self, name: &str) -> bool {
        match self.open_lock(name) {
            Ok(file) => liveness::is_locked(&file),
            Err(errno) => errno != Errno::NOENT,
        }
    }

    /// A lock file to be asked often, whatever becomes of its name; `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when it cannot be opened.
    pub fn watch_lock(&self, name: &str) -> Result<Option<LockWatch>, ShmError> {
        match self.open_lock(name) {
            Ok(file) => Ok(Some(LockWatch(file))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(ShmError::io("open", self.path.join(name))(errno)),
        }
    }

    /// Which process locked a lock file last, as it said itself.
    pub fn locked_by(&self, name: &str) -> Option<u32> {
        let mut text = [0; 20];
        let file = self.open_lock(name).ok()?;
        let bytes = pread(&file, &mut text, 0).ok()?;
        std::str::from_utf8(&text[..bytes]).ok()?.parse().ok()
    }

    fn open_lock(&self, name: &str) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        openat(&self.dir, name, flags, Mode::empty())
    }
}

impl SharedFile {
    /// The first bytes of it; fewer than asked for when it ends before.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when it cannot be read.
    pub fn read_start<const BYTES: usize>(&self) -> Result<Vec<u8>, ShmError> {
        let mut bytes = vec![0; BYTES];
        let mut filled = 0;
        while filled < BYTES {
            match pread(self.as_fd(), &mut bytes[filled..], filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(ShmError::io("read", self.path())(errno)),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }
}
