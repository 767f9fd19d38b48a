//! A log whose files are damaged: read from everywhere, resumed, written on.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use xbar::log::{Cursor, LogOptions, Reader, Retention, Start, TryReadError, Writer, inspect};
use xbar_layout::sync::Ordering;
use xbar_layout::sync::unmodelled::AtomicI32;

use crate::bytes::Bytes;

/// Messages of the log, in three segments.
const COUNT: u64 = 90;

/// The folder of one run, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicI32 = AtomicI32::new(0);
        // ORDERING: none; a number that nobody else has.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("xbar-hostile-log-{}-{number}", std::process::id()));
        fs::create_dir(&path).expect("a folder of its own");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn options() -> LogOptions {
    let kept = Retention::everything().bytes(80 << 10);
    LogOptions::new()
        .segment_bytes(xbar::log::LEAST_SEGMENT_BYTES)
        .helper(false)
        .prefault(false)
        .retention(kept)
}

fn message(n: u64) -> Vec<u8> {
    let mut message = n.to_le_bytes().to_vec();
    message.resize(8 + (n as usize * 37) % 400, n as u8);
    message
}

/// Words of any file of a log are damaged, files cut off or removed. Whatever is read was appended, and every call returns.
///
/// # Panics
///
/// When a message is read that nobody appended, or more calls than there can be messages lead nowhere.
pub fn log(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let folder = Folder::new();
    let path = &folder.0;
    let Ok(mut writer) = Writer::open(path, "log", &options()) else { return };
    for n in 0..COUNT {
        if writer.append(&message(n)).is_err() {
            return;
        }
    }
    drop(writer);
    let _ = Cursor::open(path, "log", "c").map(|cursor| cursor.store(3));
    for _ in 0..8 {
        if damage(&mut bytes, path).is_none() {
            break;
        }
        read(path);
    }
    let _ = inspect(path, "log").map(|info| info.faults());
    if let Ok(mut writer) = Writer::open(path, "log", &options()) {
        for _ in 0..20 {
            let next = writer.next_seq();
            let _ = writer.append(&message(next));
        }
        let _ = writer.close();
        read(path);
    }
}

/// One change of one file; `None` when there are no more bytes.
fn damage(bytes: &mut Bytes<'_>, path: &std::path::Path) -> Option<()> {
    let mut files: Vec<_> = fs::read_dir(path).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    let file = files.get(bytes.below(files.len())?)?;
    match bytes.byte()? {
        0 => fs::remove_file(file).ok()?,
        1 => {
            let length = bytes.word() % (20 << 10);
            OpenOptions::new().write(true).open(file).and_then(|file| file.set_len(length)).ok()?;
        }
        // Where most is: the header, the index, or any record.
        kind => {
            let place = bytes.below(1024)? as u64;
            let at = 8 * match kind % 4 {
                0 => place % 20,
                1 => 512 + place % 8,
                _ => 1024 + place,
            };
            let opened = OpenOptions::new().read(true).write(true).open(file).ok()?;
            let mut word = [0; 8];
            // Behind the end there is nothing to damage.
            if opened.read_exact_at(&mut word, at).is_ok() {
                let damaged = bytes.damage(u64::from_le_bytes(word))?;
                opened.write_all_at(&damaged.to_le_bytes(), at).ok()?;
            }
        }
    }
    Some(())
}

/// Reads all there is, and from several places.
fn read(path: &std::path::Path) {
    let Ok(mut reader) = Reader::open(path, "log") else { return };
    let is_right = |seq: u64, payload: &[u8]| assert_eq!(payload, message(seq), "message {seq}");
    let mut calls = 0;
    loop {
        match reader.try_next() {
            Ok(record) => is_right(record.seq(), &record),
            Err(TryReadError::Disconnected { .. } | TryReadError::Log(_)) => break,
            Err(_) => {}
        }
        calls += 1;
        assert!(calls < 10_000, "reading leads nowhere");
    }
    for start in [Start::Oldest, Start::Live, Start::Seq(COUNT / 2), Start::Seq(u64::MAX), Start::Time(1)] {
        let _ = reader.seek(start);
        for _ in 0..40 {
            let _ = reader.try_previous().map(|record| is_right(record.seq(), &record));
        }
        let _ = reader.try_next().map(|record| is_right(record.seq(), &record));
    }
}
