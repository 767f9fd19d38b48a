//! A directory of regions for one test, gone when the test ends; and the test binary started again as a child.
#![allow(dead_code)] // each test binary uses its part

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use xbar_shm::{BaseDir, Building, RegionName, SeatLock, Segment, ShmError};

/// Bytes of each file of a test's regions.
pub const BYTES: usize = 2 * 4096;

/// Where one test's regions live; removed when dropped, also by a panic.
pub struct Dir(PathBuf);

impl Dir {
    pub fn new() -> Self {
        Self::within(&std::env::temp_dir())
    }

    /// Where files lie in memory.
    pub fn in_memory() -> Self {
        Self::within(Path::new("/dev/shm"))
    }

    fn within(parent: &Path) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = parent.join(format!("xbar-shm-{}-{number}", std::process::id()));
        fs::create_dir(&dir).unwrap();
        Self(dir)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn base(&self) -> BaseDir {
        BaseDir::at(&self.0)
    }

    /// Names of what is in the directory, sorted.
    pub fn contents(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn name(text: &str) -> RegionName {
    RegionName::new(text).unwrap()
}

/// Starts to build region `r`.
pub fn build(base: &BaseDir) -> Building {
    Building::start(base, &name("r"), BYTES, BYTES).unwrap()
}

/// Creates region `r`.
pub fn create(base: &BaseDir) -> Result<(Segment, SeatLock), ShmError> {
    build(base).publish(|_| {})
}

/// Opens region `r`.
pub fn open(base: &BaseDir) -> Result<Segment, ShmError> {
    Segment::open(base, &name("r"))
}

/// This test binary, started again to play a part; killed and reaped when dropped.
pub struct Other {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

const PART: &str = "XBAR_TEST_DIR";

/// The directory in which this process is to play its part, if it is a child.
pub fn part() -> Option<BaseDir> {
    std::env::var_os(PART).map(BaseDir::at)
}

impl Other {
    /// Starts test `test` again, to play its part in `dir`.
    pub fn start(test: &str, dir: &Dir) -> Self {
        Self::start_in(test, dir.path(), None)
    }

    /// As [`Other::start`], with `XBAR_DIR` set.
    pub fn start_in(test: &str, dir: &Path, xbar_dir: Option<&Path>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        if let Some(xbar_dir) = xbar_dir {
            command.env("XBAR_DIR", xbar_dir);
        }
        let mut child = command
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(PART, dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the child has said `word` at the end of a line.
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

    /// kill -9.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets the child and its children go, and waits until all of them have ended.
    pub fn release(&mut self) {
        self.input = None;
        let _ = self.output.read_to_end(&mut Vec::new());
    }

    /// How the child ended.
    pub fn end(mut self) -> std::process::ExitStatus {
        self.release();
        self.child.wait().unwrap()
    }

    /// As [`Other::release`]; the child must have ended well.
    pub fn finish(mut self) {
        self.release();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In a child: tells the parent.
pub fn tell(word: &str) {
    let mut out = io::stdout();
    writeln!(out, "{word}").unwrap();
    out.flush().unwrap();
}

/// In a child: stays until it is killed or the parent closes the pipe.
pub fn stay() {
    let _ = io::stdin().read_to_end(&mut Vec::new());
}

/// True where files in memory can have huge pages of 2 MB on request (Linux 6.1), and some such are free.
pub fn has_huge_pages_at_hand() -> bool {
    const ORDER: usize = 9;
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let version = read("/proc/sys/kernel/osrelease");
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map_while(|part| part.parse::<u32>().ok());
    let recent = (numbers.next(), numbers.next()) >= (Some(6), Some(1));
    let usual = read("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size").trim() == "2097152";
    let denied = read("/sys/kernel/mm/transparent_hugepage/shmem_enabled").contains("[deny]");
    // "Node 0, zone Normal", then free pieces of 1, 2, 4 .. pages.
    let buddies = read("/proc/buddyinfo");
    let of_line = |line: &str| {
        let counts = line.split_whitespace().skip(4).map(|count| count.parse().unwrap_or(0));
        counts.skip(ORDER).sum::<u64>()
    };
    recent && usual && !denied && buddies.lines().map(of_line).sum::<u64>() > 16
}
