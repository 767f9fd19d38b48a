//! Ours: xbar, topics in shared memory.

use xbar::{BusySpin, Config, Park, Publisher, Stream, Subscriber, Topic};

use crate::bus::{Bus, Parks, Puts, Takes, depth};
use crate::contract::{Outcome, told};

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
        let (depth, bytes) = (depth(bytes), u32::try_from(bytes).map_err(told)?);
        let config = Config::new().topics(1).publishers(1).subscribers(1).samples(1).loans(1);
        let publisher = Publisher::create(name, &config.depth(depth).block_bytes(bytes)).map_err(told)?;
        let topic = publisher.register(URI).map_err(told)?;
        Ok(Output { publisher, topic })
    }

    fn input(name: &str) -> Outcome<Stream> {
        Subscriber::connect(name).and_then(|subscriber| subscriber.subscribe(URI)).map_err(told)
    }
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
