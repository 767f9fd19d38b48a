//! The flushing thread: writes a log to its disk every so many milliseconds, and keeps what goes wrong for the writer.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use xbar_shm::SharedFile;

use crate::error::LogError;

/// What both threads touch, now and then.
#[derive(Debug)]
struct Shared {
    file: Arc<SharedFile>,
    failed: Option<LogError>,
}

/// The thread.
#[derive(Debug)]
pub(crate) struct Flusher {
    shared: Arc<Mutex<Shared>>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

fn locked(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Flusher {
    /// Starts it.
    pub(crate) fn start(file: Arc<SharedFile>, ms: u32) -> Result<Self, LogError> {
        let shared = Arc::new(Mutex::new(Shared { file, failed: None }));
        let (stop, stopped) = mpsc::channel::<()>();
        let theirs = Arc::clone(&shared);
        let work = move || {
            while stopped.recv_timeout(Duration::from_millis(ms.into())) == Err(RecvTimeoutError::Timeout) {
                let file = Arc::clone(&locked(&theirs).file);
                // Without the mutex: it may take long.
                if let Err(error) = file.sync() {
                    locked(&theirs).failed = Some(error.into());
                }
            }
        };
        let thread = thread::Builder::new().name("xbar-log-flush".into()).spawn(work);
        let thread = thread.map_err(|_| LogError::Helper)?;
        Ok(Self { shared, stop: Some(stop), thread: Some(thread) })
    }

    /// Another file from now on.
    pub(crate) fn change(&self, file: Arc<SharedFile>) {
        locked(&self.shared).file = file;
    }

    /// What went wrong since the last time that this was asked.
    pub(crate) fn check(&self) -> Result<(), LogError> {
        locked(&self.shared).failed.take().map_or(Ok(()), Err)
    }

    /// Forgets a thread that this process, a forked child, does not have.
    pub(crate) fn forget(mut self) {
        std::mem::forget(self.thread.take());
        std::mem::forget(self.stop.take());
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has told itself.
            let _ = thread.join();
        }
    }
}
