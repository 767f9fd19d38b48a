//! Rows that belong together, as the curves of a panel.

use super::chart::{Curve, Panel};
use super::is_curve;
use crate::cases::fan_out;
use crate::cases::scale::LEAST;
use crate::report::Row;
use crate::table::size;

/// Payloads that make a curve.
const ENOUGH: usize = 3;

/// Latency by payload: a panel for each case that has several payloads.
pub fn by_payload(rows: &[Row]) -> Vec<Panel> {
    let rows: Vec<_> = rows.iter().filter(|row| !is_curve(row) && row.at.is_none()).collect();
    let panel = |case: &str| Panel {
        title: case.to_owned(),
        across: ("bytes of a message", size),
        upward: "ns",
        by_decades: true,
        curves: curves(&rows, case, |row| row.payload, |_, ns| ns),
    };
    let mut panels: Vec<Panel> = cases(&rows).into_iter().map(panel).collect();
    panels.retain(|panel| panel.curves.iter().any(|curve| curve.points.len() >= ENOUGH));
    panels
}

/// Throughput by readers: what all of them receive in a second.
pub fn by_readers(rows: &[Row]) -> Vec<Panel> {
    let rows: Vec<_> = rows.iter().filter(|row| fan_out::SERIES.contains(&row.case)).collect();
    let received = |readers: u64, ns: f64| readers as f64 * 1e3 / ns;
    let panel = |case: &str| Panel {
        title: case.to_owned(),
        across: ("readers", |at| at.to_string()),
        upward: "million messages a second, all readers together",
        by_decades: false,
        curves: curves(&rows, case, |row| row.at.unwrap_or_default(), received),
    };
    cases(&rows).into_iter().map(panel).collect()
}

/// Cost by scale: ours, and ours at its least in the same rounds.
pub fn by_scale(rows: &[Row]) -> Vec<Panel> {
    let rows: Vec<_> = rows.iter().filter(|row| row.family == "scale").collect();
    let panel = |case: &str| {
        let curves = curves(&rows, case, |row| row.at.unwrap_or_default(), |_, ns| ns);
        let figures = || curves.iter().flat_map(|curve| &curve.points).map(|(_, ns)| *ns);
        // What grows as what it is about does, is seen to by decades; what is flat, from 0.
        let by_decades = figures().fold(0.0, f64::max) > 10.0 * figures().fold(f64::INFINITY, f64::min);
        Panel { title: case.to_owned(), across: ("", |at| at.to_string()), upward: "ns", by_decades, curves }
    };
    cases(&rows).into_iter().map(panel).collect()
}

/// The names of the cases, in order.
fn cases(rows: &[&Row]) -> Vec<&'static str> {
    let mut cases: Vec<&str> = Vec::new();
    for row in rows {
        if !cases.contains(&row.case) {
            cases.push(row.case);
        }
    }
    cases
}

/// The curves of `case`, ours first: points at `at`, of a figure made from that and the nanoseconds of a row.
fn curves(
    rows: &[&Row],
    case: &str,
    at: impl Fn(&Row) -> u64,
    figure: impl Fn(u64, f64) -> f64,
) -> Vec<Curve> {
    let mut curves = vec![Curve { name: "xbar", is_bare: false, points: Vec::new() }];
    for row in rows.iter().filter(|row| row.case == case) {
        let mut add = |name, is_bare, ns: Option<f64>| {
            let Some(ns) = ns else { return };
            let place = curves.iter().position(|curve| curve.name == name).unwrap_or_else(|| {
                curves.push(Curve { name, is_bare, points: Vec::new() });
                curves.len() - 1
            });
            let points = &mut curves[place].points;
            // Ours is in each row of a case.
            if points.last().is_none_or(|(last, _)| *last != at(row)) {
                points.push((at(row), figure(at(row), ns)));
            }
        };
        add("xbar", false, row.ours_ns);
        let is_bare = row.peer == LEAST || row.peer_ns.is_some() && row.peer_ns == row.limit_ns;
        add(row.peer, is_bare, row.peer_ns);
    }
    for curve in &mut curves {
        curve.points.sort_unstable_by_key(|(at, _)| *at);
    }
    curves.retain(|curve| !curve.points.is_empty());
    curves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::example;

    /// As many cases of one name, each with what varies set.
    fn varied(count: u64, set: impl Fn(&mut Row, u64)) -> Vec<Row> {
        let rows = (1..=count).flat_map(|which| example(0.5).into_iter().map(move |row| (which, row)));
        rows.map(|(which, mut row)| {
            set(&mut row, which);
            row
        })
        .collect()
    }

    #[test]
    fn a_case_with_three_payloads_has_a_panel_and_each_contender_a_curve() {
        let rows = varied(3, |row, which| row.payload = 8 * which);
        let panels = by_payload(&rows);
        let curves: Vec<_> =
            panels[0].curves.iter().map(|curve| (curve.name, curve.is_bare, curve.points.len())).collect();
        assert_eq!(curves, [("xbar", false, 3), ("a bare store", true, 3), ("photon-ring", false, 3)]);
        assert_eq!(panels[0].curves[0].points, [(8, 5.0), (16, 5.0), (24, 5.0)]);
        assert!(by_payload(&varied(2, |row, which| row.payload = 8 * which)).is_empty());
    }

    #[test]
    fn what_all_readers_receive_is_what_counts() {
        let rows = varied(2, |row, which| (row.case, row.at) = (fan_out::SERIES[0], Some(10 * which)));
        let panels = by_readers(&rows);
        // 5 ns for a message to 10 readers, and to 20.
        assert_eq!(panels[0].curves[0].points, [(10, 2000.0), (20, 4000.0)]);
        assert!(by_payload(&rows).is_empty());
    }

    #[test]
    fn what_grows_is_drawn_by_decades() {
        let scale = |growth: f64| {
            by_scale(&varied(3, |row, which| {
                (row.family, row.at, row.peer_ns) = ("scale", Some(which), Some(5.0));
                row.ours_ns = Some(5.0 * growth.powi(which as i32));
            }))
        };
        assert!(scale(10.0)[0].by_decades && !scale(1.1)[0].by_decades);
    }
}
