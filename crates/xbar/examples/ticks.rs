//! Ticks by name: one topic a symbol, a publisher, and a subscriber that takes the symbols it wants.
//!
//! `ticks publish` and `ticks subscribe` run the two roles in two processes; `ticks` alone runs both in threads.

use std::collections::BTreeMap;
use std::error::Error;
use std::thread;
use std::time::Duration;

use xbar::{Config, Publisher, RecvError, Subscriber};

mod data;

type Failure = Box<dyn Error + Send + Sync>;

/// How long the two wait for each other.
const PATIENCE: Duration = Duration::from_secs(30);

/// Publishes all prices, each under its symbol, when somebody is there.
fn publish(region: &str) -> Result<(), Failure> {
    let publisher = Publisher::create(region, &Config::new().topics(8).depth(1024))?;
    let mut topics = BTreeMap::new();
    for (symbol, ..) in data::stocks() {
        if !topics.contains_key(symbol) {
            topics.insert(symbol, publisher.register(&format!("/tick/{symbol}"))?);
        }
    }
    while publisher.subscriber_count() == 0 {
        thread::yield_now(); // for this example: a publisher need not wait for anybody
    }
    for (symbol, _, price) in data::stocks() {
        publisher.send(&topics[symbol], &price.to_le_bytes())?;
    }
    Ok(())
}

/// How many ticks of `symbol` came, and the last price.
fn subscribe(region: &str, symbol: &str) -> Result<(usize, f64), Failure> {
    let subscriber = Subscriber::connect_timeout(region, PATIENCE)?;
    let uri = format!("/tick/{symbol}");
    subscriber.subscribe_timeout(&uri, PATIENCE)?; // until it is there
    let ticks = subscriber.subscribe_from_oldest(&uri)?; // with what was sent already
    let (mut count, mut last) = (0, f64::NAN);
    loop {
        match ticks.recv() {
            Ok(tick) => (count, last) = (count + 1, f64::from_le_bytes(tick[..].try_into()?)),
            Err(RecvError::Disconnected) => return Ok((count, last)),
            Err(error) => return Err(error.into()), // lagged, say: how many were missed
        }
    }
}

/// Both roles, in threads.
pub fn run(region: &str) -> Result<(usize, f64), Failure> {
    thread::scope(|scope| {
        let publishing = scope.spawn(|| publish(region));
        let received = subscribe(region, "AAPL");
        publishing.join().map_err(|_| "the publisher panicked")??;
        received
    })
}

#[allow(dead_code)] // the tests call `run`
fn main() -> Result<(), Failure> {
    let (count, last) = match std::env::args().nth(1).as_deref() {
        Some("publish") => return publish("ticks"),
        Some("subscribe") => subscribe("ticks", "AAPL")?,
        _ => run("ticks")?,
    };
    println!("{count} ticks of AAPL, the last at {last}");
    Ok(())
}
