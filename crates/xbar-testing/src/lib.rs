//! What the tests of several crates share: a folder that is gone when the test ends, other processes that are gone then too, and
//! messages that prove themselves.

#![deny(unsafe_code)]

mod folder;
mod message;
mod other;
mod part;

pub use folder::{Folder, names};
pub use message::{line, pattern};
pub use other::Other;
pub use part::{hear, part, stay, tell};
