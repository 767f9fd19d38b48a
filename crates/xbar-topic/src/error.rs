//! What can go wrong, in words that say what to do.

mod publish;
mod receive;
mod region;

pub use publish::PublishError;
pub(crate) use receive::NoSample;
pub use receive::{RecvError, TryRecvError};
pub use region::RegionError;
