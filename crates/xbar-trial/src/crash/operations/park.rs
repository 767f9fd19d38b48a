//! Victims that sleep until they are woken, and victims that wake.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use xbar::{Park, RecvError, Stream, Subscriber, TopicConfig};

use super::super::census;
use super::super::ear::{PATIENCE, STEP_BY_STEP, expect};
use super::super::fault::{Checked, During, ensure};
use super::super::region::{NAME, Region, URI};
use super::super::victim::mark;
use super::super::words::{SMALL, Words};
use super::topics::{ACT, Act, Role, WITHIN, lossless, pinned};
use super::{Operation, Scene};

pub fn operations() -> Vec<Operation> {
    let parked = Act { play: park, spoken: &[SMALL], rouses: &[SMALL], ..ACT };
    vec![
        parked.operation("park and be woken"),
        Act { topic: lossless, ..parked }.operation("park and be woken, lossless"),
        Act { topic: pinned, ..parked }.operation("park and be woken, pinned"),
        Operation { name: "wake a parked reader", scene: Box::new(|dir| Ok(Box::new(Waking::new(dir)?))) },
    ]
}

fn park(role: &Role) {
    let subscriber = role.subscriber();
    let stream = subscriber.subscribe(URI).unwrap();
    mark();
    // The first is there already.
    for _ in 0..2 {
        drop(stream.recv_with_timeout(Park, STEP_BY_STEP));
    }
    mark();
}

/// A reader in a process of its own, asleep on the topic whenever it has nothing to receive; killed and reaped when dropped.
struct Sleeper {
    process: Child,
    /// Open as long as the sleeper is wanted.
    _input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Sleeper {
    fn start(dir: &Path) -> Checked<Self> {
        let program = std::env::current_exe().during("finding the program")?;
        let mut command = Command::new(program);
        command.args(["crash", "sleeper"]).arg(dir).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().during("starting a sleeper")?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let (Some(input), Some(output)) = (input, output) else {
            return Err("a sleeper without pipes".into());
        };
        let mut sleeper = Self { process, _input: input, output: BufReader::new(output) };
        sleeper.hear("ready")?;
        Ok(sleeper)
    }

    /// Waits until the sleeper has said `what`; nothing else may be wrong. It gives up by itself.
    fn hear(&mut self, what: &str) -> Checked {
        let mut line = String::new();
        loop {
            line.clear();
            let bytes = self.output.read_line(&mut line).during("hearing a sleeper")?;
            let said = line.trim_end();
            if said == what {
                return Ok(());
            }
            ensure(bytes > 0 && !said.starts_with("wrong"), || {
                format!("waiting for {what:?}, a sleeper said {said:?}")
            })?;
        }
    }

    /// Waits until it sleeps in the kernel.
    fn is_asleep(&self) -> Checked {
        let start = Instant::now();
        let path = format!("/proc/{}/stat", self.process.id());
        loop {
            let stat = std::fs::read_to_string(&path).during("looking at a sleeper")?;
            if stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('S')) {
                return Ok(());
            }
            ensure(start.elapsed() < PATIENCE, || "the sleeper does not sleep".to_owned())?;
            std::thread::yield_now();
        }
    }
}

/// Longest silence of the topic that a sleeper bears.
const SILENCE: Duration = Duration::from_secs(60);

/// The process of a sleeper: receives the topic of the region in `dir`, and says what it hears.
pub fn sleeper(dir: &str) -> ExitCode {
    std::thread::spawn(|| {
        // Nobody wants it any more when its input ends.
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let stream = Subscriber::connect_in(dir, NAME).and_then(|subscriber| subscriber.subscribe(URI));
    match stream {
        Ok(stream) => listen(&stream),
        Err(error) => say(&format!("wrong: {error}")),
    }
    ExitCode::SUCCESS
}

fn say(what: &str) {
    let mut out = std::io::stdout();
    if writeln!(out, "{what}").and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}

fn listen(stream: &Stream) {
    say("ready");
    let mut start = Instant::now();
    while start.elapsed() < SILENCE {
        match stream.recv_with_timeout(Park, Duration::from_secs(1)) {
            Ok(sample) => {
                start = Instant::now();
                match Words::read(&sample) {
                    Ok(words) => say(&words.to_string()),
                    Err(torn) => say(&format!("wrong: {torn}")),
                }
            }
            Err(RecvError::Disconnected) => {
                stream.wait_connected(Duration::from_secs(1));
            }
            Err(RecvError::Timeout) => {}
            Err(error) => say(&format!("wrong: {error}")),
        }
    }
    say("wrong: nobody spoke for a long time");
}

/// A region whose victims wake a reader.
struct Waking {
    region: Region,
    sleeper: Sleeper,
}

impl Waking {
    fn new(dir: &Path) -> Checked<Self> {
        let region = Region::new(dir, TopicConfig::new())?;
        Ok(Self { region, sleeper: Sleeper::start(dir)? })
    }
}

impl Scene for Waking {
    fn play(&self, round: u64) {
        let role = Role { dir: self.region.dir.clone(), round, topic: self.region.topic };
        let publisher = role.publisher();
        let topic = role.topic(&publisher);
        role.send(&publisher, &topic, 0, SMALL);
        let bytes = role.words(WITHIN).bytes(SMALL);
        mark();
        let sent = publisher.send(&topic, &bytes);
        mark();
        sent.unwrap();
    }

    fn begun(&mut self, round: u64) -> Checked {
        let words = Words { source: round, number: 0 };
        expect(&self.region.ear.hear_until(words, 0)?, &[], &[words])?;
        self.sleeper.hear(&words.to_string())?;
        self.sleeper.is_asleep()
    }

    fn check(&mut self, round: u64) -> Checked {
        // A message that is there is heard, although nobody comes to wake who sleeps.
        for words in self.region.ear.hear_all()? {
            expect(&[words], &[], &[Words { source: round, number: WITHIN }])?;
            let start = Instant::now();
            self.sleeper.hear(&words.to_string())?;
            ensure(start.elapsed() < PATIENCE, || format!("woken after {:?}", start.elapsed()))?;
        }
        let mut speaker = self.region.speaker()?;
        for _ in 0..6 {
            let words = speaker.say(SMALL)?;
            expect(&self.region.ear.hear_until(words, 0)?, &[], &[words])?;
            self.sleeper.hear(&words.to_string())?;
        }
        drop(speaker);
        self.region.keeper.recover().during("recovering")?;
        census::check(&self.region.dir, NAME, 0)
    }

    fn finish(self: Box<Self>) -> Checked {
        let Self { region, sleeper } = *self;
        drop(sleeper);
        region.finish()
    }
}
