//! Words and bytes on the heap, lent like a mapping: an access past their end is one that a sanitizer sees.

#![allow(unsafe_code)] // lends parts of vectors that an Arc keeps, and reads the bytes of blocks that are held

use std::ptr::NonNull;
use std::sync::Arc;

use xbar_layout::participant::STREAM_WORDS;
use xbar_layout::ring::SLOT_WORDS;
use xbar_layout::sync::{AtomicU32, AtomicU64, Ordering, ReadU64};
use xbar_layout::{Byte, Lent, Shared};
use xbar_pool::{Block, FreeList, Intent, Ledger, Ledgers, Payload, Supply};

use crate::bytes::Bytes;

/// A line of words, aligned as in a mapping.
#[repr(align(64))]
#[allow(dead_code)] // read through views
pub(crate) struct Line([AtomicU64; SLOT_WORDS]);

/// Lines of words that say what they are given.
pub(crate) struct Words(Arc<Vec<Line>>);

impl Words {
    /// # Panics
    ///
    /// When they are not whole lines.
    pub(crate) fn new(words: Vec<u64>) -> Self {
        assert!(words.len() % SLOT_WORDS == 0);
        let line = |words: &[u64]| Line(std::array::from_fn(|place| AtomicU64::new(words[place])));
        Self(Arc::new(words.chunks_exact(SLOT_WORDS).map(line).collect()))
    }

    /// The `T` at a line.
    pub(crate) fn view<T: Shared>(&self, line: usize) -> Lent<T, Arc<Vec<Line>>> {
        let lines = &self.0[line..];
        assert!(size_of::<T>() <= size_of_val(lines) && align_of::<T>() <= 64 && !T::WRITES);
        // SAFETY: in bounds and aligned, any bytes are a valid `T`, and the Arc keeps them.
        unsafe { Lent::new(NonNull::from(lines).cast(), Arc::clone(&self.0)) }
    }
}

/// Words in a row, an allocation of their own.
#[derive(Clone)]
pub(crate) struct Row(Arc<Vec<AtomicU64>>);

/// So many zeroes.
pub(crate) fn row(words: usize) -> Row {
    Row(Arc::new((0..words).map(|_| AtomicU64::new(0)).collect()))
}

impl Row {
    /// What `choose` sees in them, lent.
    pub(crate) fn lend<T: ?Sized>(&self, choose: impl FnOnce(&[AtomicU64]) -> &T) -> Lent<T, Self> {
        // SAFETY: borrowed from the vector that the Arc keeps, which is never touched again but through its words.
        unsafe { Lent::new(NonNull::from(choose(&self.0)), self.clone()) }
    }

    pub(crate) fn word(&self, place: usize) -> &AtomicU64 {
        &self.0[place]
    }
}

/// Bytes of a block.
pub(crate) const BLOCK_BYTES: usize = 64;
/// Subscribers, with their ledger cells and streams.
pub(crate) const READERS: usize = 2;
/// Publishers.
pub(crate) const WRITERS: usize = 2;
/// Cells of one subscriber.
pub(crate) const CELLS: usize = 2;

/// One topic's ring and pool, and the records of its participants: each part an allocation of its own.
pub(crate) struct Memory {
    pub(crate) slots: Vec<AtomicU64>,
    pub(crate) head: AtomicU64,
    pub(crate) announced: AtomicU64,
    free: AtomicU64,
    headers: Vec<AtomicU64>,
    intents: [Box<[AtomicU32; 2]>; WRITERS],
    cells: Vec<AtomicU32>,
    pub(crate) streams: Vec<AtomicU64>,
    payload: Vec<Byte>,
}

pub(crate) type Keep = Arc<Memory>;
pub(crate) type Blocks = Supply<Keep, Vec<u32>>;

/// What of it is damaged.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    Slots,
    Head,
    Announced,
    Free,
    Headers,
    Intents,
    Cells,
    Streams,
}

pub(crate) fn lend<T: ?Sized>(memory: &Keep, part: &T) -> Lent<T, Keep> {
    // SAFETY: `part` is borrowed from the memory that the Arc keeps, whose vectors are never touched again.
    unsafe { Lent::new(NonNull::from(part), Arc::clone(memory)) }
}

impl Memory {
    pub(crate) fn new(slots: usize, blocks: usize) -> Keep {
        let zeroes = |count| (0..count).map(|_| AtomicU64::new(0)).collect();
        let memory = Arc::new(Self {
            slots: zeroes(slots * SLOT_WORDS),
            head: AtomicU64::new(0),
            announced: AtomicU64::new(0),
            free: AtomicU64::new(0),
            headers: zeroes(blocks),
            intents: std::array::from_fn(|_| Box::new([AtomicU32::new(0), AtomicU32::new(0)])),
            cells: (0..READERS * CELLS).map(|_| AtomicU32::new(0)).collect(),
            streams: zeroes(READERS * STREAM_WORDS),
            payload: (0..blocks * BLOCK_BYTES).map(|_| Byte::new(0)).collect(),
        });
        list(&memory).fill();
        memory
    }

    pub(crate) fn blocks(&self) -> u32 {
        self.headers.len() as u32 // few
    }

    /// Damages word `place` of a part.
    pub(crate) fn damage(&self, part: Part, place: usize, bytes: &mut Bytes<'_>) -> Option<()> {
        let wide = match part {
            Part::Slots => &self.slots[place % self.slots.len()],
            Part::Head => &self.head,
            Part::Announced => &self.announced,
            Part::Free => &self.free,
            Part::Headers => &self.headers[place % self.headers.len()],
            Part::Streams => &self.streams[place % self.streams.len()],
            Part::Intents => return damage_half(&self.intents[place % WRITERS][place / WRITERS % 2], bytes),
            Part::Cells => return damage_half(&self.cells[place % self.cells.len()], bytes),
        };
        // ORDERING: none; one thread.
        wide.store(bytes.damage(wide.load(Ordering::Relaxed))?, Ordering::Relaxed);
        Some(())
    }
}

fn damage_half(word: &AtomicU32, bytes: &mut Bytes<'_>) -> Option<()> {
    // ORDERING: none; one thread. Half of a word is as good as any.
    word.store(bytes.damage(word.load(Ordering::Relaxed).into())? as u32, Ordering::Relaxed);
    Some(())
}

pub(crate) fn list(memory: &Keep) -> FreeList<Keep> {
    FreeList::new(lend(memory, &memory.free), lend(memory, &memory.headers[..]))
}

pub(crate) fn intent(memory: &Keep, writer: usize) -> Intent<Keep> {
    let [first, count] = &*memory.intents[writer];
    Intent::new(lend(memory, first), lend(memory, count))
}

pub(crate) fn ledgers(memory: &Keep) -> Ledgers<Keep> {
    Ledgers::new(lend(memory, &memory.cells[..]), 0, CELLS, CELLS)
}

pub(crate) fn ledger(memory: &Keep, reader: usize) -> Ledger<Keep> {
    Ledger::new(lend(memory, &memory.cells[reader * CELLS..][..CELLS]))
}

/// The blocks of publisher `writer`.
pub(crate) fn supply(memory: &Keep, writer: usize) -> Blocks {
    const BATCH: usize = 3;
    let storage = vec![0; BATCH + memory.cells.len()];
    let owner = writer as u32 + 1; // few
    Supply::new(owner, BATCH, list(memory), intent(memory, writer), ledgers(memory), storage)
}

pub(crate) fn payload(memory: &Keep) -> Payload<Keep> {
    Payload::new(lend(memory, &memory.payload[..]), BLOCK_BYTES, BLOCK_BYTES).expect("whole blocks")
}

/// Writes a block as its owner does.
pub(crate) fn write(payload: &Payload<Keep>, block: &Block) {
    // SAFETY: one thread, and the slice ends here.
    unsafe { payload.bytes_mut(block.index(), BLOCK_BYTES) }.fill(7);
}

/// Reads a message as its holder does.
pub(crate) fn read(payload: &Payload<Keep>, index: u32, length: usize) -> u64 {
    // SAFETY: one thread, and the slice ends here.
    let bytes = unsafe { payload.bytes(index, length) };
    bytes.iter().map(|byte| u64::from(*byte)).sum()
}

/// The slots, to be looked at.
pub(crate) fn seen(memory: &Keep) -> (Lent<[ReadU64], Keep>, Lent<ReadU64, Keep>) {
    (lend(memory, ReadU64::of_slice(&memory.slots)), lend(memory, ReadU64::of(&memory.head)))
}
