//! `xbar log` as a user runs it.

mod support;

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::process::Output;

use support::{Dir, Running};
use xbar::log::{Cursor, LogOptions, Writer};

/// A log of three messages in the directory.
fn writer(dir: &Dir) -> Writer {
    let mut writer = Writer::open(dir.path(), "ticks", &LogOptions::new().segment_bytes(16 << 10)).unwrap();
    for (time, message) in [(10, "one"), (20, "two"), (30, "three")] {
        writer.append_at(7, time, message.as_bytes()).unwrap();
    }
    writer
}

/// Exit code, output, errors.
fn run(dir: &Dir, command: &str, arguments: &[&str]) -> (i32, String, String) {
    let mut all = vec!["log", command, dir.path().to_str().unwrap()];
    all.extend(arguments);
    let Output { status, stdout, stderr } = dir.run(&all);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn cat_prints_from_wherever_it_is_told() {
    let dir = Dir::new();
    let _writer = writer(&dir);
    let printed = |arguments: &[&str]| run(&dir, "cat", arguments);
    assert_eq!(printed(&[]), (0, "one\ntwo\nthree\n".into(), String::new()));
    assert_eq!(printed(&["ticks", "--from", "2"]).1, "three\n");
    assert_eq!(printed(&["--since-ns", "11", "--count", "1", "--long"]).1, "1 20 7 two\n");
    assert_eq!(printed(&["--hex", "--count", "1"]).1, "6f6e65\n");
    let (code, _, error) = printed(&["--from", "9"]);
    assert_eq!(
        (code, &*error),
        (1, "xbar: message 9 was not appended yet, 3 comes next: wait for it at the live end\n")
    );
    let (code, _, error) = printed(&["other"]);
    assert!(code == 1 && error.starts_with("xbar: there is no log other in "), "{error}");
}

#[test]
fn tail_follows_the_writer_to_its_end() {
    let dir = Dir::new();
    let mut writer = writer(&dir);
    let mut tail = Running::start(dir.xbar(&["log", "tail", dir.path().to_str().unwrap(), "--from", "2"]));
    assert_eq!(tail.line(), "three");
    writer.append(b"four").unwrap();
    assert_eq!(tail.line(), "four");
    drop(writer);
    assert_eq!(tail.end().0, 0);
}

#[test]
fn info_shows_segments_cursors_and_who_writes() {
    let dir = Dir::new();
    let writer = writer(&dir);
    Cursor::open(dir.path(), "ticks", "billing").unwrap().store(2);
    let expected = format!(
        "log ticks: 3 messages, written by process {}\n  segment 1: messages 0 to 3, 16384 bytes\n  cursor billing: needs \
         message 2 next\n",
        std::process::id()
    );
    assert_eq!(run(&dir, "info", &[]), (0, expected, String::new()));
    drop(writer);
    let (code, text, _) = run(&dir, "info", &["ticks", "--json"]);
    let logs: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &logs[0]["records"], &logs[0]["written"]), (0, &3.into(), &false.into()));
    assert_eq!(logs[0]["cursors"][0]["seq"], 2);
    let (code, _, error) = run(&Dir::new(), "info", &[]);
    assert!(code == 1 && error.starts_with("xbar: there is no log in "), "{error}");
}

#[test]
fn verify_says_what_is_wrong() {
    let dir = Dir::new();
    drop(writer(&dir));
    let well = "log ticks: 3 messages in 1 segments, all as they were written\n";
    assert_eq!(run(&dir, "verify", &[]), (0, well.into(), String::new()));
    let file = OpenOptions::new().write(true).open(dir.path().join("ticks.000001.xlog")).unwrap();
    file.write_all_at(b"X", 2 * 4096 + 40 + 32).unwrap();
    let (code, text, _) = run(&dir, "verify", &[]);
    assert_eq!((code, &*text), (1, "segment 1 is damaged at 1 places: 1 messages are lost\n"));
    let (code, text, error) = run(&dir, "cat", &[]);
    assert_eq!((code, &*text), (1, "one\nthree\n"));
    assert_eq!(error, "xbar: segment 1 is damaged at byte 8232, 1 messages are lost: read on behind them\n");
}
