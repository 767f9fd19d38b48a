//! Topics between two cores, there and back: two threads, and two processes.

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};

use rustix::process::{Signal, set_parent_process_death_signal};

use crate::bus::{Bus, Takes, Way, first, fresh_name};
use crate::case::{Case, Contender};
use crate::clock::{Plan, Round, time};
use crate::contract::{Outcome, told};
use crate::limits::{self, Pages};
use crate::peers::{bcast, crossbar, iceoryx2, xbar, xbar_bytes, xchannel};
use crate::pin;

/// Tells this program, started again, to answer.
pub const ANSWER: &str = "--answer";
/// The message behind which the other side ends.
const END: u64 = u64::MAX;
const READY: &str = "ready";
/// Round trips whose answers are compared to the last byte.
const CHECK: Plan = Plan::at_once(100, 100);
/// What follows the number in a message.
const FILLING: u8 = 7;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// A thread of this process.
    Thread,
    /// This program, started again.
    Process,
}

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub struct Message {
    /// How many bytes.
    pub bytes: usize,
    /// How it is made.
    pub way: Way,
}

/// The cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (bytes, way) in [(8, Way::Copy), (40, Way::Copy), (1024, Way::Whole)] {
        cases.push(with_streams("topic: round trip, two threads", bytes, way, Other::Thread));
        cases.push(with_streams("topic: round trip, two processes", bytes, way, Other::Process));
    }
    let block = case("topic: round trip, 8 B of a block touched", 1 << 20, Way::Touch, Other::Thread);
    cases.push(block.peer(small()));
    let largest = contender::<xbar::Region>(Message { bytes: 64 << 20, way: Way::Touch }, Other::Thread);
    cases.push(
        Case::new("topic", "topic: round trip, 8 B of a block touched", 64 << 20)
            .latency()
            .ours(largest)
            .peer(small()),
    );
    cases
}

fn case(name: &'static str, bytes: usize, way: Way, other: Other) -> Case {
    let message = Message { bytes, way };
    Case::new("topic", name, bytes)
        .latency()
        .ours(contender::<xbar::Region>(message, other))
        .limit(Contender::bare("two bare atomics", limits::round_trip))
        .peer(contender::<crossbar::Pool>(message, other))
        .peer(contender::<iceoryx2::Service>(message, other))
}

/// Beside streams of bytes too, which a topic is not.
fn with_streams(name: &'static str, bytes: usize, way: Way, other: Other) -> Case {
    let message = Message { bytes, way };
    case(name, bytes, way, other)
        .peer(contender::<bcast::Ring>(message, other).note(bcast::NOTE))
        .peer(contender::<xchannel::Log>(message, other).note(xchannel::NOTE))
}

/// Ours with a small block: a large one may take no longer.
fn small() -> Contender {
    contender::<xbar::Shallow>(Message { bytes: 64, way: Way::Touch }, Other::Thread)
}

/// Round trips through topics, or what is like them.
pub fn contender<B: Bus>(message: Message, other: Other) -> Contender {
    let check = move || match message.way {
        Way::Touch => trips::<B>(&CHECK, message, other, is_numbered),
        _ => trips::<B>(&CHECK, message, other, is_whole),
    };
    let measure = move |plan: &Plan| match message.way {
        Way::Touch => trips::<B>(plan, message, other, is_numbered),
        _ => trips::<B>(plan, message, other, is_read),
    };
    Contender::new(B::NAME, move || check().map(drop), measure)
}

/// Of a touched block, all that was written.
#[inline(always)]
fn is_numbered(answer: &[u8], number: u64) -> bool {
    first(answer) == number
}

/// To the last byte.
fn is_whole(answer: &[u8], number: u64) -> bool {
    is_numbered(answer, number) && answer[8..].iter().all(|byte| *byte == FILLING)
}

/// As whoever receives it must at least; comparing the rest takes its time, and the limit does nothing of the kind.
#[inline(always)]
fn is_read(answer: &[u8], number: u64) -> bool {
    black_box(limits::read(answer));
    is_numbered(answer, number)
}

/// Round trips; every answer must be `right`.
fn trips<B: Bus>(
    plan: &Plan,
    Message { bytes, way }: Message,
    other: Other,
    right: impl Fn(&[u8], u64) -> bool,
) -> Outcome<Round> {
    let name = fresh_name();
    let mut there = B::output(&ping(&name), bytes)?;
    let answering = Answering::start::<B>(&name, Message { bytes, way }, other)?;
    let mut returning = B::input(&pong(&name))?;
    let mut message = Pages::new(bytes, FILLING);
    let mut send = |number: u64| {
        message.bytes()[..8].copy_from_slice(&number.to_le_bytes());
        way.put(&mut there, black_box(message.as_ref()));
    };
    let round = time(plan, |n| {
        send(n);
        returning.wait(|answer| {
            assert!(answer.len() == bytes && right(answer, n), "another message came back");
        });
    });
    send(END);
    answering.finish()?;
    Ok(round)
}

fn ping(name: &str) -> String {
    format!("{name}-ping")
}

fn pong(name: &str) -> String {
    format!("{name}-pong")
}

/// Sends back what comes, the same way, until the end.
fn answer<B: Bus>(name: &str, Message { bytes, way }: Message, ready: impl FnOnce()) -> Outcome<()> {
    let mut back = B::output(&pong(name), bytes)?;
    let mut arriving = B::input(&ping(name))?;
    ready();
    loop {
        let number = arriving.wait(|message| {
            let number = first(message);
            if number != END {
                way.put(&mut back, message);
            }
            number
        });
        if number == END {
            return Ok(());
        }
    }
}

/// The other side.
enum Answering {
    Thread(JoinHandle<Outcome<()>>),
    Process(Child),
}

impl Answering {
    /// Starts it; both topics exist and are listened to when this returns.
    fn start<B: Bus>(name: &str, message: Message, other: Other) -> Outcome<Self> {
        match other {
            Other::Thread => {
                let (ready, there): (_, Receiver<()>) = mpsc::channel();
                let name = name.to_owned();
                let thread = thread::spawn(move || {
                    pin::pin(1);
                    answer::<B>(&name, message, move || ready.send(()).unwrap_or(()))
                });
                match there.recv() {
                    Ok(()) => Ok(Self::Thread(thread)),
                    Err(_) => Err(thread.join().map_err(told)?.err().unwrap_or_default()),
                }
            }
            Other::Process => {
                let program = std::env::current_exe().map_err(told)?;
                let mut command = Command::new(program);
                let core = pin::cores().get(1).or(pin::cores().first()).copied().unwrap_or_default();
                let (core, bytes) = (core.to_string(), message.bytes.to_string());
                command.args([ANSWER, B::NAME, name, &bytes, message.way.word(), &core]);
                let mut child = command.stdout(Stdio::piped()).spawn().map_err(told)?;
                let mut line = String::new();
                if let Some(output) = child.stdout.take() {
                    BufReader::new(output).read_line(&mut line).map_err(told)?;
                }
                if line.trim() == READY {
                    return Ok(Self::Process(child));
                }
                let status = child.wait().map_err(told)?;
                Err(format!("the answering process ended: {status}"))
            }
        }
    }

    fn finish(self) -> Outcome<()> {
        match self {
            Self::Thread(thread) => thread.join().map_err(told)?,
            Self::Process(mut child) => match child.wait().map_err(told)? {
                status if status.success() => Ok(()),
                status => Err(format!("the answering process ended: {status}")),
            },
        }
    }
}

/// What the program does when it is started again: `words` are those behind [`ANSWER`].
pub fn answer_as_told(words: &[String]) -> Outcome<()> {
    let [bus, name, bytes, way, core] = words else { return Err("answering takes five words".into()) };
    // Whatever happens to the process that asks, this one does not go on alone.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(told)?;
    pin::pin_to(core.parse().map_err(told)?);
    let message = Message {
        bytes: bytes.parse().map_err(told)?,
        way: Way::of(way).ok_or_else(|| format!("no way {way:?}"))?,
    };
    let ready = || {
        println!("{READY}");
        let _ = std::io::stdout().flush();
    };
    match bus.as_str() {
        xbar::Region::NAME => answer::<xbar::Region>(name, message, ready),
        crossbar::Pool::NAME => answer::<crossbar::Pool>(name, message, ready),
        iceoryx2::Service::NAME => answer::<iceoryx2::Service>(name, message, ready),
        bcast::Ring::NAME => answer::<bcast::Ring>(name, message, ready),
        xchannel::Log::NAME => answer::<xchannel::Log>(name, message, ready),
        xbar::Values::NAME => answer::<xbar::Values>(name, message, ready),
        xbar_bytes::Shared::NAME => answer::<xbar_bytes::Shared>(name, message, ready),
        crossbar::Values::NAME => answer::<crossbar::Values>(name, message, ready),
        _ => Err(format!("no library {bus:?}")),
    }
}
