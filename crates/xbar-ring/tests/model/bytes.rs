//! The byte ring against a plain oracle: a vector that never forgets.

use proptest::prelude::*;
use xbar_layout::Lent;
use xbar_layout::sync::{AtomicU64, ReadU64};
use xbar_ring::TryRecvError;
use xbar_ring::bytes::{ByteReader, ByteSubscriber, ByteWriter, ring_words};

#[derive(Debug, Clone)]
enum Operation {
    Send(Vec<usize>),
    Batch(Vec<usize>),
    /// Claims, writes and drops the claim.
    Abandon(usize),
    /// Claims, writes in two parts, commits.
    Claim(usize),
    Receive(usize),
    Bulk(usize, usize),
    Where(usize),
    Latest(usize),
    Join,
    FromOldest,
    /// The writer goes and another takes over.
    TakeOver,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let lengths = || prop::collection::vec(0..300_usize, 1..12);
    let operation = prop_oneof![
        4 => lengths().prop_map(Operation::Send),
        2 => lengths().prop_map(Operation::Batch),
        1 => (0..300_usize).prop_map(Operation::Abandon),
        1 => (0..300_usize).prop_map(Operation::Claim),
        8 => (0..4_usize).prop_map(Operation::Receive),
        2 => (0..4_usize, 8..400_usize).prop_map(|(which, room)| Operation::Bulk(which, room)),
        2 => (0..4_usize).prop_map(Operation::Where),
        2 => (0..4_usize).prop_map(Operation::Latest),
        1 => Just(Operation::Join),
        1 => Just(Operation::FromOldest),
        1 => Just(Operation::TakeOver),
    ];
    prop::collection::vec(operation, 1..150)
}

fn message(sequence: usize, length: usize) -> Vec<u8> {
    (0..length).map(|place| (sequence * 31 + place) as u8).collect()
}

fn kind(sequence: usize) -> u16 {
    (sequence % 5) as u16
}

/// A subscriber and the number that it waits for.
struct Listening {
    subscriber: ByteSubscriber<()>,
    from: usize,
    next: usize,
}

impl Listening {
    fn lagged(&mut self, missed: u64, sent: usize) {
        assert!(missed > 0 && self.next + missed as usize <= sent, "missed what was never sent");
        self.next += missed as usize;
    }
}

proptest! {
    #[test]
    fn received_skipped_and_missed_are_what_was_sent(power in 6..11_u32, operations in operations()) {
        let capacity = 1 << power;
        let most = capacity / 4 - 8;
        let words: &'static [AtomicU64] =
            (0..ring_words(capacity)).map(|_| AtomicU64::new(0)).collect::<Vec<_>>().leak();
        let take_over = || ByteWriter::resume(&Lent::from_static(words)).unwrap();
        let join = || ByteReader::join(&Lent::from_static(ReadU64::of_slice(words))).unwrap();
        let mut writer = take_over();
        let mut sent: Vec<Vec<u8>> = Vec::new();
        let mut all = vec![Listening { subscriber: ByteSubscriber::new(join()), from: 0, next: 0 }];
        let mut place = vec![0; capacity];
        for operation in operations {
            prop_assert_eq!(writer.sent(), sent.len() as u64);
            match operation {
                Operation::Send(lengths) => for length in lengths {
                    let message = message(sent.len(), length % (most + 1));
                    prop_assert_eq!(writer.send(kind(sent.len()), &message), Ok(sent.len() as u64));
                    sent.push(message);
                },
                Operation::Batch(lengths) => {
                    let from = sent.len();
                    for length in lengths {
                        let message = message(sent.len(), length % (most + 1));
                        sent.push(message);
                    }
                    let batch = (from..sent.len()).map(|sequence| (kind(sequence), &sent[sequence][..]));
                    prop_assert_eq!(writer.send_batch(batch), Ok((sent.len() - from) as u64));
                }
                Operation::Abandon(length) => {
                    let length = length % (most + 1);
                    writer.claim(length).unwrap().write(0, &vec![0xff; length]);
                }
                Operation::Claim(length) => {
                    let message = message(sent.len(), length % (most + 1));
                    let half = message.len() / 2;
                    let mut claim = writer.claim(most).unwrap();
                    claim.write(half, &message[half..]);
                    claim.write(0, &message[..half]);
                    claim.truncate(message.len());
                    claim.commit(kind(sent.len()));
                    sent.push(message);
                }
                Operation::TakeOver => writer = take_over(),
                Operation::Join => {
                    let subscriber = ByteSubscriber::new(join());
                    prop_assert_eq!(subscriber.cursor(), sent.len() as u64);
                    all.push(Listening { subscriber, from: sent.len(), next: sent.len() });
                }
                Operation::FromOldest => {
                    let mut reader = join();
                    reader.rewind();
                    let next = reader.next() as usize;
                    // How far back is told by the cases in `api`: long messages, and claims for them, leave less.
                    prop_assert!(next <= sent.len());
                    all.push(Listening { subscriber: ByteSubscriber::new(reader), from: next, next });
                }
                Operation::Receive(which) => {
                    let which = which % all.len();
                    let listening = &mut all[which];
                    match listening.subscriber.try_recv(&mut place) {
                        Ok(message) => {
                            prop_assert_eq!(message.bytes, &sent[listening.next][..]);
                            prop_assert_eq!(message.kind, kind(listening.next));
                            listening.next += 1;
                        }
                        Err(TryRecvError::Empty) => prop_assert_eq!(listening.next, sent.len()),
                        Err(TryRecvError::Lagged { missed }) => listening.lagged(missed, sent.len()),
                        Err(error) => prop_assert!(false, "{}", error),
                    }
                }
                Operation::Bulk(which, room) => {
                    let which = which % all.len();
                    let listening = &mut all[which];
                    let from = listening.next;
                    let room = room.min(capacity);
                    match listening.subscriber.bulk(&mut place[..room]) {
                        Ok(window) => {
                            for message in window {
                                prop_assert_eq!(message.bytes, &sent[listening.next][..]);
                                listening.next += 1;
                            }
                            prop_assert!(listening.next > from);
                        }
                        Err(TryRecvError::Empty) => prop_assert_eq!(listening.next, sent.len()),
                        Err(TryRecvError::Lagged { missed }) => listening.lagged(missed, sent.len()),
                        Err(TryRecvError::TooSmall { needed_bytes }) => {
                            prop_assert!(needed_bytes > room);
                            prop_assert_eq!(needed_bytes, 8 + sent[from].len().next_multiple_of(8));
                        }
                        Err(error) => prop_assert!(false, "{}", error),
                    }
                }
                Operation::Latest(which) => {
                    let which = which % all.len();
                    let listening = &mut all[which];
                    match listening.subscriber.latest(&mut place) {
                        Ok(message) => {
                            prop_assert_eq!(message.sequence as usize, sent.len() - 1);
                            prop_assert_eq!(message.bytes, &sent[sent.len() - 1][..]);
                            listening.next = sent.len();
                        }
                        Err(TryRecvError::Empty) => prop_assert_eq!(listening.next, sent.len()),
                        Err(TryRecvError::Lagged { missed }) => listening.lagged(missed, sent.len()),
                        Err(error) => prop_assert!(false, "{}", error),
                    }
                }
                Operation::Where(which) => {
                    let which = which % all.len();
                    let listening = &mut all[which];
                    match listening.subscriber.try_recv_where(&mut place, |kind| kind == 3) {
                        Ok(message) => {
                            while kind(listening.next) != 3 {
                                listening.next += 1;
                            }
                            prop_assert_eq!(message.bytes, &sent[listening.next][..]);
                            listening.next += 1;
                        }
                        Err(TryRecvError::Empty) => {
                            prop_assert!((listening.next..sent.len()).all(|sequence| kind(sequence) != 3));
                            listening.next = sent.len();
                        }
                        Err(TryRecvError::Lagged { missed }) => listening.lagged(missed, sent.len()),
                        Err(error) => prop_assert!(false, "{}", error),
                    }
                }
            }
            for listening in &all {
                let account = listening.subscriber.account();
                let all = account.received + account.skipped + account.missed;
                prop_assert_eq!(all, (listening.next - listening.from) as u64);
                prop_assert_eq!(listening.subscriber.cursor(), listening.next as u64);
            }
        }
    }
}
