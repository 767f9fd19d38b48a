//! `install-c`: the library for C and C++, its headers and its pkg-config file, below a prefix.

use std::fs;
use std::path::{Path, PathBuf};

use xshell::{Shell, cmd};

use crate::{Result, root};

/// Builds and copies.
pub fn run(prefix: &str) -> Result {
    let root = root();
    let sh = Shell::new()?;
    sh.change_dir(&root);
    cmd!(sh, "cargo build --release --package xbar-ffi").run()?;
    let metadata = cmd!(sh, "cargo metadata --format-version 1 --no-deps --quiet").quiet().read()?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let target = metadata["target_directory"].as_str().ok_or("cargo does not say where it builds")?;
    let is_ours = |package: &&serde_json::Value| package["name"] == "xbar-ffi";
    let package = metadata["packages"].as_array().into_iter().flatten().find(is_ours);
    let version =
        package.and_then(|package| package["version"].as_str()).ok_or("there is no crate xbar-ffi")?;
    fs::create_dir_all(prefix)?;
    let prefix = fs::canonicalize(prefix)?;
    let (crate_folder, built) = (root.join("crates/xbar-ffi"), Path::new(target).join("release"));
    for name in ["xbar.h", "xbar.hpp"] {
        copy(&crate_folder.join("include").join(name), prefix.join("include").join(name))?;
    }
    for name in ["libxbar_ffi.so", "libxbar_ffi.a"] {
        copy(&built.join(name), prefix.join("lib").join(name))?;
    }
    let template = fs::read_to_string(crate_folder.join("xbar.pc.in"))?;
    let place = prefix.join("lib/pkgconfig/xbar.pc");
    fs::create_dir_all(prefix.join("lib/pkgconfig"))?;
    fs::write(&place, filled(&template, &prefix, version))?;
    println!("{}", place.display());
    Ok(())
}

fn copy(from: &Path, to: PathBuf) -> Result {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    // A program that runs keeps the old file: it is replaced, not written into.
    let _ = fs::remove_file(&to);
    fs::copy(from, &to)
        .map_err(|error| format!("{} cannot be copied to {}: {error}", from.display(), to.display()))?;
    println!("{}", to.display());
    Ok(())
}

fn filled(template: &str, prefix: &Path, version: &str) -> String {
    template.replace("@prefix@", &prefix.to_string_lossy()).replace("@version@", version)
}

#[cfg(test)]
mod tests {
    use super::filled;

    #[test]
    fn the_template_is_filled() {
        let text = filled("prefix=@prefix@\nVersion: @version@\n", "/usr/local".as_ref(), "1.2.3");
        assert_eq!(text, "prefix=/usr/local\nVersion: 1.2.3\n");
    }
}
