//! The unsafe surface is one grep: crate roots deny it, files that need it say why, the facade has none.

use super::Source;

/// Crates that have no unsafe code at all.
const SAFE: [&str; 3] =
    ["crates/xbar/src/lib.rs", "crates/xbar-discovery/src/lib.rs", "crates/xbar-cli/src/main.rs"];

/// Unsafe code where none was announced.
pub fn check(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|source| source.ships()) {
        let Source { path, text } = source;
        let is_root = path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs");
        if SAFE.contains(&path.as_str()) && !text.contains("#![forbid(unsafe_code)]") {
            wrong.push(format!("{path}: must have #![forbid(unsafe_code)]"));
        } else if is_root && !text.contains("(unsafe_code)]") {
            wrong.push(format!("{path}: must have #![deny(unsafe_code)]"));
        }
        let bare = "#![allow(unsafe_code)]";
        if let Some(line) = text.lines().find(|line| line.starts_with(bare))
            && !line[bare.len()..].trim_start().starts_with("// ")
        {
            wrong.push(format!("{path}: allows unsafe code without saying why beside it"));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    #[test]
    fn unannounced_unsafe_code_is_noticed() {
        assert_eq!(check(&[source("crates/xbar-new/src/lib.rs", "//! A.\n")]).len(), 1);
        assert_eq!(check(&[source("crates/xbar/src/lib.rs", "#![deny(unsafe_code)]")]).len(), 1);
        assert_eq!(check(&[source("crates/xbar-new/src/a.rs", "#![allow(unsafe_code)]\n")]).len(), 1);
        assert!(check(&[source("crates/xbar-new/src/a.rs", "#![allow(unsafe_code)] // views\n")]).is_empty());
        assert!(check(&[source("crates/xbar-new/src/lib.rs", "#![deny(unsafe_code)]")]).is_empty());
    }
}
