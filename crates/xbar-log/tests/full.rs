//! A full file system: an error from appending, with nothing damaged. Needs root, to have a small one; says so without.
#![cfg(not(xbar_loom))]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Dir, message, read_all, small};
use xbar_log::{LogError, Reader, Writer};

/// A file system of its own in memory, gone with this.
struct Small(PathBuf);

impl Small {
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir(at).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=100k,mode=700", "tmpfs"]).arg(at).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(at.into()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_full_file_system_is_an_error_that_damages_nothing_and_passes() {
    let dir = Dir::new();
    let at = dir.path().join("full");
    let Some(_small) = Small::mount(&at) else {
        eprintln!("SKIPPED: mounting a small file system needs root");
        return;
    };
    for helper in [false, true] {
        let name = if helper { "helped" } else { "alone" };
        let mut writer = Writer::open(&at, name, &small().helper(helper)).unwrap();
        let error = (0..1000).find_map(|n| writer.append(&message(n)).err()).unwrap();
        assert!(matches!(error, LogError::NoSpace { .. }), "{error}");
        let appended = writer.next_seq();
        assert!(appended > 50);
        assert!(writer.append(&message(appended)).is_err(), "as long as there is no room");
        let mut reader = Reader::open(&at, name).unwrap();
        assert_eq!(read_all(&mut reader), ((0..appended).collect(), 0));
        // Somebody makes room.
        std::fs::remove_file(at.join(format!("{name}.000001.xlog"))).unwrap();
        assert_eq!(writer.append(&message(appended)).unwrap(), appended);
        assert_eq!(reader.try_next().unwrap().seq(), appended);
        drop((writer, reader));
        for file in std::fs::read_dir(&at).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
    }
}
