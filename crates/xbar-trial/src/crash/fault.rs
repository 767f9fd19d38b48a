//! What went wrong, in one line.

use std::fmt::Display;

/// A check's outcome: a sentence when it failed.
pub type Checked<T = ()> = Result<T, String>;

/// Turns errors into sentences that say during what they came.
pub trait During<T> {
    /// The value, or "`what`: error".
    fn during(self, what: &str) -> Checked<T>;
}

impl<T, E: Display> During<T> for Result<T, E> {
    fn during(self, what: &str) -> Checked<T> {
        self.map_err(|error| format!("{what}: {error}"))
    }
}

/// Fails with a sentence unless something holds.
pub fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(otherwise()) }
}
