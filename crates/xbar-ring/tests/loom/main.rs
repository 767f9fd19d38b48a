//! Models on the shipped code: every interleaving, and every reordering that the memory model allows, within the bound of
//! three preemptions (`cargo xtask loom`) and of the numbers that each model states.
#![cfg(xbar_loom)]

#[path = "../scenarios/mod.rs"]
mod scenarios;

mod bounded;
mod broadcast;
mod bytes;
mod event;
mod fixed;
mod gate;
mod mpmc;
mod stage;
