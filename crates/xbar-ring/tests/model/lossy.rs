//! The lossy channels, of one and of many writers, against an oracle that knows only numbers.

use proptest::prelude::*;
use xbar_ring::channel::Subscribers;
use xbar_ring::{Lossy, Subscriber, TryRecvError, channel, channel_mpmc};

/// A value whose length is no multiple of a word, and that shows when it is torn.
type Value = [u32; 3];

fn value(sequence: u64) -> Value {
    [sequence as u32, sequence as u32 ^ 0x5555, !(sequence as u32)]
}

#[derive(Debug, Clone)]
enum Operation {
    Publish(u64),
    PublishBatch(u64),
    /// Reserves, writes half a value and gives up.
    GiveUp,
    Receive(usize),
    Latest(usize),
    Batch(usize, usize),
    Drain(usize),
    Subscribe,
    SubscribeFromOldest,
    Clone(usize),
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    use Operation::*;
    let operation = prop_oneof![
        4 => (1..6_u64).prop_map(Publish),
        2 => (0..40_u64).prop_map(PublishBatch),
        1 => Just(GiveUp),
        6 => (0..4_usize).prop_map(Receive),
        2 => (0..4_usize).prop_map(Latest),
        2 => (0..4_usize, 0..9_usize).prop_map(|(who, room)| Batch(who, room)),
        1 => (0..4_usize).prop_map(Drain),
        1 => Just(Subscribe),
        1 => Just(SubscribeFromOldest),
        1 => (0..4_usize).prop_map(Clone),
    ];
    prop::collection::vec(operation, 1..120)
}

/// What is published: by number, and which numbers were given up.
#[derive(Default)]
struct Stream {
    published: u64,
    given_up: Vec<u64>,
}

/// Where one subscriber must be.
#[derive(Debug, Clone)]
struct Account {
    start: u64,
    next: u64,
    missed: u64,
}

struct Oracle {
    stream: Stream,
    capacity: u64,
    /// Messages that can be read at a time.
    readable: u64,
}

impl Oracle {
    fn oldest(&self) -> u64 {
        self.stream.published.saturating_sub(self.readable)
    }

    /// What the next receive must say; moves the account.
    fn receive(&self, account: &mut Account) -> Result<Value, TryRecvError> {
        let next = account.next;
        if next == self.stream.published {
            return Err(TryRecvError::Empty);
        }
        let mut resume = None;
        if next < self.oldest() {
            resume = Some((self.oldest() + self.capacity / 8).min(self.stream.published));
        } else if self.stream.given_up.contains(&next) {
            resume = Some(next + 1);
        }
        if let Some(resume) = resume {
            account.next = resume;
            account.missed += resume - next;
            return Err(TryRecvError::Lagged { missed: resume - next });
        }
        account.next += 1;
        Ok(value(next))
    }

    fn latest(&self, account: &mut Account) -> Result<Value, TryRecvError> {
        if account.next >= self.oldest() {
            let there = |n: &u64| !self.stream.given_up.contains(n);
            let newest = (account.next + 1..self.stream.published).rev().find(there).unwrap_or(account.next);
            account.missed += newest - account.next;
            account.next = newest;
        }
        self.receive(account)
    }
}

/// The publishing end of either channel.
trait Publishing {
    fn publish(&mut self, values: &[Value]);
    /// True when a number was taken that nobody will get.
    fn give_up(&mut self) -> bool;
    fn published(&self) -> u64;
}

impl Publishing for xbar_ring::channel::Publisher<Value> {
    fn publish(&mut self, values: &[Value]) {
        self.publish_batch(values);
    }

    fn give_up(&mut self) -> bool {
        self.reserve().write_part(0, &7_u32);
        false
    }

    fn published(&self) -> u64 {
        self.published()
    }
}

/// Two publishers, in turn.
impl Publishing for [xbar_ring::channel::MpPublisher<Value>; 2] {
    fn publish(&mut self, values: &[Value]) {
        self.swap(0, 1);
        self[0].publish_batch(values);
    }

    fn give_up(&mut self) -> bool {
        self.swap(0, 1);
        self[0].reserve().write_part(0, &7_u32);
        true
    }

    fn published(&self) -> u64 {
        self[1].published()
    }
}

fn check<S: Lossy<Value = Value> + Clone>(
    mut publisher: impl Publishing,
    subscribers: &Subscribers<S>,
    mut oracle: Oracle,
    operations: Vec<Operation>,
) -> Result<(), TestCaseError> {
    let account = |start: u64| Account { start, next: start, missed: 0 };
    let mut all: Vec<(Subscriber<S>, Account)> = vec![(subscribers.subscribe(), account(0))];
    for operation in operations {
        let count = all.len();
        match operation {
            Operation::Publish(count) => {
                for _ in 0..count {
                    publisher.publish(&[value(oracle.stream.published)]);
                    oracle.stream.published += 1;
                }
            }
            Operation::PublishBatch(count) => {
                let from = oracle.stream.published;
                let values: Vec<_> = (from..from + count).map(value).collect();
                publisher.publish(&values);
                oracle.stream.published += count;
            }
            Operation::GiveUp => {
                if publisher.give_up() {
                    oracle.stream.given_up.push(oracle.stream.published);
                    oracle.stream.published += 1;
                }
            }
            Operation::Receive(who) => {
                let (subscriber, account) = &mut all[who % count];
                prop_assert_eq!(subscriber.pending(), oracle.stream.published - account.next);
                let expected = oracle.receive(account);
                if who % 2 == 0 {
                    prop_assert_eq!(subscriber.try_recv(), expected);
                } else {
                    let mut place = value(0);
                    prop_assert_eq!(subscriber.try_recv_into(&mut place).map(|()| place), expected);
                }
            }
            Operation::Latest(who) => {
                let (subscriber, account) = &mut all[who % count];
                let expected = oracle.latest(account);
                prop_assert_eq!(subscriber.latest(), expected);
            }
            Operation::Batch(who, room) => {
                let (subscriber, account) = &mut all[who % count];
                let mut into = vec![value(0); room];
                match subscriber.recv_batch(&mut into) {
                    Ok(taken) => {
                        for got in &into[..taken] {
                            prop_assert_eq!(Ok(*got), oracle.receive(account));
                        }
                        if taken < room {
                            // What stopped it is told next time.
                            prop_assert!(oracle.receive(&mut account.clone()).is_err());
                        }
                    }
                    Err(error) => prop_assert_eq!(Err(error), oracle.receive(account)),
                }
            }
            Operation::Drain(who) => {
                let (subscriber, account) = &mut all[who % count];
                for got in subscriber.drain() {
                    prop_assert_eq!(got, oracle.receive(account));
                }
                prop_assert_eq!(account.next, oracle.stream.published);
            }
            Operation::Subscribe => {
                all.push((subscribers.subscribe(), account(oracle.stream.published)));
            }
            Operation::SubscribeFromOldest => {
                all.push((subscribers.subscribe_from_oldest(), account(oracle.oldest())));
            }
            Operation::Clone(who) => {
                let (subscriber, account) = &all[who % count];
                all.push((subscriber.clone(), account.clone()));
            }
        }
        prop_assert_eq!(publisher.published(), oracle.stream.published);
        for (subscriber, account) in &all {
            prop_assert_eq!(subscriber.cursor(), account.next);
            prop_assert_eq!(subscriber.total_missed(), account.missed);
            prop_assert_eq!(subscriber.total_received() + account.missed, account.next - account.start);
        }
    }
    drop(publisher);
    for (mut subscriber, mut account) in all {
        while account.next < oracle.stream.published {
            prop_assert_eq!(subscriber.try_recv(), oracle.receive(&mut account));
        }
        prop_assert_eq!(subscriber.try_recv(), Err(TryRecvError::Disconnected));
        prop_assert_eq!(subscriber.latest(), Err(TryRecvError::Disconnected));
        prop_assert_eq!(subscriber.drain().count(), 0);
    }
    Ok(())
}

proptest! {
    #[test]
    fn one_writer_against_the_oracle(capacity in 2..40_usize, operations in operations()) {
        let (publisher, subscribers) = channel::<Value>(capacity);
        let capacity = capacity as u64;
        let oracle = Oracle { stream: Stream::default(), capacity, readable: capacity - 1 };
        check(publisher, &subscribers, oracle, operations)?;
    }

    #[test]
    fn many_writers_against_the_oracle(capacity in 2..40_usize, operations in operations()) {
        let (publisher, subscribers) = channel_mpmc::<Value>(capacity);
        let capacity = capacity as u64;
        let oracle = Oracle { stream: Stream::default(), capacity, readable: capacity };
        check([publisher.clone(), publisher], &subscribers, oracle, operations)?;
    }
}
