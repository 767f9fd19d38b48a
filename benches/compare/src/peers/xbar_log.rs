//! Ours: a log on disk, with one writer and readers that read in place.

use xbar::BusySpin;
use xbar::log::{LogOptions, Reader, Writer};

use crate::bus::{Bus, Puts, Takes};
use crate::contract::{Outcome, told};
use crate::folder::Folder;

/// What differs from the peer.
pub const NOTE: &str = "ours: a checksum and a time in each record, pages touched when the segment is made";

/// More than any round writes. Made before the clock starts, as the peer's file is; pages are touched then.
const SEGMENT_BYTES: u64 = 128 << 20;
const NAME: &str = "log";
const WRITABLE: &str = "a log that can be written";

/// A log.
#[derive(Debug)]
pub struct Log;

/// A writer, and the folder of its files.
pub struct Output {
    writer: Writer,
    _folder: Folder,
}

impl Bus for Log {
    const NAME: &'static str = "xbar";
    type Output = Output;
    type Input = Reader;

    fn output(name: &str, _: usize) -> Outcome<Output> {
        let folder = Folder::create(name)?;
        // No helper thread, as for the peer: nobody else here has a core for one.
        let options = LogOptions::new().segment_bytes(SEGMENT_BYTES).helper(false);
        Ok(Output { writer: Writer::open(folder.path(), NAME, &options).map_err(told)?, _folder: folder })
    }

    fn input(name: &str) -> Outcome<Reader> {
        Reader::open(Folder::of(name).path(), NAME).map_err(told)
    }
}

impl Puts for Output {
    #[inline(always)]
    fn copy(&mut self, bytes: &[u8]) {
        self.whole(bytes);
    }

    #[inline(always)]
    fn whole(&mut self, bytes: &[u8]) {
        self.writer.append(bytes).expect(WRITABLE);
    }

    #[inline(always)]
    fn touch(&mut self, bytes: usize, first: u64) {
        let mut place = self.writer.reserve(bytes).expect(WRITABLE);
        place[..8].copy_from_slice(&first.to_le_bytes());
        place.commit().expect(WRITABLE);
    }
}

impl Takes for Reader {
    #[inline(always)]
    fn take<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.try_next().ok().map(|record| read(&record))
    }

    #[inline(always)]
    fn wait<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> R {
        read(&self.next(BusySpin).expect("a message"))
    }
}
