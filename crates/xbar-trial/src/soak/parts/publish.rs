//! A publisher of a topic: by copy, in place, with loans that are kept or dropped.

use xbar::{Publisher, TopicConfig};

use super::{Part, Result};
use crate::soak::message::{self, HEAD, Mark};
use crate::soak::orders::{Order, say};
use crate::soak::stage::{BLOCK_BYTES, REGION};

/// What the topic `place` is, by its name.
pub fn config(place: &str) -> TopicConfig {
    match place {
        "/lossless" => TopicConfig::new().lossless(),
        "/many-lossy" => TopicConfig::new().many_publishers(),
        "/many-lossless" => TopicConfig::new().lossless().many_publishers(),
        "/pinned" => TopicConfig::new().pinned(),
        _ => TopicConfig::new(),
    }
}

pub fn play(mut part: Part) -> Result {
    let publisher = Publisher::open_in(&part.dir, REGION)?;
    let topic = publisher.register_with(&part.place, &config(&part.place))?;
    say("ready");
    let mut loans = Vec::new();
    let mut bytes = vec![0; BLOCK_BYTES];
    let mut number = 0;
    loop {
        match part.orders.poll() {
            Some(Order::Pause) => {
                let strays = publisher.strays();
                if strays > 0 {
                    return Err(format!("{strays} blocks are in its name that it does not have").into());
                }
                if !part.orders.report(&format!("paused {number}")) {
                    return Ok(());
                }
            }
            Some(Order::End) => return Ok(()),
            Some(Order::Go) | None => {}
        }
        for _ in 0..=part.random.below(64) {
            let length = HEAD + part.random.below((BLOCK_BYTES - HEAD) as u64 + 1) as usize;
            let length = if part.random.below(2) == 0 { HEAD + length % 24 } else { length };
            let mark = Mark { sender: part.id, number };
            match part.random.below(16) {
                // Lent and not published: given back, or kept until the end, whichever comes.
                0 if loans.len() < 4 => {
                    loans.push(publisher.loan(&topic, length)?);
                    continue;
                }
                1 => {
                    loans.pop();
                    continue;
                }
                2..=8 => {
                    let mut loan = publisher.loan(&topic, length)?;
                    message::write(mark, &mut loan);
                    spoil(&part, number, &mut loan);
                    loan.publish();
                }
                _ => {
                    let bytes = &mut bytes[..length];
                    message::write(mark, bytes);
                    spoil(&part, number, bytes);
                    publisher.send(&topic, bytes)?;
                }
            }
            number += match &*part.spoil {
                "drop" if number % 500 == 499 => 2,
                "repeat" if number == 499 => {
                    part.spoil.clear();
                    0
                }
                _ => 1,
            };
            part.sent(number)?;
        }
        if part.spoil == "hang" && number > 2000 {
            loop {
                std::thread::park();
            }
        }
        part.rest();
    }
}

fn spoil(part: &Part, number: u64, bytes: &mut [u8]) {
    if part.spoil == "tear" && number % 500 == 499 {
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
    }
}
