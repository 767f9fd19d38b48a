//! Seats: one lock file per participant, in the region's directory. Who has it locked is alive; nothing else counts.

use std::fmt;
use std::os::fd::OwnedFd;
use std::process;

use rustix::fs::{Mode, OFlags, fchmod, ftruncate, openat};
use rustix::io::{Errno, pread, pwrite};

use crate::base::entries;
use crate::error::ShmError;
use crate::liveness::{self, Lock};
use crate::own::OwnFile;
use crate::segment::Segment;

/// What a participant does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

/// A seat taken: others see it alive until this is dropped, or its process ends.
#[derive(Debug)]
#[must_use = "the seat is free again when this is dropped"]
pub struct SeatLock(Lock);

impl SeatLock {
    /// False in a forked child of the process that took the seat.
    pub fn is_mine(&self) -> bool {
        self.0.is_mine()
    }
}

impl Segment {
    /// Takes seat `index`; `None` while somebody alive sits there.
    ///
    /// Hold the region's lock ([`Segment::lock`]), or its remover may be at work beside you.
    ///
    /// # Errors
    ///
    /// [`ShmError`] when the lock file cannot be made.
    pub fn take_seat(&self, kind: SeatKind, index: u32) -> Result<Option<SeatLock>, ShmError> {
        let name = seat_file(kind, index);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let mode = self.shared_with.seat(kind);
        let open = || openat(&self.dir, &name, flags, mode);
        let file = OwnFile::open(open).map_err(|errno| match errno {
            Errno::NOENT => ShmError::Gone { name: self.name.clone() },
            Errno::LOOP | Errno::ISDIR | Errno::NXIO => {
                ShmError::WrongKind { path: self.path.join(&name), expected: "a plain file" }
            }
            errno => ShmError::io("open", self.path.join(&name))(errno),
        })?;
        let Some(lock) = Lock::despite_probers(file) else { return Ok(None) };
        // For people; nothing depends on it.
        if let Some(file) = lock.file() {
            // Others are to see who lives, whatever the umask says. Only the file's owner can.
            let _ = fchmod(file, mode);
            let _ = ftruncate(file, 0);
            let _ = pwrite(file, process::id().to_string().as_bytes(), 0);
        }
        Ok(Some(SeatLock(lock)))
    }

    /// Whether somebody alive sits on seat `index`. In doubt, yes: nobody is declared dead without proof.
    pub fn seat_is_alive(&self, kind: SeatKind, index: u32) -> bool {
        match self.open_seat(kind, index) {
            Ok(file) => liveness::is_locked(&file),
            Err(errno) => errno != Errno::NOENT,
        }
    }

    /// The seats of a kind on which somebody alive sits, sorted. For people: empty also when the directory cannot be
    /// read.
    pub fn living(&self, kind: SeatKind) -> Vec<u32> {
        self.living_for_sure(kind).unwrap_or_default()
    }

    /// As [`Segment::living`], to decide upon: a directory that cannot be read proves nobody dead.
    pub(crate) fn living_for_sure(&self, kind: SeatKind) -> Result<Vec<u32>, ShmError> {
        let found = entries(&self.dir).map_err(ShmError::io("read", &self.path))?;
        let mut living: Vec<_> = found
            .iter()
            .filter_map(|(name, _)| name.strip_prefix(kind.prefix())?.parse().ok())
            .filter(|&index| self.seat_is_alive(kind, index))
            .collect();
        living.sort_unstable();
        Ok(living)
    }

    /// Who sits on publisher seat `index`, as it said itself.
    pub(crate) fn who(&self, index: u32) -> String {
        let mut text = [0; 20];
        let file = self.open_seat(SeatKind::Publisher, index);
        let bytes = file.and_then(|file| pread(&file, &mut text, 0)).unwrap_or(0);
        match std::str::from_utf8(&text[..bytes]).ok().and_then(|pid| pid.parse::<u32>().ok()) {
            Some(pid) => format!("publisher {index}, process {pid}"),
            None => format!("publisher {index}"),
        }
    }

    fn open_seat(&self, kind: SeatKind, index: u32) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        openat(&self.dir, seat_file(kind, index), flags, Mode::empty())
    }
}

impl SeatKind {
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Publisher => "publisher.",
            Self::Subscriber => "subscriber.",
        }
    }
}

pub(crate) fn seat_file(kind: SeatKind, index: u32) -> String {
    format!("{}{index}", kind.prefix())
}
