//! Topics of every kind against an oracle that never forgets: one publisher, two readers, random operations one after another.

mod support;

use proptest::prelude::*;
use support::{Dir, pattern};
use xbar::{OwnedSample, PublishError, Publisher, Stream, Subscriber, TopicConfig, TryRecvError};

const SAMPLES: u32 = 2;

#[derive(Debug, Clone)]
enum Op {
    Publish(usize),
    /// A loan, published or dropped.
    Loan(usize, bool),
    /// The publisher gives the topic up and takes it over again.
    Register,
    /// Reader 0 or 1 begins with so many messages of history.
    Subscribe(usize, u64),
    Leave(usize),
    /// Receives; holds what comes.
    Receive(usize, bool),
    /// Reads the latest of a pinned topic.
    Latest(usize),
    /// Drops what was held last.
    Drop(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let reader = 0..2_usize;
    let length = prop_oneof![Just(0_usize), Just(40), Just(41), Just(48), Just(49), 0..300_usize];
    prop_oneof![
        6 => length.clone().prop_map(Op::Publish),
        2 => (length, any::<bool>()).prop_map(|(length, publish)| Op::Loan(length, publish)),
        1 => Just(Op::Register),
        2 => (reader.clone(), prop_oneof![0..12_u64, Just(u64::MAX)]).prop_map(|(r, last)| Op::Subscribe(r, last)),
        1 => reader.clone().prop_map(Op::Leave),
        8 => (reader.clone(), any::<bool>()).prop_map(|(r, hold)| Op::Receive(r, hold)),
        2 => reader.clone().prop_map(Op::Latest),
        3 => reader.prop_map(Op::Drop),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lossy,
    Lossless,
    Pinned,
}

/// What was published, and how.
struct Oracle {
    kind: Kind,
    many: bool,
    depth: u64,
    /// Lengths of all messages.
    published: Vec<usize>,
}

impl Oracle {
    fn front(&self) -> u64 {
        self.published.len() as u64
    }

    /// Messages that can be read back: with many publishers no slot is kept marked ahead.
    fn readable(&self) -> u64 {
        self.depth + u64::from(self.many)
    }

    fn bytes(&self, number: u64) -> Vec<u8> {
        pattern(number, self.published[number as usize])
    }

    fn in_block(&self, number: u64) -> bool {
        let inline = if self.many { 40 } else { 48 };
        self.published[number as usize] > inline
    }

    /// Whether a publisher has room.
    fn has_room(&self, readers: &[Reader]) -> bool {
        let mut there = readers.iter().filter(|reader| reader.stream.is_some());
        self.kind != Kind::Lossless || there.all(|reader| self.front() - reader.next < self.depth)
    }

    /// What `reader` is to get: the number of a message, or why there is none.
    fn expected(&self, reader: &Reader, latest: bool) -> Result<u64, TryRecvError> {
        let front = self.front();
        let number = match self.kind {
            _ if latest && self.kind != Kind::Pinned => return Err(TryRecvError::NotPinned),
            Kind::Pinned if front == 0 || (reader.next == front && !latest) => {
                return Err(TryRecvError::Empty);
            }
            Kind::Pinned => front - 1,
            _ if reader.next == front => return Err(TryRecvError::Empty),
            Kind::Lossy if front - reader.next > self.readable() => {
                let resume = front - self.readable() + (self.depth + 1) / 8;
                let missed = resume.clamp(reader.next + 1, front) - reader.next;
                return Err(TryRecvError::Lagged { missed });
            }
            _ => reader.next,
        };
        let in_blocks = reader.held.iter().filter(|held| self.in_block(held.0)).count();
        if self.in_block(number) && in_blocks == SAMPLES as usize {
            return Err(TryRecvError::TooManySamples { limit: SAMPLES as usize });
        }
        Ok(number)
    }
}

/// One reader and where it should be.
struct Reader {
    subscriber: Subscriber,
    stream: Option<Stream>,
    /// The number of the next message; of a pinned topic, behind the one that was read last.
    next: u64,
    start: u64,
    missed: u64,
    received: u64,
    held: Vec<(u64, OwnedSample)>,
}

impl Reader {
    fn new(dir: &Dir) -> Self {
        let subscriber = dir.subscriber("r");
        Self { subscriber, stream: None, next: 0, start: 0, missed: 0, received: 0, held: Vec::new() }
    }

    fn receive(&mut self, oracle: &Oracle, latest: bool, hold: bool) {
        let Some(stream) = &self.stream else { return };
        let found = if latest { stream.try_recv_pinned() } else { stream.try_recv() };
        assert_eq!(
            found.as_ref().map(|sample| sample.sequence()),
            oracle.expected(self, latest).as_ref().copied()
        );
        match found {
            Ok(sample) => {
                let number = sample.sequence();
                assert_eq!(&*sample, &oracle.bytes(number)[..]);
                self.next = number + 1;
                self.received += 1;
                if hold {
                    self.held.push((number, sample.into_owned()));
                }
            }
            Err(TryRecvError::Lagged { missed }) => {
                self.next += missed;
                self.missed += missed;
            }
            Err(_) => {}
        }
        assert_eq!((stream.received(), stream.missed()), (self.received, self.missed));
        if oracle.kind != Kind::Pinned {
            assert_eq!(self.received + self.missed, self.next - self.start);
        }
    }

    fn subscribe(&mut self, oracle: &Oracle, last: u64) {
        let front = oracle.front();
        let most = last.min(front).min(oracle.readable());
        self.stream = None;
        let stream = self.subscriber.subscribe_last("/a", last).unwrap();
        let there = match oracle.kind {
            Kind::Lossy => most,
            // As far as publishers have not announced to overwrite it.
            Kind::Lossless => stream.pending(),
            Kind::Pinned => front.min(1),
        };
        assert!(oracle.kind == Kind::Pinned || (most.min(1)..=most).contains(&there), "{there} of {most}");
        (self.next, self.start, self.received, self.missed) = (front - there, front - there, 0, 0);
        self.stream = Some(stream);
    }

    fn check_held(&self, oracle: &Oracle) {
        for (number, sample) in &self.held {
            assert_eq!(&**sample, &oracle.bytes(*number)[..], "a held message changed");
        }
    }
}

fn run(kind: Kind, many: bool, depth: u32, ops: &[Op]) {
    let dir = Dir::new();
    let config = dir.config().topics(1).depth(8).block_bytes(300).samples(SAMPLES).loans(1).publishers(1);
    let publisher = Publisher::create("r", &config.subscribers(2)).unwrap();
    let shape = match kind {
        Kind::Lossy => TopicConfig::new(),
        Kind::Lossless => TopicConfig::new().lossless(),
        Kind::Pinned => TopicConfig::new().pinned(),
    };
    let shape = if many { shape.many_publishers() } else { shape }.depth(depth); // a pinned one has none
    let mut topic = publisher.register_with("/a", &shape).unwrap();
    let mut readers = [0, 1].map(|_| Reader::new(&dir));
    let depth = u64::from(depth);
    let mut oracle = Oracle { kind, many, depth, published: Vec::new() };
    for op in ops {
        match *op {
            Op::Publish(length) | Op::Loan(length, true) => {
                let (room, number) = (oracle.has_room(&readers), oracle.front());
                let bytes = pattern(number, length);
                let loaned = matches!(op, Op::Loan(..));
                let sent = if loaned {
                    let mut loan = publisher.loan(&topic, length).unwrap();
                    loan.copy_from_slice(&bytes);
                    loan.try_publish().map_err(|_| ())
                } else {
                    publisher.try_send(&topic, &bytes).map_err(|error| {
                        assert!(matches!(error, PublishError::Full { .. }), "{error}");
                    })
                };
                assert_eq!(sent, if room { Ok(number) } else { Err(()) });
                if room {
                    oracle.published.push(length);
                }
            }
            Op::Loan(length, false) => publisher.loan(&topic, length).unwrap().fill(9),
            Op::Register => {
                drop(topic);
                topic = publisher.register_with("/a", &shape).unwrap();
            }
            Op::Subscribe(reader, last) => readers[reader].subscribe(&oracle, last),
            Op::Leave(reader) => readers[reader].stream = None,
            Op::Receive(reader, hold) => readers[reader].receive(&oracle, false, hold),
            Op::Latest(reader) => readers[reader].receive(&oracle, true, false),
            Op::Drop(reader) => {
                readers[reader].check_held(&oracle);
                let held = &mut readers[reader].held;
                held.truncate(held.len().saturating_sub(1));
            }
        }
    }
    readers.iter().for_each(|reader| reader.check_held(&oracle));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lossy_topics_do_as_the_oracle(many: bool, depth in 1..9_u32, ops in proptest::collection::vec(op(), 0..150)) {
        run(Kind::Lossy, many, depth, &ops);
    }

    #[test]
    fn lossless_topics_do_as_the_oracle(many: bool, depth in 1..9_u32, ops in proptest::collection::vec(op(), 0..150)) {
        run(Kind::Lossless, many, depth, &ops);
    }

    #[test]
    fn pinned_topics_do_as_the_oracle(ops in proptest::collection::vec(op(), 0..150)) {
        run(Kind::Pinned, false, 3, &ops);
    }
}
