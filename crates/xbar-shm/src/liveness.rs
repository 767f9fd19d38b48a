//! Who is alive: whoever holds the kernel's lock on its seat's file.
//!
//! The lock is `flock`'s. It belongs to the open file description, so that an unrelated close in the same process does
//! not lose it, two copies of this library in one process see each other, and the kernel drops it at death, whatever the
//! cause, across containers and pid namespaces.
//!
//! A forked child inherits the description, and would keep its parent alive. So the child closes its copies at once, in
//! a handler that `fork` calls; the parent's lock stays. A process made by a raw `clone` calls no handler: until it ends
//! or executes another program, its parent looks alive. The pid remembered here tells a parent's handles from their
//! copies in a child, whose drop must do nothing.

#![allow(unsafe_code)] // the fork handler, which closes plain numbers

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::process;
use std::ptr;
use std::sync::Once;

use rustix::fs::{FlockOperation, flock};
use xbar_layout::sync::Ordering;
use xbar_layout::sync::unmodelled::{AtomicI32, AtomicPtr};

/// A lock on an open file, held until this is dropped by the process that took it.
#[derive(Debug)]
pub struct Lock {
    file: Option<OwnedFd>,
    pid: u32,
}

impl Lock {
    /// Locks `file` if nobody else has it locked.
    pub(crate) fn try_exclusive(file: OwnedFd) -> Result<Self, OwnedFd> {
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(file);
        }
        close_in_children(file.as_raw_fd());
        Ok(Self { file: Some(file), pid: process::id() })
    }

    /// False in a forked child of the process that took the lock.
    pub fn is_mine(&self) -> bool {
        self.pid == process::id()
    }

    pub(crate) fn file(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().map(AsFd::as_fd)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let Some(file) = self.file.take() else { return };
        if self.is_mine() {
            keep_in_children(file.as_raw_fd());
            // Explicitly, so that a copy in a child that is just being forked does not hold it.
            let _ = flock(&file, FlockOperation::Unlock);
        } else {
            // The number was closed when this process was forked, and may be another file's by now.
            let _ = file.into_raw_fd();
        }
    }
}

/// True when somebody has `file` locked, or may have.
pub(crate) fn is_locked(file: &OwnedFd) -> bool {
    // A shared lock, so that two who ask at once do not take each other for the owner. Closing the file drops it.
    flock(file, FlockOperation::NonBlockingLockShared).is_err()
}

const NONE: RawFd = -1;
const CHUNK: usize = 64;

/// Locked files of this process; grows by chunks that are never freed, so that a fork handler may walk it at any time.
struct Chunk {
    files: [AtomicI32; CHUNK],
    next: AtomicPtr<Chunk>,
}

impl Chunk {
    const fn new() -> Self {
        Self { files: [const { AtomicI32::new(NONE) }; CHUNK], next: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The chunk behind this one.
    fn next(&self) -> Option<&'static Self> {
        // ORDERING: fork-table: pairs with the release that appended it.
        let next = self.next.load(Ordering::Acquire);
        // SAFETY: null, or leaked by `append` and never freed.
        unsafe { next.as_ref() }
    }

    /// The chunk behind this one, made if need be.
    fn append(&self) -> &'static Self {
        let made = Box::into_raw(Box::new(Self::new()));
        // ORDERING: fork-table: release pairs with the acquire in `next`: the chunk is initialised.
        match self.next.compare_exchange(ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: just leaked, and never freed.
            Ok(_) => unsafe { &*made },
            Err(other) => {
                // SAFETY: made above, and seen by nobody.
                drop(unsafe { Box::from_raw(made) });
                // SAFETY: leaked by whoever was faster, and never freed.
                unsafe { &*other }
            }
        }
    }

    fn replace(&self, from: RawFd, to: RawFd) -> bool {
        // ORDERING: none; the handler runs in a child with one thread, behind everything that its parent did.
        let swap =
            |file: &AtomicI32| file.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        self.files.iter().any(swap)
    }
}

static TABLE: Chunk = Chunk::new();

fn close_in_children(file: RawFd) {
    static HANDLER: Once = Once::new();
    HANDLER.call_once(|| {
        // SAFETY: the handler touches nothing but atomics and close, which a fork handler may. When there is no memory
        // for it, children keep their parents alive: the safe side.
        let _ = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
    let mut chunk = &TABLE;
    while !chunk.replace(NONE, file) {
        chunk = chunk.next().unwrap_or_else(|| chunk.append());
    }
}

fn keep_in_children(file: RawFd) {
    let mut chunk = Some(&TABLE);
    while let Some(here) = chunk {
        if here.replace(file, NONE) {
            return;
        }
        chunk = here.next();
    }
}

extern "C" fn in_child() {
    let mut chunk = Some(&TABLE);
    while let Some(here) = chunk {
        for file in &here.files {
            // ORDERING: none; see `replace`.
            let file = file.swap(NONE, Ordering::Relaxed);
            if file != NONE {
                // SAFETY: a copy of a lock's file, which the child's `Lock` will not touch again (`Drop`).
                let _ = unsafe { libc::close(file) };
            }
        }
        chunk = here.next();
    }
}
