//! A directory of regions for one test, gone when the test ends; and commands run in it.
#![allow(dead_code, unused_imports)] // each test binary uses its part

use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use xbar_testing::Folder;

/// Where one test's regions live.
pub struct Dir(Folder);

impl Dir {
    pub fn new() -> Self {
        Self(Folder::new())
    }

    pub fn xbar(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xbar"));
        command.args(arguments).env("XBAR_DIR", self.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.xbar(arguments).output().unwrap()
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn is_empty(&self) -> bool {
        self.0.contents().is_empty()
    }
}

/// A running command, killed and reaped when dropped.
pub struct Running(pub Child);

impl Running {
    pub fn start(mut command: Command) -> Self {
        Self(command.stdin(Stdio::piped()).spawn().unwrap())
    }

    pub fn write(&mut self, text: &str) {
        self.0.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    pub fn close_input(&mut self) {
        self.0.stdin = None;
    }

    pub fn line(&mut self) -> String {
        // Byte by byte: what is behind the line stays for the next reader.
        let mut line = Vec::new();
        let mut byte = [0];
        let out = self.0.stdout.as_mut().unwrap();
        while out.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
            line.push(byte[0]);
        }
        String::from_utf8(line).unwrap()
    }

    pub fn interrupt(&self) {
        kill("-INT", &self.0.id().to_string());
    }

    /// kill -9, and no more of it.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    pub fn end(mut self) -> (i32, String) {
        let mut errors = String::new();
        self.close_input();
        BufReader::new(self.0.stderr.take().unwrap()).read_to_string(&mut errors).unwrap();
        (self.0.wait().unwrap().code().unwrap_or(-1), errors)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn kill(signal: &str, process: &str) {
    assert!(Command::new("kill").args([signal, process]).status().unwrap().success());
}

pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}
