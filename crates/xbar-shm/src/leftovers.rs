//! Temporary directories: regions that are being built or removed, and what is left of them after a kill.

use std::os::fd::OwnedFd;
use std::process;

use rustix::fs::{AtFlags, Mode, OFlags, openat, unlinkat};

use crate::base::{BaseDir, entries};
use crate::clock::monotonic_ns;
use crate::liveness::Lock;
use crate::name::RegionName;
use crate::own::OwnFile;

/// Temporary directories begin with this; no region's name does.
const TEMPORARY: &str = ".new.";

/// How directories are opened: never through a symlink.
pub(crate) const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A name that nobody else uses now.
pub(crate) fn temporary_name(name: &RegionName) -> String {
    format!("{TEMPORARY}{name}.{}.{}", process::id(), monotonic_ns())
}

/// True for the name of a temporary directory.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY)
}

/// Removes a directory of plain files, as far as it is one.
pub(crate) fn remove_tree(base: &OwnedFd, name: &str) {
    if let Ok(dir) = openat(base, name, DIRECTORY, Mode::empty()) {
        for (file, _) in entries(&dir).unwrap_or_default() {
            let _ = unlinkat(&dir, file, AtFlags::empty());
        }
    }
    let _ = unlinkat(base, name, AtFlags::REMOVEDIR);
}

/// Removes what builders and removers left behind that were killed at work: temporary directories that nobody has locked.
///
/// Harmless beside others at work: a builder whose directory is taken for a leftover, in the instant between its making
/// and its locking, makes another.
pub fn sweep_leftovers(base: &BaseDir) {
    let Ok(Some(dir)) = base.open_existing() else { return };
    for (name, _) in entries(&dir).unwrap_or_default() {
        if !is_temporary(&name) {
            continue;
        }
        let open = || openat(&dir, &name, DIRECTORY, Mode::empty());
        let Ok(leftover) = OwnFile::open(open) else { continue };
        if let Ok(_nobody_is_at_work) = Lock::try_exclusive(leftover) {
            remove_tree(&dir, &name);
        }
    }
}
