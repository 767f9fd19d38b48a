//! `xbar ls`: regions and topics, with rates.

use std::collections::HashMap;
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;
use xbar::{Delivery, RegionInfo, TopicInfo, discover, discover_in};

use crate::{Dir, Result};

/// What to show.
#[derive(clap::Args)]
pub struct Arguments {
    /// Topics, such as /tick/* or /sensor/**
    #[arg(default_value = "/**")]
    pattern: String,
    /// Milliseconds over which rates are measured
    #[arg(long, default_value_t = 200)]
    interval: u64,
    /// One JSON array instead of a table
    #[arg(long)]
    json: bool,
}

/// Looks twice and shows the second look, with what changed as rates.
pub fn run(dir: Dir<'_>, arguments: &Arguments) -> Result {
    let look = || match dir {
        Some(dir) => discover_in(dir, &arguments.pattern),
        None => discover(&arguments.pattern),
    };
    let before = look()?;
    let start = Instant::now();
    let regions = if before.is_empty() {
        before
    } else {
        std::thread::sleep(Duration::from_millis(arguments.interval));
        let seconds = start.elapsed().as_secs_f64();
        let published: HashMap<_, _> = before
            .iter()
            .flat_map(|region| {
                region.topics.iter().map(|topic| ((region.epoch, &*topic.uri), topic.published))
            })
            .collect();
        let rate = |epoch: u64, uri: &str, now: u64| {
            let then = published.get(&(epoch, uri)).copied().unwrap_or(now);
            (now.saturating_sub(then) as f64 / seconds).round() as u64
        };
        let after = look()?;
        show(&after, arguments.json, rate)?;
        return Ok(ExitCode::SUCCESS);
    };
    if arguments.json {
        show(&regions, true, |_, _, _| 0)?;
    } else {
        eprintln!("xbar: no region has a topic that matches {}", arguments.pattern);
    }
    Ok(ExitCode::SUCCESS)
}

fn show(regions: &[RegionInfo], as_json: bool, rate: impl Fn(u64, &str, u64) -> u64) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if as_json {
        let regions: Vec<_> = regions
            .iter()
            .map(|region| {
                let topics: Vec<_> = region
                    .topics
                    .iter()
                    .map(|topic| {
                        json!({
                            "uri": topic.uri,
                            "published": topic.published,
                            "msgs_per_s": rate(region.epoch, &topic.uri, topic.published),
                            "has_publisher": topic.has_publisher,
                            "publishers": topic.publishers,
                            "delivery": topic.delivery.to_string(),
                            "many_publishers": topic.many_publishers,
                            "type": topic.value_type,
                            "depth": topic.depth,
                            "block_bytes": topic.block_bytes,
                            "capacity_bytes": topic.capacity_bytes,
                        })
                    })
                    .collect();
                let participants: Vec<_> = region
                    .participants
                    .iter()
                    .map(|participant| {
                        json!({
                            "publishes": participant.is_publisher,
                            "pid": participant.pid,
                            "joined_unix_ns": participant.joined_unix_ns,
                            "active_unix_ns": participant.active_unix_ns,
                            "published": participant.published,
                            "waits": participant.waits,
                            "received": participant.received,
                            "missed": participant.missed,
                        })
                    })
                    .collect();
                json!({
                    "region": region.name,
                    "epoch": region.epoch,
                    "publishers": region.publishers,
                    "subscribers": region.subscribers,
                    "footprint_bytes": region.footprint_bytes,
                    "created_unix_ns": region.created_unix_ns,
                    "creator_pid": region.creator_pid,
                    "last_active_unix_ns": region.last_active_unix_ns,
                    "participants": participants,
                    "topics": topics,
                })
            })
            .collect();
        writeln!(out, "{}", serde_json::Value::from(regions))?;
        return Ok(());
    }
    for region in regions {
        writeln!(
            out,
            "{}  {}  {}  {:.1} MB  created by process {}{}",
            region.name,
            count(region.publishers, "publisher"),
            count(region.subscribers, "subscriber"),
            region.footprint_bytes as f64 / 1e6,
            region.creator_pid,
            activity(region.last_active_unix_ns),
        )?;
        let width = region.topics.iter().map(|topic| topic.uri.len()).max().unwrap_or(0);
        for topic in &region.topics {
            writeln!(
                out,
                "  {:width$}  {:>14} messages  {:>10}/s  {}  {}{}",
                topic.uri,
                topic.published,
                rate(region.epoch, &topic.uri, topic.published),
                kind(topic),
                match topic.publishers {
                    0 => "no publisher".to_owned(),
                    publishers => count(publishers, "publisher"),
                },
                topic.value_type.as_ref().map_or_else(String::new, |value| format!("  values {value}")),
            )?;
        }
    }
    Ok(())
}

/// How a topic delivers, and how deep it is.
fn kind(topic: &TopicInfo) -> String {
    let many = if topic.many_publishers { ", many publishers" } else { "" };
    match (topic.delivery, topic.capacity_bytes) {
        (Delivery::Pinned, _) => "pinned".to_owned(),
        (_, Some(bytes)) => format!("byte bus of {bytes} bytes"),
        (delivery, None) => format!("{delivery} {}{many}", topic.depth),
    }
}

/// How long ago a participant did something.
fn activity(last_active_unix_ns: Option<u64>) -> String {
    let Some(last) = last_active_unix_ns else { return "  nobody there".to_owned() };
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let ago = since_1970.saturating_sub(Duration::from_nanos(last));
    format!("  active {:.1} s ago", ago.as_secs_f64())
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
