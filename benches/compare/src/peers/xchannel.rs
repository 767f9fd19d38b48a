//! xchannel: a log in a mapped file, with one writer and readers that read in place.

use xchannel::{Reader, ReaderBuilder, Unmap, Writer, WriterBuilder};

use crate::bus::{Bus, LOOKS, Puts, STUCK, Takes};
use crate::contract::{Outcome, told};
use crate::folder::Folder;

/// What differs from topics.
pub const NOTE: &str = "keeps every message, each in bytes of a file not used before";

/// What its own benchmark takes. That begins a new file with each GB, which no round here writes.
const REGION_BYTES: usize = 16 << 20;
const FILE: &str = "log";
const WRITABLE: &str = "a log that can be written";
const READABLE: &str = "a log that can be read";

/// A log.
#[derive(Debug)]
pub struct Log;

/// A writer, and the folder of its file.
pub struct Output {
    writer: Writer,
    _folder: Folder,
}

/// A reader.
pub struct Input(Reader);

impl Output {
    /// Appends a message of `bytes` that `write` makes where it will stay.
    #[inline(always)]
    fn append(&mut self, bytes: usize, write: impl FnOnce(&mut [u8])) {
        write(self.writer.try_reserve(bytes).expect(WRITABLE));
        self.writer.commit(0, bytes as u32, 0).expect(WRITABLE);
    }
}

impl Bus for Log {
    const NAME: &'static str = "xchannel";
    type Output = Output;
    type Input = Input;

    fn output(name: &str, _: usize) -> Outcome<Output> {
        let folder = Folder::create(name)?;
        // No helper threads: they ask for a core of their own, and nobody else here has one.
        let builder = WriterBuilder::new(folder.path().join(FILE));
        let builder = builder.region_size(REGION_BYTES).unmap(Unmap::AtFileRoll);
        Ok(Output { writer: builder.build().map_err(told)?, _folder: folder })
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
    let builder = ReaderBuilder::new(folder.path().join(FILE)).live().unmap(Unmap::AtFileRoll);
    Ok(Input(builder.build().map_err(told)?))
}

impl Puts for Output {
    #[inline(always)]
    fn copy(&mut self, bytes: &[u8]) {
        self.whole(bytes);
    }

    #[inline(always)]
    fn whole(&mut self, bytes: &[u8]) {
        self.append(bytes.len(), |place| place.copy_from_slice(bytes));
    }

    #[inline(always)]
    fn touch(&mut self, bytes: usize, first: u64) {
        self.append(bytes, |place| place[..8].copy_from_slice(&first.to_le_bytes()));
    }
}

impl Takes for Input {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.0.try_read().expect(READABLE).map(|message| read(message.payload()))
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> R {
        for _ in 0..LOOKS {
            if let Some(message) = self.0.try_read().expect(READABLE) {
                return read(message.payload());
            }
        }
        panic!("{STUCK}");
    }
}
