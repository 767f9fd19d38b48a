//! Every target on random bytes: what the normal suite has of fuzzing.
#![cfg(not(xbar_loom))]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Runs target `name` on `cases` inputs of random bytes.
fn at_random(name: &str, cases: u32) {
    let (_, run) = xbar_hostile::TARGETS.into_iter().find(|(target, _)| *target == name).unwrap();
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    runner
        .run(&vec(any::<u8>(), 0..600), |bytes| {
            run(&bytes);
            Ok(())
        })
        .unwrap();
}

macro_rules! targets {
    ($($name:ident $cases:literal)+) => {
        $(#[test]
        fn $name() {
            at_random(stringify!($name), $cases);
        })+

        #[test]
        fn no_target_is_left_out() {
            assert_eq!(xbar_hostile::TARGETS.map(|(name, _)| name), [$(stringify!($name)),+]);
        }
    };
}

targets! {
    region_gate 2000
    topic_table 2000
    descriptors 2000
    ring_slots 300
    byte_ring 2000
    ledger 1000
    gate 300
    participants 40
    region 60
    log 60
    uris 2000
    patterns 2000
}
