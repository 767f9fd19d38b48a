//! A subscriber of a topic: checks every message when it comes, and those that it keeps again when it lets them go.

use std::collections::VecDeque;
use std::time::Duration;

use xbar::{Park, RecvError, Sample, Subscriber};

use super::watch::Watch;
use super::{LONG, Part, Result};
use crate::soak::message::{self, Mark};
use crate::soak::orders::{Order, say};
use crate::soak::stage::REGION;

/// Samples kept at once: some of them inline, which hold no block.
const KEPT: usize = 8;

/// Longer than a reader needs to find out that whoever began the next message is dead.
const QUIET: Duration = Duration::from_millis(350);

pub fn play(mut part: Part) -> Result {
    let subscriber = Subscriber::connect_timeout_in(&part.dir, REGION, LONG)?;
    let stream = subscriber.subscribe_timeout(&part.place, LONG)?;
    let (lossless, pinned) = (part.place.ends_with("lossless"), part.place == "/pinned");
    say("ready");
    let mut watch = Watch::default();
    let mut kept: VecDeque<(Mark, Sample<'_>)> = VecDeque::new();
    let mut position = None;
    let mut pausing = false;
    loop {
        if !pausing {
            match part.orders.poll() {
                Some(Order::Pause) => pausing = true,
                Some(Order::End) => return Ok(()),
                Some(Order::Go) | None => {}
            }
        }
        // Asleep, not spinning: there are more processes than cores.
        let patience = if pausing { QUIET } else { Duration::from_millis(20) };
        match stream.recv_with_timeout(Park, patience) {
            Ok(sample) => {
                let mark = message::read(&sample).ok_or("a torn message")?;
                watch.receive(mark, lossless)?;
                // Where the stream began: its messages, received and missed, in front of this one.
                let began = (sample.sequence() + 1).checked_sub(stream.received() + stream.missed());
                if !lossless && !pinned && *position.get_or_insert(began) != began {
                    return Err(format!(
                        "message {} came, {} received, {} missed: they do not add up to those before",
                        sample.sequence(),
                        stream.received(),
                        stream.missed()
                    )
                    .into());
                }
                if part.random.below(8) == 0 {
                    kept.push_back((mark, sample));
                }
                if kept.len() > KEPT || part.random.below(16) == 0 {
                    let Some((mark, sample)) = kept.pop_front() else { continue };
                    if message::read(&sample) != Some(mark) {
                        return Err("a message changed while it was held".into());
                    }
                }
            }
            Err(RecvError::Lagged { missed }) if lossless => {
                return Err(format!("a lossless topic lost {missed}").into());
            }
            Err(RecvError::Lagged { .. }) => {}
            Err(error @ (RecvError::Timeout | RecvError::Disconnected)) => {
                if pausing {
                    pausing = false;
                    let began = position.flatten().unwrap_or(u64::MAX);
                    let next = began.saturating_add(stream.received() + stream.missed());
                    if !part.orders.report(&watch.report(stream.missed(), next)) {
                        return Ok(());
                    }
                } else if error == RecvError::Disconnected {
                    std::thread::sleep(Duration::from_millis(1)); // another publisher is on its way
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}
