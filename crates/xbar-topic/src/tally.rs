//! A tally: how many messages a publisher sent on one topic, and how many of them its record knows of.
//!
//! An entry takes a locked addition and a look at the clock, longer than ten small messages. So whoever publishes slowly enters
//! every message, and whoever publishes fast enters one in ever more.

use std::cell::Cell;

use xbar_layout::participant::Record;
use xbar_layout::sync::Ordering;

/// Messages between two entries, at most.
const MOST: u64 = 1024;

/// Entries that follow each other faster than this become rarer, ns.
const OFTEN_ENOUGH_NS: u64 = 10_000_000;

/// The tally of one topic, as one publisher has it.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Messages that the record knows of.
    told: Cell<u64>,
    /// When it was told, in ns since 1970.
    told_ns: Cell<u64>,
    /// Messages from one entry to the next.
    interval: Cell<u64>,
}

impl Tally {
    /// A tally that begins behind `sent` messages.
    pub(crate) const fn new(sent: u64) -> Self {
        Self { told: Cell::new(sent), told_ns: Cell::new(0), interval: Cell::new(1) }
    }

    /// So many messages sent are to be entered.
    #[inline(always)]
    pub(crate) fn due(&self) -> u64 {
        self.told.get().wrapping_add(self.interval.get())
    }

    /// Enters in `record` that `sent` messages were sent by `now`, in ns since 1970.
    pub(crate) fn tell(&self, record: &Record, sent: u64, now: u64) {
        let news = sent.wrapping_sub(self.told.replace(sent));
        let is_often = now.saturating_sub(self.told_ns.replace(now)) < OFTEN_ENOUGH_NS;
        self.interval.set(if is_often { (self.interval.get() * 2).min(MOST) } else { 1 });
        // ORDERING: none; figures for people. Added, because a topic may be dropped in another thread than its publisher's.
        record.counters.published.fetch_add(news, Ordering::Relaxed);
        // ORDERING: none; as above.
        record.active_unix_ns.store(now, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[allow(unsafe_code)] // a record made of zeros
mod tests {
    use super::*;

    /// Entries of 10 000 messages, `ns` apart, and what the record says in the end.
    fn entries(ns: u64) -> (u64, u64) {
        let mut memory = vec![0_u64; size_of::<Record>() / 8 + 8];
        let place = memory.as_mut_ptr().align_offset(64);
        // SAFETY: zeroed, aligned, large enough, and for this function alone: any bits are a record.
        let record = unsafe { &*memory[place..].as_ptr().cast::<Record>() };
        let (tally, start, mut entries) = (Tally::new(7), 1 << 60, 0);
        for sent in 8..=10_007 {
            if sent >= tally.due() {
                tally.tell(record, sent, start + sent * ns);
                entries += 1;
            }
        }
        tally.tell(record, 10_007, start);
        // ORDERING: none; one thread.
        (entries, record.counters.published.load(Ordering::Relaxed))
    }

    #[test]
    fn the_slow_enter_every_message_the_fast_a_few_and_nobody_leaves_one_out() {
        assert_eq!(entries(OFTEN_ENOUGH_NS), (10_000, 10_000));
        let (fast, published) = entries(10);
        assert_eq!(published, 10_000);
        assert!((10_000 / MOST..40).contains(&fast), "{fast}");
    }
}
