//! Streams of messages kept on disk.

pub mod cursor;
pub mod reader;
pub mod writer;
