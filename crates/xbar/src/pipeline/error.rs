//! Why a pipeline cannot be had.

use std::fmt;

use xbar_shm::memory::MemoryError;

use crate::worker::StartError;

/// Why a pipeline cannot be had.
#[derive(Debug)]
#[non_exhaustive]
pub enum PipelineError {
    /// A wish about memory was refused.
    Memory(MemoryError),
    /// A stage cannot start.
    Start(StartError),
    /// A branch ends nowhere: give it a stage, an output, or a [`for_each`](super::Flow::for_each).
    Open {
        /// Branches that do.
        branches: usize,
    },
}

impl fmt::Display for PipelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(error) => write!(f, "memory of a link: {error}"),
            Self::Start(error) => write!(f, "{error}"),
            Self::Open { branches } => {
                write!(f, "{branches} branches end nowhere: close each by output or for_each before build")
            }
        }
    }
}

impl std::error::Error for PipelineError {}

impl From<MemoryError> for PipelineError {
    fn from(error: MemoryError) -> Self {
        Self::Memory(error)
    }
}

impl From<StartError> for PipelineError {
    fn from(error: StartError) -> Self {
        Self::Start(error)
    }
}
