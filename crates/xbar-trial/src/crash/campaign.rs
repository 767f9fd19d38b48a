//! The campaign: every operation in a worker process of its own, watched, and begun again behind a place where it hung.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use xbar::affinity::{available_cores, pin_to_core};

use super::fault::{Checked, During};
use super::operations;
use super::report::{Outcome, Wrong, report};
use super::worker::Line;

/// Longest silence of a worker: more than all the patience of one check.
const SILENCE: Duration = Duration::from_secs(90);

/// What a quick campaign takes, on cores that have little else to do: its operations share the time.
const QUICK: Duration = Duration::from_secs(40);

/// Things that are wrong with one operation before it is left alone.
const ENOUGH: usize = 25;

/// Workers that hang or fall before it is: each takes long.
const ENOUGH_WORKERS: usize = 3;

/// What to run.
#[derive(Debug, Default)]
pub struct Options {
    quick: bool,
    list: bool,
    only: Option<String>,
}

impl Options {
    /// Reads the command line; `None` when it makes no sense.
    pub fn parse(flags: &[&str]) -> Option<Self> {
        let mut options = Self::default();
        let mut flags = flags.iter();
        while let Some(flag) = flags.next() {
            match *flag {
                "--quick" => options.quick = true,
                "--list" => options.list = true,
                "--only" => options.only = Some((*flags.next()?).to_owned()),
                _ => return None,
            }
        }
        Some(options)
    }
}

/// Runs it. Fails when anything is wrong, and when nothing was killed.
pub fn run(options: &Options) -> ExitCode {
    let chosen = |name: &str| options.only.as_ref().is_none_or(|word| name.contains(word.as_str()));
    let names: Vec<&str> =
        operations::all().iter().map(|operation| operation.name).filter(|name| chosen(name)).collect();
    if options.list {
        names.iter().for_each(|name| println!("{name}"));
        return ExitCode::SUCCESS;
    }
    let start = Instant::now();
    let end = options.quick.then(|| start + QUICK);
    let outcomes = match work(&names, end) {
        Ok(outcomes) => outcomes,
        Err(error) => {
            eprintln!("crash: {error}");
            return ExitCode::FAILURE;
        }
    };
    match report(&outcomes, start.elapsed(), options.quick) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("crash: {error}");
            ExitCode::FAILURE
        }
    }
}

/// All operations, one per core at a time. With an `end`, each has its share of what time is left when it begins, so that what
/// one does not need is there for the others.
fn work(names: &[&'static str], end: Option<Instant>) -> Checked<Vec<Outcome>> {
    let shm = Path::new("/dev/shm");
    let parent = if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() };
    let dir = parent.join(format!("xbar-crash-{}", std::process::id()));
    let queue: Mutex<VecDeque<_>> = Mutex::new(names.iter().copied().enumerate().collect());
    let outcomes = Mutex::new(Vec::new());
    let cores = available_cores();
    let lanes = cores.len().min(names.len());
    thread::scope(|scope| {
        for &core in &cores[..lanes] {
            let (queue, outcomes, dir) = (&queue, &outcomes, &dir);
            scope.spawn(move || {
                // A victim and who steps it take turns: on one core, half as long. Where that is forbidden, anywhere.
                let _ = pin_to_core(core);
                loop {
                    let Some(((number, name), left)) = next(queue) else { return };
                    let share = end.map(|end| {
                        end.saturating_duration_since(Instant::now()).mul_f64(lanes as f64 / left as f64)
                    });
                    let outcome = Operation { name, dir: dir.join(number.to_string()), share }.run();
                    eprintln!("{outcome}");
                    if let Ok(mut outcomes) = outcomes.lock() {
                        outcomes.push((number, outcome));
                    }
                }
            });
        }
    });
    let _ = std::fs::remove_dir_all(&dir);
    let mut outcomes = outcomes.into_inner().during("the campaign's threads")?;
    outcomes.sort_by_key(|(number, _)| *number);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

/// The next in the queue, and how many there were with it.
fn next<T>(queue: &Mutex<VecDeque<T>>) -> Option<(T, usize)> {
    let mut queue = queue.lock().ok()?;
    let left = queue.len();
    queue.pop_front().map(|next| (next, left))
}

/// One operation, as the campaign sees it.
struct Operation {
    name: &'static str,
    dir: PathBuf,
    /// How long it may take, if not as long as it likes.
    share: Option<Duration>,
}

/// A worker process, killed and reaped when dropped.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Operation {
    fn run(&self) -> Outcome {
        let mut outcome = Outcome::new(self.name);
        let start = Instant::now();
        let mut from = 1;
        for attempt in 0..ENOUGH_WORKERS {
            let dir = self.dir.join(attempt.to_string());
            match self.attempt(&dir, from, &mut outcome) {
                Ok(None) => break,
                Ok(Some(k)) if outcome.wrong.len() < ENOUGH => from = k + 1,
                Ok(Some(_)) => break,
                Err(error) => {
                    outcome.wrong.push(Wrong { k: 0, place: String::new(), what: error });
                    break;
                }
            }
            let _ = std::fs::remove_dir_all(&dir);
        }
        outcome.elapsed = start.elapsed();
        outcome
    }

    /// One worker, as far as it comes: where it hung or fell, or `None` when it has done everything.
    fn attempt(&self, dir: &Path, from: usize, outcome: &mut Outcome) -> Checked<Option<usize>> {
        let program = std::env::current_exe().during("finding the program")?;
        let mut command = Command::new(&program);
        command.args(["crash", "worker", self.name]).arg(dir).arg(from.to_string());
        if let Some(share) = self.share {
            command.arg(share.as_millis().to_string());
        }
        let worker = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut worker = Worker(worker.during("starting a worker")?);
        let output = worker.0.stdout.take().ok_or("a worker without output")?;
        let (said, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if said.send(line).is_err() {
                    return;
                }
            }
        });
        let mut at = from;
        loop {
            let line = match lines.recv_timeout(SILENCE) {
                Ok(line) => line,
                Err(error) => {
                    let what = match error {
                        mpsc::RecvTimeoutError::Timeout => format!("hung: nothing happened for {SILENCE:?}"),
                        mpsc::RecvTimeoutError::Disconnected => "the survivors' process ended".to_owned(),
                    };
                    outcome.wrong.push(Wrong { k: at, place: String::new(), what });
                    return Ok(Some(at));
                }
            };
            let (line, number, rest) = Line::hear(&line).ok_or_else(|| format!("a worker said {line:?}"))?;
            if let Line::Killed | Line::Elsewhere = line {
                let took = Duration::from_millis(rest.parse().unwrap_or(0));
                outcome.slowest = outcome.slowest.max(took);
            }
            match line {
                Line::Walked => {
                    outcome.instructions = number;
                    outcome.places = rest.parse().unwrap_or(0);
                }
                Line::At => at = number.max(from),
                Line::Killed => outcome.kills += 1,
                Line::Elsewhere => outcome.elsewhere += 1,
                Line::Wrong => {
                    outcome.kills += 1;
                    let (address, what) = rest.split_once(' ').unwrap_or(("", rest));
                    let (place, what) = (symbol(&program, address), what.to_owned());
                    outcome.wrong.push(Wrong { k: number, place, what });
                    if outcome.wrong.len() >= ENOUGH {
                        return Ok(Some(number));
                    }
                }
                Line::Stuck => return Err(rest.to_owned()),
                Line::Done => return Ok(None),
            }
        }
    }
}

/// Function and line of an address, if there is a tool that knows.
fn symbol(program: &Path, address: &str) -> String {
    let output = Command::new("addr2line").args(["-Cfsie"]).arg(program).arg(address).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().take(4).collect();
    lines.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_that_make_no_sense_are_refused() {
        assert!(Options::parse(&["--quick", "--only", "park"]).is_some_and(|o| o.quick && o.only.is_some()));
        assert!(Options::parse(&["--only"]).is_none());
        assert!(Options::parse(&["--fast"]).is_none());
    }
}
