//! What others may have put where a region should be: refused by an error that says so, never followed, never touched.
#![cfg(not(xbar_loom))]
#![allow(unsafe_code)] // the write that must fault

mod support;

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use rustix::process::{Resource, Rlimit, geteuid, getrlimit, setrlimit};
use support::{BYTES, Dir, build, create, name, open, part, start, tell};
use xbar_layout::sync::{AtomicU64, ReadU64};
use xbar_layout::{Byte, Lent};
use xbar_shm::{BaseDir, Building, FileAccess, Mapping, SeatKind, ShmError};

fn is_wrong_kind<T: std::fmt::Debug>(result: &Result<T, ShmError>) -> bool {
    matches!(result, Err(ShmError::WrongKind { .. }))
}

#[test]
fn a_base_that_is_a_symlink_or_a_file_is_refused() {
    let dir = Dir::new();
    fs::create_dir(dir.path().join("real")).unwrap();
    symlink(dir.path().join("real"), dir.path().join("link")).unwrap();
    fs::write(dir.path().join("file"), "x").unwrap();
    for wrong in ["link", "file"] {
        let base = BaseDir::at(dir.path().join(wrong));
        assert!(is_wrong_kind(&base.open_existing()), "{wrong}");
        assert!(is_wrong_kind(&base.open_or_create()), "{wrong}");
        assert!(is_wrong_kind(&base.list()), "{wrong}");
        assert!(is_wrong_kind(&Building::start(&base, &name("r"), BYTES, BYTES)), "{wrong}");
        assert!(is_wrong_kind(&open(&base)), "{wrong}");
    }
    assert_eq!(fs::read_dir(dir.path().join("real")).unwrap().count(), 0);
}

#[test]
fn a_name_that_is_a_symlink_or_a_file_is_refused_and_left_alone() {
    let dir = Dir::new();
    let base = dir.base();
    let place = dir.path().join("r");
    let elsewhere = Dir::new();
    symlink(elsewhere.path(), &place).unwrap();
    assert!(is_wrong_kind(&open(&base)));
    assert!(is_wrong_kind(&create(&base)));
    assert_eq!(fs::read_link(&place).unwrap(), elsewhere.path());
    assert!(elsewhere.contents().is_empty());

    fs::remove_file(&place).unwrap();
    fs::write(&place, "mine").unwrap();
    assert!(is_wrong_kind(&open(&base)));
    assert!(is_wrong_kind(&create(&base)));
    assert_eq!(fs::read(&place).unwrap(), b"mine");
    assert_eq!(dir.contents(), ["r"], "nothing is left of the attempts");
}

#[test]
fn files_that_are_symlinks_pipes_or_directories_are_refused_and_hang_nobody() {
    let dir = Dir::new();
    let (segment, _seat) = create(&dir.base()).unwrap();
    for file in ["data", "peers"] {
        let place = segment.directory().join(file);
        let open = |access| match file {
            "data" => segment.open_data(access),
            _ => segment.open_peers(access),
        };
        let refused = || {
            assert!(is_wrong_kind(&open(FileAccess::ReadOnly)), "{file}");
            assert!(is_wrong_kind(&open(FileAccess::ReadWrite)), "{file}");
        };
        fs::rename(&place, segment.directory().join("real")).unwrap();
        assert!(matches!(open(FileAccess::ReadOnly), Err(ShmError::Io { .. })), "{file} is missing");
        symlink("real", &place).unwrap();
        refused();
        fs::remove_file(&place).unwrap();
        assert!(Command::new("mkfifo").arg(&place).status().unwrap().success());
        refused();
        fs::remove_file(&place).unwrap();
        fs::create_dir(&place).unwrap();
        refused();
    }
}

#[test]
fn a_lock_file_that_is_a_symlink_is_refused_and_counts_as_alive() {
    let dir = Dir::new();
    let (segment, _seat) = create(&dir.base()).unwrap();
    symlink("data", segment.directory().join("publisher.1")).unwrap();
    assert!(is_wrong_kind(&segment.take_seat(SeatKind::Publisher, 1)));
    assert!(segment.seat_is_alive(SeatKind::Publisher, 1), "nobody is declared dead without proof");
}

#[test]
fn directories_that_others_may_write_to_are_refused() {
    let dir = Dir::new();
    let (segment, _seat) = create(&dir.base()).unwrap();
    for mode in [0o720, 0o702, 0o777] {
        fs::set_permissions(segment.directory(), Permissions::from_mode(mode)).unwrap();
        let Err(ShmError::Permissions { path, mode: found }) = open(&dir.base()) else { panic!("{mode:o}") };
        assert_eq!((path.as_path(), found), (segment.directory(), mode));
    }
    fs::set_permissions(segment.directory(), Permissions::from_mode(0o755)).unwrap();
    open(&dir.base()).unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(open(&dir.base()), Err(ShmError::Permissions { .. })));
    fs::set_permissions(dir.path(), Permissions::from_mode(0o1777)).unwrap();
    open(&dir.base()).unwrap();
}

#[test]
fn other_users_files_are_not_believed() {
    const STRANGER: u32 = 54321;
    let dir = Dir::new();
    if !geteuid().is_root() {
        return; // only root can give files away
    }
    let (segment, _seat) = create(&dir.base()).unwrap();
    let data = segment.directory().join("data");
    chown(&data, Some(STRANGER), None).unwrap();
    let Err(ShmError::Owner { path, uid }) = segment.open_data(FileAccess::ReadOnly) else { panic!() };
    assert_eq!((path, uid), (data, STRANGER));
    for place in [segment.directory(), dir.path()] {
        chown(place, Some(STRANGER), None).unwrap();
        let Err(ShmError::Owner { path, uid }) = open(&dir.base()) else { panic!() };
        assert_eq!((path.as_path(), uid), (place, STRANGER));
        chown(place, Some(0), None).unwrap();
    }
}

#[test]
fn short_files_are_reported_by_size_and_never_mapped() {
    let dir = Dir::new();
    let (segment, _seat) = create(&dir.base()).unwrap();
    let data = segment.directory().join("data");
    let truncate = |bytes| OpenOptions::new().write(true).open(&data).unwrap().set_len(bytes).unwrap();
    for bytes in [4096, 100, 0] {
        truncate(bytes);
        let file = segment.open_data(FileAccess::ReadOnly).unwrap();
        assert_eq!(file.bytes(), bytes);
        let Err(ShmError::TooShort { bytes: found, needed_bytes, path }) = file.map(0, BYTES) else {
            panic!()
        };
        assert_eq!((found, needed_bytes, path), (bytes, BYTES as u64, data.clone()));
    }
    let file = segment.open_peers(FileAccess::ReadOnly).unwrap();
    for (offset, len) in [(0, BYTES + 1), (4096, BYTES), (usize::MAX, 1), (1 << 62, usize::MAX)] {
        assert!(matches!(file.map(offset, len), Err(ShmError::TooShort { .. })), "{offset} {len}");
    }
    assert!(matches!(file.map(0, 0), Err(ShmError::Io { .. })), "nothing");
    assert!(matches!(file.map(1, 100), Err(ShmError::Io { .. })), "not at a page");
    assert_eq!(file.map(4096, 4096).unwrap().len(), 4096);
}

#[test]
fn files_with_holes_are_refused() {
    let dir = Dir::new();
    let (segment, _seat) = create(&dir.base()).unwrap();
    let data = OpenOptions::new().write(true).open(segment.directory().join("data")).unwrap();
    data.set_len(1 << 30).unwrap();
    let Err(ShmError::Holes { bytes, allocated_bytes, .. }) = segment.open_data(FileAccess::ReadOnly) else {
        panic!()
    };
    assert_eq!(bytes, 1 << 30);
    assert!(allocated_bytes < bytes);
}

#[test]
fn views_stay_within_the_mapping_aligned_and_read_only_where_it_is() {
    type View<T> = Option<Lent<T, std::sync::Arc<Mapping>>>;
    let dir = Dir::new();
    let building = build(&dir.base());
    let writable = building.data();
    let last = BYTES - 8;
    assert!(writable.view::<AtomicU64>(last).is_some());
    for offset in [last + 1, last + 8, 4, usize::MAX, usize::MAX - 7] {
        assert!(writable.view::<AtomicU64>(offset).is_none(), "{offset}");
    }
    for (offset, count, fits) in
        [(0, BYTES / 8, true), (0, BYTES / 8 + 1, false), (8, BYTES / 8, false), (0, usize::MAX / 4, false)]
    {
        let view: View<[ReadU64]> = writable.slice(offset, count);
        assert_eq!(view.is_some(), fits, "{offset} {count}");
    }
    assert_eq!(writable.slice::<Byte>(BYTES, 0).unwrap().len(), 0);
    assert!(writable.slice::<Byte>(BYTES + 1, 0).is_none());

    let (segment, _seat) = build(&dir.base()).publish(|_| {}).unwrap();
    let readable = segment.open_data(FileAccess::ReadOnly).unwrap().map(0, BYTES).unwrap();
    assert!(readable.view::<ReadU64>(0).is_some());
    assert!(readable.view::<AtomicU64>(0).is_none());
    assert!(readable.slice::<AtomicU64>(0, 1).is_none());
}

#[test]
fn a_write_through_a_read_only_mapping_is_a_fault() {
    if let Some(base) = part() {
        let data = open(&base).unwrap().open_data(FileAccess::ReadOnly).unwrap().map(0, BYTES).unwrap();
        let byte = data.base().as_ptr();
        // SAFETY: mapped, and nobody writes.
        assert_eq!(unsafe { byte.read_volatile() }, 0);
        tell("read");
        // SAFETY: mapped, of one thread; that it is not writable is what this is about.
        unsafe { byte.write_volatile(1) };
        tell("written");
        return;
    }
    let dir = Dir::new();
    let (segment, _seat) = create(&dir.base()).unwrap();
    let mut other = start("a_write_through_a_read_only_mapping_is_a_fault", &dir);
    other.expect("read");
    assert_eq!(other.end().signal(), Some(libc::SIGSEGV));
    assert_eq!(fs::read(segment.directory().join("data")).unwrap(), [0; BYTES]);
}

#[test]
fn a_view_keeps_its_mapping_and_its_memory_when_the_region_goes() {
    let dir = Dir::new();
    let (segment, seat) = create(&dir.base()).unwrap();
    let file = segment.open_data(FileAccess::ReadOnly).unwrap();
    let view: Lent<ReadU64, _> = file.map(0, BYTES).unwrap().view(0).unwrap();
    drop((file, seat));
    assert!(segment.remove_if_dead(std::time::Duration::from_secs(5)).unwrap());
    drop(segment);
    assert_eq!(view.load_relaxed(), 0);
}

#[test]
fn a_process_without_a_file_number_left_declares_nobody_dead() {
    if let Some(base) = part() {
        let all = getrlimit(Resource::Nofile);
        let used = fs::read_dir("/proc/self/fd").unwrap().count() as u64;
        for limit in used - 1..used + 16 {
            setrlimit(Resource::Nofile, Rlimit { current: Some(limit), ..all }).unwrap();
            let attempt =
                Building::start(&base, &name("r"), BYTES, BYTES).and_then(|new| new.publish(|_| {}));
            assert!(attempt.is_err(), "took a living region over with {limit} files");
            let removed =
                open(&base).and_then(|segment| segment.remove_if_dead(std::time::Duration::from_millis(100)));
            assert!(!matches!(removed, Ok(true)), "removed a living region with {limit} files");
        }
        assert!(matches!(create(&base), Err(ShmError::Alive { .. })));
        return;
    }
    let dir = Dir::new();
    let (segment, _seat) = create(&dir.base()).unwrap();
    assert!(start("a_process_without_a_file_number_left_declares_nobody_dead", &dir).end().success());
    assert!(segment.is_current());
}
