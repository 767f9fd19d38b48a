//! Charts: panels one below the other, each with curves over a logarithmic axis and a legend beside it.

use std::fmt::Write as _;

use super::{BARE, OURS, page as whole, text};

const LEFT: f64 = 80.0;
const PANEL_WIDTH: f64 = 680.0;
const PANEL_HEIGHT: f64 = 210.0;
const GAP: f64 = 78.0;
const LEGEND: f64 = LEFT + PANEL_WIDTH + 30.0;
/// For those who are not ours: each name of a page has one colour, in the order in which names come.
const COLOURS: [&str; 8] =
    ["#1d4ed8", "#15803d", "#7e22ce", "#0e7490", "#a16207", "#be185d", "#334155", "#65a30d"];

/// Curves that share their axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Above it.
    pub title: String,
    /// What the lower axis counts, and how a figure on it is written.
    pub across: (&'static str, fn(u64) -> String),
    /// What the left axis counts.
    pub upward: &'static str,
    /// True when the left axis is logarithmic; else it begins at 0.
    pub by_decades: bool,
    /// The curves.
    pub curves: Vec<Curve>,
}

/// One contender.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Who.
    pub name: &'static str,
    /// True for the bare machine and the like.
    pub is_bare: bool,
    /// From left to right.
    pub points: Vec<(u64, f64)>,
}

/// A page of panels.
pub fn page(title: &str, panels: &[Panel]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for curve in panels.iter().flat_map(|panel| &panel.curves).filter(|curve| !is_own(curve)) {
        if !names.contains(&curve.name) {
            names.push(curve.name);
        }
    }
    let colour = |curve: &Curve| match names.iter().position(|name| *name == curve.name) {
        Some(place) => COLOURS[place % COLOURS.len()],
        None if curve.is_bare => BARE,
        None => OURS,
    };
    let mut body = String::new();
    let mut top = 70.0;
    for panel in panels {
        draw(&mut body, top, panel, &colour);
        top += PANEL_HEIGHT + GAP;
    }
    whole(title, top - 20.0, &body)
}

fn is_own(curve: &Curve) -> bool {
    curve.is_bare || curve.name == "xbar"
}

/// How far to the right `at` is, before it is scaled; 0 has a place too.
fn decade(at: u64) -> f64 {
    (at as f64).max(0.5).log10()
}

fn draw(body: &mut String, top: f64, panel: &Panel, colour: &impl Fn(&Curve) -> &'static str) {
    let points = || panel.curves.iter().flat_map(|curve| curve.points.iter().copied());
    let mut places: Vec<u64> = points().map(|(at, _)| at).collect();
    places.sort_unstable();
    places.dedup();
    let [Some(&first), Some(&last)] = [places.first(), places.last()] else { return };
    let width = (decade(last) - decade(first)).max(0.1);
    let x = |at: u64| LEFT + (decade(at) - decade(first)) / width * PANEL_WIDTH;
    let scale = Scale::of(points().map(|(_, figure)| figure), panel.by_decades);
    let y = |figure: f64| top + PANEL_HEIGHT * (1.0 - scale.place(figure));
    let bottom = top + PANEL_HEIGHT;

    text(body, 10.0, top - 14.0, "start", "bold", &format!("{} ({})", panel.title, panel.upward));
    text(body, LEFT + PANEL_WIDTH / 2.0, bottom + 34.0, "middle", "normal", panel.across.0);
    for tick in scale.ticks() {
        let height = y(tick);
        let _ = write!(body, r##"<path d="M{LEFT} {height:.1} H{}" stroke="#e5e7eb"/>"##, LEFT + PANEL_WIDTH);
        text(body, LEFT - 6.0, height + 4.0, "end", "normal", &tick.to_string());
    }
    for at in places {
        text(body, x(at), bottom + 16.0, "middle", "normal", &panel.across.1(at));
    }
    for (index, curve) in panel.curves.iter().enumerate() {
        let (colour, row) = (colour(curve), top + 12.0 + 18.0 * index as f64);
        let line: Vec<_> =
            curve.points.iter().map(|&(at, figure)| format!("{:.1},{:.1}", x(at), y(figure))).collect();
        let _ = write!(
            body,
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="{}"/>"#,
            line.join(" "),
            if curve.name == "xbar" { 3 } else { 1 }
        );
        for &(at, figure) in &curve.points {
            let _ =
                write!(body, r#"<circle cx="{:.1}" cy="{:.1}" r="3" fill="{colour}"/>"#, x(at), y(figure));
        }
        let _ = write!(
            body,
            r#"<rect x="{LEGEND}" y="{:.1}" width="12" height="12" fill="{colour}"/>"#,
            row - 10.0
        );
        text(body, LEGEND + 18.0, row, "start", "normal", curve.name);
    }
}

/// The left axis.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Scale {
    least: f64,
    most: f64,
    by_decades: bool,
}

impl Scale {
    fn of(figures: impl Iterator<Item = f64>, by_decades: bool) -> Self {
        let (least, most) = figures
            .filter(|figure| figure.is_finite() && *figure > 0.0)
            .fold((f64::INFINITY, 1e-3), |(least, most), figure| (figure.min(least), figure.max(most)));
        if by_decades {
            let least = least.min(most).log10().floor();
            return Self { least, most: most.log10().ceil().max(least + 1.0), by_decades };
        }
        let step = Self { least: 0.0, most, by_decades }.step();
        Self { least: 0.0, most: (most / step).ceil() * step, by_decades }
    }

    /// 0 at the lower end, 1 at the upper one.
    fn place(&self, figure: f64) -> f64 {
        let figure = if self.by_decades { figure.max(f64::MIN_POSITIVE).log10() } else { figure };
        ((figure - self.least) / (self.most - self.least)).clamp(0.0, 1.0)
    }

    /// From one line to the next: 1, 2 or 5 times a power of ten, so that there are four to ten of them.
    fn step(&self) -> f64 {
        let rough = self.most / 8.0;
        let power = 10_f64.powf(rough.log10().floor());
        let times = [1.0, 2.0, 5.0].into_iter().find(|times| times * power >= rough);
        times.unwrap_or(10.0) * power
    }

    /// The figures that have a line.
    fn ticks(&self) -> Vec<f64> {
        if self.by_decades {
            return (self.least as i32..=self.most as i32).map(|power| 10_f64.powi(power)).collect();
        }
        let step = self.step();
        // Rounded: 0.1 taken three times is no number to show.
        let tick = |count: u32| (f64::from(count) * step * 1e6).round() / 1e6;
        (0..=(self.most / step).round() as u32).map(tick).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(by_decades: bool) -> Panel {
        let curve = |name, is_bare, figures: [f64; 3]| Curve {
            name,
            is_bare,
            points: [1, 10, 100].into_iter().zip(figures).collect(),
        };
        Panel {
            title: "ring".into(),
            across: ("readers", |at| at.to_string()),
            upward: "ns",
            by_decades,
            curves: vec![
                curve("xbar", false, [1.0, 2.0, 3.0]),
                curve("photon-ring", false, [2.0, 40.0, 600.0]),
                curve("memcpy", true, [0.5, 0.5, 0.5]),
            ],
        }
    }

    #[test]
    fn each_curve_has_a_line_its_points_and_a_name_in_its_colour() {
        let svg = page("rings", &[panel(true), panel(false)]);
        let count = |word: &str| svg.matches(word).count();
        assert_eq!((count("<polyline"), count("<circle")), (6, 18), "{svg}");
        for (name, colour) in [("xbar", OURS), ("photon-ring", COLOURS[0]), ("memcpy", BARE)] {
            // A line, three points and a square of the legend, in each panel.
            assert_eq!((count(&format!(">{name}<")), count(colour)), (2, 10), "{name} in {svg}");
        }
    }

    #[test]
    fn an_axis_reaches_beyond_what_it_shows_by_round_steps() {
        let scale = |figures: &[f64], by_decades| Scale::of(figures.iter().copied(), by_decades);
        assert_eq!(scale(&[3.0, 500.0], true).ticks(), [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(scale(&[3.0, 35.0], false).ticks(), [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0]);
        assert_eq!(scale(&[0.5], false).ticks(), [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]);
        for figures in [&[][..], &[0.0], &[f64::NAN]] {
            assert!(scale(figures, true).ticks().len() >= 2 && scale(figures, false).ticks().len() >= 2);
        }
    }

    #[test]
    fn the_least_is_at_the_bottom_and_the_most_at_the_top() {
        for by_decades in [false, true] {
            let scale = Scale::of([1.0, 100.0].into_iter(), by_decades);
            assert_eq!(scale.place(100.0), 1.0);
            assert!(scale.place(1.0) < 0.02 && scale.place(10.0) > scale.place(1.0));
        }
    }

    #[test]
    fn nothing_to_show_is_an_empty_page() {
        let empty = Panel { curves: Vec::new(), ..panel(true) };
        assert!(page("rings", &[empty]).ends_with("</svg>"));
    }
}
