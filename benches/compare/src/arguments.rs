//! The command line.

use crate::cases::FAMILIES;

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    /// End within 50 s.
    pub quick: bool,
    /// Exit with 1 when a goal is missed.
    pub check: bool,
    /// One family only.
    pub only: Option<&'static str>,
    /// Rounds of each case.
    pub rounds: Option<usize>,
    /// Write the table into the documentation.
    pub write_docs: bool,
    /// Count instructions instead.
    pub instructions: bool,
    /// Make the counts hold.
    pub accept: bool,
}

impl Arguments {
    /// Reads the words behind the program's name.
    ///
    /// # Errors
    ///
    /// One line that says what is wrong and what would be right.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--quick" => arguments.quick = true,
                "--check" => arguments.check = true,
                "--only" => arguments.only = Some(family(words.next().as_deref())?),
                "--rounds" => arguments.rounds = Some(rounds(words.next().as_deref())?),
                "--write-docs" => arguments.write_docs = true,
                "--instructions" => arguments.instructions = true,
                "--accept" => arguments.accept = true,
                _ => {
                    return Err(format!(
                        "unknown argument {word:?}: use --quick, --check, --only WORD, --rounds N, --write-docs, \
                         or --instructions with or without --accept"
                    ));
                }
            }
        }
        arguments.fitting()
    }

    fn fitting(self) -> Result<Self, String> {
        if self.write_docs && self.only.is_some() {
            return Err("--write-docs writes the whole table: leave --only away".into());
        }
        let alone = Self { instructions: true, accept: self.accept, ..Self::default() };
        if self.instructions && self != alone {
            return Err("--instructions measures no time: leave all but --accept away".into());
        }
        if self.accept && !self.instructions {
            return Err("--accept goes with --instructions".into());
        }
        Ok(self)
    }
}

fn family(word: Option<&str>) -> Result<&'static str, String> {
    let found = FAMILIES.iter().copied().find(|family| Some(*family) == word);
    found.ok_or_else(|| {
        let word = word.map_or_else(String::new, |word| format!(", not {word:?}"));
        format!("--only takes one of {}{word}", FAMILIES.join(", "))
    })
}

fn rounds(word: Option<&str>) -> Result<usize, String> {
    let number = word.and_then(|word| word.parse().ok()).filter(|rounds| *rounds > 0);
    number.ok_or_else(|| "--rounds takes a number from 1".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn all_flags_are_understood_in_any_order() {
        let expected = Arguments {
            quick: true,
            check: true,
            only: Some("ring"),
            rounds: Some(5),
            ..Arguments::default()
        };
        assert_eq!(parse("--check --only ring --rounds 5 --quick"), Ok(expected));
        assert_eq!(parse(""), Ok(Arguments::default()));
    }

    #[test]
    fn what_is_not_understood_is_told_in_one_line_with_what_would_be() {
        for line in [
            "--only",
            "--only none",
            "--rounds",
            "--rounds 0",
            "--rounds x",
            "none",
            "--accept",
            "--quick --instructions",
            "--write-docs --only ring",
        ] {
            let error = parse(line).unwrap_err();
            assert!(!error.contains('\n') && !error.is_empty(), "{error}");
        }
        assert!(FAMILIES.iter().all(|family| parse("--only none").unwrap_err().contains(family)));
    }
}
