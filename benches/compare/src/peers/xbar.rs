//! Ours: xbar, topics in shared memory.

use xbar::{
    BusSubscriber, BusySpin, Config, Park, PodBus, Publisher, Stream, Subscriber, Topic, TopicConfig,
};

use crate::bus::{Bus, Parks, Puts, Takes, depth, first};
use crate::contract::{Outcome, told};

/// Values that a bus keeps.
const VALUES: u32 = 1024;

const URI: &str = "/compare";

/// A region with one topic.
#[derive(Debug)]
pub struct Region;

/// A publisher and its topic.
pub struct Output {
    publisher: Publisher,
    topic: Topic,
}

impl Bus for Region {
    const NAME: &'static str = "xbar";
    type Output = Output;
    type Input = Stream;

    fn output(name: &str, bytes: usize) -> Outcome<Output> {
        Self::output_to(name, bytes, 1)
    }

    fn output_to(name: &str, bytes: usize, readers: usize) -> Outcome<Output> {
        region(name, bytes, depth(bytes), readers)
    }

    fn input(name: &str) -> Outcome<Stream> {
        Subscriber::connect(name).and_then(|subscriber| subscriber.subscribe(URI)).map_err(told)
    }
}

/// As [`Region`], keeping no more messages than a region of large ones does: what those are compared with.
#[derive(Debug)]
pub struct Shallow;

impl Bus for Shallow {
    const NAME: &'static str = "xbar, 64 B";
    type Output = Output;
    type Input = Stream;

    fn output(name: &str, bytes: usize) -> Outcome<Output> {
        region(name, bytes, depth(1 << 20), 1)
    }

    fn input(name: &str) -> Outcome<Stream> {
        Region::input(name)
    }
}

fn region(name: &str, bytes: usize, depth: u32, readers: usize) -> Outcome<Output> {
    let (bytes, readers) = (u32::try_from(bytes).map_err(told)?, u32::try_from(readers).map_err(told)?);
    let config = Config::new().topics(1).publishers(1).subscribers(readers).samples(1).loans(1);
    let publisher = Publisher::create(name, &config.depth(depth).block_bytes(bytes)).map_err(told)?;
    let topic = publisher.register(URI).map_err(told)?;
    Ok(Output { publisher, topic })
}

impl Puts for Output {
    #[inline(always)]
    fn copy(&mut self, bytes: &[u8]) {
        self.publisher.send(&self.topic, bytes).expect("sent");
    }

    #[inline(always)]
    fn whole(&mut self, bytes: &[u8]) {
        let mut loan = self.publisher.loan(&self.topic, bytes.len()).expect("a loan");
        loan.copy_from_slice(bytes);
        loan.publish();
    }

    #[inline(always)]
    fn touch(&mut self, bytes: usize, first: u64) {
        let mut loan = self.publisher.loan(&self.topic, bytes).expect("a loan");
        loan[..8].copy_from_slice(&first.to_le_bytes());
        loan.publish();
    }
}

impl Takes for Stream {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.try_recv().ok().map(|sample| read(&sample))
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> R {
        read(&self.recv_with(BusySpin).expect("a message"))
    }
}

impl Parks for Stream {
    fn park<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> R {
        read(&self.recv_with(Park).expect("a message"))
    }
}

/// A region with one pinned topic.
#[derive(Debug)]
pub struct Pinned;

/// A publisher and its pinned topic.
pub struct PinnedOutput(Output);

/// A stream that is asked for the latest.
pub struct PinnedInput(Stream);

impl Bus for Pinned {
    const NAME: &'static str = "xbar pinned";
    type Output = PinnedOutput;
    type Input = PinnedInput;

    fn output(name: &str, bytes: usize) -> Outcome<PinnedOutput> {
        let bytes = u32::try_from(bytes).map_err(told)?;
        let config = Config::new().topics(1).publishers(1).subscribers(1).samples(1).loans(1);
        let publisher = Publisher::create(name, &config.block_bytes(bytes)).map_err(told)?;
        let topic = publisher.register_with(URI, &TopicConfig::new().pinned()).map_err(told)?;
        Ok(PinnedOutput(Output { publisher, topic }))
    }

    fn input(name: &str) -> Outcome<PinnedInput> {
        Region::input(name).map(PinnedInput)
    }
}

impl Puts for PinnedOutput {
    #[inline(always)]
    fn copy(&mut self, bytes: &[u8]) {
        self.0.copy(bytes);
    }

    #[inline(always)]
    fn whole(&mut self, bytes: &[u8]) {
        let mut loan = self.0.publisher.loan_pinned(&self.0.topic, bytes.len()).expect("a loan");
        loan.copy_from_slice(bytes);
        loan.publish();
    }

    #[inline(always)]
    fn touch(&mut self, bytes: usize, first: u64) {
        let mut loan = self.0.publisher.loan_pinned(&self.0.topic, bytes).expect("a loan");
        loan[..8].copy_from_slice(&first.to_le_bytes());
        loan.publish();
    }
}

impl Takes for PinnedInput {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.0.try_recv_pinned().ok().map(|sample| read(&sample))
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> R {
        self.0.wait(read)
    }
}

/// A bus of values of eight bytes.
#[derive(Debug)]
pub struct Values;

impl Bus for Values {
    const NAME: &'static str = "xbar PodBus";
    type Output = PodBus<u64>;
    type Input = BusSubscriber<u64>;

    fn output(name: &str, _: usize) -> Outcome<PodBus<u64>> {
        PodBus::create(name, VALUES).map_err(told)
    }

    fn input(name: &str) -> Outcome<BusSubscriber<u64>> {
        PodBus::connect(name).map_err(told)
    }
}

impl Puts for PodBus<u64> {
    #[inline(always)]
    fn copy(&mut self, bytes: &[u8]) {
        self.publish(&first(bytes));
    }

    #[inline(always)]
    fn whole(&mut self, bytes: &[u8]) {
        self.publish(&first(bytes));
    }

    #[inline(always)]
    fn touch(&mut self, _: usize, first: u64) {
        self.publish(&first);
    }
}

impl Takes for BusSubscriber<u64> {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.try_recv().ok().map(|value| read(&value.to_le_bytes()))
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> R {
        read(&self.recv_with(BusySpin).expect("a value").to_le_bytes())
    }
}
