//! Another process, spoken to by lines; killed and reaped when it is dropped.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;

use crate::part;

/// The process.
#[derive(Debug)]
pub struct Other {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// All of these panic when the process does not do what the test needs of it.
#[allow(clippy::missing_panics_doc)] // said above, once
impl Other {
    /// Starts test `test` of this binary again, to play `part` in `folder`.
    pub fn start(test: &str, part: &str, folder: impl AsRef<Path>) -> Self {
        Self::run(part::command(test, part, folder.as_ref()))
    }

    /// As [`start`](Self::start), with a variable in its environment.
    pub fn start_with(
        test: &str,
        part: &str,
        folder: impl AsRef<Path>,
        (name, value): (&str, &Path),
    ) -> Self {
        let mut command = part::command(test, part, folder.as_ref());
        command.env(name, value);
        Self::run(command)
    }

    /// Starts a program.
    pub fn run(mut command: Command) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, input, output }
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has said `word` at the end of a line: the test runner prints in front of the first.
    pub fn expect(&mut self, word: &str) {
        let mut line = String::new();
        loop {
            line.clear();
            let bytes = self.output.read_line(&mut line).expect("lines of text");
            assert!(bytes > 0, "the child ended before it said {word:?}");
            if line.trim_end().ends_with(word) {
                return;
            }
        }
    }

    /// Waits for its next line, which must be `word`.
    pub fn expect_next(&mut self, word: &str) {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("lines of text");
        assert_eq!(line.trim_end(), word);
    }

    /// All that it says from here on, until it has ended.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut said = Vec::new();
        self.output.read_to_end(&mut said).expect("its output can be read");
        said
    }

    /// Says `word` to it.
    pub fn say(&mut self, word: &str) {
        writeln!(self.input.as_mut().expect("still spoken to"), "{word}").expect("it listens");
    }

    /// Nothing more is said.
    pub fn end_of_input(&mut self) {
        self.input = None;
    }

    fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([signal, &self.pid().to_string()]).status();
        assert!(done.expect("there is a kill").success());
    }

    /// kill -STOP; returns when the process has stopped.
    pub fn stop(&self) {
        self.signal("-STOP");
        let stat = format!("/proc/{}/stat", self.pid());
        let state = || {
            let text = fs::read_to_string(&stat).expect("it is there");
            text.rsplit(')').next().and_then(|behind| behind.trim_start().chars().next())
        };
        while state() != Some('T') {
            thread::yield_now();
        }
    }

    /// kill -CONT.
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it can be reaped");
    }

    /// Lets the process and its children go, and waits until all of them have ended.
    pub fn release(&mut self) {
        self.end_of_input();
        self.rest();
    }

    /// How it ended.
    pub fn end(mut self) -> ExitStatus {
        self.release();
        self.child.wait().expect("it can be reaped")
    }

    /// Waits for its end, which must be a good one.
    pub fn finish(mut self) {
        assert!(self.child.wait().expect("it can be reaped").success());
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
