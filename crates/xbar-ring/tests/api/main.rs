//! What a caller sees, case by case.
#![cfg(not(xbar_loom))]

#[path = "../scenarios/mod.rs"]
mod scenarios;

mod bounded;
mod broadcast;
mod byte_forms;
mod bytes;
mod event;
mod fixed;
mod graphs;
mod group;
mod lossy;
mod mpmc;
mod stage;
mod waiting;
