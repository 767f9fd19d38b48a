//! Rows as text: a table to read.

use crate::report::Row;

/// The words above the columns.
pub fn head() -> String {
    line(
        ["case", "payload", "ours ns", "other", "ns", "ratio", "quartiles", "goal", "", "note"]
            .map(str::to_owned),
    )
}

/// One row.
pub fn row(row: &Row) -> String {
    let ns = |ns: Option<f64>| ns.map_or_else(|| "-".into(), figure);
    let times = |ratio: Option<f64>| ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
    let met = match row.met() {
        Some(true) => "met",
        Some(false) => "MISSED",
        None => "",
    };
    line([
        name(row.case, row.at),
        size(row.payload),
        ns(row.ours_ns),
        row.peer.to_owned(),
        ns(row.peer_ns),
        times(row.ratio),
        row.quartiles.map_or_else(String::new, |[first, third]| format!("{first:.2}-{third:.2}")),
        times(row.goal),
        met.to_owned(),
        row.note.clone(),
    ])
}

/// A case's name, and where in its series it is.
pub fn name(case: &str, at: Option<u64>) -> String {
    at.map_or_else(|| case.to_owned(), |at| format!("{case}: {at}"))
}

/// A table of single turns, for the rows that have them.
pub fn latencies(rows: &[Row]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut told = None;
    for row in rows {
        let ours = row
            .ours_latency
            .filter(|_| told != Some((row.case, row.payload)))
            .map(|latency| ("xbar", latency));
        told = Some((row.case, row.payload));
        for (name, latency) in ours.into_iter().chain(row.peer_latency.map(|latency| (row.peer, latency))) {
            let (p50, p99, p999) = (latency.p50, latency.p99, latency.p999);
            let (case, payload) = (row.case, size(row.payload));
            lines.push(format!("{case:44}{payload:>8}  {name:20}{p50:>9}{p99:>9}{p999:>9}"));
        }
    }
    if !lines.is_empty() {
        let head = format!(
            "{:44}{:>8}  {:20}{:>9}{:>9}{:>9}",
            "single turns", "payload", "", "p50 ns", "p99", "p99.9"
        );
        lines.insert(0, head);
    }
    lines
}

fn line(cells: [String; 10]) -> String {
    let [case, payload, ours, other, ns, ratio, quartiles, goal, met, note] = cells;
    let line = format!(
        "{case:44}{payload:>8}{ours:>10}  {other:20}{ns:>10}{ratio:>7}{quartiles:>12}{goal:>6} {met:7}{note}"
    );
    line.trim_end().to_owned()
}

/// Three significant figures or so.
fn figure(ns: f64) -> String {
    match ns {
        ns if ns < 10.0 => format!("{ns:.2}"),
        ns if ns < 1000.0 => format!("{ns:.1}"),
        ns => format!("{ns:.0}"),
    }
}

/// Bytes as people write them.
pub fn size(bytes: u64) -> String {
    const KB: u64 = 1 << 10;
    const MB: u64 = 1 << 20;
    match bytes {
        bytes if bytes >= MB && bytes % MB == 0 => format!("{} MB", bytes / MB),
        bytes if bytes >= KB && bytes % KB == 0 => format!("{} KB", bytes / KB),
        bytes => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::example;

    #[test]
    fn a_row_tells_its_figures_and_its_verdict() {
        let text = row(&example(0.5)[1]);
        for word in [
            "ring: publish + receive",
            "8 B",
            "5.00",
            "photon-ring",
            "10.0",
            "0.50",
            "0.65",
            "met",
            "lossy too",
        ] {
            assert!(text.contains(word), "{word:?} in {text:?}");
        }
        assert!(row(&example(0.7)[1]).contains("MISSED"));
        assert!(!row(&example(0.7)[2]).contains("MISSED"));
    }

    #[test]
    fn columns_of_all_rows_begin_where_their_heads_do() {
        let place = |text: &str, word| text.find(word).expect("the word");
        assert_eq!(place(&head(), "other"), place(&row(&example(0.5)[1]), "photon-ring"));
    }

    #[test]
    fn percentiles_of_ours_are_told_once_for_each_case() {
        let lines = latencies(&example(0.5));
        assert_eq!(lines.iter().filter(|line| line.contains("xbar")).count(), 1);
        assert!(latencies(&[]).is_empty());
    }

    #[test]
    fn sizes_are_exact() {
        assert_eq!(
            [8, 1000, 1024, 65536, 1 << 20, 3 << 19].map(size),
            ["8 B", "1000 B", "1 KB", "64 KB", "1 MB", "1536 KB"]
        );
    }
}
