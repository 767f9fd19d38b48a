//! `tidy`: house rules that a compiler does not know. Each rule is a file in `tidy/`.

mod arrows;
mod edges;
mod files;
mod shim;
mod unsafety;

use std::fs;
use std::path::Path;

use crate::{Result, header, root};

/// A source file as the rules see it.
pub struct Source {
    /// From the root, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl Source {
    /// True for code that ships: not tests, not benches.
    fn ships(&self) -> bool {
        self.path.starts_with("crates/") && self.path.contains("/src/")
    }
}

/// Checks every rule and tells all that is wrong.
pub fn run() -> Result {
    let root = root();
    let mut sources = Vec::new();
    for folder in ["crates", "benches", "xtask"] {
        collect(&root, &root.join(folder), &mut sources)?;
    }
    let model = fs::read_to_string(root.join("docs/memory-model.md"))?;
    let mut wrong = arrows::check(&arrows::read(&root)?);
    wrong.extend(files::check(&sources));
    wrong.extend(shim::check(&sources));
    wrong.extend(unsafety::check(&sources));
    wrong.extend(edges::check(&sources, &model));
    wrong.extend(header::check(&root)?);
    if wrong.is_empty() {
        return Ok(());
    }
    for line in &wrong {
        eprintln!("{line}");
    }
    Err(format!("{} house rules are broken", wrong.len()).into())
}

fn collect(root: &Path, folder: &Path, sources: &mut Vec<Source>) -> Result {
    let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<std::result::Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            if entry.file_name() != "target" {
                collect(root, &path, sources)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)?;
            let path = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            sources.push(Source { path, text });
        }
    }
    Ok(())
}

#[cfg(test)]
fn source(path: &str, text: &str) -> Source {
    Source { path: path.into(), text: text.into() }
}
