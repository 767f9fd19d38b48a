//! The parts: what each process of the soak does.

mod bus;
mod publish;
mod receive;
mod talk;
mod watch;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::orders::{Orders, say};
use super::random::Random;

/// Whatever a part did not expect, in one line.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How long anything may take that others have to do first; only a failing soak waits that long.
pub const LONG: Duration = Duration::from_secs(15);

/// What a part knows.
#[derive(Debug)]
pub struct Part {
    /// Where the regions live.
    pub dir: PathBuf,
    /// The topic, bus or region.
    pub place: String,
    /// The number that no other process of the soak has.
    pub id: u64,
    /// What is broken on purpose.
    pub spoil: String,
    pub random: Random,
    pub orders: Orders,
    /// How many messages were sent by calls that returned, for the stage to read after a kill.
    progress: File,
}

impl Part {
    /// Says that `sent` messages were sent.
    pub fn sent(&self, sent: u64) -> Result {
        Ok(self.progress.write_all_at(&sent.to_le_bytes(), 0)?)
    }

    /// A pause between bursts.
    pub fn rest(&mut self) {
        std::thread::sleep(Duration::from_micros(self.random.below(3000)));
    }
}

/// Plays the part that the arguments say: its name, the directory, the place, its number, the seed, what to spoil, and the file
/// for its progress.
pub fn play(arguments: &[String]) -> ExitCode {
    let [name, dir, place, id, seed, spoil, progress] = arguments else { return ExitCode::from(2) };
    let (Ok(id), Ok(seed), Ok(progress)) = (id.parse(), seed.parse::<u64>(), File::create(progress)) else {
        return ExitCode::from(2);
    };
    let part = Part {
        dir: dir.into(),
        place: place.clone(),
        id,
        spoil: spoil.clone(),
        random: Random::new(seed),
        orders: Orders::listen(),
        progress,
    };
    let done = match name.as_str() {
        "publish" => publish::play(part),
        "receive" => receive::play(part),
        "bus-publish" => bus::publish(part),
        "bus-receive" => bus::receive(part),
        "bytes-publish" => bus::publish_bytes(part),
        "bytes-receive" => bus::receive_bytes(part),
        "listen" => talk::listen(part),
        "connect" => talk::connect(part),
        "serve" => talk::serve(part),
        "ask" => talk::ask(part),
        _ => return ExitCode::from(2),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("violation {error}"));
            ExitCode::FAILURE
        }
    }
}
