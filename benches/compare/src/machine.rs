//! Where the figures come from: machine, compiler, commit, and the peers' versions.

use std::fs;
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::pin;

const PEERS: [&str; 10] = [
    "bcast",
    "bus",
    "crossbar",
    "crossbeam-channel",
    "disruptor",
    "hft-channel",
    "iceoryx2",
    "photon-ring",
    "rtrb",
    "xchannel",
];
const LOCK: &str = include_str!("../Cargo.lock");

/// Everything that a figure needs beside it. `warnings` say why figures may be off.
pub fn describe(warnings: &[String]) -> Value {
    json!({
        "cpu": cpu(),
        "cores": pin::cores().len(),
        "kernel": line("uname", &["-sr"]),
        "rustc": compiler(),
        "commit": commit(),
        "peers": PEERS.iter().map(|peer| (String::from(*peer), version(LOCK, peer).into())).collect::<Map<_, _>>(),
        "warnings": warnings,
    })
}

/// The same, for people.
pub fn text(machine: &Value) -> String {
    let of = |name: &str| machine[name].as_str().unwrap_or("?").to_owned();
    let peers = machine["peers"].as_object().into_iter().flatten();
    let peers: Vec<_> =
        peers.map(|(name, version)| format!("{name} {}", version.as_str().unwrap_or("?"))).collect();
    let mut lines = vec![
        format!("{}, {} cores, {}, {}", of("cpu"), machine["cores"], of("kernel"), of("rustc")),
        format!("commit {}; {}", of("commit"), peers.join(", ")),
    ];
    if let Some(undisturbed) = machine["undisturbed"].as_str() {
        lines.push(format!("rounds on cores of their own: {undisturbed}"));
    }
    let warnings = machine["warnings"].as_array().into_iter().flatten();
    lines.extend(warnings.map(|warning| format!("warning: {}", warning.as_str().unwrap_or("?"))));
    lines.join("\n")
}

/// The compiler's name and version.
pub fn compiler() -> String {
    line("rustc", &["--version"])
}

fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.split(':').next().is_some_and(|field| field.trim() == name));
        line.and_then(|line| line.split(':').nth(1)).map_or("?", str::trim).to_owned()
    };
    format!("{} (family {}, model {})", field("model name"), field("cpu family"), field("model"))
}

/// The commit, with a `+` when files differ from it.
fn commit() -> String {
    let changed = line("git", &["status", "--porcelain", "--untracked-files=no"]);
    format!("{}{}", line("git", &["rev-parse", "--short", "HEAD"]), if changed.is_empty() { "" } else { "+" })
}

fn line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    output.map_or_else(
        |_| "?".into(),
        |output| String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned(),
    )
}

/// Version of package `name` in a Cargo.lock.
fn version(lock: &str, name: &str) -> String {
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = {name:?}")).skip(1);
    let line = lines.next().and_then(|line| line.strip_prefix("version = "));
    line.map_or_else(|| "?".into(), |version| version.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_from_the_lock() {
        let lock = "[[package]]\nname = \"rtrb-more\"\nversion = \"9.0.0\"\n\n[[package]]\nname = \"rtrb\"\nversion = \"0.4.1\"\n";
        assert_eq!(version(lock, "rtrb"), "0.4.1");
        assert_eq!(version(lock, "none"), "?");
        assert!(PEERS.iter().all(|peer| version(LOCK, peer) != "?"));
    }
}
