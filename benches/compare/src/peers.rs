//! Adapters: ours and the peers', each in its own file, all of the same shape.

pub mod bcast;
pub mod bus;
pub mod crossbar;
pub mod crossbeam_channel;
pub mod disruptor;
pub mod hft_channel;
pub mod iceoryx2;
pub mod photon_ring;
pub mod rtrb;
pub mod xbar;
pub mod xbar_bytes;
pub mod xbar_event;
pub mod xbar_log;
pub mod xbar_ring;
pub mod xbar_ring_lossless;
pub mod xchannel;
