//! xbar for C and C++: the facade behind a C ABI, and nothing else.
//!
//! C programs include `include/xbar.h`, which `cargo xtask header` writes from the documentation here; C++ programs
//! `include/xbar.hpp`, which lies upon it. docs/c.md says how they are compiled. What holds for all of it:
//!
//! - **Handles** are opaque and owned by who made them, until they are closed. `NULL` can be closed.
//! - **Results:** every call that can fail returns an [`xbar_result`](result::xbar_result); [`xbar_last_error`](last_error::xbar_last_error)
//!   has the words. What a call gives back it writes behind its last pointers, and zeroes there when it fails.
//! - **Panics** stop at the boundary: [`XBAR_PANIC`](result::xbar_result::XBAR_PANIC).
//! - **Threads:** each handle's documentation says which threads may use it at once, as the Rust type says.
//! - **Structs** that callers fill begin with their size, so that they can grow: docs/adr/0020.
//!
//! Rust programs use the crate `xbar`.
#![deny(unsafe_code)]
#![allow(non_camel_case_types)] // the names are C's

mod arguments;
mod boundary;
mod failure;
mod growing;
mod layout;
mod spares;
mod threads;

// In the order of the header.
pub mod last_error;
pub mod result;
pub mod version;

pub mod config;
pub mod publisher;

pub mod topic;

pub mod loan;

pub mod subscriber;

pub mod stream;

pub mod sample;

pub mod waiting;

pub mod discovery;

pub mod bus;
pub mod byte_bus;
pub mod request;

pub mod log;
