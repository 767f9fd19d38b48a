//! A pipeline that runs: its health, its figures, its end.

use std::fmt;
use std::sync::Arc;

use super::builder::Builder;
use super::link::Size;
use crate::shutdown::Shutdown;
use crate::worker::{StagePanic, StartError, Status, Work, Workers};

/// A stage that has not started.
pub(super) struct Planned {
    pub(super) work: Work,
    /// The links in front of it.
    pub(super) fronts: Vec<Size>,
    pub(super) body: Box<dyn FnOnce() + Send>,
}

/// Figures of one stage, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StageStats {
    /// Its name.
    pub name: String,
    /// Items that it took.
    pub received: u64,
    /// Items that it missed: 0 unless it was asked to be lossy.
    pub missed: u64,
    /// Items that wait in front of it. Close to `capacity`: this stage is the slow one.
    pub depth: u64,
    /// Items that can wait in front of it.
    pub capacity: u64,
    /// True when it takes nothing any more.
    pub has_ended: bool,
}

/// Stages that run: see [the module](super). Dropped, it is [stopped](Self::stop).
pub struct Pipeline {
    shutdown: Shutdown,
    close: Box<dyn Fn() + Send>,
    workers: Workers,
    fronts: Vec<Vec<Size>>,
    /// Its stages came to their ends by themselves: there is nothing to stop, and the token may be somebody else's too.
    has_ended: bool,
}

impl Pipeline {
    /// Settings of a pipeline.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(super) fn start(
        shutdown: Shutdown,
        close: Box<dyn Fn() + Send>,
        stages: Vec<Planned>,
    ) -> Result<Self, StartError> {
        // Dropped by an error, it stops the stages that run already.
        let mut pipeline =
            Self { shutdown, close, workers: Workers::default(), fronts: Vec::new(), has_ended: false };
        for Planned { work, fronts, body } in stages {
            pipeline.workers.start(&work, body)?;
            pipeline.fronts.push(fronts);
        }
        Ok(pipeline)
    }

    /// True while no stage has panicked.
    pub fn is_healthy(&self) -> bool {
        self.workers.panics().is_empty()
    }

    /// Stages that have panicked so far.
    pub fn panicked_stages(&self) -> Vec<StagePanic> {
        self.workers.panics()
    }

    /// Figures of each stage, in the order in which they were started: a stage comes behind the ones that feed it only where it
    /// was laid out so; tell them by their names.
    pub fn stats(&self) -> Vec<StageStats> {
        let stage = |(status, fronts): (&Arc<Status>, &Vec<Size>)| {
            let sum = |what: fn(&Size) -> u64| fronts.iter().map(what).sum::<u64>();
            // Read in this order, what left has entered.
            let (received, missed) =
                (sum(|size| size.counts.left.get()), sum(|size| size.counts.missed.get()));
            let entered = sum(|size| size.counts.entered.get());
            StageStats {
                name: status.name().to_owned(),
                received,
                missed,
                depth: entered.saturating_sub(received + missed),
                capacity: sum(|size| size.capacity as u64),
                has_ended: status.has_ended(),
            }
        };
        self.workers.statuses.iter().zip(&self.fronts).map(stage).collect()
    }

    /// What stops this pipeline from anywhere.
    pub const fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Waits until the stages have handled everything, which is when all inputs are dropped.
    ///
    /// # Errors
    ///
    /// The first [`StagePanic`].
    pub fn join(mut self) -> Result<(), StagePanic> {
        self.ended()
    }

    /// Takes nothing from inputs any more, and waits until the stages have handled what was taken. Outputs that live must be
    /// received from meanwhile, or have room for it.
    ///
    /// # Errors
    ///
    /// The first [`StagePanic`].
    pub fn drain(mut self) -> Result<(), StagePanic> {
        (self.close)();
        self.ended()
    }

    /// Ends all stages when they are done with the item at hand; what is on its way is dropped.
    ///
    /// # Errors
    ///
    /// The first [`StagePanic`].
    pub fn stop(mut self) -> Result<(), StagePanic> {
        self.shutdown.stop();
        self.workers.join()
    }

    fn ended(&mut self) -> Result<(), StagePanic> {
        let ended = self.workers.join();
        self.has_ended = true;
        ended
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        self.shutdown.stop();
        // Whoever wanted to know about panics has asked.
        let _ = self.workers.join();
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
