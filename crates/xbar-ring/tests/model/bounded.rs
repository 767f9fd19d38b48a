//! The lossless channels, of one and of many writers, against an oracle that keeps everything.

use proptest::prelude::*;
use xbar_ring::channel::{Bounded, Join, Lossless, LosslessSubscribers};
use xbar_ring::{PublishError, Sink, Source, TryRecvError};

/// Not plain data: a lossless channel carries any `Copy` type.
type Value = (u64, Option<char>);

fn value(sequence: u64) -> Value {
    (sequence, char::from_u32(sequence as u32 % 100).filter(|_| sequence % 3 > 0))
}

#[derive(Debug, Clone)]
enum Operation {
    Publish(u64),
    PublishBatch(u64),
    Receive(usize),
    Batch(usize, usize),
    Drain(usize),
    Subscribe,
    SubscribeFromOldest,
    Leave(usize),
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    use Operation::*;
    let operation = prop_oneof![
        4 => (1..6_u64).prop_map(Publish),
        2 => (0..20_u64).prop_map(PublishBatch),
        6 => (0..4_usize).prop_map(Receive),
        2 => (0..4_usize, 0..9_usize).prop_map(|(who, room)| Batch(who, room)),
        1 => (0..4_usize).prop_map(Drain),
        1 => Just(Subscribe),
        1 => Just(SubscribeFromOldest),
        1 => (0..4_usize).prop_map(Leave),
    ];
    prop::collection::vec(operation, 1..120)
}

const SUBSCRIBERS: usize = 3;

fn check<W: Sink<Value = Value>, R: Join>(
    (mut publisher, subscribers): (Lossless<W>, LosslessSubscribers<R>),
    room: u64,
    operations: Vec<Operation>,
) -> Result<(), TestCaseError>
where
    R::Reader: Source<Value = Value>,
{
    let mut published = 0;
    // What the writer may not overwrite without a reader: behind what the readers that left had read.
    let mut floor = 0_u64;
    let mut all = Vec::new();
    for operation in operations {
        let count = all.len();
        let slowest = all.iter().map(|(_, next)| *next).min();
        let free = slowest.map(|slowest| slowest + room - published);
        match operation {
            Operation::Publish(attempts) => {
                for attempt in 0..attempts {
                    match publisher.try_publish(value(published)) {
                        Ok(()) => {
                            prop_assert!(free.is_none_or(|free| attempt < free));
                            published += 1;
                        }
                        Err(PublishError::Full(given_back)) => {
                            prop_assert_eq!(given_back, value(published));
                            prop_assert!(free.is_none_or(|free| attempt >= free));
                            prop_assert!(published >= floor + room || slowest.is_some());
                        }
                        Err(error) => prop_assert!(false, "{}", error),
                    }
                }
            }
            Operation::PublishBatch(length) => {
                let values: Vec<_> = (published..published + length).map(value).collect();
                let accepted = match publisher.try_publish_batch(&values) {
                    Ok(accepted) => accepted as u64,
                    Err(error) => {
                        prop_assert!(error.is_full() && length > 0);
                        0
                    }
                };
                // A writer that knows of some room uses it before it asks for more.
                prop_assert!(free.is_none_or(|free| accepted <= free.min(length)));
                prop_assert!(free.is_none_or(|free| accepted > 0 || free == 0 || length == 0));
                published += accepted;
            }
            Operation::Subscribe if count < SUBSCRIBERS => {
                all.push((subscribers.subscribe().unwrap(), published));
            }
            Operation::SubscribeFromOldest if count < SUBSCRIBERS => {
                let subscriber = subscribers.subscribe_from_oldest().unwrap();
                let start = subscriber.cursor();
                prop_assert!(start >= published.saturating_sub(room) && start <= published);
                prop_assert!(slowest.is_none_or(|slowest| start <= slowest), "what others will get");
                all.push((subscriber, start));
            }
            Operation::Subscribe | Operation::SubscribeFromOldest => {
                prop_assert!(subscribers.subscribe().is_err());
                prop_assert!(subscribers.subscribe_from_oldest().is_err());
            }
            _ if count == 0 => {}
            Operation::Receive(who) => {
                let (subscriber, next) = &mut all[who % count];
                let expected = if *next < published { Ok(value(*next)) } else { Err(TryRecvError::Empty) };
                prop_assert_eq!(subscriber.try_recv(), expected);
                *next += u64::from(expected.is_ok());
            }
            Operation::Batch(who, length) => {
                let (subscriber, next) = &mut all[who % count];
                let mut into = vec![value(0); length];
                let taken = subscriber.recv_batch(&mut into).unwrap_or(0);
                prop_assert!(taken > 0 || *next == published || length == 0);
                for got in &into[..taken] {
                    prop_assert_eq!(*got, value(*next));
                    *next += 1;
                }
            }
            Operation::Drain(who) => {
                let (subscriber, next) = &mut all[who % count];
                for got in subscriber.drain() {
                    prop_assert_eq!(got, Ok(value(*next)));
                    *next += 1;
                }
                prop_assert_eq!(*next, published);
            }
            Operation::Leave(who) => {
                let (_, next) = all.swap_remove(who % count);
                floor = floor.max(next);
            }
        }
        prop_assert_eq!(publisher.published(), published);
        prop_assert_eq!(publisher.subscriber_count(), all.len());
        for (subscriber, next) in &all {
            prop_assert_eq!((subscriber.cursor(), subscriber.total_missed()), (*next, 0));
            prop_assert_eq!(subscriber.pending(), published - next);
        }
    }
    drop(publisher);
    for (mut subscriber, next) in all {
        for sequence in next..published {
            prop_assert_eq!(subscriber.try_recv(), Ok(value(sequence)));
        }
        prop_assert_eq!(subscriber.try_recv(), Err(TryRecvError::Disconnected));
    }
    Ok(())
}

proptest! {
    #[test]
    fn one_writer_against_the_oracle(
        capacity in 2..20_usize, watermark in 0..4_usize, operations in operations(),
    ) {
        let watermark = watermark.min(capacity - 1);
        let settings = Bounded::new(capacity).watermark(watermark).subscribers(SUBSCRIBERS);
        check(settings.build::<Value>(), (capacity - watermark) as u64, operations)?;
    }

    #[test]
    fn many_writers_against_the_oracle(
        capacity in 2..20_usize, watermark in 0..4_usize, operations in operations(),
    ) {
        let watermark = watermark.min(capacity - 1);
        let settings = Bounded::new(capacity).watermark(watermark).subscribers(SUBSCRIBERS);
        check(settings.build_mpmc::<Value>(), (capacity - watermark) as u64, operations)?;
    }
}
