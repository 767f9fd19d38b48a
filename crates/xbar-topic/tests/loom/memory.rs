//! A region's words on the heap, and what publishers and readers do with them in every model.

use std::ptr::NonNull;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use xbar_layout::participant::STREAM_WORDS;
use xbar_layout::ring::{DESCRIPTOR, INLINE_WORDS, SLOT_WORDS};
use xbar_layout::sync::{AtomicU32, AtomicU64, Ordering, ReadU64};
use xbar_layout::{Descriptor, Lent};
use xbar_pool::{Census, FreeList, Held, Intent, Ledger, Ledgers, Supply};
use xbar_ring::broadcast;
use xbar_ring::mpmc::{self, Refused};
use xbar_ring::stride::OneLine;
use xbar_topic::gate::{Cursors, Gate, Pass};
use xbar_topic::{Found, Nothing, ReadRing, Reader, Taken, WriteRing, Writer};

/// The topic's number in all models.
pub const TOPIC: u32 = 0;

/// One ring, one pool, one ledger cell and one stream per reader.
pub struct Memory {
    pub slots: Vec<AtomicU64>,
    head: AtomicU64,
    announced: AtomicU64,
    free: AtomicU64,
    headers: Vec<AtomicU64>,
    intents: Vec<[AtomicU32; 2]>,
    cells: Vec<AtomicU32>,
    pub streams: Vec<AtomicU64>,
    /// Readers that publishers count.
    pub joined: AtomicU32,
    /// A block's payload, watched by the model checker: a read beside a write is a failure.
    payload: Vec<UnsafeCell<u64>>,
}

pub type Keep = Arc<Memory>;
pub type Blocks = Supply<Keep, Vec<u32>>;

/// What a model needs of everything.
pub struct Sizes {
    pub slots: usize,
    pub blocks: usize,
    pub publishers: usize,
    pub readers: usize,
}

pub fn lend<T: ?Sized>(memory: &Keep, part: &T) -> Lent<T, Keep> {
    // SAFETY: `part` is borrowed from the memory that the Arc keeps, whose vectors are never touched again.
    unsafe { Lent::new(NonNull::from(part), memory.clone()) }
}

impl Memory {
    pub fn new(sizes: &Sizes) -> Keep {
        let zeroes = |count| (0..count).map(|_| AtomicU64::new(0)).collect();
        let memory = Arc::new(Self {
            slots: zeroes(sizes.slots * SLOT_WORDS),
            head: AtomicU64::new(0),
            announced: AtomicU64::new(0),
            free: AtomicU64::new(0),
            headers: zeroes(sizes.blocks),
            intents: (0..sizes.publishers).map(|_| [AtomicU32::new(0), AtomicU32::new(0)]).collect(),
            cells: (0..sizes.readers).map(|_| AtomicU32::new(0)).collect(),
            streams: zeroes(sizes.readers * STREAM_WORDS),
            joined: AtomicU32::new(0),
            payload: (0..sizes.blocks).map(|_| UnsafeCell::new(u64::MAX)).collect(),
        });
        list(&memory).fill();
        memory
    }

    pub fn blocks(&self) -> u32 {
        self.headers.len() as u32
    }

    pub fn readers(&self) -> usize {
        self.joined.load(Ordering::Relaxed) as usize
    }

    fn write(&self, block: u32, value: u64) {
        // SAFETY: the caller owns the block; that is what the model checks.
        self.payload[block as usize].with_mut(|payload| unsafe { *payload = value });
    }

    fn read(&self, block: u32) -> u64 {
        // SAFETY: the caller holds the block; that is what the model checks.
        self.payload[block as usize].with(|payload| unsafe { *payload })
    }
}

fn list(memory: &Keep) -> FreeList<Keep> {
    FreeList::new(lend(memory, &memory.free), lend(memory, &memory.headers[..]))
}

fn intent(memory: &Keep, publisher: usize) -> Intent<Keep> {
    let [first, count] = &memory.intents[publisher];
    Intent::new(lend(memory, first), lend(memory, count))
}

fn ledgers(memory: &Keep) -> Ledgers<Keep> {
    Ledgers::new(lend(memory, &memory.cells[..]), 0, 1, 1)
}

/// The blocks of publisher `publisher`, taken one by one.
pub fn supply(memory: &Keep, publisher: usize) -> Blocks {
    let storage = vec![0; 1 + memory.cells.len()];
    Supply::new(publisher as u32 + 1, 1, list(memory), intent(memory, publisher), ledgers(memory), storage)
}

/// The ring's one writer.
pub fn writer(memory: &Keep) -> Writer<Keep> {
    let (slots, head) = (lend(memory, &memory.slots[..]), lend(memory, &memory.head));
    let ring = broadcast::Writer::resume(slots, head, OneLine).unwrap();
    Writer::new(WriteRing::One(ring), memory.blocks(), |_| panic!("a new ring names no block"))
}

/// The ring alone, as writer `owner` of many has it.
pub fn ring_of_many(memory: &Keep, owner: u32) -> mpmc::Writer<Keep, OneLine> {
    let (slots, head) = (lend(memory, &memory.slots[..]), lend(memory, &memory.head));
    mpmc::Writer::join(slots, head, OneLine, owner).unwrap()
}

/// One of many writers.
pub fn writer_of_many(memory: &Keep, owner: u32) -> Writer<Keep> {
    Writer::new(WriteRing::Many(ring_of_many(memory, owner)), memory.blocks(), |_| {})
}

/// A reader of a ring of one writer, from now on.
pub fn reader(memory: &Keep, lossless: bool) -> Reader<Keep> {
    let slots = lend(memory, ReadU64::of_slice(&memory.slots));
    let ring = broadcast::Reader::join(slots, lend(memory, ReadU64::of(&memory.head)), OneLine).unwrap();
    Reader::new(ReadRing::One(ring), memory.blocks(), 8, lossless)
}

/// A reader of a ring of many writers, from now on.
pub fn reader_of_many(memory: &Keep, lossless: bool) -> Reader<Keep> {
    let slots = lend(memory, ReadU64::of_slice(&memory.slots));
    let ring = mpmc::Reader::join(slots, lend(memory, ReadU64::of(&memory.head)), OneLine).unwrap();
    Reader::new(ReadRing::Many(ring), memory.blocks(), 8, lossless)
}

pub fn ledger(memory: &Keep, reader: usize) -> Ledger<Keep> {
    Ledger::new(lend(memory, &memory.cells[reader..=reader]))
}

/// The publishers' side of the gate.
pub fn gate(memory: &Keep, room: u64) -> Gate<Keep> {
    let cursors = Cursors::new(lend(memory, &memory.streams[..]), 0, STREAM_WORDS, 1);
    Gate::new(lend(memory, &memory.announced), cursors, TOPIC, room)
}

/// Reader `reader` enters the gate.
pub fn join(memory: &Keep, reader: usize, room: u64, position: u64) -> Pass<Keep> {
    let streams = lend(memory, &memory.streams[reader * STREAM_WORDS..][..STREAM_WORDS]);
    Pass::join(&streams, ReadU64::of(&memory.announced), TOPIC, room, position).unwrap()
}

/// Publishes `value` in a block, below `limit`; also as the message's time, so that a torn slot shows.
pub fn send_in_block(
    memory: &Keep,
    (writer, supply): (&mut Writer<Keep>, &mut Blocks),
    limit: u64,
    value: u64,
) -> Result<u64, Refused> {
    let readers = || memory.readers();
    let block = supply.take(readers).expect("enough blocks for ring, limbo and readers");
    memory.write(block.index(), value);
    let sent = writer.block(supply, limit, (block, 8), value);
    supply.settle(readers);
    sent.map_err(|(refused, block)| {
        supply.give_back(block);
        refused
    })
}

/// Publishes `value` in the slot, below `limit`.
pub fn send_inline(
    memory: &Keep,
    (writer, supply): (&mut Writer<Keep>, &mut Blocks),
    limit: u64,
    value: u64,
) -> Result<u64, Refused> {
    let sent = writer.inline(limit, &value.to_ne_bytes(), value, |index| supply.evict(index));
    supply.settle(|| memory.readers());
    sent
}

/// What one look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    Message { sequence: u64, value: u64 },
    Missed(u64),
    Empty,
}

/// What a look copies out of a slot.
type Words = [u64; INLINE_WORDS];

fn copy(words: &[ReadU64], _: usize) -> Words {
    let mut copy = [0; INLINE_WORDS];
    for (place, word) in copy.iter_mut().zip(words) {
        *place = word.load_relaxed();
    }
    copy
}

/// What was found, with every promise about a message checked. `passed` is called with a message in hand, its block held and
/// not read yet.
fn seen(memory: &Keep, found: Found<'_, Keep, Words>, mut passed: impl FnMut(u64)) -> Seen {
    match found {
        Ok(Taken::Inline { sequence, descriptor, length, copy }) => {
            assert_eq!((descriptor.inline_time(), length), (copy[0], 8), "a torn slot");
            passed(sequence);
            Seen::Message { sequence, value: copy[0] }
        }
        Ok(Taken::Block { sequence, time, index, length, held }) => {
            assert_eq!(length, 8, "a torn slot");
            passed(sequence);
            let value = memory.read(index);
            assert_eq!(value, time, "the block of another message");
            drop::<Held<'_, _>>(held);
            Seen::Message { sequence, value }
        }
        Err(Nothing::Lagged { missed }) => Seen::Missed(missed),
        Err(Nothing::Empty) => Seen::Empty,
        Err(Nothing::Full) => panic!("the one cell is free between two looks"),
    }
}

/// One look at the next message.
pub fn look(memory: &Keep, reader: &mut Reader<Keep>, ledger: &Ledger<Keep>) -> Seen {
    look_and(memory, reader, ledger, |_| ())
}

/// As [`look`], doing something while the message is in hand.
pub fn look_and(
    memory: &Keep,
    reader: &mut Reader<Keep>,
    ledger: &Ledger<Keep>,
    passed: impl FnMut(u64),
) -> Seen {
    seen(memory, reader.take(ledger, copy), passed)
}

/// One look at the newest message.
pub fn look_at_newest(memory: &Keep, reader: &mut Reader<Keep>, ledger: &Ledger<Keep>) -> Seen {
    seen(memory, reader.take_newest(ledger, copy), |_| ())
}

/// One look at the newest message that was not received.
pub fn look_for_news(memory: &Keep, reader: &mut Reader<Keep>, ledger: &Ledger<Keep>) -> Seen {
    seen(memory, reader.take_newer(ledger, copy), |_| ())
}

/// Every block is in exactly one place: named by a slot whose first words are `head_words`, at hand or in limbo of one of
/// `supplies`, or free.
pub fn assert_no_block_is_lost(memory: &Keep, head_words: usize, supplies: &[&Blocks]) {
    let mut places = vec![Vec::new(); memory.blocks() as usize];
    for slot in memory.slots.chunks_exact(SLOT_WORDS) {
        let descriptor = Descriptor(slot[head_words + DESCRIPTOR].load(Ordering::Relaxed));
        if let Some(block) = descriptor.named_block(memory.blocks()) {
            places[block as usize].push("slot");
        }
    }
    for block in supplies.iter().flat_map(|supply| supply.blocks()) {
        places[block as usize].push("supply");
    }
    let mut rest = supply(memory, 0);
    let mut free = Vec::new();
    while let Some(block) = rest.take(|| 0) {
        places[block.index() as usize].push("free");
        free.push(block);
    }
    assert!(places.iter().all(|places| places.len() == 1), "{places:?}");
}

/// What a recoverer, publisher `recoverer` with `supply`, does about the dead publisher `dead` of a topic of many: as
/// recover.rs, with the parts of the region that a model has.
pub fn recover(memory: &Keep, dead: usize, recoverer: usize, supply: &mut Blocks) {
    mpmc::abandon(&memory.slots, SLOT_WORDS, dead as u32);
    let scratch = vec![0; Census::<Vec<u64>>::scratch_words(memory.blocks())];
    let mut census = Census::new(scratch, memory.blocks()).unwrap();
    for slot in memory.slots.chunks_exact(SLOT_WORDS) {
        let descriptor = ReadU64::of(&slot[mpmc::HEAD_WORDS + DESCRIPTOR]).load_acquire();
        if let Some(block) = Descriptor(descriptor).named_block(memory.blocks()) {
            census.name(block);
        }
    }
    let intents: Vec<_> =
        (0..memory.intents.len()).filter(|&other| other != dead).map(|other| intent(memory, other)).collect();
    let of_the_dead = intent(memory, dead);
    let recovered = census.recover(
        &list(memory),
        (dead as u32 + 1, &of_the_dead),
        intents.iter(),
        (&ledgers(memory), memory.readers()),
        recoverer as u32 + 1,
        |block| supply.adopt(block),
    );
    assert!(recovered.is_some(), "the free list cannot be so busy");
}
