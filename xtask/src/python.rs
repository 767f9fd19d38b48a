//! `python`: the module for Python, built as a package in target/python, and its tests.

use std::fs;
use std::path::{Path, PathBuf};

use xshell::{Shell, cmd};

use crate::{Result, root};

/// The first Python that has the buffer protocol in its stable ABI.
const LEAST: (u32, u32) = (3, 11);

/// Builds, and runs the tests: with numpy where it can be had, without what needs it otherwise.
pub fn run() -> Result {
    let root = root();
    let sh = Shell::new()?;
    sh.change_dir(&root);
    let python = interpreter(&sh)?;
    cmd!(sh, "cargo build --package xbar-python --package xbar-cli").run()?;
    let metadata = cmd!(sh, "cargo metadata --format-version 1 --no-deps --quiet").quiet().read()?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let target = metadata["target_directory"].as_str().ok_or("cargo does not say where it builds")?;
    let (target, crate_folder) = (Path::new(target), root.join("crates/xbar-python"));
    let package = assemble(&crate_folder, target)?;
    let python = with_numpy(&sh, &python, &target.join("python/venv"));
    let _path = sh.push_env("PYTHONPATH", package);
    let _command = sh.push_env("XBAR_COMMAND", target.join("debug/xbar"));
    // No cache beside the sources; leaks of files and threads are told.
    let tests = crate_folder.join("tests");
    sh.change_dir(&tests);
    Ok(cmd!(sh, "{python} -B -X dev -m unittest discover --failfast --start-directory {tests}").run()?)
}

/// `$PYTHON`, or `python3`, if it is new enough.
fn interpreter(sh: &Shell) -> Result<PathBuf> {
    let python = std::env::var_os("PYTHON").map_or_else(|| "python3".into(), PathBuf::from);
    let ask = "import sys; print(*sys.version_info[:2])";
    let said = cmd!(sh, "{python} -c {ask}").quiet().read().map_err(|error| {
        format!("{} does not run, install python 3.11 or later, or set PYTHON: {error}", python.display())
    })?;
    match version(&said) {
        Some(found) if found >= LEAST => Ok(python),
        _ => Err(format!("{} is python {said}, set PYTHON to one of 3.11 or later", python.display()).into()),
    }
}

fn version(said: &str) -> Option<(u32, u32)> {
    let (major, minor) = said.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The package as an installation has it: the sources of Python, and the module beside them.
fn assemble(crate_folder: &Path, target: &Path) -> Result<PathBuf> {
    let folder = target.join("python/package");
    let package = folder.join("xbar");
    let _ = fs::remove_dir_all(&package);
    fs::create_dir_all(&package)?;
    for entry in fs::read_dir(crate_folder.join("python/xbar"))? {
        let path = entry?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            fs::copy(&path, package.join(name))?;
        }
    }
    fs::copy(target.join("debug/lib_xbar.so"), package.join("_xbar.abi3.so"))?;
    Ok(folder)
}

/// An interpreter that has numpy: this one, or that of an environment made for it; this one all the same where there is none to be had.
fn with_numpy(sh: &Shell, python: &Path, environment: &Path) -> PathBuf {
    let has = |python: &Path| cmd!(sh, "{python} -c 'import numpy'").quiet().ignore_stderr().run().is_ok();
    let own = environment.join("bin/python");
    if has(python) {
        return python.to_owned();
    }
    if own.exists() && has(&own) {
        return own;
    }
    let install = || -> Result {
        cmd!(sh, "{python} -m venv --clear {environment}").run()?;
        Ok(cmd!(sh, "{own} -m pip install --quiet --disable-pip-version-check --only-binary :all: numpy")
            .run()?)
    };
    match install() {
        Ok(()) => own,
        Err(error) => {
            eprintln!("SKIPPED: the tests that need numpy, which is not to be had: {error}");
            python.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LEAST, version};

    #[test]
    fn versions_are_read() {
        assert!(version("3 11\n") >= Some(LEAST) && version("4 0") > Some(LEAST));
        assert!(version("3 9") < Some(LEAST) && version("") < Some(LEAST));
    }
}
