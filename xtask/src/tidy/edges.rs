//! Every ordering names its edge, every edge has two ends and a line in docs/memory-model.md.

use std::collections::BTreeMap;

use super::Source;

/// Lines above an operation in which its comment may stand.
const REACH: usize = 9;

/// The fences themselves, in the shim.
const FENCES: &str = "full-fence";

/// Operations without a comment, and edges with one end, without a line, or without code.
pub fn check(sources: &[Source], model: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut ends: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for source in
        sources.iter().filter(|source| source.ships() && !source.path.starts_with("crates/xbar-cli/"))
    {
        let lines: Vec<&str> = code(&source.text).collect();
        for (number, line) in lines.iter().enumerate() {
            if is_operation(line)
                && !lines[number.saturating_sub(REACH)..=number].iter().any(|l| l.contains("// ORDERING:"))
            {
                wrong.push(format!(
                    "{}:{}: an atomic operation without `// ORDERING:` above it: name its edge and partner",
                    source.path,
                    number + 1
                ));
            }
            if let Some(edge) = edge(line) {
                ends.entry(edge).or_default().push(format!("{}:{}", source.path, number + 1));
            }
        }
    }
    let listed: Vec<&str> = model
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(edge, _)| edge))
        .collect();
    for (edge, places) in &ends {
        if *edge == FENCES {
            continue;
        }
        if places.len() < 2 {
            wrong.push(format!("{}: edge {edge} has one end: its partner carries the same name", places[0]));
        }
        if !listed.contains(edge) {
            wrong.push(format!("{}: edge {edge} has no line in docs/memory-model.md", places[0]));
        }
    }
    for edge in listed.iter().filter(|edge| !ends.contains_key(*edge)) {
        wrong.push(format!("docs/memory-model.md: edge {edge} is in no source file"));
    }
    wrong
}

/// The lines in front of the unit tests.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take_while(|line| !line.starts_with("#[cfg(test)]") && !line.starts_with("#[cfg(all(test"))
}

fn is_operation(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let named = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];
    let explicit = named.iter().any(|order| code.contains(&format!("Ordering::{order}")));
    let fence = ["full_fence()", "light_fence()", "claim_then_full_fence(&", ".load_acquire()"];
    (explicit || fence.iter().any(|call| code.contains(call))) && !code.contains("fn ")
}

/// The edge that a comment names: `// ORDERING: edge: why` or `// ORDERING: edge. Why`; `none` is no edge.
fn edge(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("// ORDERING: ")?;
    let end = rest.find(|c: char| !(c.is_ascii_lowercase() || c == '-'))?;
    let (name, behind) = rest.split_at(end);
    let is_edge = behind.starts_with([':', '.']) && name != "none" && !name.is_empty();
    is_edge.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    const MODEL: &str = "| edge | from |\n|---|---|\n| `a-b` | x | y | z |\n";

    fn wrong(text: &str) -> Vec<String> {
        check(&[source("crates/xbar-ring/src/a.rs", text)], MODEL)
    }

    #[test]
    fn both_ends_of_an_edge_are_needed() {
        let end = "// ORDERING: a-b: because.\nx.store(1, Ordering::Release);\n";
        assert!(wrong(&end.repeat(2)).is_empty());
        assert_eq!(wrong(end).len(), 1);
        assert_eq!(wrong("").len(), 1, "an edge that is listed and nowhere");
        assert_eq!(wrong(&format!("{}{}", end.repeat(2), end.replace("a-b", "c-d").repeat(2))).len(), 1);
    }

    #[test]
    fn operations_need_a_comment() {
        let ends = "// ORDERING: a-b: because.\n".repeat(2);
        let gap = "\n".repeat(REACH + 1);
        for bad in ["x.load(Ordering::Relaxed);", "full_fence();", "x.load_acquire();"] {
            assert_eq!(wrong(&format!("{ends}{gap}{bad}\n")).len(), 1, "{bad}");
            assert!(wrong(&format!("{ends}{gap}// ORDERING: none; a figure.\n{bad}\n")).is_empty(), "{bad}");
        }
    }
}
