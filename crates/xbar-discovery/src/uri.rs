//! The name of a topic: `/` and segments, as in `/tick/AAPL`.

use std::fmt;

use xbar_layout::topic::MOST_URI_BYTES;

/// A valid topic URI.
///
/// `/` followed by segments separated by `/`; a segment is one or more of `[A-Za-z0-9._-]`, and not `.` or `..`; at most
/// 255 bytes in all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uri(Box<str>);

impl Uri {
    /// Checks a URI.
    ///
    /// # Errors
    ///
    /// [`UriError`] says what is wrong with it and where.
    pub fn new(text: &str) -> Result<Self, UriError> {
        check(text, |segment, start| check_segment(text, segment, start))?;
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text between the slashes.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0[1..].split('/')
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is wrong with a URI or a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UriError {
    /// It has no bytes.
    Empty,
    /// It has too many.
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// It does not begin with `/`.
    NoLeadingSlash {
        /// The text.
        text: String,
    },
    /// Two slashes without anything between, or one at the end.
    EmptySegment {
        /// The text.
        text: String,
        /// Byte at which the segment should begin.
        position: usize,
    },
    /// A segment that is `.` or `..`.
    DotSegment {
        /// The text.
        text: String,
    },
    /// A character outside `[A-Za-z0-9._-]`.
    BadCharacter {
        /// The text.
        text: String,
        /// The character.
        character: char,
        /// Its byte.
        position: usize,
    },
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "uri is empty: write one like /tick/AAPL"),
            Self::TooLong { bytes } => {
                write!(f, "uri has {bytes} bytes, at most {MOST_URI_BYTES} are possible: shorten it")
            }
            Self::NoLeadingSlash { text } => {
                write!(f, "uri {text:?} does not begin with '/': write /{}", bare(text))
            }
            Self::EmptySegment { text, position } => {
                write!(f, "uri {text:?} has an empty segment at byte {position}: remove the extra '/'")
            }
            Self::DotSegment { text } => {
                write!(f, "uri {text:?} has a segment '.' or '..': uris are no paths")
            }
            Self::BadCharacter { text, character, position } => write!(
                f,
                "uri {text:?} has {character:?} at byte {position}: use letters, digits, '.', '_', '-' and '/'"
            ),
        }
    }
}

impl std::error::Error for UriError {}

/// The text without what cannot begin a URI, for a suggestion.
fn bare(text: &str) -> String {
    text.trim_start_matches(['.', '/'])
        .chars()
        .map(|c| if allowed(c) || c == '/' { c } else { '_' })
        .collect()
}

pub(crate) const fn allowed(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-')
}

/// What URIs and patterns have in common; `segment` is called with each segment and the byte at which it begins.
pub(crate) fn check(
    text: &str,
    mut segment: impl FnMut(&str, usize) -> Result<(), UriError>,
) -> Result<(), UriError> {
    if text.is_empty() {
        return Err(UriError::Empty);
    }
    if text.len() > MOST_URI_BYTES {
        return Err(UriError::TooLong { bytes: text.len() });
    }
    let Some(rest) = text.strip_prefix('/') else {
        return Err(UriError::NoLeadingSlash { text: text.into() });
    };
    let mut position = 1;
    for part in rest.split('/') {
        if part.is_empty() {
            return Err(UriError::EmptySegment { text: text.into(), position });
        }
        segment(part, position)?;
        position += part.len() + 1;
    }
    Ok(())
}

pub(crate) fn check_segment(text: &str, segment: &str, start: usize) -> Result<(), UriError> {
    if segment == "." || segment == ".." {
        return Err(UriError::DotSegment { text: text.into() });
    }
    match segment.char_indices().find(|&(_, character)| !allowed(character)) {
        Some((offset, character)) => {
            Err(UriError::BadCharacter { text: text.into(), character, position: start + offset })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn good_uris_are_kept_as_they_are() {
        for text in
            ["/a", "/tick/AAPL", "/sensor/temp/seattle-1_2.3", "/...", &format!("/{}", "x".repeat(254))]
        {
            assert_eq!(Uri::new(text).unwrap().as_str(), text);
        }
        assert_eq!(Uri::new("/a/b").unwrap().segments().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn bad_uris_say_what_and_where() {
        let long = format!("/{}", "x".repeat(255));
        let cases = [
            ("", "empty"),
            (long.as_str(), "256 bytes"),
            ("tick", "write /tick"),
            ("../x", "write /x"),
            ("/../x", "'..'"),
            ("/a/./b", "'.'"),
            ("/", "empty segment at byte 1"),
            ("/a//b", "empty segment at byte 3"),
            ("/a/", "empty segment at byte 3"),
            ("/caf\u{e9}", "at byte 4"),
            ("/a b", "' ' at byte 2"),
            ("/a*", "'*' at byte 2"),
            ("/a\0", "at byte 2"),
        ];
        for (text, hint) in cases {
            let error = Uri::new(text).unwrap_err().to_string();
            assert!(error.contains(hint) && !error.contains('\n'), "{text:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,300}") {
            if let Ok(uri) = Uri::new(&text) {
                prop_assert_eq!(uri.as_str(), &text);
                prop_assert!(text.len() <= 255 && text.starts_with('/') && !text.contains("//"));
            }
        }
    }
}
