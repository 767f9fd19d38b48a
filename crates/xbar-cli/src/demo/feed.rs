//! The data that the demo replays: what is published, and what must arrive.

const STOCKS: &str = include_str!("../../data/stocks.csv");
const TEMPERATURES: &str = include_str!("../../data/seattle-temps.csv");

/// Hours of a day: one message of the sensor has a whole day, which is too large for a slot and goes into a block.
const HOURS: usize = 24;

/// A topic and the rows that it replays, in the order of the file.
#[derive(Debug)]
pub struct Series {
    /// `/tick/<symbol>` or `/sensor/temp/seattle`.
    pub uri: String,
    rows: Vec<String>,
}

/// All topics.
#[derive(Debug)]
pub struct Feed {
    /// The topics, in the order of the files.
    pub series: Vec<Series>,
}

impl Feed {
    /// The shipped files.
    pub fn shipped() -> Self {
        Self::of(STOCKS, TEMPERATURES)
    }

    fn of(stocks: &str, temperatures: &str) -> Self {
        let mut series: Vec<Series> = Vec::new();
        for row in stocks.lines().skip(1) {
            let (symbol, rest) = row.split_once(',').unwrap_or((row, ""));
            let uri = format!("/tick/{symbol}");
            match series.iter_mut().find(|series| series.uri == uri) {
                Some(series) => series.rows.push(rest.to_owned()),
                None => series.push(Series { uri, rows: vec![rest.to_owned()] }),
            }
        }
        let hours: Vec<&str> = temperatures.lines().skip(1).collect();
        let days = hours.chunks(HOURS).map(|day| day.join("\n")).collect();
        series.push(Series { uri: "/sensor/temp/seattle".to_owned(), rows: days });
        Self { series }
    }

    /// Bytes of the largest message.
    pub fn largest(&self) -> usize {
        let rows = self.series.iter().flat_map(|series| &series.rows);
        rows.map(|row| row.len() + size_of::<u64>()).max().unwrap_or(0)
    }
}

impl Series {
    /// Writes message `sequence` of the topic: its number, and its row.
    pub fn message(&self, sequence: u64, into: &mut Vec<u8>) {
        into.clear();
        into.extend_from_slice(&sequence.to_le_bytes());
        into.extend_from_slice(self.row(sequence));
    }

    /// True when `bytes` are message `sequence`, byte by byte.
    pub fn is_message(&self, sequence: u64, bytes: &[u8]) -> bool {
        bytes.strip_prefix(&sequence.to_le_bytes()) == Some(self.row(sequence))
    }

    fn row(&self, sequence: u64) -> &[u8] {
        self.rows[(sequence % self.rows.len() as u64) as usize].as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_files_are_six_topics_of_small_and_large_messages() {
        let feed = Feed::shipped();
        let uris: Vec<_> = feed.series.iter().map(|series| series.uri.as_str()).collect();
        assert_eq!(
            uris,
            ["/tick/MSFT", "/tick/AMZN", "/tick/IBM", "/tick/GOOG", "/tick/AAPL", "/sensor/temp/seattle"]
        );
        let rows: usize = feed.series.iter().map(|series| series.rows.len()).sum();
        assert_eq!(rows, STOCKS.lines().count() - 1 + (TEMPERATURES.lines().count() - 1).div_ceil(HOURS));
        assert!(feed.largest() > xbar::INLINE_BYTES && feed.largest() <= 1024);
    }

    #[test]
    fn a_message_that_is_not_the_one_is_noticed() {
        let feed = Feed::shipped();
        let series = &feed.series[0];
        let mut message = Vec::new();
        series.message(200, &mut message);
        assert!(series.is_message(200, &message));
        assert!(!series.is_message(201, &message));
        message[9] ^= 1;
        assert!(!series.is_message(200, &message));
        assert!(!series.is_message(200, &message[..8]));
        assert!(!series.is_message(200, b""));
    }
}
