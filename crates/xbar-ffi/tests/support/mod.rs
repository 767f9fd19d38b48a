//! Programs of C and C++, compiled as a user's are, and run in a directory of regions of their own.
#![allow(dead_code, unused_imports)] // each test binary uses its part

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use xbar_testing::{Folder, names};
pub use xbar_testing::{Other, pattern};

/// Where one test's regions and programs are.
pub struct Dir(Folder);

impl Dir {
    pub fn new() -> Self {
        Self(Folder::new())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Where its regions live.
    pub fn regions(&self) -> PathBuf {
        self.path().join("regions")
    }

    /// Regions and files that were left behind.
    pub fn left_behind(&self) -> Vec<String> {
        names(&self.regions())
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

/// Lengths around every limit: empty, in the slot, in a block, a whole block.
pub const LENGTHS: [usize; 9] = [0, 1, 40, 41, 48, 49, 64, 1000, 4096];
