//! Ours: the byte ring, of one process (xbar-ring) and between processes (`ByteBus`).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use xbar::{ByteBus, ByteBusSubscriber};
use xbar_ring::BusySpin;
use xbar_ring::bytes::{BytePublisher, ByteSubscriber, ByteSubscribers, channel};

use crate::bus::{Bus, Puts, Takes, Windows};
use crate::contract::{Outcome, told};
use crate::limits::Pages;

/// As large as the peer's.
const RING_BYTES: usize = 64 << 10;
/// Nobody here is a whole ring behind, and no message longer than a quarter of one.
const LOST: &str = "a message that was not overwritten";

/// Rings that there are, by name.
static RINGS: Mutex<BTreeMap<String, ByteSubscribers>> = Mutex::new(BTreeMap::new());

fn rings() -> MutexGuard<'static, BTreeMap<String, ByteSubscribers>> {
    RINGS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A ring.
#[derive(Debug)]
pub struct Ring;

/// A publisher, and the name under which its subscribers find it.
pub struct Output {
    publisher: BytePublisher,
    name: String,
}

/// A subscriber, and the buffer that it copies messages into.
pub struct Input {
    subscriber: ByteSubscriber,
    buffer: Pages,
}

impl Bus for Ring {
    const NAME: &'static str = "xbar";
    type Output = Output;
    type Input = Input;

    fn output(name: &str, _: usize) -> Outcome<Output> {
        let (publisher, subscribers) = channel(RING_BYTES);
        rings().insert(name.to_owned(), subscribers);
        Ok(Output { publisher, name: name.to_owned() })
    }

    fn input(name: &str) -> Outcome<Input> {
        let subscriber = rings().get(name).ok_or("no such ring")?.subscribe();
        Ok(Input { subscriber, buffer: Pages::new(RING_BYTES, 0) })
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        rings().remove(&self.name);
    }
}

impl Puts for Output {
    #[inline(always)]
    fn copy(&mut self, bytes: &[u8]) {
        self.publisher.send(bytes).expect(LOST);
    }

    #[inline(always)]
    fn copy_many<'m>(&mut self, messages: impl Iterator<Item = &'m [u8]>) {
        self.publisher.send_batch(messages.map(|bytes| (0, bytes))).expect(LOST);
    }

    #[inline(always)]
    fn whole(&mut self, bytes: &[u8]) {
        let mut claim = self.publisher.claim(bytes.len()).expect(LOST);
        claim.write(0, bytes);
        claim.commit(0);
    }

    #[inline(always)]
    fn touch(&mut self, bytes: usize, first: u64) {
        let mut claim = self.publisher.claim(bytes).expect(LOST);
        claim.write(0, &first.to_le_bytes());
        claim.commit(0);
    }
}

impl Takes for Input {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.subscriber.try_recv(self.buffer.bytes()).ok().map(|message| read(message.bytes))
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> R {
        read(self.subscriber.recv_with(BusySpin, self.buffer.bytes()).expect(LOST).bytes)
    }
}

impl Windows for Input {
    #[inline(always)]
    fn window(&mut self, mut read: impl FnMut(&[u8])) -> usize {
        let window = self.subscriber.bulk(self.buffer.bytes()).into_iter().flatten();
        window.map(|message| read(message.bytes)).count()
    }
}

/// The ring in a region of its own.
#[derive(Debug)]
pub struct Shared;

/// A subscriber, and the buffer that it copies messages into.
pub struct SharedInput {
    subscriber: ByteBusSubscriber,
    buffer: Pages,
}

impl Bus for Shared {
    const NAME: &'static str = "xbar ByteBus";
    type Output = ByteBus;
    type Input = SharedInput;

    fn output(name: &str, _: usize) -> Outcome<ByteBus> {
        ByteBus::create(name, RING_BYTES).map_err(told)
    }

    fn input(name: &str) -> Outcome<SharedInput> {
        let subscriber = ByteBus::connect(name).map_err(told)?;
        Ok(SharedInput { subscriber, buffer: Pages::new(RING_BYTES, 0) })
    }
}

impl Puts for ByteBus {
    #[inline(always)]
    fn copy(&mut self, bytes: &[u8]) {
        self.send(bytes).expect(LOST);
    }

    #[inline(always)]
    fn whole(&mut self, bytes: &[u8]) {
        let mut claim = self.claim(bytes.len()).expect(LOST);
        claim.write(0, bytes);
        claim.commit(0);
    }

    #[inline(always)]
    fn touch(&mut self, bytes: usize, first: u64) {
        let mut claim = self.claim(bytes).expect(LOST);
        claim.write(0, &first.to_le_bytes());
        claim.commit(0);
    }
}

impl Takes for SharedInput {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.subscriber.try_recv(self.buffer.bytes()).ok().map(|message| read(message.bytes))
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> R {
        read(self.subscriber.recv_with(BusySpin, self.buffer.bytes()).expect(LOST).bytes)
    }
}
