//! Bars: one for each contender of each case, on a logarithmic scale.

use std::fmt::Write as _;

use super::{BARE, OURS, THEIRS, page, text};
use crate::report::Row;
use crate::table::{name, size};

/// Where the bars begin, and how long the longest is.
const LEFT: f64 = 230.0;
const LONGEST: f64 = 640.0;
const BAR: f64 = 16.0;

/// The bars of all rows, which are of one family.
pub fn bars(title: &str, rows: &[Row]) -> String {
    let figures = || rows.iter().flat_map(|row| [row.ours_ns, row.peer_ns]).flatten().filter(|ns| *ns > 0.0);
    let least = decade(figures().fold(f64::INFINITY, f64::min)).floor();
    let most = decade(figures().fold(f64::NEG_INFINITY, f64::max)).ceil().max(least + 1.0);
    let length = |ns: f64| ((decade(ns) - least) / (most - least)).clamp(0.0, 1.0) * LONGEST;

    let mut body = String::new();
    let mut y = 60.0;
    let mut told = None;
    for row in rows {
        if told != Some((row.case, row.payload, row.at)) {
            told = Some((row.case, row.payload, row.at));
            y += BAR;
            let heading = format!("{}, {}", name(row.case, row.at), size(row.payload));
            text(&mut body, 10.0, y, "start", "bold", &heading);
            y += 6.0;
            if let Some(ns) = row.ours_ns {
                bar(&mut body, &mut y, "xbar", ns, length(ns), OURS);
            }
        }
        if let Some(ns) = row.peer_ns {
            let bare = row.limit_ns == row.peer_ns;
            bar(&mut body, &mut y, row.peer, ns, length(ns), if bare { BARE } else { THEIRS });
        }
    }
    let height = y + 40.0;
    for power in least as i32..=most as i32 {
        let ns = 10_f64.powi(power);
        let x = LEFT + length(ns);
        let bottom = height - 30.0;
        let _ =
            write!(body, r##"<line x1="{x:.1}" y1="60" x2="{x:.1}" y2="{bottom:.1}" stroke="#e5e7eb"/>"##);
        text(&mut body, x, height - 12.0, "middle", "normal", &format!("{ns} ns"));
    }
    page(title, height, &body)
}

fn decade(ns: f64) -> f64 {
    if ns.is_finite() && ns > 0.0 { ns.log10() } else { 0.0 }
}

fn bar(body: &mut String, y: &mut f64, name: &str, ns: f64, length: f64, colour: &str) {
    let top = *y;
    text(body, LEFT - 8.0, top + 12.0, "end", "normal", name);
    let (length, height) = (length.max(1.0), BAR - 3.0);
    let _ = write!(
        body,
        r#"<rect x="{LEFT}" y="{top:.1}" width="{length:.1}" height="{height}" fill="{colour}"/>"#
    );
    text(body, LEFT + length + 6.0, top + 12.0, "start", "normal", &format!("{ns:.1}"));
    *y += BAR;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::example;

    #[test]
    fn every_contender_has_a_bar_and_ours_one_for_each_case() {
        let svg = bars("ring", &example(0.5));
        let count = |word| svg.matches(word).count();
        assert_eq!((count(OURS), count(THEIRS), count(BARE)), (1, 1, 1), "{svg}");
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"));
    }

    #[test]
    fn no_rows_give_an_empty_drawing() {
        assert!(bars("ring", &[]).ends_with("</svg>"));
    }
}
