//! Requests and replies.

mod client;
mod received;
mod reply;
mod server;

pub(crate) use client::Client;
pub(crate) use received::Request;
pub(crate) use reply::Reply;
pub(crate) use server::Server;
