//! The demo's publisher process.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::json;
use xbar::{Config, Publisher, Topic};

use super::feed::Feed;
use super::{GO, READY, stop_with_parent};
use crate::echo::seconds;
use crate::signals::Stop;
use crate::{Dir, Result};

/// What the parent says on the command line.
#[derive(clap::Args)]
pub struct PublisherArguments {
    region: String,
    #[arg(long, value_parser = seconds)]
    seconds: Duration,
}

/// Messages/s over all topics: a real load, and a fraction of what a reader can take.
const RATE: u32 = 250_000;

/// Messages of one topic that the subscriber may be behind: 200 ms at this rate, so that being off its core for a while
/// costs it nothing. 32 MB in all, which fits the 64 MB that containers usually have.
const DEPTH: u32 = 8 * 1024;

/// Publishes the feed in rounds, one message of each topic, each at its time; says what was sent.
pub fn publish(dir: Dir<'_>, arguments: &PublisherArguments) -> Result {
    let stop = Stop::on_signals()?;
    let feed = Feed::shipped();
    let config = Config::new()
        .topics(feed.series.len() as u32)
        .depth(DEPTH)
        .block_bytes(feed.largest() as u32)
        .publishers(1)
        .subscribers(4)
        .publish_times(true);
    let config = match dir {
        Some(dir) => config.dir(dir),
        None => config,
    };
    let publisher = Publisher::create(&arguments.region, &config)?;
    let topics: Vec<Topic> = feed
        .series
        .iter()
        .map(|series| publisher.register(&series.uri))
        .collect::<std::result::Result<_, _>>()?;
    say(READY)?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    if line.trim_end() != GO {
        return Ok(ExitCode::SUCCESS); // the parent is gone
    }
    stop_with_parent(&stop);

    let mut sent = vec![0_u64; topics.len()];
    let mut message = Vec::new();
    let interval = Duration::from_secs(1) / RATE;
    let start = Instant::now();
    let mut due = Duration::ZERO;
    'rounds: loop {
        for place in 0..topics.len() {
            // On time by spinning; after a pause of the scheduler the messages that are due follow at once.
            while start.elapsed() < due {
                std::hint::spin_loop();
            }
            due += interval;
            if due >= arguments.seconds || stop.wanted() {
                break 'rounds;
            }
            feed.series[place].message(sent[place], &mut message);
            publisher.send(&topics[place], &message)?;
            sent[place] += 1;
        }
    }
    let counts: Vec<_> = feed
        .series
        .iter()
        .zip(&sent)
        .map(|(series, sent)| json!({ "uri": series.uri, "sent": sent }))
        .collect();
    let seconds = start.elapsed().as_secs_f64();
    // The region goes first: the subscriber's end is the parent's cue.
    drop((topics, publisher));
    say(&json!({ "topics": counts, "seconds": seconds }).to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// A line to the parent.
pub(super) fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}
