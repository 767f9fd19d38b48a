//! `loom`: the models of the lock-free pieces, on the shipped code.

use xshell::{Shell, cmd};

use crate::{Result, root};

/// Every crate with lock-free code has models.
const MODELLED: [&str; 5] = ["xbar-ring", "xbar-pool", "xbar-shm", "xbar-log", "xbar-topic"];

/// What makes the atomics the model checker's.
pub const CFG: &str = "--cfg xbar_loom";

/// The bound of a quick run, for `LOOM_MAX_PREEMPTIONS`.
pub const QUICK_PREEMPTIONS: &str = "3";

/// How far the model checker looks.
#[derive(Clone, Copy)]
pub enum Bound {
    /// Three preemptions: minutes.
    Quick,
    /// Five: hours.
    Thorough,
}

/// Runs all models; fails when one fails, or when a crate ran none.
pub fn run(bound: Bound) -> Result {
    let sh = Shell::new()?;
    sh.change_dir(root());
    let _cfg = sh.push_env("RUSTFLAGS", CFG);
    let _dir = sh.push_env("CARGO_TARGET_DIR", "target/loom");
    let preemptions = match bound {
        Bound::Quick => QUICK_PREEMPTIONS,
        Bound::Thorough => "5",
    };
    let _bound = sh.push_env("LOOM_MAX_PREEMPTIONS", preemptions);
    for name in MODELLED {
        let output = cmd!(sh, "cargo test --release -p {name} --test loom").ignore_status().output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        print!("{text}");
        if !output.status.success() {
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
            return Err(format!("{name}: a model failed").into());
        }
        if passed(&text) == 0 {
            return Err(format!("{name}: no model ran; models belong into tests/loom.rs").into());
        }
    }
    Ok(())
}

/// How many tests a test runner says that it passed.
pub fn passed(output: &str) -> u32 {
    output
        .lines()
        .filter_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse::<u32>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::passed;

    #[test]
    fn a_run_without_models_is_noticed() {
        assert_eq!(passed("running 0 tests\n\ntest result: ok. 0 passed; 0 failed;"), 0);
        assert_eq!(passed("noise\ntest result: ok. 3 passed; 0 failed;\ntest result: ok. 2 passed;"), 5);
        assert_eq!(passed("test result: FAILED. 3 passed; 1 failed;"), 0);
    }
}
