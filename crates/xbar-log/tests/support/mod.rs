//! A folder of logs for one test, gone when the test ends; and the test binary started again as a child.
#![allow(dead_code)] // each test binary uses its part

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use xbar_log::{LogOptions, Reader, TryReadError, Writer};

/// Where one test's logs live; removed when dropped, also by a panic.
pub struct Dir(PathBuf);

impl Dir {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("xbar-log-test-{}-{number}", std::process::id()));
        std::fs::create_dir(&dir).unwrap();
        Self(dir)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Opens log `log` with short segments, made without a helper.
    pub fn writer(&self) -> Writer {
        self.writer_of(&small())
    }

    pub fn writer_of(&self, options: &LogOptions) -> Writer {
        Writer::open(&self.0, "log", options).unwrap()
    }

    pub fn reader(&self) -> Reader {
        Reader::open(&self.0, "log").unwrap()
    }

    /// The file of a segment.
    pub fn segment(&self, number: u64) -> PathBuf {
        self.0.join(format!("log.{number:06}.xlog"))
    }

    /// Names of what is in the directory.
    pub fn contents(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// Segments as short as can be, so that they are many.
pub fn small() -> LogOptions {
    LogOptions::new().segment_bytes(xbar_log::LEAST_SEGMENT_BYTES).helper(false)
}

/// The message that number `n` has in most tests: its length and bytes follow from it.
pub fn message(n: u64) -> Vec<u8> {
    let bytes = (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize;
    let mut message = n.to_le_bytes().to_vec();
    message.extend((0..bytes).map(|index| (n as usize + index) as u8));
    message
}

/// All that can be read at once: the numbers of the messages, each compared, and how many were missed.
pub fn read_all(reader: &mut Reader) -> (Vec<u64>, u64) {
    let (mut numbers, mut missed) = (Vec::new(), 0);
    loop {
        match reader.try_next() {
            Ok(record) => {
                assert_eq!(*record, message(record.seq())[..], "message {}", record.seq());
                numbers.push(record.seq());
            }
            Err(TryReadError::Lagged { missed: more } | TryReadError::Damaged { missed: more, .. }) => {
                missed += more
            }
            Err(TryReadError::Empty | TryReadError::Disconnected { .. }) => return (numbers, missed),
            Err(error) => panic!("{error}"),
        }
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// This test binary, started again to play a part; killed and reaped when dropped.
pub struct Other {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

const PART: &str = "XBAR_TEST_PART";

/// The part that this process is to play, if it is a child: its name and directory.
pub fn part() -> Option<(String, PathBuf)> {
    let value = std::env::var(PART).ok()?;
    let (part, dir) = value.split_once(':')?;
    Some((part.to_owned(), dir.into()))
}

impl Other {
    /// Starts test `test` again to play `part` in `dir`.
    pub fn start(test: &str, part: &str, dir: &Dir) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(PART, format!("{part}:{}", dir.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    /// Waits until the child has said `word` on a line of its own.
    pub fn expect(&mut self, word: &str) {
        let mut line = String::new();
        loop {
            line.clear();
            let bytes = self.output.read_line(&mut line).unwrap();
            assert!(bytes > 0, "the child ended before it said {word:?}");
            // The test runner prints in front of the first line.
            if line.trim_end().ends_with(word) {
                return;
            }
        }
    }

    /// The last number that the child has acknowledged, of all that it had said when it was killed.
    pub fn acknowledged(&mut self) -> u64 {
        let mut last = 0;
        let mut line = Vec::new();
        while self.output.read_until(b'\n', &mut line).unwrap() > 0 {
            // A line that was cut off by the kill says nothing.
            let number = std::str::from_utf8(&line)
                .ok()
                .and_then(|text| text.strip_prefix("ack ")?.strip_suffix('\n')?.parse().ok());
            last = number.unwrap_or(last);
            line.clear();
        }
        last
    }

    pub fn say(&mut self, word: &str) {
        writeln!(self.input, "{word}").unwrap();
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([signal, &self.pid().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// kill -STOP; returns when the process has stopped.
    pub fn stop(&self) {
        self.signal("-STOP");
        let stat = format!("/proc/{}/stat", self.pid());
        loop {
            let text = std::fs::read_to_string(&stat).unwrap();
            if text.rsplit(')').next().unwrap().trim_start().starts_with('T') {
                return;
            }
            std::thread::yield_now();
        }
    }

    /// kill -CONT.
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the child's end, which must be a good one.
    pub fn finish(mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The error's one line: it begins in lower case and has no second one.
pub fn line(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    assert!(!text.starts_with(char::is_uppercase), "{text}");
    text
}

/// Bytes that tell their number and their length, so that every byte that is not theirs shows.
pub fn pattern(number: u64, length: usize) -> Vec<u8> {
    let seed = number.wrapping_mul(31).wrapping_add(length as u64);
    (0..length as u64).map(|place| (seed + place * 7) as u8).collect()
}

/// In a child: tells the parent.
pub fn tell(word: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{word}").unwrap();
    out.flush().unwrap();
}

/// In a child: waits for the parent to say `word`.
pub fn hear(word: &str) {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    assert_eq!(line.trim_end(), word);
}

/// In a child: stays until it is killed or the parent closes the pipe.
pub fn stay() {
    let mut line = String::new();
    let _ = std::io::stdin().read_line(&mut line);
}
