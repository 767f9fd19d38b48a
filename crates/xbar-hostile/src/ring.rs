//! A topic's ring, pool and gate over memory on the heap, worked on while words of it change.

use xbar_layout::participant::STREAM_WORDS;
use xbar_layout::ring::{DESCRIPTOR, INLINE_BYTES, SLOT_WORDS};
use xbar_layout::sync::ReadU64;
use xbar_layout::{Descriptor, Lent};
use xbar_pool::{Census, Ledger, OwnedHeld, Payload};
use xbar_ring::stride::OneLine;
use xbar_ring::{broadcast, mpmc};
use xbar_topic::gate::{Cursors, Gate, Pass};
use xbar_topic::{Found, ReadRing, Reader, Taken, WriteRing, Writer};

use crate::bytes::Bytes;
use crate::memory::{
    BLOCK_BYTES, Blocks, Keep, Memory, Part, READERS, WRITERS, intent, ledger, ledgers, lend, list, payload,
    read, seen, supply, write,
};

/// The topic's number.
const TOPIC: u32 = 0;

/// Things done with one memory: more would only repeat themselves.
const MOST_STEPS: usize = 128;

/// A topic whose slots and head are damaged.
pub fn ring_slots(bytes: &[u8]) {
    run(bytes, &[Part::Slots, Part::Slots, Part::Slots, Part::Head]);
}

/// A topic whose pool is damaged: free list, headers, intents, the cells of ledgers.
pub fn pool(bytes: &[u8]) {
    run(bytes, &[Part::Free, Part::Headers, Part::Headers, Part::Intents, Part::Cells]);
}

/// A topic whose gate is damaged: the streams of its readers, and what is announced.
pub fn gate(bytes: &[u8]) {
    run(bytes, &[Part::Streams, Part::Announced, Part::Head, Part::Cells]);
}

struct Publisher {
    writer: Writer<Keep>,
    supply: Blocks,
    gate: Option<Gate<Keep>>,
    limit: u64,
}

struct Subscriber {
    reader: Reader<Keep>,
    ledger: Ledger<Keep>,
    pass: Option<Pass<Keep>>,
    held: Vec<OwnedHeld<Keep>>,
}

struct Topic {
    memory: Keep,
    many: bool,
    lossless: bool,
    payload: Payload<Keep>,
    publishers: Vec<Publisher>,
    subscribers: Vec<Subscriber>,
}

fn run(bytes: &[u8], parts: &[Part]) {
    let mut bytes = Bytes(bytes);
    let Some(kind) = bytes.byte() else { return };
    let slots = 2 + usize::from(kind >> 2) % 8;
    let mut topic = Topic::new(slots, kind & 1 == 1, kind & 2 == 2);
    for _ in 0..MOST_STEPS {
        if topic.step(&mut bytes, parts).is_none() {
            break;
        }
    }
}

impl Topic {
    fn new(slots: usize, many: bool, lossless: bool) -> Self {
        let memory = Memory::new(slots, slots + 24);
        let payload = payload(&memory);
        let mut topic =
            Self { memory, many, lossless, payload, publishers: Vec::new(), subscribers: Vec::new() };
        topic.publishers = (0..if many { WRITERS } else { 1 }).map(|index| topic.publisher(index)).collect();
        topic.subscribers = (0..READERS).map(|index| topic.subscriber(index)).collect();
        topic
    }

    fn room(&self) -> u64 {
        (self.memory.slots.len() / SLOT_WORDS) as u64 - 1
    }

    fn publisher(&self, index: usize) -> Publisher {
        let memory = &self.memory;
        let (slots, head) = (lend(memory, &memory.slots[..]), lend(memory, &memory.head));
        let ring = if self.many {
            WriteRing::Many(mpmc::Writer::join(slots, head, OneLine, index as u32).expect("a ring"))
        } else {
            WriteRing::One(broadcast::Writer::resume(slots, head, OneLine).expect("a ring"))
        };
        let gate = self.lossless.then(|| {
            let cursors = Cursors::new(lend(memory, &memory.streams[..]), 0, STREAM_WORDS, 1);
            Gate::new(lend(memory, &memory.announced), cursors, TOPIC, self.room())
        });
        let limit = if self.lossless { 0 } else { u64::MAX };
        let mut supply = supply(memory, index);
        let writer = Writer::new(ring, memory.blocks(), |block| supply.evict(block));
        Publisher { writer, supply, gate, limit }
    }

    fn subscriber(&self, index: usize) -> Subscriber {
        let memory = &self.memory;
        let (slots, head) = seen(memory);
        let ring = if self.many {
            ReadRing::Many(mpmc::Reader::join(slots, head, OneLine).expect("a ring"))
        } else {
            ReadRing::One(broadcast::Reader::join(slots, head, OneLine).expect("a ring"))
        };
        let mut reader = Reader::new(ring, memory.blocks(), BLOCK_BYTES as u32, self.lossless);
        let pass = self.lossless.then(|| {
            let streams: Lent<[_], _> = lend(memory, &memory.streams[index * STREAM_WORDS..][..STREAM_WORDS]);
            let announced = ReadU64::of(&memory.announced);
            Pass::join(&streams, announced, TOPIC, self.room(), reader.next())
        });
        let pass = pass.flatten();
        if let Some(pass) = &pass {
            reader.skip_to(pass.position());
        }
        Subscriber { reader, ledger: ledger(memory, index), pass, held: Vec::new() }
    }

    /// One thing done, or one word damaged; `None` at the end of the input.
    fn step(&mut self, bytes: &mut Bytes<'_>, parts: &[Part]) -> Option<()> {
        let what = bytes.byte()?;
        let who = usize::from(what >> 4);
        let (writer, reader) = (who % self.publishers.len(), who % READERS);
        match what % 16 {
            0..=3 => {
                let part = parts[who % parts.len()];
                let place = bytes.below(65536)?;
                self.memory.damage(part, place, bytes)?;
            }
            4 => self.publishers[writer].send_inline(self.many),
            5 => self.publishers[writer].send_block(&self.payload),
            6 => self.publishers[writer].widen(),
            7 | 8 => self.subscribers[reader].receive(&self.payload),
            9 => {
                self.subscribers[reader].held.pop();
            }
            10 => self.subscribers[reader].newest(self.many, &self.payload),
            11 => self.subscribers[reader].wander(who, bytes),
            12 => {
                let subscriber = self.subscriber(reader);
                if let Some(pass) = &mut std::mem::replace(&mut self.subscribers[reader], subscriber).pass {
                    pass.leave();
                }
            }
            13 => {
                let publisher = self.publisher(writer);
                let mut old = std::mem::replace(&mut self.publishers[writer], publisher);
                old.supply.close(|| READERS);
            }
            14 => self.recover(writer),
            _ => self.publishers[writer].supply.reclaim(|| READERS),
        }
        Some(())
    }

    /// What recover.rs does about a dead publisher.
    fn recover(&mut self, dead: usize) {
        let memory = &self.memory;
        let head_words = if self.many { mpmc::HEAD_WORDS } else { broadcast::HEAD_WORDS };
        if self.many {
            mpmc::abandon(&memory.slots, SLOT_WORDS, dead as u32);
        }
        let scratch = vec![0; Census::<Vec<u64>>::scratch_words(memory.blocks())];
        let mut census = Census::new(scratch, memory.blocks()).expect("scratch");
        for slot in memory.slots.chunks_exact(SLOT_WORDS) {
            // ORDERING: none; one thread.
            let descriptor = Descriptor(ReadU64::of(&slot[head_words + DESCRIPTOR]).load_acquire());
            if let Some(block) = descriptor.named_block(memory.blocks()) {
                census.name(block);
            }
        }
        let recoverer = (dead + 1) % self.publishers.len();
        let living: Vec<_> =
            (0..WRITERS).filter(|other| *other != dead).map(|other| intent(memory, other)).collect();
        let supply = &mut self.publishers[recoverer].supply;
        let _ = census.recover(
            &list(memory),
            (dead as u32 + 1, &intent(memory, dead)),
            living.iter(),
            (&ledgers(memory), READERS),
            recoverer as u32 + 1,
            |block| supply.adopt(block),
        );
    }
}

impl Publisher {
    fn send_inline(&mut self, many: bool) {
        let bytes = [9; INLINE_BYTES];
        let bytes = &bytes[..if many { INLINE_BYTES - 8 } else { INLINE_BYTES }];
        if self.writer.inline_at_once(self.limit, bytes).is_none() {
            let _ = self.writer.inline(self.limit, bytes, 1, |index| self.supply.evict(index));
        }
        self.supply.settle(|| READERS);
    }

    fn send_block(&mut self, payload: &Payload<Keep>) {
        let Some(block) = self.supply.take(|| READERS) else { return };
        write(payload, &block);
        let sent = self.writer.block(&mut self.supply, self.limit, (block, BLOCK_BYTES as u32), 1);
        if let Err((_, block)) = sent {
            self.supply.give_back(block);
        }
        self.supply.settle(|| READERS);
    }

    fn widen(&mut self) {
        if let Some(gate) = &self.gate {
            let wider = gate.widen(self.limit, self.writer.next(), || READERS);
            assert!(wider >= self.limit);
            self.limit = wider;
            let _ = (gate.slowest(READERS), gate.streams(READERS));
        }
    }
}

impl Subscriber {
    fn receive(&mut self, payload: &Payload<Keep>) {
        let found = match self.reader.take_at_once(&self.ledger, copy, |_, _| {}) {
            Ok(Some(taken)) => Ok(taken),
            _ => self.reader.take(&self.ledger, copy),
        };
        look(found, payload, &mut self.held);
        if let Some(pass) = &mut self.pass {
            pass.move_to(self.reader.next());
        }
    }

    fn newest(&mut self, many: bool, payload: &Payload<Keep>) {
        if !many {
            look(self.reader.take_newest(&self.ledger, copy), payload, &mut self.held);
        }
    }

    /// Everything that moves or only looks.
    fn wander(&mut self, how: usize, bytes: &mut Bytes<'_>) {
        let reader = &mut self.reader;
        match how % 6 {
            0 => reader.rewind(u64::MAX),
            1 => reader.rewind(1),
            2 => reader.skip_to(reader.next().saturating_add(bytes.word())),
            3 => {
                if let Some(owner) = reader.claimed_by() {
                    assert!(owner < mpmc::OWNERS);
                    reader.skip_claim_of(owner);
                }
            }
            _ => {
                let _ = (reader.pending(), reader.is_empty());
            }
        }
    }
}

/// Looks at a message as its receiver does, and keeps the hold of one in a block.
fn look(found: Found<'_, Keep, usize>, payload: &Payload<Keep>, kept: &mut Vec<OwnedHeld<Keep>>) {
    match found {
        Ok(Taken::Inline { length, copy, .. }) => assert!(length == copy && length <= INLINE_BYTES),
        Ok(Taken::Block { index, length, held, .. }) => {
            read(payload, index, length);
            kept.push(held.into_owned());
        }
        Err(_) => {}
    }
}

/// How long a copy is, its words read.
fn copy(words: &[ReadU64], length: usize) -> usize {
    std::hint::black_box(words.iter().map(ReadU64::load_relaxed).fold(0, u64::wrapping_add));
    assert!(length <= 8 * words.len());
    length
}
