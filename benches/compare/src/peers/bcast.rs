//! bcast: a ring of bytes with one writer and lossy readers, in a mapped file: topics lie in shared memory too.

use bcast::{HEADER_SIZE, MappedReader, MappedWriter, MmapMutStorage, MmapStorage, StorageExt};

use crate::bus::{Bus, LOOKS, Puts, STUCK, Takes, Windows};
use crate::contract::{Outcome, told};
use crate::folder::Folder;
use crate::limits::Pages;

/// What differs from topics.
pub const NOTE: &str = "one ring of bytes, which readers copy out of";

/// What its own round trip benchmark takes.
const RING_BYTES: usize = 64 << 10;
/// Of the ring, how far ahead of itself a writer reserves: each time it does, it takes a line away that readers look at with every
/// message. Three quarters of the ring still hold more messages than a topic keeps.
const RESERVED: f64 = 0.25;
/// What a window may take, and more than any message has.
const MOST_BYTES: usize = RING_BYTES;
const FILE: &str = "ring";
/// Nobody here is a whole ring behind.
const LAPPED: &str = "a message that was not overwritten";

/// A ring.
#[derive(Debug)]
pub struct Ring;

/// A writer, and the folder of its files.
pub struct Output {
    writer: MappedWriter,
    _folder: Folder,
}

/// A reader, and the buffer that it copies messages into.
pub struct Input {
    reader: MappedReader,
    buffer: Pages,
}

impl Bus for Ring {
    const NAME: &'static str = "bcast";
    type Output = Output;
    type Input = Input;

    fn output(name: &str, _: usize) -> Outcome<Output> {
        let folder = Folder::create(name)?;
        let storage =
            MmapMutStorage::new(folder.path().join(FILE), HEADER_SIZE + RING_BYTES).map_err(told)?;
        let writer = storage.into_writer_with_cfg(|config| config.claim_reserve_ratio(RESERVED));
        Ok(Output { writer, _folder: folder })
    }

    fn input(name: &str) -> Outcome<Input> {
        reader(&Folder::of(name))
    }

    fn inputs(name: &str, readers: usize) -> Outcome<Vec<Input>> {
        let folder = Folder::of(name);
        (0..readers).map(|_| reader(&folder)).collect()
    }
}

fn reader(folder: &Folder) -> Outcome<Input> {
    let storage = MmapStorage::attach(folder.path().join(FILE)).map_err(told)?;
    Ok(Input { reader: storage.into_reader(), buffer: Pages::new(MOST_BYTES, 0) })
}

impl Puts for Output {
    #[inline(always)]
    fn copy(&mut self, bytes: &[u8]) {
        self.writer.send(bytes, true);
    }

    #[inline(always)]
    fn whole(&mut self, bytes: &[u8]) {
        self.writer.publish(bytes.len(), true, |place| place.copy_from_slice(bytes));
    }

    #[inline(always)]
    fn touch(&mut self, bytes: usize, first: u64) {
        self.writer.publish(bytes, true, |place| place[..8].copy_from_slice(&first.to_le_bytes()));
    }
}

impl Takes for Input {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let message = self.reader.receive_next(self.buffer.bytes())?;
        Some(read(message.expect(LAPPED).payload))
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> R {
        for _ in 0..LOOKS {
            if let Some(message) = self.reader.receive_next(self.buffer.bytes()) {
                return read(message.expect(LAPPED).payload);
            }
        }
        panic!("{STUCK}");
    }
}

impl Windows for Input {
    #[inline(always)]
    fn window(&mut self, mut read: impl FnMut(&[u8])) -> usize {
        let Some(window) = self.reader.read_bulk() else { return 0 };
        let messages = window.expect(LAPPED).into_iter(self.buffer.bytes()).expect(LAPPED);
        messages.map(|message| read(message.payload)).count()
    }
}
