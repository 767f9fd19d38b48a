//! The cases, one file for each family or part of one.

mod bus;
mod bytes;
mod event;
pub mod fan_out;
mod log;
mod pinned;
mod pipeline;
mod ring_round_trip;
mod ring_same_thread;
pub mod scale;
pub mod scale_discover;
mod throughput;
pub mod topic_round_trip;
mod topic_same_thread;
mod wake;

use crate::case::Case;

/// Words that `--only` takes.
pub const FAMILIES: &[&str] = &[
    "ring",
    "topic",
    "pinned",
    "bus",
    "bytes",
    "log",
    "fan-out",
    "throughput",
    "event",
    "pipeline",
    "wake",
    "scale",
];

/// All cases.
pub fn all() -> Vec<Case> {
    let parts = [
        ring_same_thread::cases(),
        ring_round_trip::cases(),
        topic_same_thread::cases(),
        topic_round_trip::cases(),
        pinned::cases(),
        bus::cases(),
        bytes::cases(),
        log::cases(),
        fan_out::cases(),
        throughput::cases(),
        event::cases(),
        pipeline::cases(),
        wake::cases(),
        scale::cases(),
        scale_discover::cases(),
    ];
    parts.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_a_case_and_every_case_a_family() {
        let cases = all();
        assert!(cases.iter().all(|case| FAMILIES.contains(&case.family)));
        assert!(FAMILIES.iter().all(|family| cases.iter().any(|case| case.family == *family)));
    }

    #[test]
    fn no_two_cases_have_one_name() {
        let mut names: Vec<_> = all().iter().map(|case| (case.name, case.payload, case.at)).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all().len());
    }
}
