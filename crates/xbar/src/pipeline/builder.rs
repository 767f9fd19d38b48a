//! Where a pipeline begins: its settings, its input, and what is known of it while it is laid out.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use xbar_shm::memory::Memory;

use super::ends::Input;
use super::error::PipelineError;
use super::flow::{Flow, Origin};
use super::link::{Size, entrances};
use super::running::Planned;
use crate::shutdown::Shutdown;

/// Settings of a pipeline.
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    capacity: usize,
    memory: Option<Memory>,
    shutdown: Shutdown,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self { capacity: 1024, memory: None, shutdown: Shutdown::new() }
    }

    /// Items between two stages, from 2. Default 1024.
    pub fn capacity(self, capacity: usize) -> Self {
        Self { capacity, ..self }
    }

    /// Lets the links lie in memory as wished.
    pub fn memory(self, memory: Memory) -> Self {
        Self { memory: Some(memory), ..self }
    }

    /// Stops the pipeline at once when `shutdown` is stopped.
    pub fn shutdown(self, shutdown: &Shutdown) -> Self {
        Self { shutdown: shutdown.clone(), ..self }
    }

    /// Where items enter, and the flow that they are.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Memory`].
    ///
    /// # Panics
    ///
    /// When the capacity is below 2, or there is not so much memory.
    pub fn input<T: Send + 'static>(self) -> Result<(Input<T>, Flow<T>), PipelineError> {
        let Self { capacity, memory, shutdown } = self;
        let size = Size { capacity, memory, counts: Arc::default() };
        let (producer, inlet) = entrances(&size)?;
        let closer = producer.closer();
        let plan = Plan {
            capacity,
            memory,
            shutdown: shutdown.clone(),
            stages: Vec::new(),
            open: 1,
            close: Box::new(move || closer.close()),
        };
        let input = Input { producer, counts: Arc::clone(&size.counts), shutdown };
        let flow = Flow::new(Rc::new(RefCell::new(plan)), Origin::Link(inlet, size));
        Ok((input, flow))
    }
}

/// What is known so far.
pub(super) struct Plan {
    pub(super) capacity: usize,
    pub(super) memory: Option<Memory>,
    pub(super) shutdown: Shutdown,
    pub(super) stages: Vec<Planned>,
    /// Flows that end nowhere.
    pub(super) open: usize,
    pub(super) close: Box<dyn Fn() + Send>,
}
