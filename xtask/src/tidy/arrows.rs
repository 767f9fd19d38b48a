//! Arrows point down: a crate depends only on crates of lower layers.

use std::path::Path;

use xshell::{Shell, cmd};

use crate::Result;

/// Layers, lowest first.
const LAYERS: [&[&str]; 6] = [
    &["xbar-layout", "xbar-testing"],
    &["xbar-ring", "xbar-pool", "xbar-shm"],
    &["xbar-discovery", "xbar-log"],
    &["xbar-topic"],
    &["xbar"],
    &["xbar-cli", "xbar-ffi", "xbar-python", "xbar-trial", "xbar-hostile"],
];

/// An arrow: who depends on whom.
pub type Arrow = (String, String);

/// The arrows between crates of this workspace, dev-dependencies included.
pub fn read(root: &Path) -> Result<Vec<Arrow>> {
    let sh = Shell::new()?;
    sh.change_dir(root);
    let metadata = cmd!(sh, "cargo metadata --format-version 1 --no-deps --quiet").quiet().read()?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let mut arrows = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            if let (Some(from), Some(to)) = (package["name"].as_str(), dependency["name"].as_str())
                && to.starts_with("xbar")
            {
                arrows.push((from.to_owned(), to.to_owned()));
            }
        }
    }
    Ok(arrows)
}

/// What is wrong with them.
pub fn check(arrows: &[Arrow]) -> Vec<String> {
    let layer = |name: &str| LAYERS.iter().position(|layer| layer.contains(&name));
    let wrong = |(from, to): &&Arrow| match (layer(from), layer(to)) {
        (Some(from), Some(to)) => to >= from,
        // Benches and xtask stand beside the layers.
        (None, _) => from.starts_with("xbar") && from != "xbar-benches",
        (_, None) => true,
    };
    let tell = |(from, to): &Arrow| {
        format!("crates/{from}/Cargo.toml: depends on {to}, which is not below it: see docs/architecture.md")
    };
    arrows.iter().filter(wrong).map(tell).collect()
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn an_arrow_up_or_across_is_noticed() {
        let arrow = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert!(check(&[arrow("xbar", "xbar-topic"), arrow("xbar-topic", "xbar-ring")]).is_empty());
        for (from, to) in [("xbar-ring", "xbar-pool"), ("xbar-layout", "xbar"), ("xbar-new", "xbar-layout")] {
            assert_eq!(check(&[arrow(from, to)]).len(), 1, "{from} -> {to}");
        }
    }
}
