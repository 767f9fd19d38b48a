//! The helper thread: makes each segment while the one before is filled, and unmaps those that are full.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use xbar_shm::{Folder, RegionName};

use crate::error::LogError;
use crate::segment::{Prepared, WriterWords};

/// What the writer asks of it.
enum Ask {
    /// The next segment.
    Prepare,
    /// To unmap a segment that is full.
    Unmap(WriterWords),
}

/// The thread. It sleeps unless it was asked for something.
#[derive(Debug)]
pub(crate) struct Helper {
    asks: Option<Sender<Ask>>,
    ready: Receiver<Result<Prepared, LogError>>,
    is_asked: bool,
    thread: Option<JoinHandle<()>>,
}

impl Helper {
    /// Starts it; `None` when the system gives no thread.
    pub(crate) fn start(folder: Folder, log: RegionName, bytes: u64, prefault: bool) -> Option<Self> {
        let (asks, asked) = mpsc::channel();
        let (answer, ready) = mpsc::channel();
        let work = move || {
            for ask in asked {
                match ask {
                    Ask::Prepare => {
                        if answer.send(Prepared::new(&folder, &log, bytes, prefault)).is_err() {
                            return;
                        }
                    }
                    Ask::Unmap(words) => drop(words),
                }
            }
        };
        let thread = thread::Builder::new().name("xbar-log".into()).spawn(work).ok()?;
        Some(Self { asks: Some(asks), ready, is_asked: false, thread: Some(thread) })
    }

    fn ask(&self, ask: Ask) -> bool {
        self.asks.as_ref().is_some_and(|asks| asks.send(ask).is_ok())
    }

    /// Asks for the next segment.
    pub(crate) fn prepare(&mut self) {
        self.is_asked = self.is_asked || self.ask(Ask::Prepare);
    }

    /// The segment that was asked for, waited for if need be; `None` when none was.
    pub(crate) fn take(&mut self) -> Option<Result<Prepared, LogError>> {
        if !std::mem::take(&mut self.is_asked) {
            return None;
        }
        Some(self.ready.recv().unwrap_or(Err(LogError::Helper)))
    }

    /// Leaves the unmapping to it.
    pub(crate) fn unmap(&self, words: WriterWords) {
        // Where it is gone, the words come back and are dropped here.
        self.ask(Ask::Unmap(words));
    }

    /// Forgets a thread that this process, a forked child, does not have.
    pub(crate) fn forget(mut self) {
        std::mem::forget(self.thread.take());
        std::mem::forget(self.asks.take());
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        drop(self.asks.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has told itself, and left nothing that is needed.
            let _ = thread.join();
        }
    }
}
