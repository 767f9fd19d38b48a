//! Files that forked children do not inherit: entered in a table as they are opened, closed by the child at once.
//!
//! A fork in the instant between opening and entering would miss the file. So both happen under a mutex that `fork` takes
//! first and gives back last, and a file that a child has a copy of is in the child's copy of the table. A drop needs no
//! mutex:
//!
//! 1. The kernel copies the open files first, then the memory. An entry in the child's table was there before the fork
//!    began (the mutex), and the file not yet closed when the files were copied (entries go before the close): the
//!    child closes a copy of that file, never another file of the same number.
//! 2. An entry that went in between leaves the child a copy of a file whose lock is released already (`Lock::drop`).
//!
//! The generation kept here tells a parent's handles from their copies in a child, also where the child of a new pid
//! namespace has its parent's pid. A drop of such a copy must do nothing.

#![allow(unsafe_code)] // the fork handlers, which close plain numbers, their mutex, and the chunks of the table

use std::cell::UnsafeCell;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::process;
use std::ptr;
use std::sync::Once;

use rustix::io::Errno;
use xbar_layout::sync::Ordering;
use xbar_layout::sync::unmodelled::{AtomicI32, AtomicPtr};

/// An open file that this process's children do not have.
///
/// Invariant 1: in the process that opened it the file is open and in the table; in a forked child its number is closed
/// and may be another file's.
#[derive(Debug)]
pub(crate) struct OwnFile {
    /// Taken by drop.
    file: Option<OwnedFd>,
    /// `fork` changes the generation, a raw `clone` the pid.
    opener: (i32, u32),
}

impl OwnFile {
    /// Opens a file by `open`, which must not fork.
    pub(crate) fn open(open: impl FnOnce() -> Result<OwnedFd, Errno>) -> Result<Self, Errno> {
        watch_forks();
        FORKS.lock();
        let own = open().map(Self::enter);
        FORKS.unlock();
        own
    }

    fn enter(file: OwnedFd) -> Self {
        let mut chunk = &TABLE;
        while !chunk.replace(NONE, file.as_raw_fd()) {
            chunk = chunk.next().unwrap_or_else(|| chunk.append());
        }
        Self { file: Some(file), opener: this_process() }
    }

    /// False in a forked child of the process that opened it.
    pub(crate) fn is_mine(&self) -> bool {
        self.opener == this_process()
    }

    /// The file; `None` in a forked child.
    pub(crate) fn file(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().filter(|_| self.is_mine()).map(AsFd::as_fd)
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        let Some(file) = self.file.take() else { return };
        if !self.is_mine() {
            // Invariant 1: the number may be another file's.
            let _ = file.into_raw_fd();
            return;
        }
        // Before the close, which gives the number to others.
        let mut chunk = Some(&TABLE);
        while let Some(here) = chunk {
            if here.replace(file.as_raw_fd(), NONE) {
                break;
            }
            chunk = here.next();
        }
    }
}

fn this_process() -> (i32, u32) {
    // ORDERING: none; changed only by a fork, before the child runs anything else.
    (GENERATION.load(Ordering::Relaxed), process::id())
}

const NONE: RawFd = -1;
const CHUNK: usize = 64;

/// Own files of this process; grows by chunks that are never freed, so that a fork handler may walk it at any time.
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
        // ORDERING: none; the handler runs in a child with one thread, and the mutex orders it behind every entry.
        let swap =
            |file: &AtomicI32| file.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        self.files.iter().any(swap)
    }
}

static TABLE: Chunk = Chunk::new();
/// How many forks lie between this process and the first that ran this; wraps.
static GENERATION: AtomicI32 = AtomicI32::new(0);

/// Changes in a forked child: whoever remembers it knows later, by one load, whether this still is the process that it was. Only
/// once a lock was taken; a raw `clone` changes nothing.
#[inline]
pub fn fork_generation() -> i32 {
    // ORDERING: none; as in `this_process`.
    GENERATION.load(Ordering::Relaxed)
}

/// A mutex that one call takes and another gives back, also in a forked child.
struct ForkMutex(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a mutex is for all threads, and only ever touched by its two functions.
unsafe impl Sync for ForkMutex {}

impl ForkMutex {
    fn lock(&self) {
        // SAFETY: initialised, never moved. Nobody locks it twice: `fork` calls `before`, and `open` must not fork.
        unsafe { libc::pthread_mutex_lock(self.0.get()) };
    }

    fn unlock(&self) {
        // SAFETY: locked by this thread, or by the thread that this one is the child's copy of.
        unsafe { libc::pthread_mutex_unlock(self.0.get()) };
    }
}

/// Held by whoever opens and enters a file, and by every fork from beginning to end.
static FORKS: ForkMutex = ForkMutex(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));

fn watch_forks() {
    static HANDLERS: Once = Once::new();
    HANDLERS.call_once(|| {
        // SAFETY: in a child the handlers touch nothing but a mutex of their own, atomics and close, which fork handlers
        // may. When there is no memory for them, children keep their parents alive: the safe side.
        let _ = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    });
}

extern "C" fn before() {
    FORKS.lock();
}

extern "C" fn in_parent() {
    FORKS.unlock();
}

extern "C" fn in_child() {
    FORKS.unlock();
    // ORDERING: none; a child has one thread.
    GENERATION.fetch_add(1, Ordering::Relaxed);
    let mut chunk = Some(&TABLE);
    while let Some(here) = chunk {
        for file in &here.files {
            // ORDERING: none; as above.
            let file = file.swap(NONE, Ordering::Relaxed);
            if file != NONE {
                // SAFETY: a copy of an own file, which the child's `OwnFile` will not touch again (invariant 1).
                let _ = unsafe { libc::close(file) };
            }
        }
        chunk = here.next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn no_fork_falls_between_opening_a_file_and_entering_it() {
        let (forked, is_forked) = mpsc::channel();
        let mut forker = None;
        let own = OwnFile::open(|| {
            let file = File::open("/proc/self/exe").unwrap();
            forker = Some(thread::spawn(move || {
                // SAFETY: the child calls nothing but `_exit`.
                let pid = unsafe { libc::fork() };
                if pid == 0 {
                    // SAFETY: ends the child.
                    unsafe { libc::_exit(0) };
                }
                forked.send(()).unwrap();
                // SAFETY: waits for that child, and does not ask how it ended.
                unsafe { libc::waitpid(pid, ptr::null_mut(), 0) };
            }));
            // However long the fork is given, it does not happen before the file is in the table.
            assert!(is_forked.recv_timeout(Duration::from_millis(100)).is_err());
            Ok(file.into())
        });
        is_forked.recv().unwrap();
        forker.unwrap().join().unwrap();
        assert!(own.unwrap().is_mine());
    }
}
