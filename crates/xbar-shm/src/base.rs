//! The directory where regions live.

use std::fs::DirBuilder;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, FileType, Mode, OFlags, fstat, open};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::error::ShmError;
use crate::name::RegionName;

/// Where regions live: by default a directory of this user's on the RAM-backed file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseDir(PathBuf);

impl BaseDir {
    /// `$XBAR_DIR` when that is set and not empty, else `/dev/shm/xbar-<effective user id>`.
    pub fn standard() -> Self {
        match std::env::var_os("XBAR_DIR") {
            Some(dir) if !dir.is_empty() => Self::at(dir),
            _ => Self::at(format!("/dev/shm/xbar-{}", geteuid().as_raw())),
        }
    }

    /// A directory of the caller's choice.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Opens it; `None` when it does not exist.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when it is no directory, another user's, or writable by others without being sticky.
    pub fn open_existing(&self) -> Result<Option<OwnedFd>, ShmError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = match open(&self.0, flags, Mode::empty()) {
            Ok(dir) => dir,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::NOTDIR | Errno::LOOP) => {
                return Err(ShmError::WrongKind { path: self.0.clone(), expected: "a directory" });
            }
            Err(errno) => return Err(ShmError::io("open", &self.0)(errno)),
        };
        let stat = fstat(&dir).map_err(ShmError::io("look at", &self.0))?;
        check_owner(&self.0, stat.st_uid)?;
        let mode = stat.st_mode & 0o7777;
        if mode & 0o022 != 0 && mode & 0o1000 == 0 {
            return Err(ShmError::Permissions { path: self.0.clone(), mode });
        }
        Ok(Some(dir))
    }

    /// Opens it, made with mode 0700 if need be.
    ///
    /// # Errors
    ///
    /// As [`BaseDir::open_existing`], and when it cannot be made.
    pub fn open_or_create(&self) -> Result<OwnedFd, ShmError> {
        if let Some(dir) = self.open_existing()? {
            return Ok(dir);
        }
        // The RAM-backed file system is mounted, or is not there: never made.
        let with_parents = self.0.parent() != Some(Path::new("/dev/shm"));
        match DirBuilder::new().recursive(with_parents).mode(0o700).create(&self.0) {
            // Somebody was faster; what it is, is checked below.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
                return Err(ShmError::io("make", &self.0)(errno));
            }
            _ => {}
        }
        self.open_existing()?.ok_or_else(|| ShmError::io("open", &self.0)(Errno::NOENT))
    }

    /// Names of the regions in it, dead or alive, sorted. Empty when it does not exist.
    ///
    /// # Errors
    ///
    /// As [`BaseDir::open_existing`].
    pub fn list(&self) -> Result<Vec<RegionName>, ShmError> {
        let Some(dir) = self.open_existing()? else { return Ok(Vec::new()) };
        let mut names: Vec<_> = entries(&dir)
            .map_err(ShmError::io("read", &self.0))?
            .into_iter()
            .filter(|(_, kind)| matches!(kind, FileType::Directory | FileType::Unknown))
            .filter_map(|(name, _)| RegionName::new(&name).ok())
            .collect();
        names.sort();
        Ok(names)
    }
}

/// What is in a directory, names that are no text left out.
pub(crate) fn entries(dir: &OwnedFd) -> Result<Vec<(String, FileType)>, Errno> {
    let mut found = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        match entry.file_name().to_str() {
            Ok("." | "..") | Err(_) => {}
            Ok(name) => found.push((name.to_owned(), entry.file_type())),
        }
    }
    Ok(found)
}

/// Only this user's and root's files are believed.
pub(crate) fn check_owner(path: &Path, uid: u32) -> Result<(), ShmError> {
    if uid == geteuid().as_raw() || uid == 0 {
        return Ok(());
    }
    Err(ShmError::Owner { path: path.into(), uid })
}
