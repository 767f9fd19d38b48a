//! `test`: everything that must hold before a change lands.

use xshell::{Shell, cmd};

use crate::sections::section;
use crate::{Result, compare, crash, demo, firmware, loom, python, root, soak, tidy};

/// Runs all sections, the quick ones first; stops at the first that fails.
pub fn run() -> Result {
    let sh = Shell::new()?;
    sh.change_dir(root());
    section("format", || {
        cmd!(sh, "cargo fmt --all --check").run()?;
        cmd!(sh, "cargo fmt --manifest-path fuzz/Cargo.toml --check").run()?;
        Ok(cmd!(sh, "cargo fmt --manifest-path benches/compare/Cargo.toml --check").run()?)
    })?;
    section("tidy", tidy::run)?;
    section("lints", || Ok(cmd!(sh, "cargo clippy --workspace --all-targets -- -D warnings").run()?))?;
    section("docs", || {
        let _warnings = sh.push_env("RUSTDOCFLAGS", "-D warnings");
        Ok(cmd!(sh, "cargo doc --workspace --no-deps").run()?)
    })?;
    section("no_std", || {
        // Without their default features the lower crates need neither std nor an allocator.
        Ok(cmd!(sh, "cargo check -p xbar-layout -p xbar-ring -p xbar-pool --no-default-features").run()?)
    })?;
    section("firmware", firmware::run)?;
    section("tests", || Ok(cmd!(sh, "cargo test --workspace").run()?))?;
    section("python", python::run)?;
    section("models", || loom::run(loom::Bound::Quick))?;
    section("crash", || crash::run(&["--quick"]))?;
    section("demo", demo::run)?;
    section("instructions", compare::count_instructions)?;
    section("soak", soak::run_briefly)
}
