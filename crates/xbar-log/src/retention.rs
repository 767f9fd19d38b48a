//! Which segments may go: one question, asked of the oldest until the answer is no.

use std::collections::VecDeque;

use crate::options::Retention;
use crate::resume::Listed;

/// Whether the oldest segment is to be deleted. `needed_seq` is the lowest message that a cursor still needs.
pub(crate) fn is_oldest_too_much(
    segments: &VecDeque<Listed>,
    kept: Retention,
    needed_seq: u64,
    next_seq: u64,
    now_ns: u64,
) -> bool {
    let Some(second) = segments.get(1) else { return false };
    if needed_seq < second.first_seq {
        return false;
    }
    let bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
    // It was written to until the second was begun.
    let age_ns = now_ns.saturating_sub(second.created_ns);
    kept.bytes.is_some_and(|most| bytes > most)
        || kept.age_ns.is_some_and(|most| age_ns > most)
        || kept.records.is_some_and(|least| next_seq.saturating_sub(second.first_seq) >= least)
}

#[cfg(all(test, not(xbar_loom)))]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Three segments of 100 bytes, begun at messages 0, 10, 20 and at 0, 10, 20 s; asked at message 25 and 30 s.
    fn goes(kept: Retention, needed_seq: u64) -> bool {
        let segments = (0..3).map(|n| Listed {
            number: n + 1,
            first_seq: 10 * n,
            bytes: 100,
            created_ns: 10_000_000_000 * n,
        });
        is_oldest_too_much(&segments.collect(), kept, needed_seq, 25, 30_000_000_000)
    }

    #[test]
    fn each_bound_holds_to_the_last_byte_second_and_record() {
        let all = Retention::everything();
        assert!(!goes(all, u64::MAX));
        assert!(goes(all.bytes(299), u64::MAX) && !goes(all.bytes(300), u64::MAX));
        assert!(goes(all.records(15), u64::MAX) && !goes(all.records(16), u64::MAX));
        let seconds = Duration::from_secs;
        assert!(goes(all.age(seconds(19)), u64::MAX) && !goes(all.age(seconds(20)), u64::MAX));
    }

    #[test]
    fn what_a_cursor_needs_stays() {
        let nothing = Retention::everything().bytes(0);
        assert!(goes(nothing, 10) && !goes(nothing, 9) && !goes(nothing, 0));
    }

    #[test]
    fn the_last_segment_stays() {
        let one = VecDeque::from([Listed { number: 1, first_seq: 0, bytes: 100, created_ns: 0 }]);
        assert!(!is_oldest_too_much(
            &one,
            Retention::everything().bytes(0).records(0),
            u64::MAX,
            9,
            u64::MAX
        ));
    }
}
