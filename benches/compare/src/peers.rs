//! Adapters: ours and the peers', each in its own file, all of the same shape.

pub mod crossbeam_channel;
pub mod disruptor;
pub mod hft_channel;
pub mod photon_ring;
pub mod rtrb;
pub mod xbar_ring;
