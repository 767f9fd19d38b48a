//! The demo as a test: the README's first command, for two seconds, and its own count.

use xshell::{Shell, cmd};

use crate::{Result, root};

/// Runs the demo; fails unless everything that was sent was received whole or counted as missed, and something was.
pub fn run() -> Result {
    let sh = Shell::new()?;
    sh.change_dir(root());
    let json = cmd!(sh, "cargo run --quiet --release -p xbar-cli -- demo --seconds 2 --json").read()?;
    check(&json)
}

fn check(json: &str) -> Result {
    let report: serde_json::Value = serde_json::from_str(json)?;
    let figure = |name: &str| report[name].as_u64().ok_or_else(|| format!("no figure {name:?} in {json}"));
    let (sent, received, missed) = (figure("sent")?, figure("received")?, figure("missed")?);
    if sent == 0 || sent != received + missed || figure("corrupt")? != 0 {
        return Err(format!("the counts do not agree: {json}").into());
    }
    for name in ["p50_ns", "p99_ns", "p999_ns", "msgs_per_s"] {
        figure(name)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    fn report(sent: u64, received: u64, missed: u64, corrupt: u64) -> String {
        format!(
            r#"{{"sent":{sent},"received":{received},"missed":{missed},"corrupt":{corrupt},
                "p50_ns":1,"p99_ns":2,"p999_ns":3,"msgs_per_s":4}}"#
        )
    }

    #[test]
    fn only_counts_that_agree_pass() {
        assert!(check(&report(5, 5, 0, 0)).is_ok());
        assert!(check(&report(5, 4, 1, 0)).is_ok());
        assert!(check(&report(5, 4, 0, 0)).is_err());
        assert!(check(&report(5, 5, 0, 1)).is_err());
        assert!(check(&report(0, 0, 0, 0)).is_err());
        assert!(check("{}").is_err());
        assert!(check("").is_err());
    }
}
