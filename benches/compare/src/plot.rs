//! Plots: one SVG for each family.

mod bars;
mod curves;

use std::fmt::Write as _;

use crate::report::Row;

const WIDTH: f64 = 1000.0;
const OURS: &str = "#c2410c";
const THEIRS: &str = "#64748b";

/// The drawing of `rows`, which are of one family: curves when they are series, else bars.
pub fn family(title: &str, rows: &[Row]) -> String {
    if rows.iter().all(|row| row.at.is_some()) {
        curves::curves(title, rows)
    } else {
        bars::bars(title, rows)
    }
}

fn text(body: &mut String, x: f64, y: f64, anchor: &str, weight: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = write!(
        body,
        r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" font-weight="{weight}">{words}</text>"#
    );
}

/// A whole drawing.
fn page(title: &str, height: f64, body: &str) -> String {
    let mut heading = String::new();
    text(&mut heading, 10.0, 28.0, "start", "bold", title);
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>{heading}{body}</svg>"#
    )
}
