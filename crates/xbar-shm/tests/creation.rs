//! A region appears whole or not at all, under a name that is nobody else's.
#![cfg(not(xbar_loom))]

mod support;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Barrier;
use std::thread;

use rustix::process::{Resource, Rlimit, setrlimit};
use support::{BYTES, Dir, Other, build, create, name, open, part, start};
use xbar_layout::sync::{AtomicU64, Ordering, ReadU64};
use xbar_shm::memory::HUGE_PAGE_BYTES;
use xbar_shm::{BaseDir, Building, FileAccess, SeatKind, ShmError};

/// Bytes with two whole huge pages in them.
const TWO_HUGE_AND_SOME: usize = 2 * HUGE_PAGE_BYTES + 3 * 4096;

#[test]
fn a_region_is_seen_whole_or_not_at_all() {
    let dir = Dir::new();
    let base = dir.base();
    let building = build(&base);
    building.data().view::<AtomicU64>(8).unwrap().store(7, Ordering::Relaxed);
    assert!(matches!(open(&base), Err(ShmError::NotFound { .. })));
    assert_eq!(base.list().unwrap(), []);

    let (segment, seat) = building.publish(|_| panic!("there is nothing to take over")).unwrap();
    assert_eq!(base.list().unwrap(), [name("r")]);
    assert_eq!(dir.contents(), ["r"]);
    let other = open(&base).unwrap();
    assert!(segment.is_current() && other.is_current());
    assert_eq!(other.living(SeatKind::Publisher), [0], "alive from the first instant");
    let file = other.open_data(FileAccess::ReadOnly).unwrap();
    assert_eq!(file.bytes(), BYTES as u64);
    let data = file.map(0, BYTES).unwrap();
    assert_eq!(data.view::<ReadU64>(8).unwrap().load_relaxed(), 7);
    assert_eq!(data.view::<ReadU64>(0).unwrap().load_relaxed(), 0, "the rest is zero");
    drop(seat);
}

#[test]
fn a_region_is_this_users_alone() {
    let dir = Dir::new();
    let base = BaseDir::at(dir.path().join("a/b"));
    let (segment, _seat) = create(&base).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(base.path()), 0o700);
    assert_eq!(mode(segment.directory()), 0o700);
    for file in ["data", "peers", "publisher.0"] {
        assert_eq!(mode(&segment.directory().join(file)), 0o600, "{file}");
    }
}

#[test]
fn all_memory_is_taken_at_creation() {
    // With room for huge pages and without, where files lie in memory and where they may not.
    for (dir, data_bytes) in
        [(Dir::new(), 1 << 20), (Dir::new(), TWO_HUGE_AND_SOME), (Dir::in_memory(), TWO_HUGE_AND_SOME)]
    {
        let building = Building::start(&dir.base(), &name("r"), data_bytes, 1 << 16).unwrap();
        let (segment, _seat) = building.publish(|_| {}).unwrap();
        for (file, bytes) in [("data", data_bytes), ("peers", 1 << 16)] {
            let file = fs::metadata(segment.directory().join(file)).unwrap();
            assert_eq!(file.len(), bytes as u64);
            assert!(file.blocks() * 512 >= file.len(), "{} of {bytes}", file.blocks() * 512);
        }
    }
}

#[test]
fn a_large_region_lies_in_memory_as_in_its_file_so_that_its_huge_pages_can_be_mapped() {
    let dir = Dir::in_memory();
    let building = Building::start(&dir.base(), &name("r"), TWO_HUGE_AND_SOME, 1 << 16).unwrap();
    let (segment, _seat) = building.publish(|_| {}).unwrap();
    let data = segment.open_data(FileAccess::ReadOnly).unwrap();
    let (whole, rest) = (data.map(0, TWO_HUGE_AND_SOME), data.map(8192, TWO_HUGE_AND_SOME - 8192));
    for (mapping, offset) in [(whole.unwrap(), 0), (rest.unwrap(), 8192)] {
        assert_eq!(mapping.base().addr().get() % HUGE_PAGE_BYTES, offset);
        let words = mapping.slice::<ReadU64>(0, mapping.len() / 8).unwrap();
        assert!(words.iter().all(|word| word.load_relaxed() == 0));
    }
}

#[test]
fn a_large_region_has_huge_pages_where_the_system_has_them_at_hand() {
    let dir = Dir::in_memory();
    let building = Building::start(&dir.base(), &name("r"), TWO_HUGE_AND_SOME, 1 << 16).unwrap();
    let start = format!("{:x}-", building.data().base().addr());
    let maps = fs::read_to_string("/proc/self/smaps").unwrap();
    let this = maps.lines().skip_while(|line| !line.starts_with(&start));
    let huge = this.skip(1).find_map(|line| line.strip_prefix("ShmemPmdMapped:")).unwrap();
    let huge: usize = huge.trim().trim_end_matches(" kB").parse().unwrap();
    if support::has_huge_pages_at_hand() {
        assert_eq!(huge << 10, 2 * HUGE_PAGE_BYTES);
    } else {
        println!("SKIPPED: no huge pages for files in memory here, or none free");
    }
}

#[test]
fn a_region_that_is_not_published_leaves_nothing() {
    let dir = Dir::new();
    drop(build(&dir.base()));
    assert!(dir.contents().is_empty(), "{:?}", dir.contents());
}

#[test]
fn of_many_creators_exactly_one_wins_and_the_others_learn_who() {
    const CREATORS: usize = 8;
    let dir = Dir::new();
    for _ in 0..20 {
        let barrier = Barrier::new(CREATORS);
        let create = || {
            barrier.wait();
            create(&dir.base())
        };
        let results: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..CREATORS).map(|_| scope.spawn(create)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let (mut won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        for result in lost {
            let Err(ShmError::Alive { name, who }) = result else { panic!("{result:?}") };
            assert_eq!(name, support::name("r"));
            assert_eq!(who, format!("publisher 0, process {}", std::process::id()));
        }
        assert_eq!(dir.contents(), ["r"]);
        let (segment, seat) = won.remove(0).unwrap();
        drop(seat);
        assert!(segment.remove_if_dead(std::time::Duration::from_secs(5)).unwrap());
    }
}

#[test]
fn a_dead_region_is_shown_to_its_successor_and_replaced() {
    let dir = Dir::new();
    let base = dir.base();
    let (old, seat) = create(&base).unwrap();
    let file = old.open_data(FileAccess::ReadWrite).unwrap();
    file.map(0, BYTES).unwrap().view::<AtomicU64>(0).unwrap().store(3, Ordering::Relaxed);
    drop(seat);
    assert!(old.is_current(), "dead, and still there");

    let building = build(&base);
    let epoch = building.data().view::<AtomicU64>(0).unwrap();
    let (new, _seat) = building
        .publish(|old| {
            let data = old.open_data(FileAccess::ReadOnly).unwrap().map(0, BYTES).unwrap();
            epoch.store(data.view::<ReadU64>(0).unwrap().load_relaxed() + 1, Ordering::Relaxed);
        })
        .unwrap();
    assert!(new.is_current() && !old.is_current());
    let data = open(&base).unwrap().open_data(FileAccess::ReadOnly).unwrap().map(0, BYTES).unwrap();
    assert_eq!(data.view::<ReadU64>(0).unwrap().load_relaxed(), 4);
    assert_eq!(dir.contents(), ["r"]);
    assert!(matches!(create(&base), Err(ShmError::Alive { .. })));
    assert_eq!(dir.contents(), ["r"]);
}

#[test]
fn more_memory_than_there_is_is_an_error_that_says_how_much_and_leaves_nothing() {
    let dir = Dir::new();
    let start = |data, peers| Building::start(&dir.base(), &name("r"), data, peers).unwrap_err();
    let error = start(1 << 50, 4096);
    let ShmError::NoSpace { path, needed_bytes, available_bytes } = &error else { panic!("{error:?}") };
    assert_eq!((path.as_path(), *needed_bytes), (dir.path(), (1 << 50) + 4096));
    assert!(*available_bytes > 0 && available_bytes < needed_bytes);
    assert!(!error.to_string().contains('\n'));
    assert!(matches!(start(usize::MAX, usize::MAX), ShmError::NoSpace { .. }), "no overflow");
    assert!(dir.contents().is_empty(), "{:?}", dir.contents());
}

#[test]
fn a_limit_on_file_sizes_is_an_error_not_a_signal() {
    if let Some(base) = part() {
        setrlimit(Resource::Fsize, Rlimit { current: Some(4096), maximum: Some(4096) }).unwrap();
        let error = Building::start(&base, &name("r"), BYTES, 4096).unwrap_err();
        assert!(error.to_string().contains("ulimit -f"), "{error}");
        return;
    }
    let dir = Dir::new();
    assert!(start("a_limit_on_file_sizes_is_an_error_not_a_signal", &dir).end().success());
    assert!(dir.contents().is_empty(), "{:?}", dir.contents());
}

#[test]
fn a_base_that_cannot_be_made_is_an_error_of_one_line() {
    // Nobody can make anything there.
    let base = BaseDir::at("/proc/xbar/regions");
    let error = Building::start(&base, &name("r"), BYTES, BYTES).unwrap_err().to_string();
    assert!(error.starts_with("cannot make /proc/xbar/regions: "), "{error}");
    assert!(!error.contains('\n'), "{error}");
}

#[test]
fn the_standard_base_is_what_the_environment_says_or_this_users_own() {
    const TEST: &str = "the_standard_base_is_what_the_environment_says_or_this_users_own";
    if let Some(base) = part() {
        assert_eq!(BaseDir::standard(), base);
        return;
    }
    let dir = Dir::new();
    assert!(Other::start_with(TEST, "", &dir, ("XBAR_DIR", dir.path())).end().success());
    let own = format!("/dev/shm/xbar-{}", rustix::process::geteuid().as_raw());
    assert!(Other::start_with(TEST, "", &own, ("XBAR_DIR", "".as_ref())).end().success());
}

#[test]
fn a_base_that_does_not_exist_has_no_regions() {
    let dir = Dir::new();
    let base = BaseDir::at(dir.path().join("none"));
    assert!(base.open_existing().unwrap().is_none());
    assert_eq!(base.list().unwrap(), []);
    let Err(ShmError::NotFound { base: named, .. }) = open(&base) else { panic!() };
    assert_eq!(named, base.path());
    xbar_shm::sweep_leftovers(&base);
    assert!(!base.path().exists(), "looking makes nothing");
}

#[test]
fn only_directories_with_valid_names_are_regions() {
    let dir = Dir::new();
    for region in ["b", "a", ".hidden", ".new.c.1.2", "no good"] {
        fs::create_dir(dir.path().join(region)).unwrap();
    }
    fs::write(dir.path().join("file"), "").unwrap();
    std::os::unix::fs::symlink("a", dir.path().join("link")).unwrap();
    assert_eq!(dir.base().list().unwrap(), [name("a"), name("b")]);
}
