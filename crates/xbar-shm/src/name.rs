//! Names of regions: safe as a file name, and nobody else's.

use std::fmt;

/// Longest name in bytes.
pub const MOST_NAME_BYTES: usize = 100;

/// A valid region name: 1 to 100 bytes of `[A-Za-z0-9._-]`, not beginning with `.`.
///
/// Each name is one directory; names that begin with `.` are regions being built or removed, so no two names, and no name
/// and no temporary, ever share a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionName(Box<str>);

impl RegionName {
    /// Checks a name.
    ///
    /// # Errors
    ///
    /// [`NameError`] says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > MOST_NAME_BYTES {
            return Err(NameError::TooLong { bytes: text.len() });
        }
        if text.starts_with('.') {
            return Err(NameError::LeadingDot { text: text.into() });
        }
        let bad = |&(_, c): &(usize, char)| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
        if let Some((position, character)) = text.char_indices().find(bad) {
            return Err(NameError::BadCharacter { text: text.into(), character, position });
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RegionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is wrong with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// It has no bytes.
    Empty,
    /// It has too many.
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// It begins with a dot.
    LeadingDot {
        /// The name.
        text: String,
    },
    /// It has a character outside `[A-Za-z0-9._-]`.
    BadCharacter {
        /// The name.
        text: String,
        /// The character.
        character: char,
        /// Its byte.
        position: usize,
    },
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "region name is empty: give it one, like market"),
            Self::TooLong { bytes } => {
                write!(f, "region name has {bytes} bytes, at most {MOST_NAME_BYTES} are possible: shorten it")
            }
            Self::LeadingDot { text } => {
                write!(f, "region name {text:?} begins with '.': begin with a letter or digit")
            }
            Self::BadCharacter { text, character, position } => write!(
                f,
                "region name {text:?} has {character:?} at byte {position}: use letters, digits, '.', '_' and '-'"
            ),
        }
    }
}

impl std::error::Error for NameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_the_directory_or_surprise_are_refused() {
        for good in ["a", "market", "a.b", "A-1_2.3", &"x".repeat(100)] {
            assert_eq!(RegionName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", ".a", "../x", "a/b", "a b", "a\0", "caf\u{e9}", "a\n", &"x".repeat(101)] {
            let error = RegionName::new(bad).unwrap_err().to_string();
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
