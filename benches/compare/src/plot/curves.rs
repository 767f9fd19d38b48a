//! Curves: one panel for each series, ours and ours at its least, against what varies.

use std::fmt::Write as _;

use super::{OURS, THEIRS, page, text};
use crate::report::Row;

const LEFT: f64 = 70.0;
const PANEL_WIDTH: f64 = 880.0;
const PANEL_HEIGHT: f64 = 150.0;
const GAP: f64 = 60.0;

/// One panel below the other.
pub fn curves(title: &str, rows: &[Row]) -> String {
    let mut series: Vec<&str> = rows.iter().map(|row| row.case).collect();
    series.dedup();
    let mut body = String::new();
    for (left, colour, whose) in
        [(200.0, OURS, "xbar"), (300.0, THEIRS, "xbar at its least, in the same rounds")]
    {
        let _ = write!(body, r#"<rect x="{left}" y="16" width="12" height="12" fill="{colour}"/>"#);
        text(&mut body, left + 18.0, 26.0, "start", "normal", whose);
    }
    let mut top = 70.0;
    for name in series {
        let rows: Vec<_> = rows.iter().filter(|row| row.case == name).collect();
        panel(&mut body, top, name, &rows);
        top += PANEL_HEIGHT + GAP;
    }
    page(title, top, &body)
}

fn panel(body: &mut String, top: f64, name: &str, rows: &[&Row]) {
    let place = |at: Option<u64>| (at.unwrap_or_default() as f64 + 1.0).log10();
    let last = rows.iter().map(|row| place(row.at)).fold(0.1, f64::max);
    let figures = rows.iter().flat_map(|row| [row.ours_ns, row.peer_ns]).flatten();
    let most = figures.fold(1.0, f64::max) * 1.2;
    let x = |row: &Row| LEFT + place(row.at) / last * PANEL_WIDTH;
    let y = |ns: f64| top + PANEL_HEIGHT * (1.0 - ns / most);
    let bottom = top + PANEL_HEIGHT;

    text(body, 10.0, top - 10.0, "start", "bold", &format!("{name} (ns, from 0 to {most:.0})"));
    let _ = write!(
        body,
        r##"<path d="M{LEFT} {top} V{bottom} H{}" fill="none" stroke="#9ca3af"/>"##,
        LEFT + PANEL_WIDTH
    );
    for row in rows {
        text(body, x(row), bottom + 16.0, "middle", "normal", &row.at.unwrap_or_default().to_string());
    }
    let mut curve = |colour: &str, figure: &dyn Fn(&Row) -> Option<f64>| {
        let points: Vec<_> = rows.iter().filter_map(|row| Some((x(row), y(figure(row)?)))).collect();
        let line: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = write!(body, r#"<polyline points="{}" fill="none" stroke="{colour}"/>"#, line.join(" "));
        for (x, y) in points {
            let _ = write!(body, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{colour}"/>"#);
        }
    };
    curve(THEIRS, &|row| row.peer_ns);
    curve(OURS, &|row| row.ours_ns);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::example;

    #[test]
    fn each_series_has_a_panel_with_two_curves_and_each_point_a_mark() {
        let mut rows = vec![example(0.5).remove(1), example(0.6).remove(1)];
        (rows[0].at, rows[1].at) = (Some(0), Some(64));
        let svg = curves("scale", &rows);
        let count = |word| svg.matches(word).count();
        assert!(svg.contains("at its least"), "a legend: {svg}");
        assert_eq!((count("<path"), count("<polyline"), count("<circle")), (1, 2, 4), "{svg}");
    }
}
