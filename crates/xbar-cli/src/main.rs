//! The `xbar` command.
#![forbid(unsafe_code)]

mod demo;
mod doctor;
mod echo;
mod list;
mod log;
mod publish;
mod signals;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Messages between processes through shared memory.
#[derive(Parser)]
#[command(name = "xbar", version, about)]
struct Arguments {
    /// Where regions live [default: $XBAR_DIR, else /dev/shm/xbar-UID]
    #[arg(long, global = true, env = "XBAR_DIR", hide_env = true)]
    dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Watch two processes exchange real market and sensor data, with nothing lost
    Demo(demo::Arguments),
    /// Publish each line of standard input
    Pub(publish::Arguments),
    /// Print messages as they come
    Echo(echo::Arguments),
    /// Show regions and topics
    Ls(list::Arguments),
    /// Say what is wrong with the regions of this machine, and mend it with --fix
    Doctor(doctor::Arguments),
    /// Look at logs on disk, print, follow and verify them
    Log(log::Arguments),
    /// The demo's publisher process
    #[command(hide = true)]
    DemoPublisher(demo::PublisherArguments),
    /// The demo's subscriber process
    #[command(hide = true)]
    DemoSubscriber(demo::SubscriberArguments),
}

/// Whatever went wrong, in one line.
type Result<T = ExitCode> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Where regions live, as the user said.
type Dir<'d> = Option<&'d std::path::Path>;

fn main() -> ExitCode {
    let Arguments { dir, command } = Arguments::parse();
    let dir = dir.as_deref().filter(|dir| !dir.as_os_str().is_empty());
    let done = match command {
        Command::Demo(arguments) => demo::run(dir, &arguments),
        Command::Pub(arguments) => publish::run(dir, &arguments),
        Command::Echo(arguments) => echo::run(dir, &arguments),
        Command::Ls(arguments) => list::run(dir, &arguments),
        Command::Doctor(arguments) => doctor::run(dir, &arguments),
        Command::Log(arguments) => log::run(&arguments),
        Command::DemoPublisher(arguments) => demo::publish(dir, &arguments),
        Command::DemoSubscriber(arguments) => demo::subscribe(dir, &arguments),
    };
    done.unwrap_or_else(|error| {
        if is_broken_pipe(&*error) {
            return ExitCode::SUCCESS; // whoever read us has seen enough
        }
        eprintln!("xbar: {error}");
        ExitCode::FAILURE
    })
}

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
