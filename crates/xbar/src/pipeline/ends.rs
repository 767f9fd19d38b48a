//! Where items enter a pipeline, and where they leave it.

use std::fmt;
use std::sync::Arc;

use xbar_ring::event::{Many, Producer};
use xbar_ring::{RecvError, Step, TryRecvError, WaitStrategy};

use super::link::{Counts, End, Inlet, put};
use crate::bell::Bell;
use crate::shutdown::{Shutdown, Until};
use crate::worker::Waiting;

/// Why an item does not enter a pipeline. It is handed back.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputError<T> {
    /// There is no room yet; from [`Input::try_send`] alone.
    Full(T),
    /// The pipeline is drained or stopped, or its first stage is gone.
    Closed(T),
}

impl<T> InputError<T> {
    /// The item.
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(item) | Self::Closed(item) => item,
        }
    }
}

impl<T> fmt::Debug for InputError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Display for InputError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the pipeline is full: wait for its slowest stage, or give it more capacity",
            Self::Closed(_) => "the pipeline takes nothing any more: ask it why by joining it",
        })
    }
}

impl<T> std::error::Error for InputError<T> {}

/// Where items enter: clone it, one for each thread. When the last one is dropped, the stages handle what is left, and end.
pub struct Input<T: Send + 'static> {
    pub(super) producer: Producer<Option<T>, Many, Bell>,
    pub(super) counts: Arc<Counts>,
    pub(super) shutdown: Shutdown,
}

impl<T: Send + 'static> Input<T> {
    /// Sends `item`, waiting for room as [`Adaptive`](crate::Adaptive) does.
    ///
    /// # Errors
    ///
    /// [`InputError::Closed`], with the item.
    pub fn send(&mut self, item: T) -> Result<(), InputError<T>> {
        let mut until = self.shutdown.waiting();
        self.put(item, &mut until).map_err(|(_, item)| InputError::Closed(item))
    }

    /// Sends `item` if there is room.
    ///
    /// # Errors
    ///
    /// [`InputError`], with the item.
    pub fn try_send(&mut self, item: T) -> Result<(), InputError<T>> {
        self.put(item, &mut NoWait).map_err(|(end, item)| match end {
            End::Stopped => InputError::Full(item),
            End::Gone => InputError::Closed(item),
        })
    }

    fn put(&mut self, item: T, waiting: &mut dyn WaitStrategy) -> Result<(), (End, T)> {
        if self.shutdown.is_stopped() {
            return Err((End::Gone, item));
        }
        match put(&mut self.producer, item, waiting) {
            Ok(()) => {
                self.counts.entered.add_beside(1);
                Ok(())
            }
            // Not taken, so it is still here.
            Err((end, Some(item))) => Err((end, item)),
            Err((_, None)) => Ok(()),
        }
    }
}

impl<T: Send + 'static> Clone for Input<T> {
    fn clone(&self) -> Self {
        let Self { producer, counts, shutdown } = self;
        Self { producer: producer.clone(), counts: Arc::clone(counts), shutdown: shutdown.clone() }
    }
}

impl<T: Send + 'static> fmt::Debug for Input<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("sent", &self.counts.entered.get()).finish_non_exhaustive()
    }
}

/// One look.
struct NoWait;

impl WaitStrategy for NoWait {
    fn step(&mut self, _looks: u32) -> Step {
        Step::Stop
    }
}

/// Where items leave a pipeline. As long as it lives and nobody receives, the stages wait; dropped, it ends them.
pub struct Output<T> {
    pub(super) inlet: Box<dyn Inlet<T>>,
    pub(super) counts: Arc<Counts>,
    pub(super) shutdown: Shutdown,
    pub(super) waiting: Waiting,
}

impl<T> Output<T> {
    /// The next item, however long it takes.
    ///
    /// # Errors
    ///
    /// [`RecvError::Disconnected`] when nothing is left and nothing comes; [`RecvError::Stopped`] when the pipeline was stopped.
    pub fn recv(&mut self) -> Result<T, RecvError> {
        let mut until: Until<_> = self.shutdown.waiting_as(self.waiting.strategy());
        let shutdown = &self.shutdown;
        self.inlet.next(&mut until).map_err(|error| match error {
            // The stage in front may have been told first. Its end is no word that everything was received.
            RecvError::Disconnected if shutdown.is_stopped() => RecvError::Stopped,
            error => error,
        })
    }

    /// The next item, if it is there.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`], [`TryRecvError::Disconnected`]; the latter also when the pipeline was stopped and nothing is left.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.inlet.next(&mut NoWait).map_err(|error| match error {
            RecvError::Disconnected => TryRecvError::Disconnected,
            _ => TryRecvError::Empty,
        })
    }

    /// All items until the end, or until the pipeline is stopped.
    pub fn iter(&mut self) -> OutputIter<'_, T> {
        OutputIter(self)
    }

    /// Items that were overwritten before they were received: 0 unless the output was asked to be lossy.
    pub fn missed(&self) -> u64 {
        self.counts.missed.get()
    }
}

impl<T> fmt::Debug for Output<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("received", &self.counts.left.get()).finish_non_exhaustive()
    }
}

/// What [`Output::iter`] yields.
#[derive(Debug)]
pub struct OutputIter<'o, T>(&'o mut Output<T>);

impl<T> Iterator for OutputIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}
