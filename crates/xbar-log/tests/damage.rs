//! Files that somebody damaged, cut off or put there: every message that is read is right, whatever else is said.
#![cfg(not(xbar_loom))]

mod support;

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileExt, symlink};

use support::{Dir, message, read_all, small};
use xbar_log::{Cursor, LogError, ReadError, Reader, Start, TryReadError, Writer, inspect};
use xbar_ring::BusySpin;

/// A closed log of `count` messages.
fn written(count: u64) -> Dir {
    let dir = Dir::new();
    let mut writer = dir.writer();
    for n in 0..count {
        writer.append(&message(n)).unwrap();
    }
    dir
}

/// All that can be read of a log, whatever it is; ends, and every message is right.
fn read_what_there_is(dir: &Dir, count: u64) -> Vec<u64> {
    let Ok(mut reader) = Reader::open(dir.path(), "log") else { return Vec::new() };
    let mut numbers = Vec::new();
    // As many calls as there can be messages and errors: no loop without an end.
    for _ in 0..4 * count + 100 {
        match reader.try_next() {
            Ok(record) => {
                assert_eq!(*record, message(record.seq())[..], "message {}", record.seq());
                assert!(record.seq() < count && numbers.last().is_none_or(|last| *last < record.seq()));
                numbers.push(record.seq());
            }
            Err(TryReadError::Disconnected { .. }) => break,
            Err(_) => {}
        }
    }
    for start in [Start::Live, Start::Seq(count / 2), Start::Time(1), Start::Oldest] {
        let _ = reader.seek(start);
        let _ = reader.try_next().map(|record| assert_eq!(*record, message(record.seq())[..]));
        let _ = reader.try_previous().map(|record| assert_eq!(*record, message(record.seq())[..]));
    }
    numbers
}

#[test]
fn a_byte_that_changed_costs_its_message_and_no_other() {
    const COUNT: u64 = 12;
    let dir = written(COUNT);
    let whole = fs::read(dir.segment(1)).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let file = OpenOptions::new().write(true).open(dir.segment(1)).unwrap();
    let data = 2 * 4096;
    // The header, state and epoch, the index, every record.
    for at in (0..200).chain(4096..4096 + 48).chain(data..used) {
        let flip = [0x01, 0x80, 0xff][at % 3];
        file.write_all_at(&[whole[at] ^ flip], at as u64).unwrap();
        let numbers = read_what_there_is(&dir, COUNT);
        if at >= data {
            assert!(numbers.len() as u64 >= COUNT - 1, "byte {at} ^ {flip:x}: {numbers:?}");
            let (read, missed) = read_all(&mut dir.reader());
            assert_eq!(read.len() as u64 + missed, COUNT, "byte {at} ^ {flip:x}");
        } else if at >= 80 {
            assert_eq!(numbers.len() as u64, COUNT, "byte {at} ^ {flip:x}: index and state are hints");
        }
        file.write_all_at(&whole[at..=at], at as u64).unwrap();
    }
    assert_eq!(read_what_there_is(&dir, COUNT).len() as u64, COUNT);
}

#[test]
fn a_file_that_is_cut_off_anywhere_gives_what_is_left_of_it() {
    const COUNT: u64 = 12;
    let dir = written(COUNT);
    let whole = fs::read(dir.segment(1)).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let mut most = 0;
    for length in (0..used + 64).chain([whole.len() - 1]) {
        fs::write(dir.segment(1), &whole[..length]).unwrap();
        let numbers = read_what_there_is(&dir, COUNT);
        assert!(numbers.iter().copied().eq(0..numbers.len() as u64), "{length}: {numbers:?}");
        assert!(numbers.len() >= most, "more bytes, no fewer messages");
        most = numbers.len();
    }
    assert_eq!(most as u64, COUNT);
}

#[test]
fn a_writer_goes_on_behind_any_damage_and_readers_pass_it() {
    const COUNT: u64 = 12;
    let dir = written(COUNT);
    let whole = fs::read(dir.segment(1)).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for at in (2 * 4096..used + 200).step_by(13) {
        let mut damaged = whole.clone();
        // Longer than a word: also the first word of a record and what is behind it.
        for byte in &mut damaged[at..at + 20] {
            *byte ^= 0x5a;
        }
        fs::write(dir.segment(1), &damaged).unwrap();
        let _ = fs::remove_file(dir.segment(2));
        let mut writer = dir.writer();
        let recovery = writer.recovery();
        assert!(!recovery.clean, "{at}: {recovery:?}");
        let next = writer.next_seq();
        for n in next..next + 5 {
            writer.append(&message(n)).unwrap();
        }
        let (numbers, missed) = read_all(&mut dir.reader());
        assert_eq!(numbers.len() as u64 + missed, next + 5, "{at}");
        assert!(numbers.ends_with(&[next, next + 1, next + 2, next + 3, next + 4]), "{at}: {numbers:?}");
        assert_eq!(recovery.records_kept + 5, numbers.len() as u64, "{at}: {recovery:?}");
        drop(writer);
        let faults = inspect(dir.path(), "log").unwrap().faults();
        assert!(!faults.is_empty() || recovery.records_lost == 0, "{at}: {recovery:?}");
    }
}

#[test]
fn a_hole_of_zeroes_is_found_and_passed() {
    let dir = written(60);
    let file = OpenOptions::new().write(true).open(dir.segment(1)).unwrap();
    // As after the machine's death: a page that never got to the disk, and messages behind it that did.
    file.write_all_at(&[0; 4096], 2 * 4096).unwrap();
    let (mut reader, mut numbers, mut missed) = (dir.reader(), Vec::new(), 0);
    loop {
        // A wait, because a hole looks as if nothing had been appended yet: only the system can tell.
        match reader.next(BusySpin) {
            Ok(record) => {
                assert_eq!(*record, message(record.seq())[..]);
                numbers.push(record.seq());
            }
            Err(ReadError::Damaged { missed: more, .. }) => missed += more,
            Err(ReadError::Disconnected { clean }) => break assert!(clean),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(numbers.len() as u64 + missed, 60);
    assert!(missed > 10 && numbers.len() > 10 && numbers.last() == Some(&59));
}

#[test]
fn a_segment_that_cannot_be_read_is_told_and_passed() {
    let dir = written(200);
    assert!(dir.segment(4).exists());
    fs::write(dir.segment(2), b"something else").unwrap();
    let (numbers, missed) = read_all(&mut dir.reader());
    assert!(missed > 0 && numbers.len() as u64 + missed == 200);
    let mut writer = dir.writer();
    assert_eq!(writer.append(&message(200)).unwrap(), 200);
}

#[test]
fn empty_short_foreign_and_linked_files_are_refused() {
    let dir = Dir::new();
    let open = || Reader::open(dir.path(), "log").map(drop);
    for bytes in [&b""[..], b"x", &[0; 4096], &[0xff; 20000]] {
        fs::write(dir.segment(1), bytes).unwrap();
        assert!(matches!(open(), Err(LogError::Damaged { .. })), "{:?}", open());
    }
    fs::remove_file(dir.segment(1)).unwrap();
    let other = written(5);
    symlink(other.segment(1), dir.segment(1)).unwrap();
    assert!(matches!(open(), Err(LogError::System(_))), "{:?}", open());
    assert!(Writer::open(dir.path(), "log", &small()).is_err());
    fs::remove_file(dir.segment(1)).unwrap();
    fs::create_dir(dir.segment(1)).unwrap();
    assert!(open().is_err());
    fs::remove_dir(dir.segment(1)).unwrap();
    // A file of another number: numbers and names are one to one.
    fs::copy(other.segment(1), dir.segment(2)).unwrap();
    assert!(matches!(open(), Err(LogError::Damaged { .. })));
    fs::remove_file(dir.segment(2)).unwrap();
    // With holes, where touching one on a full file system would end the process.
    let shm = std::path::Path::new("/dev/shm").join(dir.path().file_name().unwrap());
    fs::create_dir(&shm).unwrap();
    let sparse = shm.join("log.000001.xlog");
    fs::copy(other.segment(1), &sparse).unwrap();
    let file = OpenOptions::new().write(true).open(&sparse).unwrap();
    file.set_len(2 * 4096 + 100).unwrap();
    file.set_len(64 << 10).unwrap();
    let refused = Reader::open(&shm, "log").map(drop);
    fs::remove_dir_all(&shm).unwrap();
    assert!(matches!(refused, Err(LogError::Damaged { .. })), "{refused:?}");
}

#[test]
fn a_damaged_cursor_is_refused_and_lets_nothing_be_deleted() {
    let dir = written(200);
    drop(Cursor::open(dir.path(), "log", "c").unwrap());
    let file = dir.path().join("log.c.xlog-cursor");
    for bytes in [&b""[..], b"xbar-cur", &[0xff; 4096]] {
        fs::write(&file, bytes).unwrap();
        assert!(matches!(Cursor::open(dir.path(), "log", "c"), Err(LogError::Damaged { .. })));
        let little = xbar_log::Retention::everything().bytes(0);
        drop(dir.writer_of(&small().retention(little)));
        assert_eq!(read_all(&mut dir.reader()), ((0..200).collect(), 0));
    }
}
