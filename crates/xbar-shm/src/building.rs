//! A region before anybody sees it: built under a temporary name, then renamed into place.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{
    FallocateFlags, Mode, OFlags, RenameFlags, fallocate, fstatvfs, mkdirat, openat, renameat_with,
};
use rustix::io::Errno;

use crate::base::{BaseDir, entries};
use crate::clock::monotonic_ns;
use crate::error::ShmError;
use crate::liveness::Lock;
use crate::mapping::Mapping;
use crate::name::RegionName;
use crate::segment::{DIRECTORY, SeatKind, SeatLock, Segment, remove_tree};

/// Temporary directories begin with this; no region's name does.
const TEMPORARY: &str = ".new.";

/// How long a creator waits for the lock of the dead region that it replaces.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tries against sweepers that take a directory for a leftover in the instant between its making and its locking.
const TRIES: usize = 16;

/// A name that nobody else uses now.
pub(crate) fn temporary_name(name: &RegionName) -> String {
    format!("{TEMPORARY}{name}.{}.{}", process::id(), monotonic_ns())
}

/// A region that nobody sees yet; its directory goes with it unless it is published.
#[derive(Debug)]
pub struct Building {
    base_dir: BaseDir,
    base: OwnedFd,
    /// Taken by `publish`.
    dir: Option<OwnedFd>,
    temporary: String,
    name: RegionName,
    data: Arc<Mapping>,
    peers: Arc<Mapping>,
    /// Tells sweepers that somebody is at work here.
    _lock: Lock,
}

impl Building {
    /// Makes a directory with files `data` and `peers` of these sizes, zeroed and with all their memory taken.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when there is no room or no permission; nothing is left behind.
    pub fn start(
        base_dir: &BaseDir,
        name: &RegionName,
        data_bytes: usize,
        peers_bytes: usize,
    ) -> Result<Self, ShmError> {
        sweep_leftovers(base_dir);
        let base = base_dir.open_or_create()?;
        let mut tries = 0;
        loop {
            let temporary = temporary_name(name);
            let path = base_dir.path().join(&temporary);
            let made = make(&base, &temporary, &path, data_bytes, peers_bytes);
            match made {
                Ok((dir, lock, data, peers)) => {
                    return Ok(Self {
                        base_dir: base_dir.clone(),
                        base,
                        dir: Some(dir),
                        temporary,
                        name: name.clone(),
                        data,
                        peers,
                        _lock: lock,
                    });
                }
                Err(error) => {
                    remove_tree(&base, &temporary);
                    tries += 1;
                    if tries == TRIES
                        || !matches!(error, ShmError::Io { errno: Errno::NOENT | Errno::EXIST, .. })
                    {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Its `data`, writable.
    pub const fn data(&self) -> &Arc<Mapping> {
        &self.data
    }

    /// Its `peers`, writable.
    pub const fn peers(&self) -> &Arc<Mapping> {
        &self.peers
    }

    /// Gives it its name, with publisher seat 0 taken. A region of that name without a living publisher is shown to
    /// `takes_over` and replaced.
    ///
    /// # Errors
    ///
    /// [`ShmError::Alive`] when a publisher of that name lives; nothing is changed then.
    pub fn publish(mut self, mut takes_over: impl FnMut(&Segment)) -> Result<(Segment, SeatLock), ShmError> {
        let path = self.base_dir.path().join(self.name.as_str());
        let Some(dir) = self.dir.take() else { return Err(ShmError::Gone { name: self.name.clone() }) };
        let base =
            self.base.try_clone().map_err(|_| ShmError::io("open", self.base_dir.path())(Errno::MFILE))?;
        let segment = Segment::of(base, dir, self.name.clone(), path)?;
        // Alive from the first instant in which anybody can see it.
        let seat = segment.take_seat(SeatKind::Publisher, 0)?;
        let seat = seat.ok_or_else(|| ShmError::Gone { name: self.name.clone() })?;
        loop {
            match self.rename(RenameFlags::NOREPLACE) {
                Ok(()) => return Ok((segment, seat)),
                Err(Errno::EXIST | Errno::NOTEMPTY) => {}
                Err(errno) => return Err(ShmError::io("rename", segment.directory())(errno)),
            }
            match self.replace(&mut takes_over) {
                Ok(()) => return Ok((segment, seat)),
                // It went while we looked: the name is free, or somebody else's.
                Err(ShmError::NotFound { .. } | ShmError::Gone { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn replace(&self, takes_over: &mut impl FnMut(&Segment)) -> Result<(), ShmError> {
        let old = Segment::open(&self.base_dir, &self.name)?;
        let _lock = old.lock(PATIENCE)?;
        if let Some(&index) = old.living(SeatKind::Publisher).first() {
            return Err(ShmError::Alive { name: self.name.clone(), who: old.who(index) });
        }
        takes_over(&old);
        self.rename(RenameFlags::EXCHANGE).map_err(ShmError::io("rename", old.directory()))?;
        remove_tree(&self.base, &self.temporary);
        Ok(())
    }

    fn rename(&self, flags: RenameFlags) -> Result<(), Errno> {
        renameat_with(&self.base, &self.temporary, &self.base, self.name.as_str(), flags)
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        // Published, the temporary name is gone, or names the region that was replaced.
        remove_tree(&self.base, &self.temporary);
    }
}

type Made = (OwnedFd, Lock, Arc<Mapping>, Arc<Mapping>);

fn make(
    base: &OwnedFd,
    temporary: &str,
    path: &std::path::Path,
    data_bytes: usize,
    peers_bytes: usize,
) -> Result<Made, ShmError> {
    let needed = data_bytes as u64 + peers_bytes as u64;
    // Asked first: a file system in memory would take what there is before it says no.
    check_room(base, path, needed)?;
    mkdirat(base, temporary, Mode::RWXU).map_err(ShmError::io("make", path))?;
    let dir = openat(base, temporary, DIRECTORY, Mode::empty()).map_err(ShmError::io("open", path))?;
    let again = openat(&dir, ".", DIRECTORY, Mode::empty()).map_err(ShmError::io("open", path))?;
    let lock = Lock::try_exclusive(again).map_err(|_| ShmError::io("lock", path)(Errno::NOENT))?;
    let file = |file: &str, bytes: usize| -> Result<Arc<Mapping>, ShmError> {
        let path: PathBuf = path.join(file);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(&dir, file, flags, Mode::RUSR | Mode::WUSR).map_err(ShmError::io("make", &path))?;
        match fallocate(&fd, FallocateFlags::empty(), 0, bytes as u64) {
            Ok(()) => {}
            Err(Errno::NOSPC | Errno::FBIG) => return Err(no_space(base, &path, needed)),
            Err(errno) => return Err(ShmError::io("allocate", path)(errno)),
        }
        let mapping = Mapping::new(fd.as_fd(), 0, bytes, true);
        mapping.map(Arc::new).map_err(ShmError::io("map", path))
    };
    let data = file("data", data_bytes)?;
    let peers = file("peers", peers_bytes)?;
    Ok((dir, lock, data, peers))
}

fn check_room(base: &OwnedFd, path: &std::path::Path, needed_bytes: u64) -> Result<(), ShmError> {
    match available(base) {
        Some(available_bytes) if available_bytes < needed_bytes => {
            let path = path.parent().unwrap_or(path).into();
            Err(ShmError::NoSpace { path, needed_bytes, available_bytes })
        }
        _ => Ok(()),
    }
}

fn no_space(base: &OwnedFd, path: &std::path::Path, needed_bytes: u64) -> ShmError {
    let path = path.ancestors().nth(2).unwrap_or(path).into();
    ShmError::NoSpace { path, needed_bytes, available_bytes: available(base).unwrap_or(0) }
}

fn available(base: &OwnedFd) -> Option<u64> {
    let stat = fstatvfs(base).ok()?;
    stat.f_bavail.checked_mul(stat.f_frsize)
}

/// Removes what builders and removers left behind that were killed at work: temporary directories that nobody has locked.
pub fn sweep_leftovers(base: &BaseDir) {
    let Ok(Some(dir)) = base.open_existing() else { return };
    for (name, _) in entries(&dir).unwrap_or_default() {
        if !name.starts_with(TEMPORARY) {
            continue;
        }
        let Ok(leftover) = openat(&dir, &name, DIRECTORY, Mode::empty()) else { continue };
        if let Ok(_at_work) = Lock::try_exclusive(leftover) {
            remove_tree(&dir, &name);
        }
    }
}
