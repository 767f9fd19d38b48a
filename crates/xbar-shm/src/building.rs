//! A region before anybody sees it: built under a temporary name, then renamed into place.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{
    FallocateFlags, Mode, OFlags, RenameFlags, fallocate, fchmod, fstat, ftruncate, mkdirat, openat,
    renameat_with,
};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Resource, getrlimit};

use crate::base::BaseDir;
use crate::error::ShmError;
use crate::huge;
use crate::leftovers::{DIRECTORY, remove_tree, sweep_leftovers, temporary_name};
use crate::liveness::Lock;
use crate::mapping::Mapping;
use crate::name::RegionName;
use crate::own::OwnFile;
use crate::room::available_bytes;
use crate::seat::{SeatKind, SeatLock, seat_file};
use crate::segment::Segment;
use crate::sharing::SharedWith;

/// How long a creator waits for the lock of the dead region that it replaces.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tries against sweepers that take a directory for a leftover in the instant between its making and its locking, and
/// against others who create and remove the same name.
const TRIES: usize = 64;

/// A region that nobody sees yet; its directory goes with it unless it is published.
#[derive(Debug)]
pub struct Building {
    base_dir: BaseDir,
    temporary: Temporary,
    name: RegionName,
    data: Arc<Mapping>,
    peers: Arc<Mapping>,
}

/// A temporary directory, locked, so that sweepers see that somebody is at work there.
#[derive(Debug)]
struct Temporary {
    base: OwnedFd,
    dir: OwnedFd,
    name: String,
    path: PathBuf,
    /// False when it has got a region's name.
    is_ours: bool,
    lock: Lock,
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
        let mut tries = 0;
        loop {
            tries += 1;
            let made = Temporary::make(base_dir, name).and_then(|temporary| {
                let (data, peers) = temporary.fill(base_dir.path(), data_bytes, peers_bytes)?;
                Ok(Self { base_dir: base_dir.clone(), temporary, name: name.clone(), data, peers })
            });
            match made {
                // A sweeper was faster.
                Err(ShmError::Io { errno: Errno::NOENT | Errno::EXIST, .. }) if tries < TRIES => {}
                made => return made,
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

    /// Lets others subscribe, who are given `subscribers` seats: their lock files are made here, because nobody else may make
    /// anything in the directory.
    ///
    /// # Errors
    ///
    /// [`ShmError::Closed`] when those others could not even enter the directory of regions.
    pub fn share(&self, with: SharedWith, subscribers: u32) -> Result<(), ShmError> {
        if with == SharedWith::Nobody {
            return Ok(());
        }
        let Temporary { base, dir, path, .. } = &self.temporary;
        let place = self.base_dir.path();
        let mode = fstat(base).map_err(ShmError::io("look at", place))?.st_mode & 0o7777;
        if !with.can_enter(mode) {
            return Err(ShmError::Closed { path: place.into(), mode, to: with });
        }
        let make = |file: &str, mode: Mode| {
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            // Whatever the umask says.
            openat(dir, file, flags, mode)
                .and_then(|fd| fchmod(fd, mode))
                .map_err(ShmError::io("make", path.join(file)))
        };
        make("data", with.data())?;
        make("peers", with.peers())?;
        for index in 0..subscribers {
            make(&seat_file(SeatKind::Subscriber, index), with.seat(SeatKind::Subscriber))?;
        }
        // Last: nobody else enters before.
        fchmod(dir, with.directory()).map_err(ShmError::io("chmod", path))
    }

    /// Gives it its name, with publisher seat 0 taken. A region of that name without a living publisher is shown to
    /// `takes_over` and replaced.
    ///
    /// # Errors
    ///
    /// [`ShmError::Alive`] when a publisher of that name lives; nothing is changed then. [`ShmError::Gone`] in a forked
    /// child of the process that started it.
    pub fn publish(mut self, takes_over: impl FnOnce(&Segment)) -> Result<(Segment, SeatLock), ShmError> {
        let gone = || ShmError::Gone { name: self.name.clone() };
        if !self.temporary.lock.is_mine() {
            return Err(gone());
        }
        let path = self.base_dir.path().join(self.name.as_str());
        let (base, dir) = self.temporary.handles().map_err(ShmError::io("open", &self.temporary.path))?;
        let segment = Segment::of(base, dir, self.name.clone(), path, None)?;
        // Alive from the first instant in which anybody can see it.
        let seat = segment.take_seat(SeatKind::Publisher, 0)?.ok_or_else(gone)?;
        let mut takes_over = Some(takes_over);
        let mut tries = 0;
        loop {
            match self.temporary.rename(&self.name, RenameFlags::NOREPLACE) {
                Ok(()) => break,
                Err(Errno::EXIST | Errno::NOTEMPTY) => {}
                Err(errno) => return Err(ShmError::io("rename", segment.directory())(errno)),
            }
            tries += 1;
            match self.replace(&mut takes_over) {
                Ok(()) => break,
                // It went while we looked: the name is free, or somebody else's.
                Err(ShmError::NotFound { .. } | ShmError::Gone { .. }) if tries < TRIES => {}
                Err(error) => return Err(error),
            }
        }
        self.temporary.is_ours = false;
        Ok((segment, seat))
    }

    fn replace(&self, takes_over: &mut Option<impl FnOnce(&Segment)>) -> Result<(), ShmError> {
        let old = Segment::open(&self.base_dir, &self.name)?;
        let _lock = old.lock(PATIENCE)?;
        if let Some(&index) = old.living_for_sure(SeatKind::Publisher)?.first() {
            return Err(ShmError::Alive { name: self.name.clone(), who: old.who(index) });
        }
        if let Some(takes_over) = takes_over.take() {
            takes_over(&old);
        }
        // Whoever replaces or removes holds the lock of what has the name: it is still the dead one.
        let exchanged = self.temporary.rename(&self.name, RenameFlags::EXCHANGE);
        exchanged.map_err(ShmError::io("rename", old.directory()))?;
        remove_tree(&self.temporary.base, &self.temporary.name);
        Ok(())
    }
}

impl Temporary {
    fn make(base_dir: &BaseDir, name: &RegionName) -> Result<Self, ShmError> {
        let base = base_dir.open_or_create()?;
        let name = temporary_name(name);
        let path = base_dir.path().join(&name);
        mkdirat(&base, &name, Mode::RWXU).map_err(ShmError::io("make", &path))?;
        // From here on a failure leaves an empty directory that nobody has locked.
        let made = (|| {
            let dir = openat(&base, &name, DIRECTORY, Mode::empty())?;
            let again = OwnFile::open(|| openat(&dir, ".", DIRECTORY, Mode::empty()))?;
            // Only a sweeper can have it, which removes the directory.
            let lock = Lock::try_exclusive(again).map_err(|_| Errno::NOENT)?;
            Ok((dir, lock))
        })();
        match made {
            Ok((dir, lock)) => Ok(Self { base, dir, name, path, is_ours: true, lock }),
            Err(errno) => {
                remove_tree(&base, &name);
                Err(ShmError::io("lock", path)(errno))
            }
        }
    }

    /// Makes its files.
    fn fill(&self, base: &Path, data: usize, peers: usize) -> Result<(Arc<Mapping>, Arc<Mapping>), ShmError> {
        let needed_bytes = (data as u64).saturating_add(peers as u64);
        let no_space =
            |available_bytes| ShmError::NoSpace { path: base.into(), needed_bytes, available_bytes };
        match available_bytes(&self.base) {
            Some(available) if available < needed_bytes => return Err(no_space(available)),
            _ => {}
        }
        let file = |file: &str, bytes: usize| {
            let path = self.path.join(file);
            if getrlimit(Resource::Fsize).current.is_some_and(|limit| limit < bytes as u64) {
                // Before the kernel says so by a signal.
                return Err(ShmError::io("allocate", path)(Errno::FBIG));
            }
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let fd = openat(&self.dir, file, flags, Mode::RUSR | Mode::WUSR)
                .map_err(ShmError::io("make", &path))?;
            ftruncate(&fd, bytes as u64).map_err(ShmError::io("allocate", &path))?;
            let mapping = Mapping::new(fd.as_fd(), 0, bytes, true).map_err(ShmError::io("map", &path))?;
            huge::collapse(&mapping);
            match retry_on_intr(|| fallocate(&fd, FallocateFlags::empty(), 0, bytes as u64)) {
                Ok(()) => Ok(Arc::new(mapping)),
                Err(Errno::NOSPC | Errno::DQUOT) => Err(no_space(available_bytes(&self.base).unwrap_or(0))),
                Err(errno) => Err(ShmError::io("allocate", path)(errno)),
            }
        };
        Ok((file("data", data)?, file("peers", peers)?))
    }

    fn handles(&self) -> Result<(OwnedFd, OwnedFd), Errno> {
        let dup = |fd: &OwnedFd| rustix::io::fcntl_dupfd_cloexec(fd, 0);
        Ok((dup(&self.base)?, dup(&self.dir)?))
    }

    fn rename(&self, name: &RegionName, flags: RenameFlags) -> Result<(), Errno> {
        renameat_with(&self.base, &self.name, &self.base, name.as_str(), flags)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Neither a region nor the directory of a parent process.
        if self.is_ours && self.lock.is_mine() {
            remove_tree(&self.base, &self.name);
        }
    }
}
