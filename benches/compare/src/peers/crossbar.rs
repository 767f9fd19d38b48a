//! crossbar: its pool of blocks, its pinned topics and its bus, in shared memory.

use crossbar::{BusSubscriber, Config, PodBus, Publisher, Stream, Subscriber, Topic, WaitStrategy};

use crate::bus::{Bus, Parks, Puts, Takes, depth, first};
use crate::contract::{Outcome, told};

/// Values that a bus keeps.
const VALUES: usize = 1024;

const URI: &str = "/compare";
/// What a block holds besides the message.
const HEADER_BYTES: usize = 8;
/// Blocks for each message that the topic keeps: room for what is lent, read, and kept at hand by the publisher.
const BLOCKS_PER_SLOT: u32 = 4;

/// A region with one topic.
#[derive(Debug)]
pub struct Pool;

/// A publisher and its topic.
pub struct Output {
    publisher: Publisher,
    topic: Topic,
    _lock: Lock,
}

/// The lock file of a region, which crossbar leaves behind.
struct Lock(String);

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(format!("/dev/shm/crossbar-{}.lock", self.0));
    }
}

/// A stream and the subscriber that it came from.
pub struct Input {
    stream: Stream,
    _subscriber: Subscriber,
}

impl Bus for Pool {
    const NAME: &'static str = "crossbar";
    type Output = Output;
    type Input = Input;

    fn output(name: &str, bytes: usize) -> Outcome<Output> {
        let block_size = u32::try_from((bytes + HEADER_BYTES).next_multiple_of(64)).map_err(told)?;
        let config = Config {
            max_topics: 1,
            block_count: BLOCKS_PER_SLOT * depth(bytes),
            block_size,
            ring_depth: depth(bytes),
            ..Config::default()
        };
        let mut publisher = Publisher::create(name, config).map_err(told)?;
        let topic = publisher.register(URI).map_err(told)?;
        Ok(Output { publisher, topic, _lock: Lock(name.to_owned()) })
    }

    fn input(name: &str) -> Outcome<Input> {
        let subscriber = Subscriber::connect(name).map_err(told)?;
        let stream = subscriber.subscribe(URI).map_err(told)?;
        Ok(Input { stream, _subscriber: subscriber })
    }
}

impl Puts for Output {
    #[inline(always)]
    fn copy(&mut self, bytes: &[u8]) {
        self.publisher.publish(&self.topic, bytes).expect("sent");
    }

    #[inline(always)]
    fn whole(&mut self, bytes: &[u8]) {
        let mut loan = self.publisher.loan(&self.topic).expect("a loan");
        loan.as_mut_slice()[..bytes.len()].copy_from_slice(bytes);
        loan.set_len(bytes.len()).expect("a length that fits");
        loan.publish();
    }

    #[inline(always)]
    fn touch(&mut self, bytes: usize, first: u64) {
        let mut loan = self.publisher.loan(&self.topic).expect("a loan");
        loan.as_mut_slice()[..8].copy_from_slice(&first.to_le_bytes());
        loan.set_len(bytes).expect("a length that fits");
        loan.publish();
    }
}

impl Takes for Input {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.stream.try_recv().map(|sample| read(&sample))
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> R {
        loop {
            if let Some(sample) = self.stream.try_recv() {
                return read(&sample);
            }
        }
    }
}

impl Parks for Input {
    fn park<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> R {
        let at_once = WaitStrategy::Adaptive { spin_iters: 0, yield_iters: 0 };
        read(&self.stream.recv_with(at_once).expect("a message"))
    }
}

/// A region with one topic that is used pinned.
#[derive(Debug)]
pub struct Pinned;

/// A publisher of the latest.
pub struct PinnedOutput(Output);

/// A stream that is asked for the latest.
pub struct PinnedInput(Input);

impl Bus for Pinned {
    const NAME: &'static str = "crossbar pinned";
    type Output = PinnedOutput;
    type Input = PinnedInput;

    fn output(name: &str, bytes: usize) -> Outcome<PinnedOutput> {
        Pool::output(name, bytes).map(PinnedOutput)
    }

    fn input(name: &str) -> Outcome<PinnedInput> {
        Pool::input(name).map(PinnedInput)
    }
}

impl Puts for PinnedOutput {
    #[inline(always)]
    fn copy(&mut self, bytes: &[u8]) {
        self.whole(bytes);
    }

    #[inline(always)]
    fn whole(&mut self, bytes: &[u8]) {
        let mut loan = self.0.publisher.loan_pinned(&self.0.topic).expect("a loan");
        loan.as_mut_slice()[..bytes.len()].copy_from_slice(bytes);
        loan.set_len(bytes.len()).expect("a length that fits");
        loan.publish();
    }

    #[inline(always)]
    fn touch(&mut self, bytes: usize, first: u64) {
        let mut loan = self.0.publisher.loan_pinned(&self.0.topic).expect("a loan");
        loan.as_mut_slice()[..8].copy_from_slice(&first.to_le_bytes());
        loan.set_len(bytes).expect("a length that fits");
        loan.publish();
    }
}

impl Takes for PinnedInput {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.0.stream.try_recv_pinned().map(|latest| read(&latest))
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> R {
        loop {
            if let Some(latest) = self.0.stream.try_recv_pinned() {
                return read(&latest);
            }
        }
    }
}

/// A bus of values of eight bytes.
#[derive(Debug)]
pub struct Values;

impl Bus for Values {
    const NAME: &'static str = "crossbar PodBus";
    type Output = PodBus<u64>;
    type Input = BusSubscriber<u64>;

    fn output(name: &str, _: usize) -> Outcome<PodBus<u64>> {
        PodBus::create(name, VALUES).map_err(told)
    }

    fn input(name: &str) -> Outcome<BusSubscriber<u64>> {
        BusSubscriber::connect(name).map_err(told)
    }
}

impl Puts for PodBus<u64> {
    #[inline(always)]
    fn copy(&mut self, bytes: &[u8]) {
        self.publish(first(bytes));
    }

    #[inline(always)]
    fn whole(&mut self, bytes: &[u8]) {
        self.publish(first(bytes));
    }

    #[inline(always)]
    fn touch(&mut self, _: usize, first: u64) {
        self.publish(first);
    }
}

impl Takes for BusSubscriber<u64> {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.try_recv().map(|value| read(&value.to_le_bytes()))
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> R {
        loop {
            if let Some(value) = self.try_recv() {
                return read(&value.to_le_bytes());
            }
        }
    }
}
