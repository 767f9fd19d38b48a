//! Real processes, killed at any time: what was acknowledged is there, whole and once, and nobody waits for the dead.
#![cfg(not(xbar_loom))]

mod support;

use std::io::Write;
use std::time::Duration;

use support::{Dir, Other, message, part, read_all, small};
use xbar_log::{Cursor, LogError, ReadError, Reader, Start, TryReadError, Writer};
use xbar_ring::Adaptive;

fn tell(word: &str) {
    // Its own line: the test runner leaves one open.
    println!("\n{word}");
    std::io::stdout().flush().unwrap();
}

fn stay() -> ! {
    loop {
        std::thread::park();
    }
}

#[test]
fn everything_a_killed_writer_appended_is_there_whole_and_once() {
    if let Some((_, dir)) = part() {
        let mut writer = Writer::open(dir, "log", &small()).unwrap();
        let mut next = writer.next_seq();
        tell("ready");
        loop {
            // Some in place: a death may fall between the bytes and the commit.
            if next % 3 == 0 {
                let message = message(next);
                let mut place = writer.reserve(message.len()).unwrap();
                place.copy_from_slice(&message);
                assert_eq!(place.commit().unwrap(), next);
            } else {
                assert_eq!(writer.append(&message(next)).unwrap(), next);
            }
            next += 1;
            if next % 64 == 0 {
                println!("ack {next}");
            }
        }
    }
    let dir = Dir::new();
    let mut last = 0;
    for round in 0..8_u64 {
        let test = "everything_a_killed_writer_appended_is_there_whole_and_once";
        let mut other = Other::start(test, "write", &dir);
        other.expect("ready");
        let mut tail = dir.reader();
        tail.seek(Start::Seq(last)).unwrap();
        // So many messages are tailed before the kill, which falls wherever the writer is then.
        for n in last..last + 100 + 137 * round {
            let record = tail.next(Adaptive).unwrap();
            assert_eq!((record.seq(), &*record), (n, &message(n)[..]));
        }
        other.kill();
        let (numbers, missed) = read_all(&mut tail);
        assert_eq!(missed, 0);
        let count = numbers.last().map_or(tail.next_seq(), |last| last + 1);
        assert_eq!(tail.next(Adaptive).unwrap_err(), ReadError::Disconnected { clean: false });
        assert!(count >= support::acknowledged(&mut other), "an acknowledged message is lost");
        let writer = dir.writer();
        assert_eq!(writer.next_seq(), count, "{:?}", writer.recovery());
        assert!(!writer.recovery().clean && writer.recovery().records_lost == 0);
        assert_eq!(read_all(&mut dir.reader()), ((0..count).collect(), 0));
        last = count;
    }
}

#[test]
fn a_killed_writer_is_followed_by_another_which_its_readers_hear() {
    if let Some((_, dir)) = part() {
        let mut writer = Writer::open(dir, "log", &small()).unwrap();
        writer.append(&message(0)).unwrap();
        let mut half = writer.reserve(500).unwrap();
        // Where the commit word of the next record but one will be: what looks like a short message.
        let place = message(1).len().next_multiple_of(8);
        half[place..place + 8].copy_from_slice(&(1_u64 << 32 | 8).to_le_bytes());
        tell("half");
        stay();
    }
    let dir = Dir::new();
    let mut other =
        Other::start("a_killed_writer_is_followed_by_another_which_its_readers_hear", "write", &dir);
    other.expect("half");
    let second = Writer::open(dir.path(), "log", &small()).unwrap_err();
    assert_eq!(second, LogError::Alive { name: "log".into(), process: Some(other.pid()) });
    let mut reader = dir.reader();
    assert_eq!(reader.next(Adaptive).unwrap().seq(), 0);
    assert_eq!(reader.next_timeout(Adaptive, Duration::from_millis(1)).unwrap_err(), ReadError::Timeout);
    other.kill();
    assert_eq!(reader.next(Adaptive).unwrap_err(), ReadError::Disconnected { clean: false });
    let mut writer = dir.writer();
    let recovery = writer.recovery();
    assert!(!recovery.clean && recovery.records_kept == 1 && recovery.bytes_dropped > 0, "{recovery:?}");
    assert_eq!(writer.append(&message(1)).unwrap(), 1);
    assert_eq!(reader.next(Adaptive).unwrap().seq(), 1, "behind what was dropped");
    assert_eq!(reader.try_next().unwrap_err(), TryReadError::Empty);
    assert_eq!(writer.epoch(), 2);
}

#[test]
fn a_killed_reader_costs_nobody_anything_and_its_cursor_is_where_it_was() {
    if let Some((_, dir)) = part() {
        let cursor = Cursor::open(&dir, "log", "billing").unwrap();
        let mut reader = Reader::open(dir, "log").unwrap();
        reader.seek(Start::Seq(cursor.seq())).unwrap();
        for _ in 0..50 {
            reader.next(Adaptive).unwrap();
            cursor.store(reader.next_seq());
        }
        tell("read");
        stay();
    }
    let dir = Dir::new();
    let mut writer = dir.writer();
    for round in 0..3 {
        for n in 0..50 {
            writer.append(&message(round * 50 + n)).unwrap();
        }
        let test = "a_killed_reader_costs_nobody_anything_and_its_cursor_is_where_it_was";
        let mut other = Other::start(test, "read", &dir);
        other.expect("read");
        other.kill();
        assert_eq!(Cursor::open(dir.path(), "log", "billing").unwrap().seq(), round * 50 + 50);
    }
}

#[test]
fn a_limit_on_file_sizes_is_an_error_not_a_signal() {
    if let Some((_, dir)) = part() {
        let mut writer = Writer::open(&dir, "log", &small()).unwrap();
        writer.append(&message(0)).unwrap();
        let limit = rustix::process::Rlimit { current: Some(1 << 13), maximum: Some(1 << 13) };
        rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).unwrap();
        let error = (1..).find_map(|n| writer.append(&message(n)).err()).unwrap();
        assert!(error.to_string().contains("ulimit -f"), "{error}");
        let next = writer.next_seq();
        assert!(writer.append(&message(next)).is_err());
        assert_eq!(read_all(&mut Reader::open(&dir, "log").unwrap()).0.len() as u64, next);
        writer.close().unwrap();
        tell("done");
        return;
    }
    let dir = Dir::new();
    let mut other = Other::start("a_limit_on_file_sizes_is_an_error_not_a_signal", "write", &dir);
    other.expect("done");
    other.finish();
    assert!(dir.writer().recovery().clean);
}
