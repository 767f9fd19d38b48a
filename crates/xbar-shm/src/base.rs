//! The directory where regions live.

use std::fs::DirBuilder;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, FileType, Mode, OFlags, chmod, fstat, open};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::error::ShmError;
use crate::name::RegionName;
use crate::sharing::SharedWith;

/// Where regions live: by default a directory of this user's on the RAM-backed file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseDir {
    path: PathBuf,
    /// A user whose files are believed as well.
    trusted: Option<u32>,
    shared_with: SharedWith,
}

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
        Self { path: path.into(), trusted: None, shared_with: SharedWith::Nobody }
    }

    /// The standard directory of another user, whose files are believed; see [`BaseDir::trusting`].
    pub fn of_user(uid: u32) -> Self {
        Self::at(format!("/dev/shm/xbar-{uid}")).trusting(uid)
    }

    /// Believes the files of user `uid` as well as this user's and root's. Whoever that is can end this process by truncating
    /// a file that it has mapped.
    #[must_use]
    pub const fn trusting(mut self, uid: u32) -> Self {
        self.trusted = Some(uid);
        self
    }

    /// Made for others too, where it has to be made.
    #[must_use]
    pub const fn shared_with(mut self, shared_with: SharedWith) -> Self {
        self.shared_with = shared_with;
        self
    }

    pub(crate) const fn trusted(&self) -> Option<u32> {
        self.trusted
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it; `None` when it does not exist.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when it is no directory, another user's, or writable by others without being sticky.
    pub fn open_existing(&self) -> Result<Option<OwnedFd>, ShmError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = match open(&self.path, flags, Mode::empty()) {
            Ok(dir) => dir,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::NOTDIR | Errno::LOOP) => {
                return Err(ShmError::WrongKind { path: self.path.clone(), expected: "a directory" });
            }
            Err(errno) => return Err(ShmError::io("open", &self.path)(errno)),
        };
        let stat = fstat(&dir).map_err(ShmError::io("look at", &self.path))?;
        check_owner(&self.path, stat.st_uid, self.trusted)?;
        let mode = stat.st_mode & 0o7777;
        if mode & 0o022 != 0 && mode & 0o1000 == 0 {
            return Err(ShmError::Permissions { path: self.path.clone(), mode });
        }
        Ok(Some(dir))
    }

    /// Opens it, made with mode 0700 (or for those whom it is shared with) if need be.
    ///
    /// # Errors
    ///
    /// As [`BaseDir::open_existing`], and when it cannot be made.
    pub fn open_or_create(&self) -> Result<OwnedFd, ShmError> {
        if let Some(dir) = self.open_existing()? {
            return Ok(dir);
        }
        // The RAM-backed file system is mounted, or is not there: never made.
        let with_parents = self.path.parent() != Some(Path::new("/dev/shm"));
        match DirBuilder::new().recursive(with_parents).mode(0o700).create(&self.path) {
            // Somebody was faster; what it is, is checked below.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
                return Err(ShmError::io("make", &self.path)(errno));
            }
            Err(_) => {}
            // Whatever the umask says.
            Ok(()) => {
                chmod(&self.path, self.shared_with.directory()).map_err(ShmError::io("chmod", &self.path))?
            }
        }
        self.open_existing()?.ok_or_else(|| ShmError::io("open", &self.path)(Errno::NOENT))
    }

    /// Names of the regions in it, dead or alive, sorted. Empty when it does not exist.
    ///
    /// # Errors
    ///
    /// As [`BaseDir::open_existing`].
    pub fn list(&self) -> Result<Vec<RegionName>, ShmError> {
        let Some(dir) = self.open_existing()? else { return Ok(Vec::new()) };
        let mut names: Vec<_> = entries(&dir)
            .map_err(ShmError::io("read", &self.path))?
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

/// Only this user's and root's files are believed, and those of one who is trusted by name.
pub(crate) fn check_owner(path: &Path, uid: u32, trusted: Option<u32>) -> Result<(), ShmError> {
    if uid == geteuid().as_raw() || uid == 0 || trusted == Some(uid) {
        return Ok(());
    }
    Err(ShmError::Owner { path: path.into(), uid })
}
