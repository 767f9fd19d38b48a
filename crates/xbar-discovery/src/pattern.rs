//! Patterns over URIs: `*` stands for one segment, `**` for any number of them.

use std::fmt;

use crate::uri::{self, Uri, UriError};

/// A valid pattern, as in `/tick/*` or `/sensor/**`.
///
/// A URI is a pattern that matches itself. Wildcards stand for whole segments: `/tick/A*` is an error.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern(Box<str>);

impl Pattern {
    /// Checks a pattern.
    ///
    /// # Errors
    ///
    /// [`PatternError`] says what is wrong with it and where.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        uri::check(text, |segment, start| match segment {
            "*" | "**" => Ok(()),
            _ => uri::check_segment(text, segment, start),
        })
        .map_err(PatternError)?;
        Ok(Self(text.into()))
    }

    /// The pattern that matches every URI.
    pub fn everything() -> Self {
        Self("/**".into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True when `uri` is one of those meant.
    pub fn matches(&self, uri: &Uri) -> bool {
        matches(&self.0[1..], &uri.as_str()[1..])
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError(UriError);

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let UriError::BadCharacter { text, character: '*', position } = &self.0 {
            return write!(
                f,
                "pattern {text:?} has '*' inside a segment at byte {position}: '*' stands for one whole segment, '**' \
                 for any number"
            );
        }
        write!(f, "pattern: {}", self.0)
    }
}

impl std::error::Error for PatternError {}

/// Segment by segment. A mismatch goes back to the last `**` and lets it eat one segment more; earlier ones need not
/// be tried again, because whatever they could eat the last one can too. So at most |pattern| * |text| steps.
fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (Segments(Some(pattern)), Segments(Some(text)));
    let mut retry: Option<(Segments<'_>, Segments<'_>)> = None;
    loop {
        let (mut rest_pattern, mut rest_text) = (pattern, text);
        match (rest_pattern.next(), rest_text.next()) {
            (None, None) => return true,
            (Some("**"), _) => {
                pattern = rest_pattern;
                retry = Some((pattern, text));
                continue;
            }
            (Some(wanted), Some(found)) if wanted == "*" || wanted == found => {
                (pattern, text) = (rest_pattern, rest_text);
                continue;
            }
            _ => {}
        }
        let Some((after, mut from)) = retry else { return false };
        if from.next().is_none() {
            return false;
        }
        (pattern, text) = (after, from);
        retry = Some((after, from));
    }
}

/// What is left of a path; `None` behind its last segment.
#[derive(Clone, Copy)]
struct Segments<'t>(Option<&'t str>);

impl<'t> Segments<'t> {
    fn next(&mut self) -> Option<&'t str> {
        let rest = self.0?;
        let (first, rest) = rest.split_once('/').map_or((rest, None), |(first, rest)| (first, Some(rest)));
        self.0 = rest;
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn meets(pattern: &str, uri: &str) -> bool {
        Pattern::new(pattern).unwrap().matches(&Uri::new(uri).unwrap())
    }

    #[test]
    fn one_star_is_one_segment_and_two_are_any_number() {
        for (pattern, uri, expected) in [
            ("/a", "/a", true),
            ("/a", "/a/b", false),
            ("/a/b", "/a", false),
            ("/*", "/a", true),
            ("/*", "/a/b", false),
            ("/tick/*", "/tick/AAPL", true),
            ("/tick/*", "/tick", false),
            ("/**", "/a", true),
            ("/**", "/a/b/c", true),
            ("/a/**", "/a", true),
            ("/a/**", "/a/b/c", true),
            ("/a/**", "/b", false),
            ("/**/c", "/a/b/c", true),
            ("/**/c", "/c", true),
            ("/**/c", "/c/d", false),
            ("/a/**/b/*", "/a/x/b/b/y", true),
            ("/a/**/b/*", "/a/x/b", false),
            ("/**/**", "/a", true),
        ] {
            assert_eq!(meets(pattern, uri), expected, "{pattern} {uri}");
        }
    }

    #[test]
    fn wildcards_inside_a_segment_are_refused() {
        for text in ["/a*", "/*a/b", "/a/***", "", "tick", "/..", "/a//b"] {
            let error = Pattern::new(text).unwrap_err().to_string();
            assert!(!error.contains('\n'), "{error}");
        }
        assert!(Pattern::new("/tick/A*").unwrap_err().to_string().contains("one whole segment"));
    }

    #[test]
    fn a_hostile_pattern_ends_soon() {
        let pattern = format!("{}/b", "/**/a".repeat(50));
        let uri = "/a".repeat(127);
        assert!(!meets(&pattern, &uri));
    }

    /// The obvious, exponential definition.
    fn oracle(pattern: &[&str], text: &[&str]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (["**", rest @ ..], _) => oracle(rest, text) || (!text.is_empty() && oracle(pattern, &text[1..])),
            ([first, rest @ ..], [word, words @ ..]) if *first == "*" || first == word => oracle(rest, words),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_obvious_definition(
            pattern in prop::collection::vec(prop::sample::select(vec!["a", "b", "*", "**"]), 1..7),
            text in prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..8),
        ) {
            let expected = oracle(&pattern, &text);
            prop_assert_eq!(meets(&format!("/{}", pattern.join("/")), &format!("/{}", text.join("/"))), expected);
        }
    }
}
