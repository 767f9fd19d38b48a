//! Threads that run stages: named, on a core if wished, with their panics kept.
//!
//! Invariant: a thread that panics is told to whoever asks, by its stage's name, and what it held is dropped first, so that its
//! neighbours find the end and nobody waits for it.

use std::any::Any;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use xbar_layout::sync::{AtomicU32, Ordering};
use xbar_ring::{Adaptive, WaitStrategy};
use xbar_shm::affinity::{AffinityError, pin_to_core};

/// How a stage's thread runs.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) name: String,
    pub(crate) core: Option<usize>,
    pub(crate) waiting: Waiting,
}

/// How a stage waits; each of its waits begins with a copy.
#[derive(Clone)]
pub(crate) struct Waiting(Arc<dyn Fn() -> Box<dyn WaitStrategy + Send> + Send + Sync>);

impl Waiting {
    pub(crate) fn new(strategy: impl WaitStrategy + Clone + Send + Sync + 'static) -> Self {
        Self(Arc::new(move || Box::new(strategy.clone())))
    }

    pub(crate) fn strategy(&self) -> Box<dyn WaitStrategy + Send> {
        (self.0)()
    }
}

impl Default for Waiting {
    fn default() -> Self {
        Self::new(Adaptive)
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").finish_non_exhaustive()
    }
}

/// A stage whose handler panicked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StagePanic {
    /// Its name.
    pub stage: String,
    /// What it said.
    pub message: String,
}

impl fmt::Display for StagePanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stage, message } = self;
        write!(f, "stage {stage} panicked: {message}: what it had not handled is lost, correct its handler")
    }
}

impl std::error::Error for StagePanic {}

/// Why stages cannot start. None of them runs.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The system gives no thread.
    Thread {
        /// For which stage.
        stage: String,
        /// What the system said.
        error: io::Error,
    },
    /// The stage cannot run on its core.
    Core {
        /// Which stage.
        stage: String,
        /// Why.
        error: AffinityError,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thread { stage, error } => {
                write!(
                    f,
                    "no thread for stage {stage}: {error}: use fewer stages, or raise the limit (ulimit -u)"
                )
            }
            Self::Core { stage, error } => write!(f, "stage {stage}: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// What others see of a thread.
#[derive(Debug)]
pub(crate) struct Status {
    name: String,
    /// 0 = runs, 1 = has ended, 2 = has panicked.
    end: AtomicU32,
    panic: Mutex<Option<StagePanic>>,
}

impl Status {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn has_ended(&self) -> bool {
        // ORDERING: stage-end: pairs with the release of the thread.
        self.end.load(Ordering::Acquire) != 0
    }

    pub(crate) fn panic(&self) -> Option<StagePanic> {
        // ORDERING: stage-end: as above.
        if self.end.load(Ordering::Acquire) != 2 {
            return None;
        }
        self.panic.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn ended(&self, panic: Option<StagePanic>) {
        let end = if panic.is_some() { 2 } else { 1 };
        *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = panic;
        // ORDERING: stage-end: release pairs with whoever finds the thread ended.
        self.end.store(end, Ordering::Release);
    }
}

/// Threads that belong together.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    threads: Vec<JoinHandle<()>>,
    pub(crate) statuses: Vec<Arc<Status>>,
}

impl Workers {
    /// Starts `body` in a thread of its own; returns when it is on its core.
    pub(crate) fn start(
        &mut self,
        work: &Work,
        body: impl FnOnce() + Send + 'static,
    ) -> Result<(), StartError> {
        let stage = work.name.clone();
        let status =
            Arc::new(Status { name: stage.clone(), end: AtomicU32::new(0), panic: Mutex::default() });
        let (theirs, core) = (Arc::clone(&status), work.core);
        let (told, on_core) = mpsc::sync_channel(1);
        let run = move || {
            let pinned = core.map_or(Ok(()), pin_to_core);
            let may_run = pinned.is_ok();
            // Whoever started this waits for it.
            let _ = told.send(pinned);
            if may_run {
                let panicked = catch_unwind(AssertUnwindSafe(body)).err();
                let panic = panicked
                    .map(|payload| StagePanic { stage: theirs.name.clone(), message: message(&*payload) });
                theirs.ended(panic);
            }
        };
        let spawned = thread::Builder::new().name(stage.clone()).spawn(run);
        let thread = spawned.map_err(|error| StartError::Thread { stage: stage.clone(), error })?;
        // A thread that ended without a word did so before it pinned anything: none does.
        if let Ok(Err(error)) = on_core.recv() {
            let _ = thread.join();
            return Err(StartError::Core { stage, error });
        }
        self.threads.push(thread);
        self.statuses.push(status);
        Ok(())
    }

    /// Stages that have panicked so far.
    pub(crate) fn panics(&self) -> Vec<StagePanic> {
        self.statuses.iter().filter_map(|status| status.panic()).collect()
    }

    /// Waits until all have ended; the first panic, if there was one.
    pub(crate) fn join(&mut self) -> Result<(), StagePanic> {
        for thread in self.threads.drain(..) {
            // Its panic was caught, and is told below.
            let _ = thread.join();
        }
        self.panics().into_iter().next().map_or(Ok(()), Err)
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
