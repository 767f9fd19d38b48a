//! Events of any length on a byte bus: prices of a few bytes, and a summary as long as it takes.
//!
//! `byte_bus send` and `byte_bus receive` run the two roles in two processes; `byte_bus` alone runs both in threads.

use std::collections::BTreeMap;
use std::error::Error;
use std::thread;
use std::time::Duration;

use xbar::{ByteBus, ByteBusConfig, RingRecvError};

mod data;

type Failure = Box<dyn Error + Send + Sync>;

/// Kinds of messages: receivers pass over what they do not want without copying it.
const PRICE: u16 = 1;
const SUMMARY: u16 = 2;

/// Bytes of the ring: what a receiver may be behind.
const CAPACITY: usize = 1 << 16;

/// How long the two wait for each other.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends every price, then the averages of all years, when so many receivers are there.
fn send(name: &str, receivers: usize) -> Result<u64, Failure> {
    let mut bus = ByteBus::create(name, CAPACITY)?;
    while bus.subscriber_count() < receivers {
        thread::yield_now(); // for this example: a writer need not wait for anybody
    }
    let mut years: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for (symbol, date, price) in data::stocks() {
        // Written in place: no copy of ours.
        let mut claim = bus.claim(8 + symbol.len())?;
        claim.write(0, &price.to_le_bytes());
        claim.write(8, symbol.as_bytes());
        claim.commit(PRICE);
        let year = date.rsplit(' ').next().unwrap_or(date);
        years.entry((symbol, year)).or_default().push(price);
    }
    let line = |(&(symbol, year), prices): (&(&str, &str), &Vec<f64>)| {
        format!("{symbol} {year} {:.2}\n", prices.iter().sum::<f64>() / prices.len() as f64)
    };
    let summary: String = years.iter().map(line).collect();
    bus.send_as(SUMMARY, summary.as_bytes())?;
    Ok(bus.sent())
}

/// What one receiver made of it.
#[derive(Debug, PartialEq)]
pub struct Found {
    /// The highest price of each symbol.
    pub highest: BTreeMap<String, f64>,
    /// Prices that were received, and messages that were overwritten before.
    pub counted: (u64, u64),
    /// The summary.
    pub summary: String,
}

/// Everything, one message at a time, into a place that grows.
fn receive(name: &str) -> Result<Found, Failure> {
    let mut bus = ByteBusConfig::new().connect_from_oldest_timeout(name, PATIENCE)?;
    let (mut message, mut found) =
        (Vec::new(), Found { highest: BTreeMap::new(), counted: (0, 0), summary: String::new() });
    loop {
        match bus.recv_vec(&mut message) {
            Ok(event) if event.kind == SUMMARY => found.summary = String::from_utf8(event.bytes.to_vec())?,
            Ok(event) => {
                let (price, symbol) = event.bytes.split_first_chunk().ok_or("a price has eight bytes")?;
                let (price, symbol) = (f64::from_le_bytes(*price), String::from_utf8(symbol.to_vec())?);
                let highest = found.highest.entry(symbol).or_insert(price);
                *highest = highest.max(price);
                found.counted.0 += 1;
            }
            Err(RingRecvError::Lagged { missed }) => found.counted.1 += missed,
            Err(RingRecvError::Disconnected) => return Ok(found),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Only the summary: how many messages were passed over on the way to it, and its length.
fn wait_for_summary(name: &str) -> Result<(u64, usize), Failure> {
    let mut bus = ByteBusConfig::new().connect_from_oldest_timeout(name, PATIENCE)?;
    let mut message = Vec::new();
    loop {
        match bus.receive(xbar::Park, Some(PATIENCE), |kind| kind == SUMMARY, &mut message) {
            Ok(summary) => return Ok((bus.total_skipped() + bus.total_missed(), summary.bytes.len())),
            Err(RingRecvError::Lagged { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// All roles, in threads: messages sent, what was found, and what the summary's receiver saw.
pub fn run(name: &str) -> Result<(u64, Found, (u64, usize)), Failure> {
    thread::scope(|scope| {
        let sending = scope.spawn(|| send(name, 2));
        let waiting = scope.spawn(|| wait_for_summary(name));
        let found = receive(name);
        let sent = sending.join().map_err(|_| "the sender panicked")??;
        Ok((sent, found?, waiting.join().map_err(|_| "a receiver panicked")??))
    })
}

#[allow(dead_code)] // the tests call `run`
fn main() -> Result<(), Failure> {
    let found = match std::env::args().nth(1).as_deref() {
        Some("send") => return send("prices", 1).map(drop),
        Some("receive") => receive("prices")?,
        _ => run("prices")?.1,
    };
    println!(
        "{} prices came, {} messages were missed; the highest: {:?}",
        found.counted.0, found.counted.1, found.highest
    );
    print!("{}", found.summary);
    Ok(())
}
