//! The forms of reading that wait.
//!
//! A log's readers are known to nobody, so nobody can wake them: told to sleep, they sleep for a short while and look again.

use std::time::{Duration, Instant};
use std::{ptr, thread};

use xbar_layout::fetch;
use xbar_layout::pad::LINE_BYTES;
use xbar_ring::{Step, WaitStrategy};

use crate::error::{ReadError, TryReadError};
use crate::message::Record;
use crate::reader::{Reader, Spot};

/// The first sleep of a wait, and the longest; each is twice as long as the one before.
const SHORTEST_SLEEP: Duration = Duration::from_micros(20);
const LONGEST_SLEEP: Duration = Duration::from_millis(1);
/// Empty looks between two readings of the clock.
const LOOKS_PER_READING: u32 = 64;
/// Words of a cache line.
const LINE_WORDS: usize = LINE_BYTES / 8;

impl Reader {
    /// Waits for the next message.
    ///
    /// [`Park`](xbar_ring::Park) sleeps from 20 us up to 1 ms at a time between looks, [`Adaptive`](xbar_ring::Adaptive) does so
    /// when it has looked for some thousand times.
    ///
    /// # Errors
    ///
    /// [`ReadError`], without `Timeout`. A writer that ends or dies ends the wait.
    pub fn next(&mut self, strategy: impl WaitStrategy) -> Result<Record<'_>, ReadError> {
        let spot = self.wait(strategy, None)?;
        self.record(spot).map_err(ReadError::of)
    }

    /// Waits for the next message, no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn next_timeout(
        &mut self,
        strategy: impl WaitStrategy,
        timeout: Duration,
    ) -> Result<Record<'_>, ReadError> {
        let spot = self.wait(strategy, Some(timeout))?;
        self.record(spot).map_err(ReadError::of)
    }

    /// Has the processor fetch the line in which the next record ends if it is `words` long. Looked at all the time, it is there again as
    /// soon as the writer has stored to it, not only when the commit word was seen: one way from core to core less.
    #[inline(always)]
    fn fetch_end(&self, words: usize) {
        if let Some(word) = self.words.get(self.at + words - 1) {
            fetch::line(ptr::from_ref(word).cast());
        }
    }

    #[inline]
    fn wait(
        &mut self,
        mut strategy: impl WaitStrategy,
        timeout: Option<Duration>,
    ) -> Result<Spot, ReadError> {
        let mut looks = 0_u32;
        let mut end = None;
        let mut pause = SHORTEST_SLEEP;
        // As the last one; no more than a line further on.
        let words = self.at.wrapping_sub(self.waited_for).clamp(1, 1 + LINE_WORDS);
        loop {
            self.fetch_end(words);
            match self.look() {
                Ok(spot) => {
                    self.waited_for = spot.at;
                    return Ok(spot);
                }
                Err(TryReadError::Empty) => {}
                Err(error) => return Err(ReadError::of(error)),
            }
            looks = looks.saturating_add(1);
            let step = strategy.step(looks);
            if step == Step::Stop {
                return Err(ReadError::Stopped);
            }
            let mut longest = LONGEST_SLEEP;
            let is_time_asked = looks == 1 || looks % LOOKS_PER_READING == 0 || step == Step::Sleep;
            if let Some(timeout) = timeout.filter(|_| is_time_asked) {
                let now = Instant::now();
                // An end beyond the end of time does not come.
                let end = *end.get_or_insert_with(|| now.checked_add(timeout));
                let left = end.map_or(LONGEST_SLEEP, |end| end.saturating_duration_since(now));
                if left.is_zero() {
                    return Err(ReadError::Timeout);
                }
                longest = longest.min(left);
            }
            if step == Step::Sleep {
                thread::sleep(pause.min(longest));
                pause = (2 * pause).min(LONGEST_SLEEP);
                self.ask_soon();
            }
        }
    }
}
