//! What a log promises to one process: order, places, times, segments, reservations, cursors, retention, ends.
#![cfg(not(xbar_loom))]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use support::{Dir, message, read_all, small};
use xbar_log::{
    Cursor, Durability, LogError, LogOptions, ReadError, Reader, Retention, Start, Times, TryReadError,
    Writer,
};
use xbar_ring::{Adaptive, BusySpin, Park, Step, WaitStrategy};

/// Appends messages `from..to`.
fn append(writer: &mut Writer, from: u64, to: u64) {
    for n in from..to {
        assert_eq!(writer.append(&message(n)).unwrap(), n);
    }
}

#[test]
fn everything_arrives_in_order_through_many_segments() {
    for helper in [false, true] {
        let dir = Dir::new();
        let mut writer = dir.writer_of(&small().helper(helper));
        let mut reader = dir.reader();
        // Beside the writer, and behind it.
        for n in 0..500 {
            append(&mut writer, n, n + 1);
            let record = reader.try_next().unwrap();
            assert_eq!((record.seq(), &*record), (n, &message(n)[..]));
        }
        append(&mut writer, 500, 1000);
        assert_eq!(read_all(&mut reader), ((500..1000).collect(), 0));
        assert_eq!(read_all(&mut dir.reader()), ((0..1000).collect(), 0));
        assert!(dir.segment(10).exists() && writer.next_seq() == 1000);
    }
}

#[test]
fn records_of_every_length_up_to_the_longest_arrive() {
    let dir = Dir::new();
    let mut writer = dir.writer();
    let most = writer.most_bytes();
    let lengths = (0..200).chain([most - 1, most]);
    for bytes in lengths.clone() {
        writer.append_tagged(bytes as u16, &vec![0x5a; bytes]).unwrap();
    }
    let too_long = writer.append(&vec![0; most + 1]).unwrap_err();
    assert_eq!(too_long, LogError::TooLarge { bytes: most + 1, most_bytes: most });
    writer.append(b"and on").unwrap();
    let mut reader = dir.reader();
    for bytes in lengths {
        let record = reader.try_next().unwrap();
        assert_eq!((record.tag(), &*record), (bytes as u16, &vec![0x5a; bytes][..]));
        assert_eq!(record.payload().as_ptr() as usize % 8, 0);
    }
    assert_eq!(&*reader.try_next().unwrap(), b"and on");
}

#[test]
fn a_log_goes_on_where_it_was_closed() {
    let dir = Dir::new();
    for round in 0..20 {
        let mut writer = dir.writer();
        assert!(writer.recovery().clean);
        assert_eq!((writer.next_seq(), writer.epoch()), (round * 50, round + 1));
        append(&mut writer, round * 50, round * 50 + 50);
        writer.close().unwrap();
        assert_eq!(read_all(&mut dir.reader()).0.len() as u64, round * 50 + 50);
    }
    let at_once = Dir::new();
    append(&mut at_once.writer(), 0, 1000);
    assert_eq!(dir.contents(), at_once.contents(), "no segment was begun but for want of room");
}

#[test]
fn a_living_writer_is_the_only_one_and_says_who_it_is() {
    let dir = Dir::new();
    let writer = dir.writer();
    let second = Writer::open(dir.path(), "log", &small()).unwrap_err();
    assert_eq!(second, LogError::Alive { name: "log".into(), process: Some(std::process::id()) });
    let _other = Writer::open(dir.path(), "log.000001", &small()).unwrap();
    drop(writer);
    drop(dir.writer());
}

#[test]
fn what_is_reserved_is_there_when_it_is_committed_and_never_else() {
    let dir = Dir::new();
    let mut writer = dir.writer();
    let mut reader = dir.reader();
    for n in 0..300_u64 {
        let mut place = writer.reserve(3000).unwrap();
        assert!(place.iter().all(|byte| *byte == 0), "round {n}");
        place.fill(0xff);
        match n % 3 {
            0 => drop(place),
            1 => std::mem::forget(place),
            _ => {
                let panicking = AssertUnwindSafe(|| {
                    let _place = place;
                    std::panic::resume_unwind(Box::new("stopped"));
                });
                assert!(catch_unwind(panicking).is_err());
            }
        }
        assert_eq!(reader.try_next().unwrap_err(), TryReadError::Empty);
        // Shorter: its successor's first word lies in what was written above.
        let mut place = writer.reserve(9).unwrap().tag(3);
        place.copy_from_slice(b"committed");
        assert_eq!(place.commit().unwrap(), n);
        let record = reader.try_next().unwrap();
        assert_eq!((record.seq(), record.tag(), &*record), (n, 3, &b"committed"[..]));
        assert_eq!(reader.try_next().unwrap_err(), TryReadError::Empty);
    }
    writer.reserve(2000).unwrap().fill(1);
    drop(writer);
    assert!(dir.writer().recovery().clean);
}

#[test]
fn a_batch_has_numbers_in_a_row_and_one_time() {
    let dir = Dir::new();
    let mut writer = dir.writer();
    let messages: Vec<_> = (0..200).map(message).collect();
    assert_eq!(writer.append_batch(messages.iter().map(|m| &m[..])).unwrap(), 0..200);
    assert_eq!(writer.append_batch([]).unwrap(), 200..200);
    let mut reader = dir.reader();
    let first = reader.try_next().unwrap().timestamp_ns();
    for n in 1..200 {
        let record = reader.try_next().unwrap();
        assert_eq!((record.seq(), record.timestamp_ns(), &*record), (n, first, &messages[n as usize][..]));
    }
}

#[test]
fn times_never_go_back() {
    let dir = Dir::new();
    for times in [Times::Coarse, Times::Exact] {
        let mut writer = dir.writer_of(&small().times(times));
        let before = xbar_shm::coarse_unix_ns();
        for _ in 0..100 {
            writer.append(b"now").unwrap();
        }
        assert!(xbar_shm::unix_ns() >= before);
    }
    let mut writer = dir.writer();
    writer.append_at(0, 5, b"long ago").unwrap();
    writer.append_at(0, u64::MAX / 2, b"in a long time").unwrap();
    writer.append(b"now").unwrap();
    let (mut reader, mut last) = (dir.reader(), 0);
    while let Ok(record) = reader.try_next() {
        assert!(record.timestamp_ns() >= last);
        last = record.timestamp_ns();
    }
    assert_eq!(last, u64::MAX / 2);
}

#[test]
fn every_number_and_every_time_is_found() {
    let dir = Dir::new();
    let mut writer = dir.writer_of(&small().segment_bytes(256 << 10));
    const COUNT: u64 = 6000;
    for n in 0..COUNT {
        // Several of one time, and times that none has.
        writer.append_at(0, n / 3 * 10, &message(n)).unwrap();
    }
    assert!(dir.segment(4).exists());
    let mut reader = dir.reader();
    for n in (0..COUNT).step_by(7).chain([0, COUNT - 1]) {
        reader.seek(Start::Seq(n)).unwrap();
        assert_eq!((reader.next_seq(), reader.try_next().unwrap().seq()), (n, n));
        for late in [0, 1] {
            reader.seek(Start::Time(n / 3 * 10 - late.min(n))).unwrap();
            assert_eq!(reader.try_next().unwrap().seq(), n / 3 * 3);
        }
    }
    reader.seek(Start::Seq(COUNT)).unwrap();
    assert_eq!(reader.try_next().unwrap_err(), TryReadError::Empty);
    let late = reader.seek(Start::Seq(COUNT + 1)).unwrap_err();
    assert_eq!(late, LogError::NotYet { seq: COUNT + 1, next_seq: COUNT });
    for live in [Start::Live, Start::Time(u64::MAX)] {
        reader.seek(Start::Oldest).unwrap();
        reader.seek(live).unwrap();
        assert_eq!(reader.try_next().unwrap_err(), TryReadError::Empty);
    }
    append(&mut writer, COUNT, COUNT + 1);
    assert_eq!(reader.try_next().unwrap().seq(), COUNT);
}

#[test]
fn the_way_back_is_the_way_there() {
    let dir = Dir::new();
    let mut writer = dir.writer_of(&small().segment_bytes(128 << 10));
    append(&mut writer, 0, 3000);
    let mut reader = dir.reader();
    assert_eq!(reader.try_previous().unwrap_err(), TryReadError::Empty);
    reader.seek(Start::Live).unwrap();
    for n in (0..3000).rev() {
        let record = reader.try_previous().unwrap();
        assert_eq!((record.seq(), &*record), (n, &message(n)[..]));
        if n % 100 == 7 {
            assert_eq!(reader.try_next().unwrap().seq(), n);
            assert_eq!(reader.try_next().unwrap().seq(), n + 1);
            assert_eq!(reader.try_previous().unwrap().seq(), n + 1);
            assert_eq!(reader.try_previous().unwrap().seq(), n);
        }
    }
    assert_eq!(reader.try_previous().unwrap_err(), TryReadError::Empty);
    assert_eq!(read_all(&mut reader).0.len(), 3000);
}

#[test]
fn deleted_messages_are_counted_and_what_is_mapped_is_read_on() {
    let dir = Dir::new();
    let mut writer = dir.writer_of(&small().retention(Retention::everything().bytes(3 * (16 << 10))));
    append(&mut writer, 0, 5);
    let (mut reader, mut second) = (dir.reader(), dir.reader());
    append(&mut writer, 5, 1000);
    assert!(!dir.segment(1).exists());
    assert_eq!(dir.contents().iter().filter(|name| name.ends_with(".xlog")).count(), 3);
    // The segment that was mapped is read to its end, and the rest is missed.
    let (numbers, missed) = read_all(&mut reader);
    assert_eq!(numbers.len() as u64 + missed, 1000);
    assert!(numbers[..5] == [0, 1, 2, 3, 4] && numbers[5] == 5 && missed > 500);
    second.seek(Start::Seq(3)).unwrap();
    let first = dir.reader().try_next().unwrap().seq();
    assert_eq!(second.try_next().unwrap_err(), TryReadError::Lagged { missed: first - 3 });
    assert_eq!(read_all(&mut second), ((first..1000).collect(), 0));
}

#[test]
fn what_a_cursor_needs_is_kept_unless_told_otherwise() {
    let dir = Dir::new();
    let little = Retention::everything().bytes(0);
    let mut writer = dir.writer_of(&small().retention(little));
    let cursor = Cursor::open(dir.path(), "log", "billing").unwrap();
    append(&mut writer, 0, 1000);
    assert_eq!(read_all(&mut dir.reader()).0.len(), 1000, "a new cursor needs everything");
    cursor.store(700);
    assert!(writer.retain().unwrap() > 0);
    let first = dir.reader().try_next().unwrap().seq();
    assert!((500..=700).contains(&first), "{first}");
    drop(cursor);
    let cursor = Cursor::open(dir.path(), "log", "billing").unwrap();
    let mut reader = dir.reader();
    reader.seek(Start::Seq(cursor.seq())).unwrap();
    assert_eq!(reader.try_next().unwrap().seq(), 700);
    drop(writer);
    let mut writer = dir.writer_of(&small().retention(little.despite_cursors()));
    append(&mut writer, 1000, 1500);
    assert!(dir.reader().try_next().unwrap().seq() > 1000);
    assert!(Cursor::remove(dir.path(), "log", "billing").unwrap());
    assert!(!Cursor::remove(dir.path(), "log", "billing").unwrap());
}

#[test]
fn a_closed_log_is_told_from_one_that_is_quiet() {
    let dir = Dir::new();
    let mut writer = dir.writer();
    let mut reader = dir.reader();
    append(&mut writer, 0, 1);
    assert!(reader.try_next().is_ok());
    for _ in 0..5000 {
        assert_eq!(reader.try_next().unwrap_err(), TryReadError::Empty);
    }
    append(&mut writer, 1, 2);
    drop(writer);
    assert_eq!(reader.try_next().unwrap().seq(), 1, "what was appended is read before the end");
    assert_eq!(reader.try_next().unwrap_err(), TryReadError::Disconnected { clean: true });
    assert_eq!(reader.next(Park).unwrap_err(), ReadError::Disconnected { clean: true });
    append(&mut dir.writer(), 2, 3);
    assert_eq!(reader.next(Park).unwrap().seq(), 2, "another writer, and reading goes on");
}

#[test]
fn waits_end_by_a_message_by_time_or_when_told() {
    struct Stopping;
    impl WaitStrategy for Stopping {
        fn step(&mut self, looks: u32) -> Step {
            if looks < 10 { Step::Look } else { Step::Stop }
        }
    }
    let dir = Dir::new();
    let mut writer = dir.writer();
    let mut reader = dir.reader();
    let short = Duration::from_millis(5);
    assert_eq!(reader.next_timeout(Park, short).unwrap_err(), ReadError::Timeout);
    assert_eq!(reader.next_timeout(BusySpin, short).unwrap_err(), ReadError::Timeout);
    assert_eq!(reader.next(Stopping).unwrap_err(), ReadError::Stopped);
    let waiting = std::thread::spawn(move || reader.next_timeout(Adaptive, Duration::MAX).unwrap().seq());
    append(&mut writer, 0, 1);
    assert_eq!(waiting.join().unwrap(), 0);
}

#[test]
fn durable_logs_say_and_do_the_same() {
    for durability in [Durability::EveryMs(1), Durability::EveryRecords(7), Durability::EveryRecord] {
        let dir = Dir::new();
        let mut writer = dir.writer_of(&small().durability(durability));
        append(&mut writer, 0, 300);
        writer.flush().unwrap();
        assert_eq!(read_all(&mut dir.reader()).0.len(), 300);
        writer.close().unwrap();
    }
}

#[test]
fn no_room_is_an_error_that_leaves_everything_as_it_was() {
    let dir = Dir::new();
    let mut writer = dir.writer();
    // What is made ahead has no room: a directory is in its place.
    let next = dir.path().join("log.xlog-next");
    std::fs::create_dir(&next).unwrap();
    let mut appended = 0;
    let error = loop {
        match writer.append(&message(appended)) {
            Ok(_) => appended += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LogError::System(_)), "{error}");
    assert!(writer.append(&message(appended)).is_err());
    assert_eq!(read_all(&mut dir.reader()), ((0..appended).collect(), 0));
    std::fs::remove_dir(&next).unwrap();
    append(&mut writer, appended, 500);
    assert_eq!(read_all(&mut dir.reader()), ((0..500).collect(), 0));
}

#[test]
fn nothing_but_the_log_is_left_behind() {
    let dir = Dir::new();
    let mut writer = dir.writer_of(&small().helper(true));
    append(&mut writer, 0, 200);
    drop(writer);
    let others = dir.contents().into_iter().filter(|name| !name.ends_with(".xlog")).collect::<Vec<_>>();
    assert_eq!(others, ["log.xlog-lock"]);
}

#[test]
fn impossible_options_and_names_are_refused() {
    let dir = Dir::new();
    let open = |options: LogOptions| Writer::open(dir.path(), "log", &options).map(drop);
    for bytes in [0, 4096, (16 << 10) + 1, u64::MAX] {
        assert!(matches!(open(small().segment_bytes(bytes)), Err(LogError::Options { .. })), "{bytes}");
    }
    assert!(open(small().durability(Durability::EveryMs(0))).is_err());
    assert!(open(small().durability(Durability::EveryRecords(0))).is_err());
    for name in ["", ".a", "a/b", "a b"] {
        assert!(matches!(Writer::open(dir.path(), name, &small()), Err(LogError::Name { .. })), "{name}");
        assert!(matches!(Reader::open(dir.path(), name), Err(LogError::Name { .. })));
    }
    assert!(matches!(Reader::open(dir.path(), "log"), Err(LogError::NotFound { .. })));
    assert!(matches!(Reader::open(dir.path().join("none"), "log"), Err(LogError::NotFound { .. })));
}
