//! A surviving reader: everything that it hears is whole, once, in order, and accounted for.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use xbar::{Delivery, RecvError, Stream, Subscriber};

use super::fault::{Checked, During, ensure};
use super::words::Words;

/// How long anything that must come may take. A publisher that is dead is noticed within 100 ms, and all else takes less; but where a
/// dozen other processes want the core, a connection takes seconds. The report says what the slowest took.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// The same for a victim, which goes through its operation step by step.
pub const STEP_BY_STEP: Duration = Duration::from_secs(300);

/// A stream, and what was heard on it.
pub struct Ear {
    stream: Stream,
    /// The highest number heard of each source that was not forgotten.
    last: BTreeMap<u64, u64>,
    sequence: Option<u64>,
    /// Sequence number of the first message that the stream could have heard.
    base: Option<u64>,
    missed: u64,
}

/// What came.
enum Heard {
    Message(Words),
    /// Some were overwritten, or died with their publisher.
    Missing,
    /// Not in time.
    Nothing,
}

impl Ear {
    pub fn new(subscriber: &Subscriber, uri: &str) -> Checked<Self> {
        let stream = subscriber.subscribe(uri).during("subscribing")?;
        Ok(Self { stream, last: BTreeMap::new(), sequence: None, base: None, missed: 0 })
    }

    /// Everything up to message `last`, which must come; what went missing must be `may_miss` messages at most.
    pub fn hear_until(&mut self, last: Words, may_miss: u64) -> Checked<Vec<Words>> {
        let missed = self.missed;
        let mut heard = Vec::new();
        let start = Instant::now();
        loop {
            let left = PATIENCE.saturating_sub(start.elapsed());
            match self.next(left).map_err(|error| format!("{error}, waiting for {last} after {heard:?}"))? {
                Heard::Nothing => return Err(format!("{last} did not come, after {heard:?}")),
                Heard::Message(words) => heard.push(words),
                Heard::Missing => {}
            }
            ensure(self.missed - missed <= may_miss, || {
                format!("{} messages missed, waiting for {last}", self.missed - missed)
            })?;
            if heard.last() == Some(&last) {
                return Ok(heard);
            }
        }
    }

    /// Everything that is there now.
    pub fn hear_all(&mut self) -> Checked<Vec<Words>> {
        let mut heard = Vec::new();
        let start = Instant::now();
        // What a dead publisher had begun to write is there, and goes away when its death is noticed.
        while self.stream.pending() > 0 {
            ensure(start.elapsed() < PATIENCE, || {
                format!("something is there and does not come, after {heard:?}")
            })?;
            if let Heard::Message(words) = self.next(Duration::from_millis(20))? {
                heard.push(words);
            }
        }
        Ok(heard)
    }

    fn next(&mut self, timeout: Duration) -> Checked<Heard> {
        let start = Instant::now();
        let sample = loop {
            match self.stream.recv_timeout(timeout.saturating_sub(start.elapsed())) {
                Ok(sample) => break sample,
                Err(RecvError::Lagged { missed }) => {
                    self.missed += missed;
                    return Ok(Heard::Missing);
                }
                // A successor is on its way.
                Err(RecvError::Disconnected) if start.elapsed() < timeout => std::thread::yield_now(),
                Err(RecvError::Timeout | RecvError::Disconnected) => return Ok(Heard::Nothing),
                Err(error) => return Err(format!("receiving: {error}")),
            }
        };
        let words = Words::read(&sample)?;
        let sequence = sample.sequence();
        ensure(self.sequence.is_none_or(|before| before < sequence), || {
            format!(
                "message {words} has sequence {sequence} behind {:?}: doubled or out of order",
                self.sequence
            )
        })?;
        self.sequence = Some(sequence);
        let before = self.last.insert(words.source, words.number);
        ensure(before.is_none_or(|before| before < words.number), || {
            format!("message {words} behind {before:?}: doubled or out of order")
        })?;
        if self.stream.delivery() != Delivery::Pinned {
            let base = self.base.unwrap_or_else(|| (sequence + 1).saturating_sub(self.passed()));
            // A lossless topic does not count what was never sent: the number that a publisher had claimed when it died.
            let unsent = match self.stream.delivery() {
                Delivery::Lossless => (sequence + 1).saturating_sub(base + self.passed()),
                _ => 0,
            };
            self.missed += unsent;
            self.base = Some(base + unsent);
            ensure(base + unsent + self.passed() == sequence + 1, || {
                format!("received + missed is {}, sent {}", self.passed(), sequence + 1 - base)
            })?;
        }
        Ok(Heard::Message(words))
    }

    fn passed(&self) -> u64 {
        self.stream.received() + self.stream.missed()
    }

    pub const fn stream(&self) -> &Stream {
        &self.stream
    }
}

/// What was heard must be some of `may`, in order, and then all of `must`.
pub fn expect(heard: &[Words], may: &[Words], must: &[Words]) -> Checked {
    let rest =
        heard.strip_suffix(must).ok_or_else(|| format!("heard {heard:?}, which must end with {must:?}"))?;
    let mut may_be = may.iter();
    match rest.iter().find(|words| !may_be.any(|may| may == *words)) {
        Some(words) => {
            Err(format!("heard {words}, which nobody sent, or twice; in all {heard:?}, sent {may:?}"))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_doubled_missing_or_out_of_order_is_noticed() {
        let [a, b, c] = [1, 2, 3].map(|number| Words { source: 1, number });
        assert!(expect(&[a, c], &[a, b], &[c]).is_ok());
        assert!(expect(&[c], &[a, b], &[c]).is_ok());
        for heard in [&[a, b][..], &[a, a, c], &[b, a, c], &[c, a], &[]] {
            assert!(expect(heard, &[a, b], &[c]).is_err(), "{heard:?}");
        }
    }
}
