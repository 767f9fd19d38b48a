//! The examples, run on their data.
#![allow(clippy::duplicate_mod)] // each example brings the module of its data

#[path = "../examples/backpressure.rs"]
mod backpressure;
#[path = "../examples/diamond.rs"]
mod diamond;
#[path = "../examples/events.rs"]
mod events;
#[path = "../examples/market_data.rs"]
mod market_data;
#[path = "../examples/pipeline.rs"]
mod pipeline;

#[path = "../examples/data/mod.rs"]
mod data;

fn prices(symbol: &str) -> Vec<f64> {
    data::stocks().filter(|(other, ..)| *other == symbol).map(|(.., price)| price).collect()
}

#[test]
fn market_data_averages_every_symbol() {
    let averages = market_data::run().unwrap();
    assert_eq!(averages.len(), 5);
    for (symbol, (average, count)) in averages {
        let prices = prices(&symbol);
        assert_eq!(count, prices.len());
        let expected = prices[prices.len() - 12..].iter().sum::<f64>() / 12.0;
        assert!((average - expected).abs() < 1e-9, "{symbol}");
    }
}

#[test]
fn the_pipeline_averages_every_day() {
    let (days, stats) = pipeline::run().unwrap();
    let hours: Vec<f64> = data::temperatures().map(|(_, degrees)| degrees).collect();
    assert!(days.len() >= 360, "{}", days.len());
    assert_eq!(days[0].0, "2010/01/01");
    let expected = hours[..24].iter().map(|degrees| (degrees - 32.0) / 1.8).sum::<f64>() / 24.0;
    assert!((days[0].1 - expected).abs() < 1e-9);
    assert_eq!(stats[0].received, hours.len() as u64);
}

#[test]
fn the_diamond_joins_what_belongs_together() {
    let months = diamond::run().unwrap();
    for (symbol, months) in months {
        let prices = prices(symbol);
        let expected = (1..prices.len()).filter(|month| {
            let mean = prices[..*month].iter().sum::<f64>() / *month as f64;
            prices[*month] > mean && prices[*month] > prices[month - 1]
        });
        assert_eq!(months as usize, expected.count(), "{symbol}");
    }
}

#[test]
fn backpressure_loses_nothing_or_counts_it() {
    let all = data::temperatures().count() as u64;
    let lossless = backpressure::run(false).unwrap();
    assert_eq!(lossless, backpressure::Account { sent: all, received: all, missed: 0 });
    let lossy = backpressure::run(true).unwrap();
    assert_eq!(lossy.sent, all);
    assert_eq!(lossy.received + lossy.missed, all);
}

#[test]
fn events_pass_all_stages_enriched() {
    let found = events::run().unwrap();
    assert_eq!(found.passed, data::stocks().count() as u64);
    let apple = prices("AAPL");
    let expected = apple.windows(2).map(|two| (two[1] / two[0] - 1.0) * 100.0).fold(0.0, f64::max);
    assert!((found.rises["AAPL"] - expected).abs() < 1e-9);
    assert!(found.falls > 0);
}
