//! A byte bus between two mappings of one process, against a plain oracle: a list that never forgets.
#![cfg(not(miri))]

mod support;

use proptest::prelude::*;
use support::{Dir, pattern};
use xbar::{ByteBus, ByteBusConfig, ByteBusSubscriber, RingTryRecvError as TryRecvError};

#[derive(Debug, Clone)]
enum Operation {
    Send(usize, usize),
    Batch(usize, usize),
    Claim(usize),
    Abandon(usize),
    Receive(usize),
    Vec(usize),
    Where(usize, u16),
    Latest(usize),
    Bulk(usize),
    Join,
    Oldest,
    Last(u64),
    Leave(usize),
    /// The bus is removed, and another one made under the name.
    Anew,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let which = || 0..3_usize;
    let length = || 0..2000_usize;
    let operation = prop_oneof![
        6 => (1..12_usize, length()).prop_map(|(count, length)| Operation::Send(count, length)),
        2 => (1..12_usize, length()).prop_map(|(count, length)| Operation::Batch(count, length)),
        2 => length().prop_map(Operation::Claim),
        1 => length().prop_map(Operation::Abandon),
        6 => which().prop_map(Operation::Receive),
        4 => which().prop_map(Operation::Vec),
        3 => (which(), 0..4_u16).prop_map(|(which, kind)| Operation::Where(which, kind)),
        2 => which().prop_map(Operation::Latest),
        3 => which().prop_map(Operation::Bulk),
        1 => Just(Operation::Join),
        1 => Just(Operation::Oldest),
        1 => (0..20_u64).prop_map(Operation::Last),
        1 => which().prop_map(Operation::Leave),
        1 => Just(Operation::Anew),
    ];
    prop::collection::vec(operation, 1..80)
}

fn kind(number: usize) -> u16 {
    (number % 3) as u16
}

/// A reader, the number that it waits for, and where it began.
struct Listening {
    reader: ByteBusSubscriber,
    next: usize,
    from: usize,
}

impl Listening {
    fn at(reader: ByteBusSubscriber) -> Self {
        let next = reader.cursor() as usize;
        Self { reader, next, from: next }
    }

    /// What is not a message: nothing, which must be true, or a gap.
    fn otherwise(&mut self, error: TryRecvError, sent: usize) {
        match error {
            TryRecvError::Empty => assert_eq!(self.next, sent),
            TryRecvError::Lagged { missed } => {
                assert!(missed > 0 && self.next + missed as usize <= sent, "missed what was never sent");
                self.next += missed as usize;
            }
            error => panic!("{error}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn received_skipped_and_missed_are_what_was_sent(power in 6..13_u32, operations in operations()) {
        let dir = Dir::new();
        let config = ByteBusConfig::new().subscribers(8).dir(dir.path());
        let create = || ByteBus::create_with("b", 1 << power, &config).unwrap();
        let mut bus = create();
        let most = bus.most_bytes();
        let mut sent: Vec<Vec<u8>> = Vec::new();
        let mut all = vec![Listening::at(config.connect("b").unwrap())];
        let (mut place, mut whole) = (vec![0; 1 << power], Vec::new());
        for operation in operations {
            let message = |number: usize, length: usize| pattern(number as u64, (length + number * 7) % (most + 1));
            let count = all.len().max(1);
            match operation {
                Operation::Send(count, length) => for _ in 0..count {
                    let message = message(sent.len(), length);
                    prop_assert_eq!(bus.send_as(kind(sent.len()), &message), Ok(sent.len() as u64));
                    sent.push(message);
                },
                Operation::Batch(count, length) => {
                    let from = sent.len();
                    (0..count).for_each(|_| sent.push(message(sent.len(), length)));
                    let batch = (from..).zip(&sent[from..]).map(|(number, message)| (kind(number), &message[..]));
                    prop_assert_eq!(bus.send_batch(batch), Ok(count as u64));
                }
                Operation::Claim(length) => {
                    let message = message(sent.len(), length);
                    let mut claim = bus.claim(most).unwrap();
                    claim.write(0, &message);
                    claim.truncate(message.len());
                    prop_assert_eq!(claim.commit(kind(sent.len())), sent.len() as u64);
                    sent.push(message);
                }
                Operation::Abandon(length) => {
                    bus.claim(length % (most + 1)).unwrap().write(0, &vec![0xff; length % (most + 1)]);
                }
                Operation::Join if all.len() < 5 => {
                    all.push(Listening::at(config.connect("b").unwrap()));
                    prop_assert_eq!(all.last().unwrap().next, sent.len());
                }
                Operation::Oldest if all.len() < 5 => {
                    all.push(Listening::at(config.connect_from_oldest("b").unwrap()));
                    prop_assert!(all.last().unwrap().next <= sent.len());
                }
                Operation::Last(messages) if all.len() < 5 => {
                    all.push(Listening::at(config.connect_last("b", messages).unwrap()));
                    let back = sent.len() - all.last().unwrap().next;
                    prop_assert!(back as u64 <= messages);
                }
                Operation::Join | Operation::Oldest | Operation::Last(_) => {}
                Operation::Leave(which) => if all.len() > 1 { all.swap_remove(which % count); },
                Operation::Anew => {
                    drop(bus);
                    for listening in &mut all {
                        loop {
                            match listening.reader.try_recv_vec(&mut whole) {
                                Ok(message) => {
                                    prop_assert_eq!(message.bytes, &sent[listening.next][..]);
                                    listening.next += 1;
                                }
                                Err(TryRecvError::Disconnected) => break,
                                Err(error) => listening.otherwise(error, sent.len()),
                            }
                        }
                        prop_assert_eq!(listening.next, sent.len());
                    }
                    (bus, sent) = (create(), Vec::new());
                    all = vec![Listening::at(config.connect("b").unwrap())];
                }
                Operation::Receive(which) | Operation::Vec(which) => {
                    let listening = &mut all[which % count];
                    let found = match operation {
                        Operation::Receive(_) => listening.reader.try_recv(&mut place),
                        _ => listening.reader.try_recv_vec(&mut whole),
                    };
                    match found {
                        Ok(message) => {
                            prop_assert_eq!(message.bytes, &sent[listening.next][..]);
                            prop_assert_eq!(message.kind, kind(listening.next));
                            listening.next += 1;
                        }
                        Err(error) => listening.otherwise(error, sent.len()),
                    }
                }
                Operation::Where(which, wanted) => {
                    let listening = &mut all[which % count];
                    let found = listening.reader.try_recv_where(&mut place, |kind| kind == wanted);
                    match found {
                        Ok(message) => {
                            while kind(listening.next) != wanted {
                                listening.next += 1;
                            }
                            prop_assert_eq!(message.bytes, &sent[listening.next][..]);
                            listening.next += 1;
                        }
                        Err(error) => {
                            if error == TryRecvError::Empty {
                                let rest = listening.next..sent.len();
                                prop_assert!(rest.into_iter().all(|number| kind(number) != wanted));
                                listening.next = sent.len();
                            }
                            listening.otherwise(error, sent.len());
                        }
                    }
                }
                Operation::Latest(which) => {
                    let listening = &mut all[which % count];
                    match listening.reader.latest(&mut place) {
                        Ok(message) => {
                            prop_assert_eq!(message.bytes, &sent[sent.len() - 1][..]);
                            listening.next = sent.len();
                        }
                        Err(error) => listening.otherwise(error, sent.len()),
                    }
                }
                Operation::Bulk(which) => {
                    let listening = &mut all[which % count];
                    let (from, mut bulk) = (listening.next, Ok(0));
                    match listening.reader.bulk(&mut place) {
                        Ok(window) => for message in window {
                            prop_assert_eq!(message.bytes, &sent[listening.next][..]);
                            listening.next += 1;
                        },
                        Err(error) => bulk = Err(error),
                    }
                    match bulk {
                        Ok(_) => prop_assert!(listening.next > from),
                        Err(error) => listening.otherwise(error, sent.len()),
                    }
                }
            }
            prop_assert_eq!(bus.sent(), sent.len() as u64);
            for listening in &all {
                let account = listening.reader.account();
                prop_assert_eq!(listening.reader.cursor(), listening.next as u64);
                let accounted = account.received + account.skipped + account.missed;
                prop_assert_eq!(accounted, (listening.next - listening.from) as u64);
            }
        }
    }
}
