//! Connections and requests: whatever is asked is answered with the same bytes, in order, or the other end was gone.

use std::time::{Duration, Instant};

use xbar::{Channel, ChannelConfig, ChannelError, Client, RegionError, RequestError, ServerConfig};

use super::{LONG, Part, Result};
use crate::soak::message::{self, HEAD, Mark};
use crate::soak::orders::{Order, say};

/// Messages that a connector sends before it wants them back.
const BURST: u64 = 8;

const BYTES: usize = 400;

/// A connection takes two handles at each end; on a machine with few cores others come first for a while.
const CONNECT: Duration = Duration::from_secs(3);

/// Between two looks at everything.
const LOOK: Duration = Duration::from_millis(1);

pub fn listen(part: Part) -> Result {
    let config = ChannelConfig::new().dir(&part.dir).connections(8);
    let listener = config.listen(&part.place)?;
    say("ready");
    let mut channels: Vec<Channel> = Vec::new();
    loop {
        match part.orders.poll() {
            Some(Order::Pause) if !part.orders.report("paused 0") => return Ok(()),
            Some(Order::End) => return Ok(()),
            _ => {}
        }
        match listener.accept_timeout(LOOK) {
            Ok(channel) => channels.push(channel),
            Err(ChannelError::Timeout) => {}
            Err(error) => return Err(error.into()),
        }
        channels.retain(|channel| {
            loop {
                match channel.try_recv() {
                    // A connector has room for what it sent.
                    Ok(message) if channel.send(&message).is_ok() => {}
                    Err(ChannelError::Empty) => return true,
                    _ => return false,
                }
            }
        });
    }
}

pub fn connect(mut part: Part) -> Result {
    say("ready");
    let mut answered = 0;
    let mut number = 0;
    let config = ChannelConfig::new().dir(&part.dir);
    loop {
        let channel = match config.connect_timeout(&part.place, CONNECT) {
            Ok(channel) => Some(channel),
            // No listener just now, or it died while it was asked, or all its connections are those of the dead.
            Err(
                ChannelError::Timeout
                | ChannelError::Disconnected
                | ChannelError::TooManyConnections { .. }
                | ChannelError::Closed
                | ChannelError::Region(RegionError::NoPublisher { .. }),
            ) => None,
            Err(error) => return Err(error.into()),
        };
        loop {
            match part.orders.poll() {
                Some(Order::Pause) if !part.orders.report(&format!("paused {answered}")) => return Ok(()),
                Some(Order::End) => return Ok(()),
                _ => {}
            }
            let Some(channel) = &channel else { break };
            let first = number;
            let burst = 1 + part.random.below(BURST);
            number += burst;
            let length = HEAD + part.random.below((BYTES - HEAD) as u64) as usize;
            let mark = |number| Mark { sender: part.id, number };
            let asked = (first..first + burst).try_for_each(|number| {
                let mut bytes = vec![0; length];
                message::write(mark(number), &mut bytes);
                channel.send(&bytes)
            });
            if asked.is_err() {
                break;
            }
            let back = (first..first + burst).try_for_each(|number| {
                match channel.recv_timeout(LONG) {
                    Ok(message) if message::read(&message) == Some(mark(number)) => Ok(Ok(())),
                    Ok(message) => {
                        Ok(Err(format!("{:?} came back instead of {number}", message::read(&message))))
                    }
                    Err(ChannelError::Timeout) => {
                        Ok(Err(format!("{number} did not come back within {LONG:?}")))
                    }
                    Err(_) => Err(()), // the listener is gone
                }
                .and_then(|checked: std::result::Result<(), String>| match checked {
                    Ok(()) => {
                        answered += 1;
                        Ok(())
                    }
                    Err(wrong) => {
                        say(&format!("violation {wrong}"));
                        Err(())
                    }
                })
            });
            if back.is_err() {
                break;
            }
            part.sent(number)?;
            part.rest();
        }
    }
}

pub fn serve(part: Part) -> Result {
    let config = ServerConfig::new().dir(&part.dir);
    let server = config.serve(&part.place)?;
    say("ready");
    loop {
        match part.orders.poll() {
            Some(Order::Pause) if !part.orders.report("paused 0") => return Ok(()),
            Some(Order::End) => return Ok(()),
            _ => {}
        }
        match server.recv_timeout(LOOK) {
            Ok(request) => {
                let answer: Vec<u8> = request.iter().rev().copied().collect();
                match request.reply(&answer) {
                    // A client that was killed has no use for it; one that lives asks one thing at a time.
                    Ok(()) | Err(RequestError::Disconnected | RequestError::Timeout { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            // A client's death disconnects nobody but the client.
            Err(RequestError::Timeout { .. } | RequestError::Empty | RequestError::Disconnected) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

pub fn ask(mut part: Part) -> Result {
    say("ready");
    let mut answered = 0;
    let mut number = 0;
    loop {
        let client = Client::connect_in(&part.dir, &part.place).ok(); // or no server just now
        let connected = Instant::now();
        loop {
            match part.orders.poll() {
                Some(Order::Pause) if !part.orders.report(&format!("paused {answered}")) => return Ok(()),
                Some(Order::End) => return Ok(()),
                _ => {}
            }
            part.rest();
            let Some(client) = &client else { break };
            let mut bytes = vec![0; HEAD + part.random.below((BYTES - HEAD) as u64) as usize];
            message::write(Mark { sender: part.id, number }, &mut bytes);
            number += 1;
            match client.call(&bytes, LONG) {
                Ok(reply) => {
                    if !reply.iter().rev().eq(bytes.iter()) {
                        return Err(format!("request {number} got another's answer").into());
                    }
                    answered += 1;
                    part.sent(answered)?;
                }
                Err(RequestError::Timeout { .. }) => {
                    return Err(format!(
                        "request {number} had no answer in {LONG:?}, connected {:?} ago",
                        connected.elapsed()
                    )
                    .into());
                }
                // The server is gone, or went.
                Err(_) => break,
            }
        }
    }
}
