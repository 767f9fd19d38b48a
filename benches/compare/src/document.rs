//! The table in docs/benchmarks.md, between two marks.

use serde_json::Value;

use crate::machine;
use crate::report::Row;
use crate::table::{name, size};

/// The document, from the repository's root.
pub const FILE: &str = "docs/benchmarks.md";
/// Where the drawings that go with it lie.
pub const PLOTS: &str = "docs/figures";
const BEGIN: &str = "<!-- written by `cargo xtask compare --write-docs`: begin -->";
const END: &str = "<!-- end -->";

/// `document` with the figures of this run between its marks.
pub fn with_figures(document: &str, machine: &Value, rows: &[Row]) -> Result<String, String> {
    let missing = || format!("{FILE} has no marks {BEGIN:?} and {END:?} to write between");
    let (before, rest) = document.split_once(BEGIN).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    Ok(format!("{before}{BEGIN}\n\n{}\n{END}{after}", figures(machine, rows)))
}

fn figures(machine: &Value, rows: &[Row]) -> String {
    let mut lines: Vec<String> = machine::text(machine).lines().map(|line| format!("{line}  ")).collect();
    let mut family = "";
    for row in rows {
        if row.family != family {
            family = row.family;
            lines.extend([String::new(), format!("### {family}"), String::new()]);
            lines.push("| case | payload | ours, ns | other | ns | ratio | goal | | note |".into());
            lines.push("|---|---|---|---|---|---|---|---|---|".into());
        }
        lines.push(line(row));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn line(row: &Row) -> String {
    let figure = |figure: Option<f64>, places| figure.map_or_else(String::new, |ns| format!("{ns:.places$}"));
    let met = match row.met() {
        Some(true) => "met",
        Some(false) => "**missed**",
        None => "",
    };
    let (ours, theirs) = (figure(row.ours_ns, 1), figure(row.peer_ns, 1));
    let (ratio, goal) = (figure(row.ratio, 2), figure(row.goal, 2));
    let (name, size, peer, note) = (name(row.case, row.at), size(row.payload), row.peer, &row.note);
    format!("| {name} | {size} | {ours} | {peer} | {theirs} | {ratio} | {goal} | {met} | {note} |")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::tests::example;

    #[test]
    fn figures_replace_those_between_the_marks_and_nothing_else() {
        let document = format!("# Figures\n\n{BEGIN}\nold\n{END}\n\nmore\n");
        let rows = example(0.5);
        let written = with_figures(&document, &json!({}), &rows).unwrap();
        assert!(
            written.starts_with("# Figures\n") && written.ends_with("\n\nmore\n") && !written.contains("old")
        );
        assert!(
            written
                .contains("| ring: publish + receive | 8 B | 5.0 | photon-ring | 10.0 | 0.50 | 0.65 | met |")
        );
        assert_eq!(with_figures(&written, &json!({}), &rows).unwrap(), written);
        assert!(with_figures("# Figures\n", &json!({}), &rows).is_err());
    }

    #[test]
    fn the_document_has_the_marks() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/benchmarks.md");
        assert!(with_figures(&std::fs::read_to_string(path).unwrap(), &json!({}), &[]).is_ok());
    }
}
