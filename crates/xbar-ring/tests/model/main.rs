//! Every ring against a plain oracle, by random operations.
#![cfg(not(xbar_loom))]

#[path = "../scenarios/mod.rs"]
mod scenarios;

mod bounded;
mod broadcast;
mod bytes;
mod event;
mod lossy;
