//! One round: a second of kills, stops, joins and leaves, then a pause in which everything must add up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use xbar::{audit_in, discover_in, recover_in};

use super::Violation;
use super::cast::Role;
use super::stage::{PATIENCE, REGION, Stage};
use super::verdict;

/// How long a round disturbs.
const DISTURB: Duration = Duration::from_millis(1200);

/// Undisturbed rounds after which whoever has made no progress hangs: on a busy machine one may be too short to begin.
const IDLE: u32 = 3;

/// Players beyond the first cast, at most.
const EXTRAS: usize = 5;

impl Stage {
    /// Stops, kills, ends and starts players.
    pub fn disturb(&mut self) -> Result<(), Violation> {
        let start = Instant::now();
        let mut disturbed = BTreeSet::new();
        // Now and then a round in which most places are left alone, so that their progress can be expected.
        let calm = self.random.below(4) == 0;
        while start.elapsed() < DISTURB {
            for player in &mut self.players {
                if player.stopped.is_some_and(|end| end <= Instant::now()) {
                    player.go_on();
                }
            }
            let pause = 5 + self.random.below(if calm { 400 } else { 50 });
            let until = Instant::now() + Duration::from_millis(pause);
            loop {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                if let Some((place, line)) = self.hear(left)? {
                    return Err(format!("{} said {line:?} unasked", self.players[place]));
                }
            }
            let chosen = self.random.below(self.players.len() as u64) as usize;
            disturbed.insert(self.players[chosen].role.place);
            self.disturb_one(chosen)?;
        }
        for player in &mut self.players {
            player.go_on();
        }
        self.tally.disturbed = disturbed;
        Ok(())
    }

    fn disturb_one(&mut self, chosen: usize) -> Result<(), Violation> {
        let Role { place, .. } = self.players[chosen].role;
        match self.random.below(100) {
            0..40 => {
                let time = Duration::from_millis(1 + self.random.below(150));
                self.players[chosen].stop(time);
                self.tally.of(place).stops += 1;
            }
            40..75 => {
                let mut player = self.players.swap_remove(chosen);
                player.kill();
                self.retire(&player);
                self.tally.of(place).kills += 1;
                self.enter(player.role, player.extra)?;
            }
            75..90 => self.end(chosen, true)?,
            _ => {
                let extras = self.players.iter().filter(|player| player.extra).count();
                let roles: Vec<Role> =
                    self.players.iter().map(|player| player.role).filter(|role| role.receives()).collect();
                if roles.is_empty() {
                    return Ok(());
                }
                let role = roles[self.random.below(roles.len() as u64) as usize];
                match self.players.iter().position(|player| player.extra) {
                    Some(extra) if extras >= EXTRAS => self.end(extra, false)?,
                    _ => self.enter(role, true)?,
                }
            }
        }
        Ok(())
    }

    /// Lets a player leave by itself, and perhaps another come.
    fn end(&mut self, chosen: usize, comes_again: bool) -> Result<(), Violation> {
        // It may wait for any of the others.
        for player in &mut self.players {
            player.go_on();
        }
        let mut player = self.players.swap_remove(chosen);
        player.tell("end");
        self.see_off(&mut player)?;
        self.retire(&player);
        // It sent exactly what it says.
        if let Some(sent) = self.sent.get_mut(&player.id) {
            sent.exact = Some(sent.least);
        }
        self.tally.of(player.role.place).leaves += 1;
        if comes_again { self.enter(player.role, player.extra) } else { Ok(()) }
    }

    /// Pauses everybody, senders first, and checks all counts. With `goes_on`, everybody goes on then.
    pub fn check(&mut self, goes_on: bool) -> Result<(), Violation> {
        let reported = self.players.iter().filter(|player| !player.report.is_empty());
        let before: BTreeMap<u64, u64> = reported.map(|player| (player.id, player.count)).collect();
        self.pause(true)?;
        self.pause(false)?;
        for player in &self.players {
            if let Some(sent) = self.sent.get_mut(&player.id) {
                sent.exact = Some(player.count);
            }
        }
        let disturbed = std::mem::take(&mut self.tally.disturbed);
        for player in &self.players {
            verdict::account_of(player, &self.sent, &self.players)?;
        }
        for player in &mut self.players {
            let stands = before.get(&player.id).is_some_and(|earlier| player.count <= *earlier);
            let counts = !matches!(player.role.part, "listen" | "serve");
            if !stands {
                player.idle = 0;
            } else if counts && !disturbed.contains(player.role.place) {
                player.idle += 1;
            }
            if player.idle >= IDLE {
                return Err(format!("{player}: nothing came or went for {IDLE} rounds, undisturbed"));
            }
        }
        self.check_positions()?;
        self.check_blocks()?;
        self.tally.rounds += 1;
        if goes_on {
            for player in &mut self.players {
                player.tell("go");
            }
        }
        Ok(())
    }

    fn pause(&mut self, beginners: bool) -> Result<(), Violation> {
        let mut missing = BTreeSet::new();
        for player in self.players.iter_mut().filter(|player| player.role.begins() == beginners) {
            player.tell("pause");
            missing.insert(player.id);
        }
        let start = Instant::now();
        while let Some(first) = missing.first() {
            if start.elapsed() > PATIENCE {
                let late = self.players.iter().find(|player| player.id == *first);
                let late = late.map_or_else(String::new, ToString::to_string);
                let account =
                    audit_in(&self.dir, REGION).map_or_else(|e| e.to_string(), |a| format!("{a:?}"));
                return Err(format!("{late} hangs: no pause within {PATIENCE:?}; {account}"));
            }
            let Some((place, line)) = self.hear(Duration::from_millis(100))? else { continue };
            let player = &mut self.players[place];
            let Some(report) = line.strip_prefix("paused ") else { continue };
            player.count = report.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0);
            player.report = report.to_owned();
            missing.remove(&player.id);
        }
        Ok(())
    }

    /// Received + missed = published, for every subscriber of a lossy topic.
    fn check_positions(&self) -> Result<(), Violation> {
        let regions = discover_in(&self.dir, "/**").map_err(|error| error.to_string())?;
        let topics: Vec<_> = regions.iter().filter(|r| r.name == REGION).flat_map(|r| &r.topics).collect();
        for player in self.players.iter().filter(|player| player.role.part == "receive") {
            let Some(topic) = topics.iter().find(|topic| topic.uri == player.role.place) else { continue };
            let next = player.report.split(' ').nth(2).and_then(|next| next.parse().ok()).unwrap_or(u64::MAX);
            let agrees = match player.role.place {
                "/lossy" => next == topic.published,
                // Of many publishers, the topic's count is a hint.
                "/many-lossy" => next >= topic.published,
                _ => true,
            };
            if !agrees && next != u64::MAX {
                let published = topic.published;
                return Err(format!("{player}: received and missed reach {next}, published are {published}"));
            }
        }
        Ok(())
    }

    /// Every block is somewhere, after one recovery.
    fn check_blocks(&mut self) -> Result<(), Violation> {
        if self.options.spoil == "recovery" {
            // Killed with blocks at hand, and nobody comes to its seat.
            if let Some(last) = self.players.iter().rposition(|player| player.role.part == "publish") {
                self.players.swap_remove(last).kill();
            }
        }
        let is_there = |region: &&str| {
            *region == REGION || self.players.iter().any(|player| player.role.place == *region)
        };
        let regions: Vec<_> = [REGION, "desk", "answers"].into_iter().filter(is_there).collect();
        for region in regions {
            let failed = |error: xbar::RegionError| format!("region {region}: {error}");
            let account = if self.options.spoil == "recovery" {
                audit_in(&self.dir, region).map_err(failed)?
            } else {
                recover_in(&self.dir, region).map_err(failed)?.account
            };
            if !account.settled || !account.is_clean() {
                return Err(format!("region {region}: blocks are not where they should be: {account:?}"));
            }
            self.tally.blocks += account.pools.iter().map(|pool| u64::from(pool.blocks)).sum::<u64>();
        }
        Ok(())
    }
}
