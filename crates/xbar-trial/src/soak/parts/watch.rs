//! A receiver's memory: whose messages came, and that none came torn, twice or out of order.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Result;
use crate::soak::message::Mark;

/// First and last number of a sender's messages.
#[derive(Debug, Clone, Copy)]
struct Seen {
    first: u64,
    last: u64,
}

/// What was received so far.
#[derive(Debug, Default)]
pub struct Watch {
    senders: BTreeMap<u64, Seen>,
    /// Senders before the last new beginning: what came between is unknown.
    past: BTreeMap<u64, u64>,
    pub received: u64,
}

impl Watch {
    /// A message came. With `lossless`, it must be the sender's next.
    pub fn receive(&mut self, mark: Mark, lossless: bool) -> Result {
        self.received += 1;
        let Mark { sender, number } = mark;
        if let Some(&last) = self.past.get(&sender).filter(|last| number <= **last) {
            return Err(format!("message {number} of process {sender} came again, after {last}").into());
        }
        let Some(seen) = self.senders.get_mut(&sender) else {
            self.senders.insert(sender, Seen { first: number, last: number });
            return Ok(());
        };
        let last = seen.last;
        seen.last = number;
        if number <= last {
            return Err(format!("message {number} of process {sender} came after {last}").into());
        }
        if lossless && number != last + 1 {
            let lost = number - last - 1;
            return Err(
                format!("{lost} messages of process {sender} are missing in front of {number}").into()
            );
        }
        Ok(())
    }

    /// Connected anew: what was published in between was for nobody.
    pub fn begin_anew(&mut self) {
        let past = std::mem::take(&mut self.senders).into_iter().map(|(sender, seen)| (sender, seen.last));
        self.past.extend(past);
    }

    /// `sender:first:last` of every sender since the last new beginning.
    pub fn report(&self, missed: u64, position: u64) -> String {
        let mut line = format!("paused {} {missed} {position}", self.received);
        for (sender, Seen { first, last }) in &self.senders {
            let _ = write!(line, " {sender}:{first}:{last}"); // a String takes everything
        }
        line
    }
}
