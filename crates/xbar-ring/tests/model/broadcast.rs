//! The broadcast ring against a plain oracle: a vector that never forgets.

use proptest::prelude::*;
use xbar_ring::{HeapRing, Received};

use crate::scenarios::message;

#[derive(Debug, Clone)]
enum Operation {
    Publish(u64),
    /// Claims, writes half a message and drops the claim.
    Abandon,
    Receive(usize),
    Join,
    /// The writer goes and another takes over.
    TakeOver,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation = prop_oneof![
        4 => (1..6_u64).prop_map(Operation::Publish),
        1 => Just(Operation::Abandon),
        6 => (0..4_usize).prop_map(Operation::Receive),
        1 => Just(Operation::Join),
        1 => Just(Operation::TakeOver),
    ];
    prop::collection::vec(operation, 1..120)
}

proptest! {
    #[test]
    fn received_and_missed_are_what_was_published(capacity in 2..20_usize, operations in operations()) {
        let ring = HeapRing::new(capacity, 2);
        let mut writer = ring.writer();
        let mut readers = vec![(ring.reader(), 0_u64)];
        let mut published = 0_u64;
        for operation in operations {
            match operation {
                Operation::Publish(count) => for _ in 0..count {
                    prop_assert_eq!(writer.next(), published);
                    writer.publish(&message(published));
                    published += 1;
                },
                Operation::Abandon => {
                    let claim = writer.claim();
                    claim.words()[0].store(u64::MAX, std::sync::atomic::Ordering::Relaxed);
                }
                Operation::TakeOver => writer = ring.writer(),
                Operation::Join => readers.push((ring.reader(), published)),
                Operation::Receive(which) => {
                    let which = which % readers.len();
                    let (reader, next) = &mut readers[which];
                    prop_assert_eq!(reader.pending(), published - *next);
                    let margin = reader.margin();
                    let mut words = [0; 2];
                    match reader.receive(&mut words) {
                        Received::Message { sequence } => {
                            prop_assert_eq!(sequence, *next);
                            prop_assert_eq!(words, message(sequence));
                            prop_assert!(published - sequence < capacity as u64, "no longer readable");
                            *next += 1;
                        }
                        Received::Empty => prop_assert_eq!(*next, published),
                        Received::Ended => prop_assert!(false, "nobody ended it"),
                        Received::Lagged { missed } => {
                            prop_assert!(published - *next >= capacity as u64, "lagged too early");
                            *next += missed;
                            let oldest = published - (capacity as u64 - 1);
                            prop_assert_eq!(*next, oldest + margin);
                        }
                    }
                    prop_assert_eq!(reader.next(), *next);
                }
            }
        }
    }
}
