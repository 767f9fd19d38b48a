//! `firmware`: the ring in a `static` in a program that is linked with nothing, built, inspected and run.

use xshell::{Shell, cmd};

use crate::{Result, root};

/// Parts of names that only code of the standard library or of an allocator has.
const FOREIGN: [&str; 6] = ["__rust_alloc", "__rdl_", "__rg_", "3std", "5alloc", "malloc"];

/// Fails unless the program builds without any library, has no trace of `std` or `alloc`, and runs.
pub fn run() -> Result {
    let sh = Shell::new()?;
    sh.change_dir(root().join("crates/xbar-ring/examples/firmware"));
    let target = root().join("target/firmware");
    let _dir = sh.push_env("CARGO_TARGET_DIR", &target);
    cmd!(sh, "cargo build --quiet --release --locked").run()?;
    let program = target.join("release/firmware");
    let symbols = cmd!(sh, "nm {program}").read()?;
    let wrong = foreign(&symbols);
    if !wrong.is_empty() {
        return Err(format!("the firmware example contains or misses {}", wrong.join(", ")).into());
    }
    // Its exit status is its verdict on what it received.
    cmd!(sh, "{program}").run()?;
    Ok(())
}

/// Symbols of `std` or `alloc`, and symbols that are not there; `nm`'s lines are `[address] kind name`.
fn foreign(symbols: &str) -> Vec<&str> {
    let mut wrong: Vec<&str> = Vec::new();
    let mut has_ring = false;
    for line in symbols.lines() {
        let mut words = line.split_whitespace().rev();
        let (Some(name), Some(kind)) = (words.next(), words.next()) else { continue };
        has_ring |= name.contains("xbar_ring");
        if kind.eq_ignore_ascii_case("u") || FOREIGN.iter().any(|part| name.contains(part)) {
            wrong.push(name);
        }
    }
    if !has_ring {
        wrong.push("no ring at all");
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::foreign;

    #[test]
    fn what_does_not_belong_is_noticed() {
        let ring = "0000000000201750 t _ZN9xbar_ring9broadcast6Reader8catch_upE\n";
        assert!(foreign(ring).is_empty());
        assert_eq!(foreign(&format!("{ring}                 U memcpy\n")), ["memcpy"]);
        assert_eq!(foreign(&format!("{ring}0000 T __rust_alloc\n")), ["__rust_alloc"]);
        assert_eq!(foreign(&format!("{ring}0000 t _ZN3std2io4readE\n")), ["_ZN3std2io4readE"]);
        assert_eq!(foreign(&format!("{ring}0000 t _ZN5alloc3vecE\n")), ["_ZN5alloc3vecE"]);
        assert_eq!(foreign("0000 T _start\n"), ["no ring at all"]);
    }
}
