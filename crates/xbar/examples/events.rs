//! Prices as events in place: a stage that enriches them, two that read beside one another, one behind both.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::mpsc;

use xbar::{Handlers, ThreadChannel};

mod data;

/// One event; its text keeps its memory from lap to lap.
#[derive(Default)]
struct Tick {
    symbol: String,
    price: f64,
    /// Against the price before, in percent; filled in by the first stage.
    change: f64,
}

/// What the stages found.
#[derive(Debug)]
pub struct Found {
    /// The largest rise of each symbol, in percent.
    pub rises: BTreeMap<String, f64>,
    /// Events that fell by more than a quarter.
    pub falls: u64,
    /// Events that passed all stages.
    pub passed: u64,
}

/// Publishes all prices, and waits for what the stages found.
pub fn run() -> Result<Found, Box<dyn Error + Send + Sync>> {
    let mut events = ThreadChannel::new(64).events(Tick::default)?;
    let enrich = events.changer([]);
    let rises = events.reader([enrich.place()]);
    let falls = events.reader([enrich.place()]);
    let passed = events.reader([rises.place(), falls.place()]);
    let mut producer = events.build();

    let mut handlers = Handlers::new();
    handlers.start_with("enrich", enrich, BTreeMap::<String, f64>::new, |last, tick, _| {
        let before = last.insert(tick.symbol.clone(), tick.price).unwrap_or(tick.price);
        tick.change = (tick.price / before - 1.0) * 100.0;
    })?;
    let (tell_rises, all_rises) = mpsc::channel();
    handlers.start("rises", rises, move |tick, _| {
        if tick.change > 0.0 {
            _ = tell_rises.send((tick.symbol.clone(), tick.change));
        }
    })?;
    let (tell_falls, all_falls) = mpsc::channel();
    handlers.start("falls", falls, move |tick, _| {
        if tick.change < -25.0 {
            _ = tell_falls.send(());
        }
    })?;
    let (tell_passed, all_passed) = mpsc::channel();
    handlers.start("passed", passed, move |_, at| _ = tell_passed.send(at.sequence))?;

    for (symbol, _, price) in data::stocks() {
        producer
            .publish(|tick| {
                tick.symbol.clear();
                tick.symbol.push_str(symbol);
                tick.price = price;
            })
            .map_err(|_| "the stages are gone")?;
    }
    drop(producer);
    handlers.join()?;
    let mut rises = BTreeMap::<String, f64>::new();
    for (symbol, rise) in all_rises {
        let most = rises.entry(symbol).or_default();
        *most = most.max(rise);
    }
    Ok(Found { rises, falls: all_falls.iter().count() as u64, passed: all_passed.iter().count() as u64 })
}

#[allow(dead_code)] // the tests call `run`
fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let Found { rises, falls, passed } = run()?;
    println!("{passed} prices, {falls} falls by more than a quarter");
    for (symbol, rise) in rises {
        println!("{symbol:5} rose by {rise:.1} % at most");
    }
    Ok(())
}
