//! A folder for one test: of a name that no other has, and removed when it is dropped, also by a panic.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::{Builder, TempDir};

/// The folder.
#[derive(Debug)]
pub struct Folder(TempDir);

impl Folder {
    /// A new one, where temporary files go.
    ///
    /// # Panics
    ///
    /// When it cannot be made.
    pub fn new() -> Self {
        Self::within(&std::env::temp_dir())
    }

    /// A new one in `parent`.
    ///
    /// # Panics
    ///
    /// When it cannot be made.
    pub fn within(parent: &Path) -> Self {
        // As `mkdir` makes it: what other users must not see, the test has to hide itself.
        let mut builder = Builder::new();
        builder.prefix("xbar-test-").permissions(Permissions::from_mode(0o755));
        Self(builder.tempdir_in(parent).expect("a folder for the test"))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Names of what is in it, sorted; none, when somebody has removed it.
    pub fn contents(&self) -> Vec<String> {
        names(self.path())
    }
}

/// Names of what is in a folder, sorted; none, when there is no such folder.
///
/// # Panics
///
/// When they are no utf-8.
pub fn names(path: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(path) else { return Vec::new() };
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.expect("the folder can be read").file_name().into_string().expect("names are utf-8")
    };
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    names
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        self.path()
    }
}

#[cfg(test)]
mod tests {
    use super::Folder;

    #[test]
    fn a_folder_is_gone_with_what_is_in_it() {
        let folder = Folder::new();
        std::fs::write(folder.path().join("b"), "").unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        assert_eq!(folder.contents(), ["a", "b"]);
        let path = folder.path().to_owned();
        drop(folder);
        assert!(!path.exists());
    }
}
