//! A log against a plain list: any order of appending, reserving, closing, reading, seeking and going back.
#![cfg(not(xbar_loom))]

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use support::Dir;
use xbar_log::{Start, TryReadError};

/// What is done.
#[derive(Debug, Clone)]
enum Operation {
    Append(u16),
    Batch(u8),
    Reserve { bytes: u16, commit: bool },
    Reopen,
    Read(u8),
    Back(u8),
    Seek(u16),
    SeekTime(u16),
    Live,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (0..3000_u16).prop_map(Operation::Append),
        2 => any::<u8>().prop_map(Operation::Batch),
        2 => (0..3000_u16, any::<bool>()).prop_map(|(bytes, commit)| Operation::Reserve { bytes, commit }),
        1 => Just(Operation::Reopen),
        4 => any::<u8>().prop_map(Operation::Read),
        3 => any::<u8>().prop_map(Operation::Back),
        2 => any::<u16>().prop_map(Operation::Seek),
        1 => any::<u16>().prop_map(Operation::SeekTime),
        1 => Just(Operation::Live),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_log_is_a_list(operations in vec(operation(), 1..120)) {
        let dir = Dir::new();
        let mut writer = Some(dir.writer());
        let mut reader = dir.reader();
        // The oracle: messages and their times, and where the reader is.
        let (mut list, mut place): (Vec<(Vec<u8>, u64)>, usize) = (Vec::new(), 0);
        let payload = |n: usize, bytes: usize| -> Vec<u8> { (0..bytes).map(|i| (n * 31 + i) as u8).collect() };
        for operation in operations {
            let open = writer.as_mut().unwrap();
            let n = list.len();
            match operation {
                Operation::Append(bytes) => {
                    let message = payload(n, bytes.into());
                    // Several of one time.
                    let time = n as u64 / 3 * 10;
                    let time = list.last().map_or(time, |(_, last)| time.max(*last));
                    prop_assert_eq!(open.append_at(1, time, &message), Ok(n as u64));
                    list.push((message, time));
                }
                Operation::Batch(count) => {
                    let time = list.last().map_or(0, |(_, last)| *last);
                    for more in 0..usize::from(count % 20) {
                        let message = payload(n + more, more * 7);
                        prop_assert_eq!(open.append_at(1, time, &message), Ok((n + more) as u64));
                        list.push((message, time));
                    }
                }
                Operation::Reserve { bytes, commit } => {
                    let message = payload(n, bytes.into());
                    let mut place = open.reserve(bytes.into()).unwrap();
                    place.copy_from_slice(&message);
                    if commit {
                        prop_assert_eq!(place.commit(), Ok(n as u64));
                        // The clock's time is far behind those that are given; only its order matters.
                        list.push((message, u64::MAX));
                    }
                }
                Operation::Reopen => {
                    drop(writer.take());
                    let again = dir.writer();
                    prop_assert!(again.recovery().clean);
                    prop_assert_eq!(again.next_seq(), n as u64);
                    writer = Some(again);
                }
                Operation::Read(count) => {
                    for _ in 0..count {
                        match reader.try_next() {
                            Ok(record) => {
                                prop_assert_eq!(record.seq(), place as u64);
                                prop_assert_eq!(record.payload(), &list[place].0[..]);
                                place += 1;
                            }
                            Err(error) => {
                                prop_assert_eq!((error, place), (TryReadError::Empty, list.len()));
                                break;
                            }
                        }
                    }
                }
                Operation::Back(count) => {
                    for _ in 0..count {
                        match reader.try_previous() {
                            Ok(record) => {
                                place -= 1;
                                prop_assert_eq!(record.seq(), place as u64);
                                prop_assert_eq!(record.payload(), &list[place].0[..]);
                            }
                            Err(error) => {
                                prop_assert_eq!((error, place), (TryReadError::Empty, 0));
                                break;
                            }
                        }
                    }
                }
                Operation::Seek(number) => {
                    place = usize::from(number) % (n + 1);
                    prop_assert_eq!(reader.seek(Start::Seq(place as u64)), Ok(()));
                }
                Operation::SeekTime(time) => {
                    let time = u64::from(time) % (n as u64 * 4 + 10);
                    place = list.iter().position(|(_, other)| *other >= time).unwrap_or(n);
                    prop_assert_eq!(reader.seek(Start::Time(time)), Ok(()));
                }
                Operation::Live => {
                    place = n;
                    prop_assert_eq!(reader.seek(Start::Live), Ok(()));
                }
            }
            prop_assert_eq!(reader.next_seq(), place as u64);
        }
    }
}
