//! Messages and errors that prove themselves.

use std::error::Error;

/// Bytes that tell their number and their length, so that every byte that is not theirs shows.
pub fn pattern(number: u64, length: usize) -> Vec<u8> {
    let seed = number.wrapping_mul(31).wrapping_add(length as u64);
    (0..length as u64).map(|place| (seed + place * 7) as u8).collect()
}

/// The error's one line.
///
/// # Panics
///
/// When there is a second one, or it does not begin in lower case.
pub fn line(error: &dyn Error) -> String {
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    assert!(!text.starts_with(char::is_uppercase), "{text}");
    text
}
