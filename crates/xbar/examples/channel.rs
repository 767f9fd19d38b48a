//! A conversation between two processes: connect, talk, say that one is done, hear the rest.

use std::error::Error;
use std::thread;
use std::time::Duration;

use xbar::{Channel, ChannelConfig, ChannelError};

type Failure = Box<dyn Error + Send + Sync>;

/// Adds up what it hears, and says the sum when the other end has nothing more to say.
fn answer(channel: &Channel) -> Result<(), Failure> {
    let mut sum = 0_u64;
    loop {
        match channel.recv() {
            Ok(number) => sum += u64::from_le_bytes(number[..].try_into()?),
            Err(ChannelError::Closed) => break,
            Err(error) => return Err(error.into()),
        }
    }
    channel.send(&sum.to_le_bytes())?;
    Ok(())
}

/// Sends some numbers and hears their sum.
fn ask(name: &str, numbers: std::ops::Range<u64>) -> Result<u64, Failure> {
    let channel = ChannelConfig::new().connect_timeout(name, Duration::from_secs(30))?;
    for number in numbers {
        channel.send(&number.to_le_bytes())?; // waits for room
    }
    channel.close()?; // this half; the other still brings the answer
    let sum = channel.recv()?;
    Ok(u64::from_le_bytes(sum[..].try_into()?))
}

/// The sum of the numbers up to a thousand, added up at the other end.
pub fn run(name: &str) -> Result<u64, Failure> {
    thread::scope(|scope| {
        let listener = Channel::listen(name)?;
        let asking = scope.spawn(|| ask(name, 0..1000)); // another process, as a rule
        answer(&listener.accept_timeout(Duration::from_secs(30))?)?;
        asking.join().map_err(|_| "the asking end panicked")?
    })
}

#[allow(dead_code)] // the tests call `run`
fn main() -> Result<(), Failure> {
    println!("the sum is {}", run("adding-up")?);
    Ok(())
}
