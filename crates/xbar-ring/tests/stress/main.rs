//! Real threads and many messages: what the models prove within their bounds, without bounds and without proof.
#![cfg(not(xbar_loom))]

#[path = "../scenarios/mod.rs"]
mod scenarios;

mod bounded;
mod broadcast;
mod bytes;
mod event;
mod lossy;
mod mpmc;

/// Messages of one scenario; fewer for a checker that slows each access down.
const MESSAGES: u64 = if cfg!(xbar_tsan) { 30_000 } else { 300_000 };
