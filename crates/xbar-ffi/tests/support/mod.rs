//! Programs of C and C++, compiled as a user's are, and run in a directory of regions of their own.
#![allow(dead_code)] // each test binary uses its part

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Where one test's regions and programs are; removed when dropped, also by a panic.
pub struct Dir(PathBuf);

impl Dir {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("xbar-ffi-test-{}-{number}", std::process::id()));
        std::fs::create_dir(&dir).unwrap();
        Self(dir)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where its regions live.
    pub fn regions(&self) -> PathBuf {
        self.0.join("regions")
    }

    /// Regions and files that were left behind.
    pub fn left_behind(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.regions()) else { return Vec::new() };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        names
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The folder of this crate.
pub fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where cargo put the libraries: beside the test.
pub fn libraries() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

/// What stands between a user and a warning.
const STRICT: [&str; 5] = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-O1"];

/// How a program is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Build {
    Plain,
    /// Looked at by the address and undefined-behaviour sanitizers.
    Watched,
}

/// Whether the sanitizers work here: they need memory that some containers do not give.
pub fn can_watch(dir: &Dir) -> bool {
    let source = dir.path().join("watched.c");
    std::fs::write(&source, "int main(void) { return 0; }\n").unwrap();
    let program = dir.path().join("watched");
    let mut compiler = Command::new("gcc");
    compiler.args(["-fsanitize=address,undefined", "-o"]).arg(&program).arg(&source);
    let works = |mut command: Command| command.output().is_ok_and(|output| output.status.success());
    works(compiler) && works(Command::new(&program))
}

/// The builds that work here.
pub fn builds(dir: &Dir) -> Vec<Build> {
    if can_watch(dir) {
        return vec![Build::Plain, Build::Watched];
    }
    eprintln!("SKIPPED: the sanitizers do not work here");
    vec![Build::Plain]
}

/// Compiles `source` against this crate's headers and its shared library; `.cpp` as C++17, all else as C11.
pub fn compile(source: &Path, dir: &Dir, build: Build) -> PathBuf {
    let is_cpp = source.extension() == Some(OsStr::new("cpp"));
    let suffix = if build == Build::Watched { "watched" } else { "plain" };
    let program = dir.path().join(format!("{}-{suffix}", source.file_name().unwrap().to_str().unwrap()));
    let mut compiler = Command::new(if is_cpp { "g++" } else { "gcc" });
    compiler.arg(if is_cpp { "-std=c++17" } else { "-std=c11" }).args(STRICT);
    if build == Build::Watched {
        compiler.args(["-g", "-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
    }
    compiler.arg("-I").arg(here().join("include")).arg(source).arg("-o").arg(&program);
    compiler.arg("-L").arg(libraries()).args(["-lxbar_ffi", "-pthread"]);
    compiler.arg(format!("-Wl,-rpath,{}", libraries().display()));
    succeed(compiler);
    program
}

/// Runs a command that must succeed; says what it printed.
pub fn succeed(mut command: Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// A program of `tests/programs`.
pub fn program(name: &str, dir: &Dir, build: Build) -> PathBuf {
    compile(&here().join("tests/programs").join(name), dir, build)
}

/// A command that runs `program` with the directory of regions as its first argument.
pub fn command(program: &Path, dir: &Dir) -> Command {
    let mut command = Command::new(program);
    command.arg(dir.regions());
    command
}

/// A running program that is spoken to by lines; killed and reaped when dropped.
pub struct Other {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Other {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    /// Waits until the program has said `word`.
    pub fn expect(&mut self, word: &str) {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), word);
    }

    pub fn say(&mut self, word: &str) {
        writeln!(self.input.as_mut().unwrap(), "{word}").unwrap();
    }

    /// Nothing more is said.
    pub fn end_of_input(&mut self) {
        self.input = None;
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the program's end, which must be a good one.
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

/// Bytes that tell their number and their length: as `fill` of tests/programs/check.h.
pub fn pattern(number: u64, length: usize) -> Vec<u8> {
    let seed = number.wrapping_mul(31).wrapping_add(length as u64);
    (0..length as u64).map(|place| (seed + place * 7) as u8).collect()
}

/// Lengths around every limit: empty, in the slot, in a block, a whole block.
pub const LENGTHS: [usize; 9] = [0, 1, 40, 41, 48, 49, 64, 1000, 4096];
