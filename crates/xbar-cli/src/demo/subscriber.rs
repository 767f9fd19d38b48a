//! The demo's subscriber process.

use std::process::ExitCode;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::json;
use xbar::{Stream, Subscriber, TryRecvError};

use super::feed::{Feed, Series};
use super::publisher::say;
use super::{PATIENCE, READY, stop_with_parent};
use crate::echo::seconds;
use crate::signals::Stop;
use crate::{Dir, Result};

/// What the parent says on the command line.
#[derive(clap::Args)]
pub struct SubscriberArguments {
    region: String,
    #[arg(long, value_parser = seconds)]
    seconds: Duration,
}

/// Latencies up to a minute, to three digits.
const LONGEST_NS: u64 = 60_000_000_000;

/// Rounds of empty looks after which the core is offered to others.
const PATIENT_LOOKS: u32 = 2_000;

/// One topic, and what came of it.
struct Count<'f> {
    series: &'f Series,
    stream: Stream,
    corrupt: u64,
    latency: Histogram<u64>,
    ended: bool,
}

/// Receives until the publisher is gone; says what was received.
pub fn subscribe(dir: Dir<'_>, arguments: &SubscriberArguments) -> Result {
    let stop = Stop::on_signals()?;
    let feed = Feed::shipped();
    let subscriber = match dir {
        Some(dir) => Subscriber::connect_timeout_in(dir, &arguments.region, PATIENCE)?,
        None => Subscriber::connect_timeout(&arguments.region, PATIENCE)?,
    };
    let mut counts = Vec::new();
    for series in &feed.series {
        let stream = subscriber.subscribe_timeout(&series.uri, PATIENCE)?;
        counts.push(Count {
            series,
            stream,
            corrupt: 0,
            latency: Histogram::new_with_max(LONGEST_NS, 3)?,
            ended: false,
        });
    }
    stop_with_parent(&stop);
    say(READY)?;

    let mut idle = 0;
    while counts.iter().any(|count| !count.ended) {
        let mut any = false;
        for count in &mut counts {
            any |= count.receive()?;
        }
        idle = if any { 0 } else { idle + 1 };
        if idle > PATIENT_LOOKS {
            std::thread::yield_now();
        }
        // A signal ends the publisher, and that ends us, behind its last message. Without a parent nobody wants to know.
        if idle > PATIENT_LOOKS && stop.wanted() && subscriber.publisher_count() == 0 {
            break;
        }
    }

    let mut all = Histogram::<u64>::new_with_max(LONGEST_NS, 3)?;
    let mut topics = Vec::new();
    for count in &counts {
        all.add(&count.latency)?;
        topics.push(json!({
            "uri": count.series.uri,
            "received": count.stream.received(),
            "missed": count.stream.missed(),
            "corrupt": count.corrupt,
            "latency": percentiles(&count.latency),
        }));
    }
    say(&json!({ "topics": topics, "latency": percentiles(&all) }).to_string())?;
    Ok(ExitCode::SUCCESS)
}

impl Count<'_> {
    /// Takes one message, if there is one.
    fn receive(&mut self) -> Result<bool> {
        match self.stream.try_recv() {
            Ok(sample) => {
                let latency = sample.publish_time().map(|time| time.elapsed().as_nanos() as u64);
                self.latency.saturating_record(latency.unwrap_or(LONGEST_NS));
                if !self.series.is_message(sample.sequence(), &sample) {
                    self.corrupt += 1;
                }
                Ok(true)
            }
            Err(TryRecvError::Empty) => Ok(false),
            Err(TryRecvError::Lagged { .. }) => Ok(true), // the stream counts
            Err(TryRecvError::Disconnected) => {
                self.ended = true;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn percentiles(latency: &Histogram<u64>) -> serde_json::Value {
    json!({
        "p50_ns": latency.value_at_quantile(0.5),
        "p99_ns": latency.value_at_quantile(0.99),
        "p999_ns": latency.value_at_quantile(0.999),
    })
}
