//! `xbar demo`: two processes exchange real data; this one starts them, waits, and tells what happened.

mod feed;
mod publisher;
mod report;
mod subscriber;

use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use xbar::{Config, Publisher};

pub use publisher::{PublisherArguments, publish};
pub use subscriber::{SubscriberArguments, subscribe};

use crate::echo::seconds;
use crate::signals::Stop;
use crate::{Dir, Result};

/// How long, and how to tell.
#[derive(clap::Args)]
pub struct Arguments {
    /// Seconds for which messages are published
    #[arg(long, default_value = "5", value_parser = seconds)]
    seconds: Duration,
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// What the children say on lines of their own.
const READY: &str = "ready";
/// What the publisher is told when the subscriber is ready.
const GO: &str = "go";

/// How long the children may take beside the seconds of publishing.
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts a publisher and a subscriber, and reports what they count.
pub fn run(dir: Dir<'_>, arguments: &Arguments) -> Result {
    let region = format!("xbar-demo-{}", std::process::id());
    let done = exchange(dir, &region, arguments);
    if done.is_err() {
        remove_leftover(dir, &region);
    }
    done
}

/// A publisher that was killed could not remove its region. Taking the dead name over and leaving it does.
fn remove_leftover(dir: Dir<'_>, region: &str) {
    let config = Config::new().topics(1).depth(1).block_bytes(1);
    let config = match dir {
        Some(dir) => config.dir(dir),
        None => config,
    };
    drop(Publisher::create(region, &config)); // the failure behind this is what the user is told
}

fn exchange(dir: Dir<'_>, region: &str, arguments: &Arguments) -> Result {
    let stop = Stop::on_signals()?;
    let mut publisher = Part::start(dir, "demo-publisher", region, arguments.seconds)?;
    publisher.expect_ready(PATIENCE)?;
    let mut subscriber = Part::start(dir, "demo-subscriber", region, arguments.seconds)?;
    subscriber.expect_ready(PATIENCE)?;
    if !arguments.json {
        println!(
            "processes {} and {} exchange ticks and temperatures through region {region}",
            publisher.child.id(),
            subscriber.child.id()
        );
    }
    publisher.say(GO)?;

    let bar = progress(arguments);
    let start = Instant::now();
    let sent = loop {
        match publisher.line(Duration::from_millis(50)) {
            Line::Said(line) => break line,
            Line::Nothing if start.elapsed() > arguments.seconds + PATIENCE => {
                return Err("the publisher process does not come to an end".into());
            }
            Line::Nothing => {}
            Line::Ended => return Err(publisher.failed()),
        }
        if subscriber.child.try_wait()?.is_some_and(|status| !status.success()) {
            return Err(subscriber.failed());
        }
        bar.set_position(start.elapsed().as_millis() as u64);
        if stop.wanted() {
            publisher.input = None; // its end of the pipe closes: it stops, and says what it sent
        }
    };
    bar.finish_and_clear();
    let received = match subscriber.line(PATIENCE) {
        Line::Said(line) => line,
        Line::Nothing => return Err("the subscriber process does not come to an end".into()),
        Line::Ended => return Err(subscriber.failed()),
    };
    publisher.finish()?;
    subscriber.finish()?;

    let report = report::Report::new(&sent, &received)?;
    if arguments.json {
        println!("{}", report.json());
    } else {
        print!("{report}");
    }
    Ok(if report.adds_up() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn progress(arguments: &Arguments) -> ProgressBar {
    if arguments.json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(arguments.seconds.as_millis() as u64);
    let style = ProgressStyle::with_template("publishing {bar:40.cyan/blue} {percent:>3}%");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// A process of the demo; killed and reaped with the value.
struct Part {
    name: &'static str,
    child: Child,
    input: Option<ChildStdin>,
    lines: std::sync::mpsc::Receiver<String>,
}

enum Line {
    Said(String),
    Nothing,
    Ended,
}

impl Part {
    fn start(dir: Dir<'_>, name: &'static str, region: &str, length: Duration) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        if let Some(dir) = dir {
            command.arg("--dir").arg(dir);
        }
        let mut child = command
            .args([name, region, "--seconds", &length.as_secs_f64().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take();
        let (sender, lines) = channel();
        let read = move |output: ChildStdout| {
            for line in BufReader::new(output).lines().map_while(std::result::Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        };
        if let Some(output) = output {
            std::thread::spawn(move || read(output));
        }
        Ok(Self { name, child, input, lines })
    }

    fn line(&self, timeout: Duration) -> Line {
        match self.lines.recv_timeout(timeout) {
            Ok(line) => Line::Said(line),
            Err(RecvTimeoutError::Timeout) => Line::Nothing,
            Err(RecvTimeoutError::Disconnected) => Line::Ended,
        }
    }

    fn expect_ready(&mut self, timeout: Duration) -> Result<()> {
        match self.line(timeout) {
            Line::Said(line) if line == READY => Ok(()),
            Line::Nothing => Err(format!("the {} process does not start", self.name).into()),
            Line::Said(_) | Line::Ended => Err(self.failed()),
        }
    }

    fn say(&mut self, word: &str) -> Result<()> {
        // A pipe that nobody reads means a dead child here, not a user who has seen enough.
        let said = self.input.as_mut().is_none_or(|input| writeln!(input, "{word}").is_ok());
        if said { Ok(()) } else { Err(self.failed()) }
    }

    /// What to tell of a child that ended too early; it has told its own error already.
    fn failed(&mut self) -> Box<dyn std::error::Error> {
        let status = self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        format!("the {} process failed: {status}", self.name).into()
    }

    fn finish(mut self) -> Result<()> {
        self.input = None;
        let status = self.child.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("the {} process failed: {status}", self.name).into())
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It ended already, or is to end now; either way there is nobody left behind.
        self.input = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Raises the flag when the parent closes the pipe, or is gone.
fn stop_with_parent(stop: &Stop) {
    let stop = stop.clone();
    std::thread::spawn(move || {
        let mut line = String::new();
        while std::io::stdin().lock().read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
            line.clear();
        }
        stop.want();
    });
}
