//! How the cost of publishing grows: with subscribers attached, topics registered, slots, blocks.
//!
//! Every case of a series has ours at its smallest beside it. Regions are made once and serve all rounds.

use std::hint::black_box;

use xbar::{Config, Publisher, Stream, Subscriber, Topic};

use crate::bus::fresh_name;
use crate::case::{Case, Contender, kept};
use crate::clock::{Plan, Round, time};
use crate::contract::{Outcome, told};

const SUBSCRIBERS: [u64; 5] = [0, 1, 4, 16, 64];
const TOPICS: [u64; 4] = [1, 100, 10_000, 100_000];
const DEPTHS: [u64; 4] = [8, 256, 8192, 262_144];
const BLOCKS: [u64; 4] = [100, 1000, 10_000, 1_000_000];
/// Name of the contender that stands for ours at the smallest.
pub const LEAST: &str = "xbar at its least";
/// How the cases are called; goals and plots know them by that.
pub const SERIES: [&str; 4] = [
    "scale: publish, subscribers",
    "scale: publish, topics",
    "scale: publish, depth",
    "scale: publish, blocks",
];

/// What varies.
#[derive(Debug, Clone, Copy)]
struct Size {
    subscribers: u64,
    topics: u64,
    depth: u64,
    /// 0: as many as can be needed.
    blocks: u64,
    by_loan: bool,
}

const SMALL: Size = Size { subscribers: 1, topics: 1, depth: 8, blocks: 0, by_loan: false };

/// The cases.
pub fn cases() -> Vec<Case> {
    let [subscribers, topics, depth, blocks] = SERIES;
    let mut cases = series(subscribers, &SUBSCRIBERS, |at| Size { subscribers: at, ..SMALL });
    cases.extend(series(topics, &TOPICS, |at| Size { topics: at, ..SMALL }));
    cases.extend(series(depth, &DEPTHS, |at| Size { depth: at, ..SMALL }));
    cases.extend(series(blocks, &BLOCKS, |at| Size { blocks: at, by_loan: true, ..SMALL }));
    cases
}

fn series(name: &'static str, points: &[u64], size: impl Fn(u64) -> Size) -> Vec<Case> {
    let least = size(points[0]);
    let case = |at: &u64| {
        let case = Case::new("scale", name, 8).at(*at).ours(contender("xbar", size(*at)));
        case.peer(contender(LEAST, least))
    };
    points.iter().map(case).collect()
}

fn contender(name: &'static str, size: Size) -> Contender {
    kept(
        name,
        move || Region::open(size),
        move |region, plan| if size.by_loan { Ok(region.loans(plan)) } else { Ok(region.copies(plan)) },
    )
}

/// A region; what is published goes to the topic that was registered last.
struct Region {
    topics: Vec<Topic>,
    publisher: Publisher,
    _streams: Vec<(Subscriber, Stream)>,
}

impl Region {
    fn open(size: Size) -> Outcome<Self> {
        let number = |number: u64| u32::try_from(number).map_err(told);
        let config = Config::new().publishers(1).samples(1).loans(1).block_bytes(64);
        let config =
            config.topics(number(size.topics)?).depth(number(size.depth)?).blocks(number(size.blocks)?);
        let config = config.subscribers(number(size.subscribers.max(1))?);
        let name = fresh_name();
        let publisher = Publisher::create(&name, &config).map_err(told)?;
        let register = |index| publisher.register(&format!("/scale/{index}")).map_err(told);
        let topics = (0..size.topics).map(register).collect::<Outcome<Vec<_>>>()?;
        let uri = format!("/scale/{}", size.topics - 1);
        let join = |_| {
            let subscriber = Subscriber::connect(&name).map_err(told)?;
            let stream = subscriber.subscribe(&uri).map_err(told)?;
            Ok((subscriber, stream))
        };
        let streams = (0..size.subscribers).map(join).collect::<Outcome<Vec<_>>>()?;
        Ok(Self { topics, publisher, _streams: streams })
    }

    fn topic(&self) -> &Topic {
        self.topics.last().expect("a topic")
    }

    fn copies(&self, plan: &Plan) -> Round {
        let (publisher, topic) = (&self.publisher, self.topic());
        time(plan, |n| {
            publisher.send(topic, black_box(&n.to_le_bytes())).expect("sent");
        })
    }

    fn loans(&self, plan: &Plan) -> Round {
        let (publisher, topic) = (&self.publisher, self.topic());
        time(plan, |n| {
            let mut loan = publisher.loan(topic, 8).expect("a loan");
            loan.copy_from_slice(black_box(&n.to_le_bytes()));
            loan.publish();
        })
    }
}
