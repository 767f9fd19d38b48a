//! A player: one process of the soak, killed and reaped when dropped.

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::Violation;

/// What a process plays, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// The part's name.
    pub part: &'static str,
    /// The topic, bus or region.
    pub place: &'static str,
}

impl Role {
    /// True for those that begin everything, and so are paused first.
    pub fn begins(self) -> bool {
        matches!(self.part, "publish" | "bus-publish" | "bytes-publish" | "connect" | "ask")
    }

    /// True for those whose reports name senders.
    pub fn receives(self) -> bool {
        matches!(self.part, "receive" | "bus-receive" | "bytes-receive")
    }

    /// True for those whose progress is counted in messages that must arrive.
    pub fn sends(self) -> bool {
        matches!(self.part, "publish" | "bus-publish" | "bytes-publish")
    }
}

/// One process.
#[derive(Debug)]
pub struct Player {
    pub role: Role,
    pub id: u64,
    child: Child,
    orders: ChildStdin,
    /// Said that it takes part.
    pub ready: bool,
    /// When it is to go on, if it is stopped.
    pub stopped: Option<Instant>,
    /// The first player who came after it had joined.
    pub since: u64,
    /// What it reported last: messages sent, received or answered, and the rest of the line.
    pub count: u64,
    pub report: String,
    /// Undisturbed rounds in which nothing came or went, since something did.
    pub idle: u32,
    /// Beyond the first cast: comes and leaves.
    pub extra: bool,
}

impl fmt::Display for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of {} (process {})", self.role.part, self.id, self.role.place, self.child.id())
    }
}

/// What a player says, or that it has ended.
pub type Line = (u64, Option<String>);

impl Player {
    /// Starts a process; what it says goes to `lines`.
    pub fn start(
        role: Role,
        id: u64,
        (dir, work): (&Path, &Path),
        (seed, spoil): (u64, &str),
        lines: Sender<Line>,
    ) -> Result<Self, Violation> {
        let failed = |error: std::io::Error| format!("cannot start {} of {}: {error}", role.part, role.place);
        let program = std::env::current_exe().map_err(failed)?;
        let mut child = Command::new(program)
            .args(["soak", "part", role.part])
            .arg(dir)
            .args([role.place, &id.to_string(), &seed.to_string(), spoil])
            .arg(progress_file(work, id))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (Some(orders), Some(out)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("a process without pipes".to_owned());
        };
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if lines.send((id, Some(line))).is_err() {
                    return;
                }
            }
            let _ = lines.send((id, None)); // the stage may have ended
        });
        Ok(Self {
            role,
            id,
            child,
            orders,
            ready: false,
            stopped: None,
            since: u64::MAX,
            count: 0,
            report: String::new(),
            idle: 0,
            extra: false,
        })
    }

    /// Tells it something. One that was killed does not listen.
    pub fn tell(&mut self, order: &str) {
        let _ = writeln!(self.orders, "{order}");
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal); // not reaped yet, so the number is its own
        }
    }

    /// Stops it for a while: slow is not dead.
    pub fn stop(&mut self, time: Duration) {
        self.signal(Signal::STOP);
        self.stopped = Some(Instant::now() + time);
    }

    /// Lets it go on.
    pub fn go_on(&mut self) {
        if self.stopped.take().is_some() {
            self.signal(Signal::CONT);
        }
    }

    /// kill -9.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for its end, which must be a good one.
    pub fn wait(&mut self, patience: Duration) -> Result<(), Violation> {
        let start = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(format!("{self} ended with {status}")),
                Ok(None) if start.elapsed() > patience => {
                    return Err(format!("{self} did not leave within {patience:?}"));
                }
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
                Err(error) => return Err(format!("{self}: {error}")),
            }
        }
    }

    /// Messages that it sent by calls that returned, whatever became of it.
    pub fn progress(&self, work: &Path) -> u64 {
        let bytes = std::fs::read(progress_file(work, self.id)).unwrap_or_default();
        bytes.get(..8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
    }
}

fn progress_file(work: &Path, id: u64) -> std::path::PathBuf {
    work.join(format!("progress.{id}"))
}

impl Drop for Player {
    fn drop(&mut self) {
        self.kill();
    }
}
