//! The copy of the workspace that the audit changes. The tree itself is only read, so it stays whole even when the audit is
//! killed half-way.

use std::fs;
use std::path::{Path, PathBuf};

use xshell::{Shell, cmd};

use super::mutants::Mutant;
use crate::Result;

/// The copy.
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    /// Makes `to` the same as the tree at `from`: what git knows, and what it does not know but does not ignore either.
    ///
    /// Files that are the same already are not touched, so nothing is built twice.
    pub fn copy(from: &Path, to: PathBuf) -> Result<Self> {
        let sh = Shell::new()?;
        sh.change_dir(from);
        let list = cmd!(sh, "git ls-files -z --cached --others --exclude-standard").quiet().read()?;
        // A file that was removed and not yet committed is listed as well.
        let files: Vec<&str> = list.split('\0').filter(|file| from.join(file).is_file()).collect();
        fs::create_dir_all(&to)?;
        remove_others(&to, Path::new(""), &files)?;
        for file in files {
            let (source, copy) = (from.join(file), to.join(file));
            let bytes = fs::read(&source)?;
            if fs::read(&copy).ok().as_deref() != Some(&bytes) {
                copy.parent().map(fs::create_dir_all).transpose()?;
                fs::write(&copy, &bytes)?;
            }
        }
        Ok(Self { root: to })
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The Rust files in `folder`, sorted, as paths from the root.
    pub fn sources(&self, folder: &str) -> Result<Vec<String>> {
        let mut sources = Vec::new();
        for entry in fs::read_dir(self.root.join(folder))? {
            let entry = entry?;
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                sources.extend(self.sources(&path)?);
            } else if path.ends_with(".rs") {
                sources.push(path);
            }
        }
        sources.sort();
        Ok(sources)
    }

    /// Does `work` while the mutant is in the copy.
    pub fn with<T>(&self, mutant: &Mutant, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let path = self.root.join("crates").join(&mutant.file);
        let text = fs::read_to_string(&path)?;
        fs::write(&path, mutant.apply(&text))?;
        let done = work();
        fs::write(&path, text)?;
        done
    }
}

/// Removes what is in the copy's `folder` and not in `files`.
fn remove_others(root: &Path, folder: &Path, files: &[&str]) -> Result {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            remove_others(root, &path, files)?;
        } else if !files.iter().any(|file| Path::new(file) == path) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::mutants;
    use super::*;

    #[test]
    fn a_mutant_is_in_the_copy_alone_and_only_for_a_while() {
        let here = std::env::temp_dir().join(format!("xbar-audit-{}", std::process::id()));
        let (from, to) = (here.join("from"), here.join("to"));
        let (file, text) = ("crates/a/src/a.rs", "fn f() { full_fence(); }\n");
        let sh = Shell::new().unwrap();
        sh.write_file(from.join(file), text).unwrap();
        sh.write_file(from.join("ignored/x"), "x").unwrap();
        sh.write_file(from.join(".gitignore"), "/ignored\n").unwrap();
        sh.write_file(to.join("crates/a/src/gone.rs"), "").unwrap();
        sh.write_file(to.join(file), "left behind by an audit that was killed").unwrap();
        sh.change_dir(&from);
        cmd!(sh, "git init --quiet").quiet().run().unwrap();

        let tree = Tree::copy(&from, to.clone()).unwrap();
        assert_eq!(tree.sources("crates/a/src").unwrap(), [file]);
        assert!(!to.join("ignored/x").exists());
        assert_eq!(fs::read_to_string(to.join(file)).unwrap(), text);
        let mutant = &mutants::find("a/src/a.rs", text).unwrap()[0];
        let failed: Result = tree.with(mutant, || {
            assert_eq!(fs::read_to_string(to.join(file))?, "fn f() { (); }\n");
            Err("a failure".into())
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(to.join(file)).unwrap(), text);
        assert_eq!(fs::read_to_string(from.join(file)).unwrap(), text);
        fs::remove_dir_all(here).unwrap();
    }
}
