//! Experiments on living regions with real processes: what a death at any instruction leaves behind, and what minutes of
//! kills, stops and joins do. Run as `cargo xtask crash` and `cargo xtask soak`.
#![deny(unsafe_code)]

#[cfg_attr(not(all(target_os = "linux", target_arch = "x86_64")), path = "crash/elsewhere.rs")]
mod crash;
mod soak;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((command, rest)) if command == "crash" => crash::run(rest),
        Some((command, rest)) if command == "soak" => soak::run(rest),
        _ => {
            eprintln!("usage: xbar-trial <crash|soak> [flags]; see cargo xtask");
            ExitCode::from(2)
        }
    }
}
