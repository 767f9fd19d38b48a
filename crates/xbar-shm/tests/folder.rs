//! Folders of plain files: whole or not there, one owner for each lock, nothing foreign followed.
#![cfg(not(xbar_loom))]

mod support;

use std::fs;
use std::os::unix::fs::symlink;

use support::Dir;
use xbar_shm::{FileAccess, Folder, ShmError};

#[test]
fn a_file_has_all_its_bytes_and_is_made_once() {
    let dir = Dir::new();
    let folder = Folder::open_or_create(&dir.path().join("logs")).unwrap();
    let file = folder.create_file("a", 1 << 16).unwrap();
    assert_eq!((file.bytes(), file.read_start::<8>().unwrap()), (1 << 16, vec![0; 8]));
    assert!(folder.create_file("a", 4096).is_err());
    assert!(matches!(
        folder.create_file("b", u64::MAX / 4),
        Err(ShmError::NoSpace { .. } | ShmError::Io { .. })
    ));
    assert_eq!(folder.names().unwrap(), ["a"], "what could not be made is not there");
    assert!(folder.rename("a", "c").unwrap() && folder.has("c") && !folder.has("a"));
    folder.create_file("a", 4096).unwrap();
    assert!(!folder.rename("a", "c").unwrap(), "a name that is taken stays");
    assert!(folder.remove("a").unwrap() && !folder.remove("a").unwrap());
    assert!(folder.open_file("a", FileAccess::ReadOnly).unwrap().is_none());
    folder.sync().unwrap();
    file.sync().unwrap();
}

#[test]
fn links_and_directories_are_refused() {
    let dir = Dir::new();
    let path = dir.path().join("logs");
    let folder = Folder::open_or_create(&path).unwrap();
    folder.create_file("real", 4096).unwrap();
    symlink("real", path.join("link")).unwrap();
    fs::create_dir(path.join("directory")).unwrap();
    for name in ["link", "directory"] {
        let refused = folder.open_file(name, FileAccess::ReadWrite).map(drop);
        assert!(matches!(refused, Err(ShmError::WrongKind { .. })), "{refused:?}");
        assert!(matches!(folder.lock(name).map(drop), Err(ShmError::WrongKind { .. })));
    }
    symlink(&path, dir.path().join("there")).unwrap();
    assert!(Folder::open_existing(&dir.path().join("there")).is_err());
    assert!(Folder::open_existing(&dir.path().join("none")).unwrap().is_none());
}

#[test]
fn a_lock_has_one_owner_and_is_watched_whatever_becomes_of_its_name() {
    let dir = Dir::new();
    let folder = Folder::open_or_create(&dir.path().join("logs")).unwrap();
    assert!(!folder.is_locked("l") && folder.watch_lock("l").unwrap().is_none());
    let lock = folder.lock("l").unwrap().unwrap();
    let watch = folder.watch_lock("l").unwrap().unwrap();
    assert!(folder.lock("l").unwrap().is_none() && folder.is_locked("l") && lock.is_mine());
    assert_eq!(folder.locked_by("l"), Some(std::process::id()));
    folder.remove("l").unwrap();
    assert!(!folder.is_locked("l") && watch.is_locked());
    drop(lock);
    assert!(!watch.is_locked());
}
