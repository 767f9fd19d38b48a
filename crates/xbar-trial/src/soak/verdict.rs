//! What must be true of every receiver's report, and the figures of it all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Violation;
use super::cast::Player;

/// What a sender has sent.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    pub place: &'static str,
    /// When it came, counted in players.
    pub came: u64,
    /// Exactly so many, where it could say so itself.
    pub exact: Option<u64>,
    /// Else, of one that was killed: so many calls returned, and one more may have been under way.
    pub least: u64,
}

/// Holds a receiver's report against what was sent.
pub fn account_of(player: &Player, sent: &BTreeMap<u64, Sent>, players: &[Player]) -> Result<(), Violation> {
    if !player.role.receives() {
        return Ok(());
    }
    let place = player.role.place;
    let lossless = place.ends_with("lossless") || place == "bounded";
    let of_many = place.starts_with("/many");
    let mut senders = BTreeMap::new();
    for sender in player.report.split(' ').skip(3) {
        let numbers: Vec<u64> = sender.split(':').filter_map(|number| number.parse().ok()).collect();
        let [id, first, last] = numbers[..] else { return Err(format!("{player}: no report: {sender:?}")) };
        senders.insert(id, (first, last));
    }
    for (id, (first, last)) in &senders {
        let Some(sent) = sent.get(id).filter(|sent| sent.place == place) else {
            return Err(format!("{player}: a message of process {id}, who never sent there"));
        };
        let (least, most) = sent.exact.map_or((sent.least, sent.least + 1), |exact| (exact, exact));
        let got = last + 1;
        let is_alive = players.iter().any(|player| player.id == *id);
        // All of it, where nothing may be lost; the newest, where one publisher is at work.
        let whole = lossless || (is_alive && !of_many);
        if got > most || (whole && got < least) {
            return Err(format!(
                "{player}: {got} messages of process {id} came, {least} to {most} were sent"
            ));
        }
        // A stream outlives the publishers that come later; a bus's reader may have connected anew.
        if lossless && place != "bounded" && player.since <= sent.came && *first != 0 {
            return Err(format!("{player}: {first} messages of process {id}, who came later, are missing"));
        }
    }
    if lossless && place != "bounded" {
        for (id, sent) in sent {
            let later = sent.place == place && sent.came >= player.since;
            if later && sent.exact.unwrap_or(sent.least) > 0 && !senders.contains_key(id) {
                return Err(format!("{player}: nothing of process {id} came, {} were sent", sent.least));
            }
        }
    }
    Ok(())
}

/// The figures of one place.
#[derive(Debug, Default)]
pub struct Line {
    pub sent: u64,
    pub received: u64,
    pub missed: u64,
    pub kills: u64,
    pub stops: u64,
    pub joins: u64,
    pub leaves: u64,
}

/// The figures of all.
#[derive(Debug, Default)]
pub struct Tally {
    lines: BTreeMap<&'static str, Line>,
    pub rounds: u64,
    /// Blocks accounted for, over all rounds.
    pub blocks: u64,
    /// Places where somebody was stopped, killed or ended in this round.
    pub disturbed: BTreeSet<&'static str>,
}

impl Tally {
    /// The line of `place`.
    pub fn of(&mut self, place: &'static str) -> &mut Line {
        self.lines.entry(place).or_default()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, place: &str, line: &Line| {
            let Line { sent, received, missed, kills, stops, joins, leaves } = line;
            writeln!(
                f,
                "{place:15} {sent:>10} {received:>10} {missed:>10} {kills:>6} {stops:>6} {joins:>6} {leaves:>6}"
            )
        };
        writeln!(
            f,
            "{:15} {:>10} {:>10} {:>10} {:>6} {:>6} {:>6} {:>6}",
            "", "sent", "received", "missed", "kills", "stops", "joins", "leaves"
        )?;
        let mut all = Line::default();
        for (place, line) in &self.lines {
            row(f, place, line)?;
            all.sent += line.sent;
            all.received += line.received;
            all.missed += line.missed;
            all.kills += line.kills;
            all.stops += line.stops;
            all.joins += line.joins;
            all.leaves += line.leaves;
        }
        row(f, "all", &all)?;
        write!(f, "{} rounds, {} blocks accounted for", self.rounds, self.blocks)
    }
}
