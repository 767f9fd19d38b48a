//! Names of regions: safe as a file name, and nobody else's.

use std::fmt;

/// Longest name in bytes.
pub const MOST_NAME_BYTES: usize = 100;

/// Characters of a name that is too long which its error shows.
const SHOWN: usize = 32;

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
            return Err(NameError::TooLong {
                beginning: text.chars().take(SHOWN).collect(),
                bytes: text.len(),
            });
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
        /// Its first characters.
        beginning: String,
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
            Self::TooLong { beginning, bytes } => write!(
                f,
                "region name {beginning:?}... has {bytes} bytes, at most {MOST_NAME_BYTES} are possible: shorten it"
            ),
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
    fn good_names_are_kept_as_they_are() {
        for good in ["a", "market", "a.b", "A-1_2.3", "-", "_", "a.", &"x".repeat(100)] {
            assert_eq!(RegionName::new(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn names_that_could_leave_the_directory_or_surprise_are_refused_in_one_line_that_names_them() {
        let table = [
            ("", "region name is empty: give it one, like market"),
            (".", r#"region name "." begins with '.': begin with a letter or digit"#),
            ("..", r#"region name ".." begins with '.': begin with a letter or digit"#),
            (".new.a", r#"region name ".new.a" begins with '.': begin with a letter or digit"#),
            ("a/b", r#"region name "a/b" has '/' at byte 1: use letters, digits, '.', '_' and '-'"#),
            ("ab ", r#"region name "ab " has ' ' at byte 2: use letters, digits, '.', '_' and '-'"#),
            ("a\n", r#"region name "a\n" has '\n' at byte 1: use letters, digits, '.', '_' and '-'"#),
            ("a\0", r#"region name "a\0" has '\0' at byte 1: use letters, digits, '.', '_' and '-'"#),
            (
                "caf\u{e9}",
                "region name \"caf\u{e9}\" has '\u{e9}' at byte 3: use letters, digits, '.', '_' and '-'",
            ),
        ];
        for (bad, message) in table {
            assert_eq!(RegionName::new(bad).unwrap_err().to_string(), message);
        }
        let long = RegionName::new(&"\n".repeat(101)).unwrap_err().to_string();
        assert!(long.contains("101 bytes") && !long.contains('\n') && long.len() < 200, "{long}");
    }
}
