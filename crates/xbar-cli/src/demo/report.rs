//! What the demo tells: per topic and in all.

use std::fmt;

use serde_json::{Value, json};

use crate::Result;

/// The counts of both processes, put together.
pub struct Report {
    rows: Vec<Row>,
    total: Row,
    seconds: f64,
}

#[derive(Default)]
struct Row {
    name: String,
    sent: u64,
    received: u64,
    missed: u64,
    corrupt: u64,
    p50_ns: u64,
    p99_ns: u64,
    p999_ns: u64,
}

impl Row {
    fn adds_up(&self) -> bool {
        self.sent == self.received + self.missed && self.corrupt == 0
    }

    fn latency(&mut self, latency: &Value) {
        let figure = |name: &str| latency[name].as_u64().unwrap_or(0);
        (self.p50_ns, self.p99_ns, self.p999_ns) = (figure("p50_ns"), figure("p99_ns"), figure("p999_ns"));
    }
}

impl Report {
    /// From the lines that the publisher and the subscriber said.
    pub fn new(sent: &str, received: &str) -> Result<Self> {
        let sent: Value = serde_json::from_str(sent)?;
        let received: Value = serde_json::from_str(received)?;
        let none = Vec::new();
        let mut total = Row { name: "all".to_owned(), ..Row::default() };
        total.latency(&received["latency"]);
        let mut rows = Vec::new();
        for topic in sent["topics"].as_array().unwrap_or(&none) {
            let theirs = received["topics"].as_array().unwrap_or(&none);
            let theirs = theirs.iter().find(|theirs| theirs["uri"] == topic["uri"]).unwrap_or(&Value::Null);
            let figure = |name: &str| theirs[name].as_u64().unwrap_or(0);
            let mut row = Row {
                name: topic["uri"].as_str().unwrap_or_default().to_owned(),
                sent: topic["sent"].as_u64().unwrap_or(0),
                received: figure("received"),
                missed: figure("missed"),
                corrupt: figure("corrupt"),
                ..Row::default()
            };
            row.latency(&theirs["latency"]);
            total.sent += row.sent;
            total.received += row.received;
            total.missed += row.missed;
            total.corrupt += row.corrupt;
            rows.push(row);
        }
        let seconds = sent["seconds"].as_f64().unwrap_or(0.0);
        Ok(Self { rows, total, seconds })
    }

    /// Whether everything that was sent was received or is known to be missed, and nothing was changed on the way.
    pub fn adds_up(&self) -> bool {
        self.rows.iter().all(Row::adds_up) && self.total.sent > 0
    }

    /// Messages received per second of publishing.
    fn rate(&self, row: &Row) -> u64 {
        if self.seconds > 0.0 { (row.received as f64 / self.seconds).round() as u64 } else { 0 }
    }

    /// The totals as one JSON object.
    pub fn json(&self) -> Value {
        let total = &self.total;
        json!({
            "sent": total.sent,
            "received": total.received,
            "missed": total.missed,
            "corrupt": total.corrupt,
            "p50_ns": total.p50_ns,
            "p99_ns": total.p99_ns,
            "p999_ns": total.p999_ns,
            "msgs_per_s": self.rate(total),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:22}{:>9}{:>10}{:>8}{:>9}{:>10}{:>10}{:>10}{:>9}",
            "topic", "sent", "received", "missed", "corrupt", "p50", "p99", "p99.9", "per s"
        )?;
        for row in self.rows.iter().chain([&self.total]) {
            writeln!(
                f,
                "{:22}{:>9}{:>10}{:>8}{:>9}{:>10}{:>10}{:>10}{:>9}",
                row.name,
                row.sent,
                row.received,
                row.missed,
                row.corrupt,
                time(row.p50_ns),
                time(row.p99_ns),
                time(row.p999_ns),
                self.rate(row)
            )?;
        }
        let verdict = if !self.adds_up() {
            "the counts do not agree: this is a defect of xbar, please report it"
        } else if self.total.missed > 0 {
            "every message was received whole or counted as missed"
        } else {
            "every message was received, whole and in order"
        };
        writeln!(f, "{verdict}; times are one way, from publishing to the receiver's hands")
    }
}

fn time(ns: u64) -> String {
    match ns {
        0..10_000 => format!("{ns} ns"),
        10_000..10_000_000 => format!("{:.1} us", ns as f64 / 1e3),
        _ => format!("{:.1} ms", ns as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(sent: u64, received: u64, missed: u64, corrupt: u64) -> Report {
        let ours = json!({ "seconds": 2.0, "topics": [{ "uri": "/a", "sent": sent }] });
        let theirs = json!({
            "latency": { "p50_ns": 1, "p99_ns": 2, "p999_ns": 3 },
            "topics": [{ "uri": "/a", "received": received, "missed": missed, "corrupt": corrupt }],
        });
        Report::new(&ours.to_string(), &theirs.to_string()).unwrap()
    }

    #[test]
    fn counts_that_do_not_agree_are_noticed() {
        assert!(report(10, 10, 0, 0).adds_up());
        assert!(report(10, 8, 2, 0).adds_up());
        assert!(!report(10, 9, 0, 0).adds_up());
        assert!(!report(10, 10, 1, 0).adds_up());
        assert!(!report(10, 10, 0, 1).adds_up());
        assert!(!report(0, 0, 0, 0).adds_up());
    }

    #[test]
    fn the_object_has_every_figure() {
        let json = report(10, 8, 2, 0).json();
        let expected = json!({
            "sent": 10, "received": 8, "missed": 2, "corrupt": 0,
            "p50_ns": 1, "p99_ns": 2, "p999_ns": 3, "msgs_per_s": 4,
        });
        assert_eq!(json, expected);
    }
}
