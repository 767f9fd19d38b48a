//! Plots: bars for each family, and curves for what grows: latency by payload, throughput by readers, cost by scale.

mod bars;
mod chart;
mod series;

use std::fmt::Write as _;

use crate::cases::{FAMILIES, fan_out};
use crate::report::Row;

const WIDTH: f64 = 1000.0;
const OURS: &str = "#c2410c";
const THEIRS: &str = "#64748b";
/// The bare machine, and ours at its least: what is no peer.
const BARE: &str = "#cbd5e1";

/// A drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plot {
    /// What its file is called, without an ending.
    pub name: &'static str,
    /// The whole of it.
    pub svg: String,
    /// True when it is for the documentation too.
    pub is_overview: bool,
}

/// The drawings of `rows`, those that have something to show.
pub fn all(rows: &[Row]) -> Vec<Plot> {
    let overview = |name, title, panels: Vec<_>| {
        let some = !panels.is_empty();
        some.then(|| Plot { name, svg: chart::page(title, &panels), is_overview: true })
    };
    let overviews = [
        overview("latency-by-payload", "latency by payload", series::by_payload(rows)),
        overview("throughput-by-readers", "throughput by readers, in one thread", series::by_readers(rows)),
        overview("cost-by-scale", "cost by scale", series::by_scale(rows)),
    ];
    let bars = FAMILIES.iter().filter_map(|&family| {
        let rows: Vec<_> =
            rows.iter().filter(|row| row.family == family && !is_curve(row)).cloned().collect();
        (!rows.is_empty()).then(|| Plot { name: family, svg: bars::bars(family, &rows), is_overview: false })
    });
    bars.chain(overviews.into_iter().flatten()).collect()
}

/// True for a row that is a point of a curve and no bar.
fn is_curve(row: &Row) -> bool {
    row.family == "scale" || fan_out::SERIES.contains(&row.case)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::example;

    #[test]
    fn each_row_is_drawn_as_what_it_is() {
        let mut rows = example(0.5);
        let names = |rows: &[Row]| all(rows).iter().map(|plot| plot.name).collect::<Vec<_>>();
        assert_eq!(names(&rows), ["ring"]);
        for row in &mut rows {
            (row.family, row.case, row.at) = ("fan-out", fan_out::SERIES[0], Some(10));
        }
        assert_eq!(names(&rows), ["throughput-by-readers"]);
        for row in &mut rows {
            (row.family, row.case) = ("scale", "scale: publish, depth");
        }
        assert_eq!(names(&rows), ["cost-by-scale"]);
        assert!(names(&[]).is_empty());
    }
}
