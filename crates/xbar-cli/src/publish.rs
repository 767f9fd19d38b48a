//! `xbar pub`: each line of standard input is a message.

use std::io::BufRead;
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use xbar::{Config, Publisher, RegionError};

use crate::signals::Stop;
use crate::{Dir, Result};

/// What to publish, and where.
#[derive(clap::Args)]
pub struct Arguments {
    /// The region, created if nobody has it
    region: String,
    /// The topic, such as /tick/AAPL
    uri: String,
    /// Largest line in bytes, when the region is created
    #[arg(long, default_value_t = 4096)]
    block_bytes: u32,
    /// Lines that a reader may be behind, when the region is created
    // With 16 topics of 4 KiB a region stays well below the 64 MB of shared memory that containers usually have.
    #[arg(long, default_value_t = 128)]
    depth: u32,
    /// Subscribers to wait for before the first line
    #[arg(long, default_value_t = 0)]
    wait_subscribers: usize,
}

/// How often a wait looks at the flag and at the subscribers.
const LOOK: Duration = Duration::from_millis(5);

/// Publishes until the input ends or the user has enough.
pub fn run(dir: Dir<'_>, arguments: &Arguments) -> Result {
    let stop = Stop::on_signals()?;
    let publisher = open_or_create(dir, arguments)?;
    let topic = publisher.register(&arguments.uri)?;
    while publisher.subscriber_count() < arguments.wait_subscribers {
        if stop.wanted() {
            return Ok(ExitCode::SUCCESS);
        }
        std::thread::sleep(LOOK);
    }
    // Read in a thread of its own: a read cannot be interrupted, and Ctrl-C must remove the region.
    let (sender, lines) = sync_channel(1024);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().split(b'\n') {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    while !stop.wanted() {
        match lines.recv_timeout(LOOK) {
            Ok(line) => {
                let line = line?;
                publisher.send(&topic, line.strip_suffix(b"\r").unwrap_or(&line))?;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn open_or_create(dir: Dir<'_>, arguments: &Arguments) -> Result<Publisher> {
    let name = &arguments.region;
    let open = || match dir {
        Some(dir) => Publisher::open_in(dir, name),
        None => Publisher::open(name),
    };
    match open() {
        Err(RegionError::Open(_) | RegionError::NoPublisher { .. }) => {}
        done => return Ok(done?),
    }
    let config = Config::new().topics(16).depth(arguments.depth).block_bytes(arguments.block_bytes);
    let config = match dir {
        Some(dir) => config.dir(dir),
        None => config,
    };
    // Somebody else may have created it meanwhile.
    Ok(Publisher::create(name, &config).or_else(|error| open().map_err(|_| error))?)
}
