//! A slow stage, twice: lossless, it holds up the source; lossy, it misses readings, and says how many.

use std::error::Error;
use std::thread;

use xbar::Pipeline;

mod data;

/// What became of the readings.
#[derive(Debug, PartialEq, Eq)]
pub struct Account {
    /// Sent by the source.
    pub sent: u64,
    /// Taken by the slow stage.
    pub received: u64,
    /// Missed by it.
    pub missed: u64,
}

/// Work that takes longer than reading a line.
fn slow(degrees: f64) -> f64 {
    (0..500).fold(degrees, |value, _| std::hint::black_box(value * 1.000_1))
}

/// Sends all readings through a slow stage.
pub fn run(lossy: bool) -> Result<Account, Box<dyn Error + Send + Sync>> {
    let (mut input, readings) = Pipeline::builder().capacity(16).input::<f64>()?;
    let cleaned = readings.named("clean").then(f64::abs)?;
    let cleaned = if lossy { cleaned.lossy() } else { cleaned };
    let pipeline = cleaned.named("slow").then(slow)?.named("sum").finish(drop)?;
    let sending = thread::spawn(move || {
        data::temperatures().filter(|(_, degrees)| input.send(*degrees).is_ok()).count()
    });
    let sent = sending.join().map_err(|_| "the source panicked")? as u64;
    // The input is gone: the stages handle what is left, and end.
    let account = loop {
        let stats = pipeline.stats();
        if stats.iter().all(|stage| stage.has_ended) {
            let stage =
                stats.into_iter().find(|stage| stage.name == "slow").ok_or("there is a slow stage")?;
            break Account { sent, received: stage.received, missed: stage.missed };
        }
        thread::yield_now();
    };
    pipeline.join()?;
    Ok(account)
}

#[allow(dead_code)] // the tests call `run`
fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    for (lossy, name) in [(false, "lossless"), (true, "lossy")] {
        let Account { sent, received, missed } = run(lossy)?;
        println!("{name:8}: {sent} sent = {received} received + {missed} missed");
    }
    Ok(())
}
