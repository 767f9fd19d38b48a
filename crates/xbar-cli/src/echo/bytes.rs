//! `xbar echo` of a byte bus: messages as they come, each with its kind if it has one.

use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use xbar::{ByteBusConfig, Park, RingRecvError, discover, discover_in};

use super::{Arguments, LOOK, text};
use crate::signals::Stop;
use crate::{Dir, Result};

/// True when `uri` of region `region` is a byte bus.
pub fn is_byte_bus(dir: Dir<'_>, region: &str, uri: &str) -> bool {
    let found = match dir {
        Some(dir) => discover_in(dir, uri),
        None => discover(uri),
    };
    let topics =
        found.into_iter().flatten().filter(|found| found.name == region).flat_map(|found| found.topics);
    topics.into_iter().any(|topic| topic.capacity_bytes.is_some())
}

/// Prints until there was enough, the bus is gone, or the user has enough.
pub fn run(dir: Dir<'_>, arguments: &Arguments, uri: &str, from_oldest: bool, stop: &Stop) -> Result {
    let mut config = ByteBusConfig::new();
    if let Some(dir) = dir {
        config = config.dir(dir);
    }
    let region = &arguments.region;
    let mut reader = if from_oldest { config.connect_from_oldest(region) } else { config.connect(region) }?;
    let (mut message, mut printed, mut last) = (Vec::new(), 0, Instant::now());
    let mut out = std::io::stdout().lock();
    while !stop.wanted() && arguments.count.is_none_or(|count| printed < count) {
        match reader.receive(Park, Some(LOOK), |_| true, &mut message) {
            Ok(found) => {
                let text = text(found.bytes, arguments.hex);
                match found.kind {
                    0 => writeln!(out, "{uri}: {text}")?,
                    kind => writeln!(out, "{uri} {kind}: {text}")?,
                }
                (printed, last) = (printed + 1, Instant::now());
            }
            Err(RingRecvError::Timeout) => {
                if let Some(timeout) = arguments.timeout
                    && last.elapsed() >= timeout
                {
                    return Err(format!("no message on {uri} of region {region} for {timeout:?}").into());
                }
            }
            Err(RingRecvError::Lagged { missed }) => eprintln!("xbar: {uri}: missed {missed}"),
            Err(RingRecvError::Disconnected) => {
                eprintln!("xbar: region {region} ended: its publishers are gone");
                break;
            }
            Err(error) => return Err(error.into()),
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
