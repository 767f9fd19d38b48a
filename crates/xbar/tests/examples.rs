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

#[path = "../examples/byte_bus.rs"]
mod byte_bus;
#[path = "../examples/camera_frame.rs"]
mod camera_frame;
#[path = "../examples/channel.rs"]
mod channel;
#[path = "../examples/lossless_orders.rs"]
mod lossless_orders;
#[path = "../examples/pinned_state.rs"]
mod pinned_state;
#[path = "../examples/request_response.rs"]
mod request_response;
#[path = "../examples/tick_log.rs"]
mod tick_log;
#[path = "../examples/ticks.rs"]
mod ticks;
#[path = "../examples/typed_quote.rs"]
mod typed_quote;

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

/// A name of this process alone: examples run beside each other, and beside those of other users.
fn name(example: &str) -> String {
    format!("example-{example}-{}", std::process::id())
}

#[test]
fn ticks_of_one_symbol_reach_who_wants_them() {
    let (count, last) = ticks::run(&name("ticks")).unwrap();
    let apple = prices("AAPL");
    assert_eq!((count, Some(&last)), (apple.len(), apple.last()));
}

#[test]
fn quotes_arrive_as_they_were_written_and_other_types_are_refused() {
    let (quotes, refused) = typed_quote::run(&name("quotes")).unwrap();
    assert_eq!(quotes[0], typed_quote::Quote { bid: 223.01, ask: 223.02, shares: 100 });
    assert_eq!(quotes[1], typed_quote::Quote { bid: 223.02, ask: 223.04, shares: 50 });
    assert!(refused.contains("24 bytes") && refused.contains("8 bytes"), "{refused}");
}

#[test]
fn frames_arrive_with_all_their_pixels() {
    let frames = camera_frame::run(&name("camera")).unwrap();
    let sizes: Vec<_> = frames.iter().map(|(header, _)| (header.width, header.height)).collect();
    assert_eq!(sizes, [(320, 200), (160, 100), (64, 48)]);
    assert!((frames[0].1 - 99.5).abs() < 1e-9, "0 to 199, over and over: {}", frames[0].1);
}

#[test]
fn the_latest_state_is_there_for_all_who_look() {
    let state = pinned_state::State { turns: 990.0, degrees: 29.9 };
    assert_eq!(pinned_state::run(&name("state")).unwrap(), [state; 3]);
}

#[test]
fn no_order_is_lost() {
    assert_eq!(lossless_orders::run(&name("orders")).unwrap(), [1000; 3]);
}

#[test]
fn a_channel_answers_when_all_was_said() {
    assert_eq!(channel::run(&name("channel")).unwrap(), 499_500);
}

#[test]
fn events_of_any_length_reach_those_who_want_all_and_those_who_want_one() {
    let (sent, found, (passed, length)) = byte_bus::run(&name("byte-bus")).unwrap();
    let all: Vec<_> = data::stocks().collect();
    assert_eq!(sent, all.len() as u64 + 1);
    assert_eq!(found.counted, (all.len() as u64, 0));
    assert_eq!((passed, length), (all.len() as u64, found.summary.len()));
    for (symbol, highest) in &found.highest {
        assert_eq!(*highest, prices(symbol).into_iter().fold(0.0, f64::max));
    }
    let first = &prices("AAPL")[..12];
    let expected = format!("AAPL 2000 {:.2}", first.iter().sum::<f64>() / 12.0);
    assert!(found.summary.lines().any(|line| line == expected), "{expected} is not in {}", found.summary);
}

#[test]
fn requests_are_answered_or_refused() {
    let found = request_response::run(&name("requests")).unwrap();
    for symbol in ["AAPL", "MSFT"] {
        assert_eq!(found[symbol], Some(prices(symbol).into_iter().fold(0.0, f64::max)));
    }
    assert_eq!(found["NONE"], None);
}

#[test]
fn prices_on_disk_are_found_from_all_sides() {
    let folder = std::env::temp_dir().join(name("tick-log"));
    let found = tick_log::run(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
    let found = found.unwrap();
    let all: Vec<_> = data::stocks().collect();
    assert!(
        found.counts.iter().all(|(symbol, count)| *count == prices(symbol).len()) && found.counts.len() == 5
    );
    let of = |(symbol, _, price): (&str, &str, f64)| (symbol.to_owned(), price);
    assert_eq!((found.last, found.tenth), (of(all[all.len() - 1]), of(all[10])));
}
