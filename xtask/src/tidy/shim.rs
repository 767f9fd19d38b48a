//! One loom shim: atomics come from `xbar-layout/src/sync.rs`, and no other shipped file names the cfg.

use super::Source;

const SHIM: &str = "crates/xbar-layout/src/sync.rs";

/// Files that may name the cfg: real layouts have no meaning under the model checker.
const MAY_NAME_CFG: [&str; 2] = [SHIM, "crates/xbar-layout/src/asserts.rs"];

/// What goes past the shim.
pub fn check(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|source| source.ships() && source.path != SHIM) {
        let mut in_tests = false;
        for (number, line) in source.text.lines().enumerate() {
            // Unit tests stand at the end of a file; they may leave themselves out of models.
            in_tests |=
                line.starts_with("#[cfg(all(test, not(xbar_loom)))]") || line.starts_with("#[cfg(test)]");
            let code = line.split("//").next().unwrap_or_default();
            // Also as a part of a list: `use std::sync::{Arc, atomic::AtomicBool}`.
            let imports = code.contains("sync::atomic") || code.contains("atomic::");
            let cli = source.path.starts_with("crates/xbar-cli/"); // flags that signals raise; no model runs it
            if imports && !cli {
                wrong.push(format!(
                    "{}:{}: atomics past the shim: use xbar_layout::sync",
                    source.path,
                    number + 1
                ));
            }
            let names_cfg = code.contains("xbar_loom") || code.contains("cfg(loom");
            let copies = source.path == "crates/xbar-ring/src/copy.rs"; // the vector loop has no model
            if names_cfg && !in_tests && !copies && !MAY_NAME_CFG.contains(&source.path.as_str()) {
                wrong.push(format!(
                    "{}:{}: names the model checker's cfg: only the shim may",
                    source.path,
                    number + 1
                ));
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    #[test]
    fn what_goes_past_the_shim_is_noticed() {
        for bad in [
            "use core::sync::atomic::AtomicU32;",
            "use std::sync::{Arc, atomic::AtomicBool};",
            "std::sync::atomic::fence();",
            "#[cfg(xbar_loom)]",
        ] {
            assert_eq!(check(&[source("crates/xbar-pool/src/limbo.rs", bad)]).len(), 1, "{bad}");
            assert!(check(&[source(SHIM, bad)]).is_empty());
            assert!(check(&[source("crates/xbar-pool/tests/loom.rs", bad)]).is_empty());
        }
    }
}
