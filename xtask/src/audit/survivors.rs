//! The written reasons: the table under `## Survivors` in docs/audit.md, held against what survived.

use super::mutants::Mutant;

/// The heading that the table stands under.
const HEADING: &str = "## Survivors";

/// A mutant that no model notices, and why that is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    file: String,
    function: String,
    change: String,
    /// Why no model notices.
    pub text: String,
}

impl Reason {
    /// True when this is the reason of `mutant`.
    pub fn explains(&self, mutant: &Mutant) -> bool {
        (&self.file, &self.function, &self.change) == (&mutant.file, &mutant.function, &mutant.change)
    }

    /// True when the file or the function has `word` in it.
    pub fn is_about(&self, word: &str) -> bool {
        self.file.contains(word) || self.function.contains(word)
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.file, self.function, self.change)
    }
}

/// The rows of the table in `document`; no heading means no rows.
///
/// # Errors
///
/// A row that is not `| file | function | mutant | reason |`, that says no reason, or that stands there twice.
pub fn parse(document: &str) -> Result<Vec<Reason>, String> {
    let section = document.lines().skip_while(|line| line.trim_end() != HEADING).skip(1);
    let rows = section.take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with('|'));
    let mut reasons: Vec<Reason> = Vec::new();
    for row in rows.skip(2) {
        let cells: Vec<&str> = row.trim_end().trim_matches('|').split('|').map(str::trim).collect();
        let [file, function, change, text] = cells[..] else {
            return Err(format!("docs/audit.md: {row:?} is not `| file | function | mutant | reason |`"));
        };
        if text.is_empty() {
            return Err(format!("docs/audit.md: {row:?} says no reason: write why no model notices"));
        }
        let plain = |cell: &str| cell.replace('`', "");
        let reason = Reason {
            file: plain(file),
            function: plain(function),
            change: plain(change),
            text: text.to_owned(),
        };
        if reasons.iter().any(|other| other.to_string() == reason.to_string()) {
            return Err(format!("docs/audit.md: two rows for {reason}: keep one"));
        }
        reasons.push(reason);
    }
    Ok(reasons)
}

/// What is wrong between the mutants that were run (true = no model noticed) and the reasons for them: survivors without a
/// reason, reasons of mutants that are noticed now, reasons of nothing.
pub fn wrong(ran: &[(&Mutant, bool)], reasons: &[&Reason]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (mutant, survived) in ran {
        let reason = reasons.iter().any(|reason| reason.explains(mutant));
        match (survived, reason) {
            (true, false) => {
                wrong.push(format!("{mutant}: no model notices: write one, or a reason into docs/audit.md"))
            }
            (false, true) => {
                wrong.push(format!("{mutant}: is noticed now: take its row out of docs/audit.md"))
            }
            _ => {}
        }
    }
    for reason in reasons {
        if !ran.iter().any(|(mutant, _)| reason.explains(mutant)) {
            wrong.push(format!("{reason}: there is no such mutant: correct its row in docs/audit.md"));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::super::mutants;
    use super::*;

    const HEAD: &str = "# Audit\n| a | b | c | d |\n\n## Survivors\n\nWhy.\n\n| file | function | mutant | reason |\n|---|---|---|---|\n";
    const ROW: &str = "| `a/src/a.rs` | `f` | `load_acquire -> load_relaxed` | because `x` |\n";

    fn reasons(rows: &str) -> Result<Vec<Reason>, String> {
        parse(&format!("{HEAD}{rows}\n## Next\n| not | a | row | here |\n"))
    }

    #[test]
    fn only_rows_of_the_section_are_read() {
        let read = reasons(ROW).unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].to_string(), "a/src/a.rs f load_acquire -> load_relaxed");
        assert_eq!(read[0].text, "because `x`");
        assert!(read[0].is_about("a.rs") && read[0].is_about("f") && !read[0].is_about("load"));
        assert_eq!(parse("# Audit\n| a | b | c | d |\n").unwrap(), []);
    }

    #[test]
    fn rows_that_say_nothing_or_twice_the_same_are_errors() {
        for bad in ["| a | f | x |\n", "| a | f | x | |\n", &ROW.repeat(2)] {
            assert!(reasons(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn survivors_and_reasons_belong_together() {
        let text = "fn f() { x.load_acquire(); }\nfn g() { x.load_acquire(); }";
        let found = mutants::find("a/src/a.rs", text).unwrap();
        let (f, g) = (&found[0], &found[1]);
        let read = reasons(ROW).unwrap();
        let read: Vec<&Reason> = read.iter().collect();
        let complaint = |ran: &[(&Mutant, bool)], reasons: &[&Reason]| match &wrong(ran, reasons)[..] {
            [] => "fine".to_owned(),
            [one] => one.split(": ").nth(1).unwrap_or_default().to_owned(),
            more => format!("{more:?}"),
        };
        assert_eq!(complaint(&[(f, true), (g, false)], &read), "fine");
        assert_eq!(complaint(&[(f, true), (g, true)], &read), "no model notices");
        assert_eq!(complaint(&[(f, false), (g, false)], &read), "is noticed now");
        assert_eq!(complaint(&[(g, false)], &read), "there is no such mutant");
        assert_eq!(complaint(&[(f, true)], &[]), "no model notices");
    }
}
