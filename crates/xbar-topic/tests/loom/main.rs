//! Models of topics on the shipped code: writer and reader, ring, gate and pool together, with blocks that are evicted,
//! reclaimed and used again while they are read.
#![cfg(xbar_loom)]

mod gate;
mod lossless;
mod lossy;
mod many;
mod memory;
mod pinned;
