//! Who is alive: whoever holds the kernel's lock on its seat's file.
//!
//! The lock is `flock`'s. It belongs to the open file description, so that an unrelated close in the same process does
//! not lose it, two copies of this library in one process see each other, and the kernel drops it at death, whatever the
//! cause, across containers and pid namespaces.
//!
//! A forked child inherits the description, and would keep its parent alive. So each file is entered in a table as it
//! is opened ([`crate::own`]), and the child closes its copies as soon as it runs; the parent's lock stays. A process made by a raw
//! `clone` or `vfork` calls no fork handler: until it ends or executes another program, its parent looks alive.

use std::os::fd::{AsFd, BorrowedFd};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use crate::own::OwnFile;

/// How long a lock is tried that a prober has: that is for an instant, unless the prober loses its core in it.
const PROBER_PATIENCE: Duration = Duration::from_millis(500);

/// Between two tries, in which the prober may have the core.
const PAUSE: Duration = Duration::from_micros(50);

/// A lock on an open file, held until this is dropped by the process that took it.
#[derive(Debug)]
pub(crate) struct Lock(OwnFile);

impl Lock {
    /// Locks `file` if nobody else has it locked, or may have.
    pub(crate) fn try_exclusive(file: OwnFile) -> Result<Self, OwnFile> {
        match file.file().map(|file| flock(file, FlockOperation::NonBlockingLockExclusive)) {
            Some(Ok(())) => Ok(Self(file)),
            _ => Err(file),
        }
    }

    /// Locks `file`; `None` when somebody has it locked who is no prober.
    pub(crate) fn despite_probers(mut file: OwnFile) -> Option<Self> {
        let start = Instant::now();
        loop {
            file = match Self::try_exclusive(file) {
                Ok(lock) => return Some(lock),
                Err(file) => file,
            };
            // Whoever has it for good shares the file with nobody; a prober does, for an instant.
            if file.file().is_none_or(is_locked) || start.elapsed() >= PROBER_PATIENCE {
                return None;
            }
            thread::sleep(PAUSE);
        }
    }

    /// False in a forked child of the process that took the lock.
    pub(crate) fn is_mine(&self) -> bool {
        self.0.is_mine()
    }

    pub(crate) fn file(&self) -> Option<BorrowedFd<'_>> {
        self.0.file()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(file) = self.0.file() {
            // Explicitly: a process that is just being spawned has a copy until it executes its program.
            let _ = flock(file, FlockOperation::Unlock);
        }
    }
}

/// True when somebody has `file` locked, or may have.
pub(crate) fn is_locked(file: impl AsFd) -> bool {
    // A shared lock, so that two who ask at once do not take each other for the owner.
    if flock(&file, FlockOperation::NonBlockingLockShared).is_err() {
        return true;
    }
    // Explicitly: a child forked at this instant has a copy, and would keep the seat from others.
    let _ = flock(file, FlockOperation::Unlock);
    false
}
