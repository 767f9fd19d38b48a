//! Prices of ten years kept on disk: appended once, read again from the start, backwards and by number.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use xbar::log::{LogOptions, Reader, Start, TryReadError, Writer};

mod data;

/// What was found.
#[derive(Debug, PartialEq)]
pub struct Found {
    /// How many prices of each symbol.
    pub counts: BTreeMap<String, usize>,
    /// The last price of all, found on the way back.
    pub last: (String, f64),
    /// The price with the number that was asked for.
    pub tenth: (String, f64),
}

/// Appends all prices: the symbol's length as tag, then the symbol and the price.
fn write(folder: &Path) -> Result<u64, Box<dyn Error>> {
    let mut writer = Writer::open(folder, "prices", &LogOptions::new().segment_bytes(64 << 10))?;
    for (symbol, _, price) in data::stocks() {
        let mut place = writer.reserve(symbol.len() + 8)?.tag(symbol.len() as u16);
        place[..symbol.len()].copy_from_slice(symbol.as_bytes());
        place[symbol.len()..].copy_from_slice(&price.to_le_bytes());
        place.commit()?;
    }
    let count = writer.next_seq();
    writer.close()?;
    Ok(count)
}

/// A price, out of its record.
fn price(tag: u16, payload: &[u8]) -> Result<(String, f64), Box<dyn Error>> {
    let (symbol, price) = payload.split_at_checked(tag.into()).ok_or("a record without a price")?;
    Ok((String::from_utf8(symbol.to_vec())?, f64::from_le_bytes(price.try_into()?)))
}

/// Writes them and finds them.
pub fn run(folder: &Path) -> Result<Found, Box<dyn Error>> {
    let count = write(folder)?;
    let mut reader = Reader::open(folder, "prices")?;
    let mut counts = BTreeMap::new();
    loop {
        match reader.try_next() {
            Ok(record) => *counts.entry(price(record.tag(), &record)?.0).or_insert(0) += 1,
            Err(TryReadError::Disconnected { .. }) => break, // all is read, and nobody writes
            Err(error) => return Err(error.into()),          // damaged, say: how many were lost
        }
    }
    let record = reader.try_previous()?;
    let last = price(record.tag(), &record)?;
    assert_eq!(record.seq() + 1, count);
    reader.seek(Start::Seq(10))?;
    let record = reader.try_next()?;
    Ok(Found { counts, last, tenth: price(record.tag(), &record)? })
}

#[allow(dead_code)] // the tests call `run`
fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("xbar-tick-log-{}", std::process::id()));
    let found = run(&folder);
    std::fs::remove_dir_all(&folder)?;
    println!("{:?}", found?);
    Ok(())
}
