//! Models of a topic on the shipped code: writer and reader, ring and pool together, with blocks that are evicted,
//! reclaimed and used again while they are read.
#![cfg(xbar_loom)]

use std::ptr::NonNull;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use xbar_layout::Lent;
use xbar_layout::ring::SLOT_WORDS;
use xbar_layout::sync::{AtomicU32, AtomicU64, Ordering, ReadU64};
use xbar_pool::{FreeList, Intent, Ledger, Ledgers, Supply};
use xbar_ring::broadcast;
use xbar_topic::{Found, InBlock, Inline, Nothing, Reader, Writer};

const BLOCKS: u32 = 4;
const SLOTS: usize = 2;

/// A region's words: one ring of two slots, four blocks, one reader with one cell.
struct Memory {
    slots: Vec<AtomicU64>,
    head: AtomicU64,
    free: AtomicU64,
    headers: Vec<AtomicU64>,
    intent: [AtomicU32; 2],
    cells: Vec<AtomicU32>,
    joined: AtomicU32,
    /// A block's payload, watched by the model checker: a read beside a write is a failure.
    payload: Vec<UnsafeCell<u64>>,
}

type Keep = Arc<Memory>;

fn lend<T: ?Sized>(memory: &Keep, part: &T) -> Lent<T, Keep> {
    // SAFETY: `part` is borrowed from the memory that the Arc keeps, whose vectors are never touched again.
    unsafe { Lent::new(NonNull::from(part), memory.clone()) }
}

impl Memory {
    fn new() -> Keep {
        let zeroes = |count| (0..count).map(|_| AtomicU64::new(0)).collect();
        let memory = Arc::new(Self {
            slots: zeroes(SLOTS * SLOT_WORDS),
            head: AtomicU64::new(0),
            free: AtomicU64::new(0),
            headers: zeroes(BLOCKS as usize),
            intent: [AtomicU32::new(0), AtomicU32::new(0)],
            cells: vec![AtomicU32::new(0)],
            joined: AtomicU32::new(0),
            payload: (0..BLOCKS).map(|_| UnsafeCell::new(u64::MAX)).collect(),
        });
        list(&memory).fill();
        memory
    }
}

fn list(memory: &Keep) -> FreeList<Keep> {
    FreeList::new(lend(memory, &memory.free), lend(memory, &memory.headers[..]))
}

fn supply(memory: &Keep) -> Supply<Keep, Vec<u32>> {
    let intent = Intent::new(lend(memory, &memory.intent[0]), lend(memory, &memory.intent[1]));
    let ledgers = Ledgers::new(lend(memory, &memory.cells[..]), 0, 1, 1);
    Supply::new(1, 1, list(memory), intent, ledgers, vec![0; 2])
}

fn writer(memory: &Keep) -> Writer<Keep> {
    let ring =
        broadcast::Writer::resume(lend(memory, &memory.slots[..]), lend(memory, &memory.head), SLOT_WORDS);
    Writer::new(ring.unwrap(), BLOCKS)
}

fn reader(memory: &Keep) -> Reader<Keep> {
    let slots = lend(memory, ReadU64::of_slice(&memory.slots));
    let head = lend(memory, ReadU64::of(&memory.head));
    Reader::new(broadcast::Reader::join(slots, head, SLOT_WORDS).unwrap(), BLOCKS, 8)
}

/// Publishes `count` messages in blocks: message n is the number n, with n as its time.
fn publish(memory: &Keep, writer: &mut Writer<Keep>, supply: &mut Supply<Keep, Vec<u32>>, count: u64) {
    for _ in 0..count {
        let readers = || memory.joined.load(Ordering::Relaxed) as usize;
        let block = supply.take(readers).expect("enough blocks for ring, limbo and reader");
        let sequence = writer.next();
        // SAFETY: the supply gave this block to nobody else; that is what the model checks.
        memory.payload[block.index() as usize].with_mut(|payload| unsafe { *payload = sequence });
        assert_eq!(writer.block(supply, block, 8, sequence), sequence);
        supply.settle(readers);
    }
}

/// One look, with every promise checked; says how many messages it accounts for.
fn look(memory: &Keep, reader: &mut Reader<Keep>, ledger: &Ledger<Keep>) -> u64 {
    reader.take(ledger, Check(memory))
}

struct Check<'m>(&'m Keep);

impl<'l> Found<'l, Keep> for Check<'_> {
    type Output = u64;

    fn inline(self, _: Inline) -> u64 {
        panic!("nothing was sent inline")
    }

    fn block(self, message: InBlock<'l, Keep>) -> u64 {
        assert_eq!((message.time, message.length), (message.sequence, 8), "a torn slot");
        // SAFETY: the block is held; that is what the model checks.
        let payload = self.0.payload[message.index as usize].with(|payload| unsafe { *payload });
        assert_eq!(payload, message.sequence, "the block of another message");
        drop(message.held);
        1
    }

    fn nothing(self, nothing: Nothing) -> u64 {
        match nothing {
            Nothing::Lagged { missed } => missed,
            Nothing::Empty => 0,
            Nothing::Full => panic!("the one cell is free between two looks"),
        }
    }
}

/// Proves: a block that is read is not written, whatever the order of hold, eviction, reclaim and reuse; and received +
/// missed = published. Bound: a ring of two slots, three messages after the first, two looks.
#[test]
fn a_block_that_is_read_is_not_reused() {
    loom::model(|| {
        let memory = Memory::new();
        memory.joined.store(1, Ordering::Relaxed);
        let (mut writer, mut supply, mut reader) = (writer(&memory), supply(&memory), reader(&memory));
        publish(&memory, &mut writer, &mut supply, 1);
        let theirs = memory.clone();
        let other = thread::spawn(move || {
            let ledger = Ledger::new(lend(&theirs, &theirs.cells[..]));
            let mut accounted = 0;
            for _ in 0..2 {
                accounted += look(&theirs, &mut reader, &ledger);
            }
            (reader, accounted)
        });
        publish(&memory, &mut writer, &mut supply, 3);
        let (mut reader, mut accounted) = other.join().unwrap();
        let ledger = Ledger::new(lend(&memory, &memory.cells[..]));
        loop {
            match look(&memory, &mut reader, &ledger) {
                0 => break,
                more => accounted += more,
            }
        }
        assert_eq!(accounted, 4);
    });
}

/// Proves: a reader that joins while blocks are being reclaimed is counted before its first hold could be missed.
/// Bound: as above, two messages.
#[test]
fn a_reader_that_joins_is_counted_before_it_holds() {
    loom::model(|| {
        let memory = Memory::new();
        let (mut writer, mut supply) = (writer(&memory), supply(&memory));
        publish(&memory, &mut writer, &mut supply, 1);
        let mut reader = reader(&memory);
        reader.rewind();
        let theirs = memory.clone();
        let other = thread::spawn(move || {
            theirs.joined.fetch_max(1, Ordering::Relaxed);
            let ledger = Ledger::new(lend(&theirs, &theirs.cells[..]));
            look(&theirs, &mut reader, &ledger);
        });
        publish(&memory, &mut writer, &mut supply, 3);
        other.join().unwrap();
    });
}
