//! How costs grow: of publishing with subscribers attached, alive or dead, topics registered, slots, blocks; of finding a topic and of
//! joining a region with the topics that there are.
//!
//! Every case of a series has ours at its smallest beside it. Regions are made once and serve all rounds.

use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use rustix::process::{Signal, getpid, kill_process};
use xbar::{Config, Publisher, Stream, Subscriber, Topic};

use crate::bus::fresh_name;
use crate::case::{Case, Contender, kept};
use crate::clock::{Plan, Round, time};
use crate::contract::{Outcome, told};

/// Tells this program, started again, to subscribe and be killed.
pub const DIE: &str = "--die";

const SUBSCRIBERS: [u64; 5] = [0, 1, 4, 16, 64];
const TOPICS: [u64; 4] = [1, 100, 10_000, 100_000];
const DEPTHS: [u64; 4] = [8, 256, 8192, 262_144];
const BLOCKS: [u64; 4] = [100, 1000, 10_000, 1_000_000];
/// Name of the contender that stands for ours at the smallest.
pub const LEAST: &str = "xbar at its least";
/// How the cases are called; goals and plots know them by that.
pub const SERIES: [&str; 8] = [
    "scale: publish, subscribers",
    "scale: publish, topics",
    "scale: publish, depth",
    "scale: publish, blocks",
    "scale: publish, subscribers that were killed",
    "scale: register, topics",
    "scale: subscribe, topics",
    "scale: connect, topics",
];
/// Bytes of a message that does not ride in its slot.
pub const BLOCK_BYTES: usize = 64;

/// What one turn is.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Copy,
    Loan,
    Register,
    Subscribe,
    Connect,
}

/// What varies.
#[derive(Debug, Clone, Copy)]
struct Size {
    subscribers: u64,
    /// Those that died with their streams open, and nobody has taken their places since.
    dead: u64,
    topics: u64,
    depth: u64,
    /// 0: as many as can be needed.
    blocks: u64,
    turn: Turn,
}

const SMALL: Size = Size { subscribers: 1, dead: 0, topics: 1, depth: 8, blocks: 0, turn: Turn::Copy };

/// The cases.
pub fn cases() -> Vec<Case> {
    let [subscribers, topics, depth, blocks, dead, register, subscribe, connect] = SERIES;
    let mut cases = series(subscribers, 8, &SUBSCRIBERS, |at| Size { subscribers: at, ..SMALL });
    cases.extend(series(topics, 8, &TOPICS, |at| Size { topics: at, ..SMALL }));
    cases.extend(series(depth, 8, &DEPTHS, |at| Size { depth: at, ..SMALL }));
    cases.extend(series(blocks, BLOCK_BYTES, &BLOCKS, |at| Size { blocks: at, turn: Turn::Loan, ..SMALL }));
    // Blocks come back when no row of a ledger names them, a dead one's like any other's.
    cases.extend(series(dead, BLOCK_BYTES, &SUBSCRIBERS, |at| Size { dead: at, turn: Turn::Loan, ..SMALL }));
    for (name, turn) in [(register, Turn::Register), (subscribe, Turn::Subscribe), (connect, Turn::Connect)] {
        cases.extend(series(name, 8, &TOPICS, |at| Size { topics: at, turn, ..SMALL }));
    }
    cases
}

fn series(name: &'static str, payload: usize, points: &[u64], size: impl Fn(u64) -> Size) -> Vec<Case> {
    let least = size(points[0]);
    let case = |at: &u64| {
        let case = Case::new("scale", name, payload).at(*at).ours(contender("xbar", size(*at)));
        case.peer(contender(LEAST, least))
    };
    points.iter().map(case).collect()
}

fn contender(name: &'static str, size: Size) -> Contender {
    kept(
        name,
        move || Region::open(size),
        move |region, plan| {
            Ok(match size.turn {
                Turn::Copy => region.copies(plan),
                Turn::Loan => region.loans(plan),
                Turn::Register => region.registrations(plan),
                Turn::Subscribe => region.subscriptions(plan),
                Turn::Connect => region.connections(plan),
            })
        },
    )
}

/// A region; what is published goes to the topic that was registered last.
struct Region {
    topics: Vec<Topic>,
    publisher: Publisher,
    name: String,
    subscriber: Subscriber,
    _streams: Vec<(Subscriber, Stream)>,
}

impl Region {
    fn open(size: Size) -> Outcome<Self> {
        let number = |number: u64| u32::try_from(number).map_err(told);
        let config = Config::new().publishers(1).samples(1).loans(1).block_bytes(64);
        let config =
            config.topics(number(size.topics)?).depth(number(size.depth)?).blocks(number(size.blocks)?);
        let config = config.subscribers(number(size.subscribers.max(1) + size.dead + 2)?);
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
        bury(&name, &uri, size.dead)?;
        let streams = (0..size.subscribers).map(join).collect::<Outcome<Vec<_>>>()?;
        let subscriber = Subscriber::connect(&name).map_err(told)?;
        Ok(Self { topics, publisher, name, subscriber, _streams: streams })
    }

    /// The topic that was registered in the middle, found again each time.
    fn middle(&self) -> String {
        format!("/scale/{}", self.topics.len() / 2)
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
            let mut loan = publisher.loan(topic, BLOCK_BYTES).expect("a loan");
            loan[..8].copy_from_slice(black_box(&n.to_le_bytes()));
            loan.publish();
        })
    }

    fn registrations(&mut self, plan: &Plan) -> Round {
        let (uri, place) = (self.middle(), self.topics.len() / 2);
        let (publisher, topics) = (&self.publisher, &mut self.topics);
        let last = topics.len() - 1;
        time(plan, |_| {
            // One publisher at a time: it leaves, and comes back.
            drop(topics.swap_remove(place));
            topics.push(publisher.register(black_box(&uri)).expect("a topic"));
            topics.swap(place, last);
        })
    }

    fn subscriptions(&self, plan: &Plan) -> Round {
        let uri = self.middle();
        time(plan, |_| {
            black_box(self.subscriber.subscribe(black_box(&uri)).expect("a stream"));
        })
    }

    fn connections(&self, plan: &Plan) -> Round {
        time(plan, |_| {
            black_box(Subscriber::connect(black_box(&self.name)).expect("a subscriber"));
        })
    }
}

/// Has `count` subscribers of `uri` killed in a process of their own.
fn bury(region: &str, uri: &str, count: u64) -> Outcome<()> {
    if count == 0 {
        return Ok(());
    }
    let program = std::env::current_exe().map_err(told)?;
    let status = Command::new(program).args([DIE, region, uri, &count.to_string()]).status().map_err(told)?;
    match status.signal() {
        Some(signal) if signal == Signal::KILL.as_raw() => Ok(()),
        _ => Err(format!("the process that was to be killed ended: {status}")),
    }
}

/// What the program does when it is started again: `words` are those behind [`DIE`].
pub fn die_as_told(words: &[String]) -> Outcome<()> {
    let [region, uri, count] = words else { return Err("dying takes three words".into()) };
    let join = |_| {
        let subscriber = Subscriber::connect(region).map_err(told)?;
        let stream = subscriber.subscribe(uri).map_err(told)?;
        Ok((subscriber, stream))
    };
    let _joined = (0..count.parse::<u64>().map_err(told)?).map(join).collect::<Outcome<Vec<_>>>()?;
    kill_process(getpid(), Signal::KILL).map_err(told)
}
