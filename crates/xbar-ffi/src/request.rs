//! Requests and replies.

pub mod client;
pub mod server;
