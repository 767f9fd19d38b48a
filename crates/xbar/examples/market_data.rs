//! Moving averages of stock prices, one topic a symbol, through a bus.

use std::collections::BTreeMap;
use std::error::Error;
use std::thread;

use xbar::{Bus, Pattern};

mod data;

/// Prices that an average is of.
const WINDOW: usize = 12;

/// The last average of each symbol, and how many prices it has seen.
pub fn run() -> Result<BTreeMap<String, (f64, usize)>, Box<dyn Error + Send + Sync>> {
    let bus = Bus::<f64>::new(1024);
    let symbols: std::collections::BTreeSet<_> = data::stocks().map(|(symbol, ..)| symbol).collect();
    let mut publishers = BTreeMap::new();
    for symbol in &symbols {
        publishers.insert(*symbol, bus.publisher(&format!("/price/{symbol}"))?);
    }
    // One thread a symbol: whoever subscribes first, then reads.
    let averaging: Vec<_> = bus
        .subscribe_matching(&Pattern::new("/price/*")?)
        .into_iter()
        .map(|(topic, mut prices)| {
            let average = move || {
                let (mut window, mut count) = (Vec::new(), 0);
                while let Ok(price) = prices.recv() {
                    window.push(price);
                    window.drain(..window.len().saturating_sub(WINDOW));
                    count += 1;
                }
                assert_eq!(prices.total_missed(), 0, "the topic has room for all prices");
                (window.iter().sum::<f64>() / window.len() as f64, count)
            };
            (topic, thread::spawn(average))
        })
        .collect();
    for (symbol, _, price) in data::stocks() {
        if let Some(publisher) = publishers.get_mut(symbol) {
            publisher.publish(price);
        }
    }
    // The topics end: nobody publishes, and nobody else could.
    drop((publishers, bus));
    let mut averages = BTreeMap::new();
    for (topic, thread) in averaging {
        let symbol = topic.as_str().trim_start_matches("/price/").to_owned();
        averages.insert(symbol, thread.join().map_err(|_| "an averaging thread panicked")?);
    }
    Ok(averages)
}

#[allow(dead_code)] // the tests call `run`
fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    for (symbol, (average, count)) in run()? {
        println!("{symbol:5} {count:4} prices, average of the last {WINDOW}: {average:7.2}");
    }
    Ok(())
}
