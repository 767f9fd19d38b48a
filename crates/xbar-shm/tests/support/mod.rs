//! A directory of regions for one test, gone when the test ends; and the test binary started again as a child.
#![allow(dead_code, unused_imports)] // each test binary uses its part

use std::fs;
use std::path::Path;

use xbar_shm::{BaseDir, Building, RegionName, SeatLock, Segment, ShmError};
use xbar_testing::Folder;
pub use xbar_testing::{Other, stay, tell};

/// Bytes of each file of a test's regions.
pub const BYTES: usize = 2 * 4096;

/// Where one test's regions live.
pub struct Dir(Folder);

impl Dir {
    pub fn new() -> Self {
        Self(Folder::new())
    }

    /// Where files lie in memory.
    pub fn in_memory() -> Self {
        Self(Folder::within(Path::new("/dev/shm")))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn base(&self) -> BaseDir {
        BaseDir::at(self.path())
    }

    /// Names of what is in the directory, sorted.
    pub fn contents(&self) -> Vec<String> {
        self.0.contents()
    }
}

impl AsRef<Path> for Dir {
    fn as_ref(&self) -> &Path {
        self.path()
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

/// The directory in which this process is to play its part, if it is a child.
pub fn part() -> Option<BaseDir> {
    xbar_testing::part().map(|(_, folder)| BaseDir::at(folder))
}

/// Starts test `test` again, to play its part in `dir`.
pub fn start(test: &str, dir: &Dir) -> Other {
    Other::start(test, "", dir)
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
