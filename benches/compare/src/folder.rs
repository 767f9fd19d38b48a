//! Folders for libraries that keep a channel in files. They lie in memory, and are gone as soon as both ends have the files open, so
//! that no round leaves anything behind, however it ends.

use std::fs;
use std::path::{Path, PathBuf};

use crate::contract::{Outcome, told};

/// The folder of one channel; removed, with all that is in it, when this goes.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes the folder of channel `name`: for the writing end, which keeps it.
    pub fn create(name: &str) -> Outcome<Self> {
        let path = Self::place(name);
        // Before there is a value whose end removes it: one that exists is somebody else's.
        fs::create_dir(&path).map_err(told)?;
        Ok(Self(path))
    }

    /// The folder of channel `name`: for the reading end, or all of them, which drop it when they have opened what they need.
    pub fn of(name: &str) -> Self {
        Self(Self::place(name))
    }

    fn place(name: &str) -> PathBuf {
        Path::new("/dev/shm").join(format!("{name}.files"))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The other end may have removed it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::{Bus, Puts, Takes, fresh_name};
    use crate::peers::{bcast, xchannel};

    /// Messages of many lengths through a channel whose files are gone.
    fn works_without_its_files<B: Bus>() {
        let name = fresh_name();
        let folder = Folder::place(&name);
        let mut output = B::output(&name, 1000).expect("an output");
        assert!(folder.exists());
        let mut input = B::input(&name).expect("an input");
        assert!(!folder.exists());
        for bytes in (8..=1000).cycle().take(50_000) {
            let sent = vec![bytes as u8; bytes];
            output.whole(&sent);
            assert_eq!(input.take(|arrived| arrived == sent), Some(true));
        }
        assert_eq!(input.take(<[u8]>::len), None);
    }

    #[test]
    fn channels_need_no_files_once_both_ends_are_open() {
        works_without_its_files::<bcast::Ring>();
        works_without_its_files::<xchannel::Log>();
    }

    #[test]
    fn a_folder_that_exists_is_not_taken_and_not_removed() {
        let name = fresh_name();
        let folder = Folder::create(&name).expect("a folder");
        assert!(bcast::Ring::output(&name, 8).is_err() && xchannel::Log::output(&name, 8).is_err());
        assert!(folder.path().exists());
    }

    #[test]
    fn an_end_that_fails_leaves_no_folder() {
        let name = fresh_name();
        let folder = Folder::create(&name).expect("a folder");
        assert!(bcast::Ring::input(&name).is_err());
        assert!(!folder.path().exists());
        let folder = Folder::create(&name).expect("a folder");
        assert!(xchannel::Log::input(&name).is_err());
        assert!(!folder.path().exists());
    }
}
