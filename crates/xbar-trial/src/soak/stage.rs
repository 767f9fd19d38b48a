//! The stage: the directories, the cast, and the way from the first process to an empty directory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use xbar::{Config, Publisher, Subscriber};

use super::cast::{Line, Player, Role};
use super::random::Random;
use super::verdict::{Sent, Tally};
use super::{Options, Violation};

/// The region of topics.
pub const REGION: &str = "soak";

/// Largest message of a topic.
pub const BLOCK_BYTES: usize = 1024;

/// How long all players together may take for anything; only a failing soak waits that long.
pub const PATIENCE: Duration = Duration::from_secs(30);

const fn role(part: &'static str, place: &'static str) -> Role {
    Role { part, place }
}

/// Who is always there.
const CAST: [Role; 30] = [
    role("publish", "/lossy"),
    role("publish", "/lossless"),
    role("publish", "/many-lossy"),
    role("publish", "/many-lossy"),
    role("publish", "/many-lossless"),
    role("publish", "/many-lossless"),
    role("publish", "/many-lossless"),
    role("publish", "/pinned"),
    role("bus-publish", "lossy"),
    role("bus-publish", "bounded"),
    role("bytes-publish", "bytes"),
    role("listen", "desk"),
    role("serve", "answers"),
    role("receive", "/lossy"),
    role("receive", "/lossy"),
    role("receive", "/lossless"),
    role("receive", "/lossless"),
    role("receive", "/many-lossy"),
    role("receive", "/many-lossy"),
    role("receive", "/many-lossless"),
    role("receive", "/many-lossless"),
    role("receive", "/pinned"),
    role("receive", "/pinned"),
    role("bus-receive", "lossy"),
    role("bus-receive", "bounded"),
    role("bytes-receive", "bytes"),
    role("bytes-receive", "bytes"),
    role("connect", "desk"),
    role("connect", "desk"),
    role("ask", "answers"),
];

/// Everything that the soak has.
#[derive(Debug)]
pub struct Stage {
    pub options: Options,
    pub dir: PathBuf,
    pub work: PathBuf,
    /// Keeps the region of topics there, whoever else is killed.
    anchor: Option<Publisher>,
    pub players: Vec<Player>,
    lines: Receiver<Line>,
    sender: Sender<Line>,
    pub random: Random,
    next: u64,
    /// What every sender that there was has sent.
    pub sent: BTreeMap<u64, Sent>,
    pub tally: Tally,
}

impl Stage {
    /// Makes the directories and the region, and starts the cast.
    pub fn build(options: Options) -> Result<Self, Violation> {
        let shm = Path::new("/dev/shm");
        let parent = if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() };
        let root = parent.join(format!("xbar-soak-{}", std::process::id()));
        let (dir, work) = (root.join("regions"), root.join("work"));
        for directory in [&dir, &work] {
            fs::create_dir_all(directory)
                .map_err(|error| format!("cannot make {}: {error}", directory.display()))?;
        }
        let config = Config::new().topics(8).block_bytes(BLOCK_BYTES as u32).publishers(12).subscribers(24);
        let anchor =
            Publisher::create(REGION, &config.loans(6).samples(10).dir(&dir)).map_err(|e| e.to_string())?;
        let (sender, lines) = channel();
        let random = Random::new(options.seed);
        let mut stage = Self {
            options,
            dir,
            work,
            anchor: Some(anchor),
            players: Vec::new(),
            lines,
            sender,
            random,
            next: 1,
            sent: BTreeMap::new(),
            tally: Tally::default(),
        };
        for role in CAST.iter().chain([&role("ask", "answers")]) {
            if role.place.contains(&stage.options.only) {
                stage.enter(*role, false)?;
            }
        }
        if stage.players.is_empty() { Err("nobody is at such a place".to_owned()) } else { Ok(stage) }
    }

    /// One more player.
    pub fn enter(&mut self, role: Role, extra: bool) -> Result<(), Violation> {
        let (id, seed) = (self.next, self.random.next());
        self.next += 1;
        // One part at a time is spoiled.
        let spoil = if role == CAST[0] || role == CAST[1] { self.options.spoil.as_str() } else { "" };
        let places = (self.dir.as_path(), self.work.as_path());
        let mut player = Player::start(role, id, places, (seed, spoil), self.sender.clone())?;
        player.extra = extra;
        if role.sends() {
            self.sent.insert(id, Sent { place: role.place, came: id, exact: None, least: 0 });
        }
        self.tally.of(role.place).joins += 1;
        self.players.push(player);
        Ok(())
    }

    /// Round after round until the time is over; then everybody leaves, and nothing is left.
    pub fn perform(mut self) -> Result<Tally, Violation> {
        let start = Instant::now();
        loop {
            self.await_ready()?;
            let is_last = start.elapsed() >= self.options.time;
            if !is_last {
                self.disturb()?;
                self.await_ready()?;
            }
            self.check(!is_last)?;
            if is_last {
                break;
            }
        }
        self.leave()
    }

    fn leave(mut self) -> Result<Tally, Violation> {
        for player in &mut self.players {
            player.tell("end");
        }
        let mut players = std::mem::take(&mut self.players);
        for player in &mut players {
            self.see_off(player)?;
        }
        for player in &players {
            self.retire(player);
        }
        self.anchor = None;
        self.expect_nothing()?;
        self.begin_again().map_err(|error| format!("nothing can be created any more: {error}"))?;
        self.expect_nothing()?;
        Ok(std::mem::take(&mut self.tally))
    }

    /// Waits for the end of a player that is no longer among the others, and was told to leave.
    pub fn see_off(&mut self, player: &mut Player) -> Result<(), Violation> {
        let ended = player.wait(PATIENCE);
        if ended.is_err() {
            // It has said why.
            for _ in 0..64 {
                self.hear(Duration::from_millis(20))?;
            }
        }
        ended
    }

    fn expect_nothing(&self) -> Result<(), Violation> {
        let left = fs::read_dir(&self.dir).map_err(|error| error.to_string())?;
        let left: Vec<_> = left.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("everybody left, and there is still {left:?}")) }
    }

    /// Create, join, send, receive, leave.
    fn begin_again(&self) -> Result<(), Box<dyn std::error::Error>> {
        let publisher = Publisher::create(REGION, &Config::new().topics(1).dir(&self.dir))?;
        let topic = publisher.register("/again")?;
        let stream = Subscriber::connect_in(&self.dir, REGION)?.subscribe("/again")?;
        publisher.send(&topic, &[7; 100])?;
        if *stream.recv_timeout(PATIENCE)? == [7; 100] { Ok(()) } else { Err("another message came".into()) }
    }

    /// Enters what a player that is gone has done into the account.
    pub fn retire(&mut self, player: &Player) {
        let progress = player.progress(&self.work);
        if let Some(sent) = self.sent.get_mut(&player.id) {
            (sent.exact, sent.least) = (None, progress);
        }
        let missed = player.report.split(' ').nth(1).and_then(|missed| missed.parse().ok()).unwrap_or(0);
        let line = self.tally.of(player.role.place);
        match player.role {
            role if role.sends() => line.sent += progress,
            role if role.receives() => {
                (line.received, line.missed) = (line.received + player.count, line.missed + missed)
            }
            _ => line.sent += player.count,
        }
    }

    /// Waits for the next line of anybody, and enters it. `None`: nobody said anything for so long.
    pub fn hear(&mut self, patience: Duration) -> Result<Option<(usize, String)>, Violation> {
        let (id, line) = match self.lines.recv_timeout(patience) {
            Ok(said) => said,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(None),
        };
        let violation = |who: &str| {
            let violation = line.as_deref()?.strip_prefix("violation ")?;
            Some(format!("{who}: {violation}"))
        };
        // Whoever was killed or has left may still be heard.
        let Some(place) = self.players.iter().position(|player| player.id == id) else {
            return violation(&format!("process {id}, gone by now")).map_or(Ok(None), Err);
        };
        let player = &mut self.players[place];
        match line.as_deref() {
            Some("ready") => (player.ready, player.since) = (true, self.next),
            Some(line) => {
                let violation = violation(&player.to_string());
                return violation.map_or_else(|| Ok(Some((place, line.to_owned()))), Err);
            }
            None => {
                player.wait(PATIENCE)?;
                return Err(format!("{player} left unasked"));
            }
        }
        Ok(None)
    }

    fn await_ready(&mut self) -> Result<(), Violation> {
        let start = Instant::now();
        while let Some(player) = self.players.iter().find(|player| !player.ready) {
            if start.elapsed() > PATIENCE {
                return Err(format!("{player} did not join within {PATIENCE:?}"));
            }
            self.hear(Duration::from_millis(100))?;
        }
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.players.clear();
        self.anchor = None;
        if let Some(root) = self.dir.parent() {
            let _ = fs::remove_dir_all(root);
        }
    }
}
