//! Each region: who is dead, what they left, whether anything is damaged.

use std::time::Duration;

use xbar_discovery::{RegionView, ViewError};
use xbar_shm::{BaseDir, RegionName, SeatKind, Segment, SharedWith, ShmError, effective_user};
use xbar_topic::{self as topic, HolderAccount, RegionAccount};

use super::{Finding, Treatment, Verdict, bytes, count};

/// How long a region's lock, which others hold for microseconds, is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Looks at every region in `base`.
pub(super) fn examine(base: &BaseDir, treatment: Treatment, findings: &mut Vec<Finding>) {
    // A directory that cannot be read was told already.
    for name in base.list().unwrap_or_default() {
        Patient { base, name: &name, treatment }.examine(findings);
    }
}

struct Patient<'p> {
    base: &'p BaseDir,
    name: &'p RegionName,
    treatment: Treatment,
}

impl Patient<'_> {
    fn finding(&self, verdict: Verdict, what: impl Into<String>) -> Finding {
        Finding::new(verdict, format!("region {}", self.name), what)
    }

    fn examine(&self, findings: &mut Vec<Finding>) {
        let segment = match Segment::open(self.base, self.name) {
            Ok(segment) => segment,
            Err(ShmError::NotFound { .. }) => return,
            Err(error) => return findings.push(self.finding(Verdict::Wrong, error.to_string())),
        };
        self.files(&segment, findings);
        match segment.lock(PATIENCE) {
            Ok(lock) => drop(lock),
            Err(ShmError::Gone { .. }) => return,
            Err(error) => return findings.push(self.finding(Verdict::Wrong, error.to_string())),
        }
        match RegionView::open(self.base, self.name) {
            Ok(view) if view.publishers() == 0 => findings.push(self.stale(&segment, &view)),
            Ok(view) => self.living(&view, findings),
            Err(ViewError::Shm(ShmError::NotFound { .. } | ShmError::Gone { .. })) => {}
            Err(error) => findings.push(self.damaged(&segment, &error)),
        }
    }

    /// Owners and modes of its files.
    fn files(&self, segment: &Segment, findings: &mut Vec<Finding>) {
        let Ok(files) = segment.checkup() else { return };
        for file in files {
            let path = segment.directory().join(&file.name);
            let path = path.display();
            if !file.is_plain {
                findings.push(
                    self.finding(Verdict::Wrong, format!("{path} is no plain file")).advise("remove it"),
                );
            } else if file.uid != effective_user() {
                let what = format!("{path} belongs to user {}", file.uid);
                findings.push(self.finding(Verdict::Wrong, what).advise("give it to yourself, or remove it"));
            } else if file.mode & !file.most != 0 {
                let what = format!("{path} has mode {:03o}: others may read or write it", file.mode);
                findings.push(
                    self.finding(Verdict::Wrong, what).advise(format!("chmod it to {:03o}", file.most)),
                );
            }
        }
        let with = segment.shared_with();
        if with != SharedWith::Nobody {
            let what = format!("it is shared with {with}: other users may subscribe");
            findings.push(
                self.finding(Verdict::Note, what)
                    .advise("create it without `shared_with` if they are not to"),
            );
        }
    }

    /// A region that nobody alive publishes in.
    fn stale(&self, segment: &Segment, view: &RegionView) -> Finding {
        let readers = match view.subscribers() {
            0 => String::new(),
            readers => {
                format!("; {} still there, disconnected", count(readers, "subscriber is", "subscribers are"))
            }
        };
        let size = bytes(view.facts().geometry.footprint_bytes() as u64);
        let what = format!("its publishers are all dead{readers}; it takes {size}");
        self.remove(segment, what)
    }

    /// A region whose bytes are not to be believed.
    fn damaged(&self, segment: &Segment, error: &ViewError) -> Finding {
        let living = segment.living(SeatKind::Publisher).len();
        // `error` begins with the region's name, where it is about its bytes.
        let what = match error {
            ViewError::Layout { error, .. } => format!("it is damaged, {error}"),
            error => error.to_string(),
        };
        if living > 0 {
            let advice =
                format!("stop its {}, and start them again", count(living, "publisher", "publishers"));
            return self.finding(Verdict::Wrong, what).advise(advice);
        }
        self.remove(segment, what)
    }

    fn remove(&self, segment: &Segment, what: String) -> Finding {
        if self.treatment == Treatment::Look {
            let advice =
                "xbar doctor --fix removes it, or start its publisher again, which takes the name over";
            return self.finding(Verdict::Wrong, what).advise(advice);
        }
        match segment.remove_if_dead(PATIENCE) {
            Ok(true) => self.finding(Verdict::Fixed, what).advise("removed"),
            Ok(false) => self.finding(Verdict::Note, "somebody took it over while we looked"),
            Err(error) => self.finding(Verdict::Wrong, what).advise(error.to_string()),
        }
    }

    fn living(&self, view: &RegionView, findings: &mut Vec<Finding>) {
        let before = match topic::audit_view(view) {
            Ok(account) => account,
            Err(error) => return findings.push(self.finding(Verdict::Wrong, error.to_string())),
        };
        let account = match (what_is_left(&before), self.treatment) {
            (None, _) => before,
            (Some((verdict, what)), Treatment::Look) => {
                let advice =
                    "publishers recover by themselves when they need to; xbar doctor --fix does it now";
                findings.push(self.finding(verdict, what).advise(advice));
                before
            }
            (Some((_, what)), Treatment::Fix) => match topic::recover(self.base, self.name) {
                Ok(recovery) => {
                    let blocks = count(recovery.blocks as usize, "block", "blocks");
                    findings.push(
                        self.finding(Verdict::Fixed, what).advise(format!("recovered, {blocks} came back")),
                    );
                    recovery.account
                }
                Err(error) => {
                    return findings.push(self.finding(Verdict::Wrong, what).advise(error.to_string()));
                }
            },
        };
        self.blocks(view, &account, findings);
    }

    /// Whether every block is somewhere.
    fn blocks(&self, view: &RegionView, account: &RegionAccount, findings: &mut Vec<Finding>) {
        let mut well = true;
        for pool in &account.pools {
            // While others publish, a block on its way may seem lost.
            if account.settled && (pool.lost > 0 || pool.doubled > 0) {
                well = false;
                findings.push(self.finding(Verdict::Wrong, format!("blocks are not where they should be: {pool}")).advise(
                    "a program wrote where it should not, or xbar has a defect: please report it with this line, and restart the \
                     region's publishers",
                ));
            }
        }
        if well {
            let blocks: u32 = account.pools.iter().map(|pool| pool.blocks).sum();
            let free: u32 = account.pools.iter().map(|pool| pool.free).sum();
            let blocks = count(blocks as usize, "block", "blocks");
            // A region without blocks is a bus's.
            let bus = view.topics().next().filter(|_| account.pools.is_empty());
            let what = format!(
                "{}, {}, {}, {}{}",
                count(view.publishers(), "publisher", "publishers"),
                count(view.subscribers(), "subscriber", "subscribers"),
                bytes(view.facts().geometry.footprint_bytes() as u64),
                bus.map_or(format!("{free} of {blocks} free"), |bus| bus.facts().shape.to_string()),
                if account.settled { "" } else { " (busy: counted while others publish)" },
            );
            findings.push(self.finding(Verdict::Well, what));
        }
    }
}

/// Who was killed and what there is to recover, in words; `None` when there is nothing.
fn what_is_left(account: &RegionAccount) -> Option<(Verdict, String)> {
    let killed = |holder: &&HolderAccount| !holder.is_alive && !holder.has_left;
    let mut parts = Vec::new();
    let mut held = 0;
    for is_publisher in [true, false] {
        let all = account.holders.iter().filter(killed);
        let these: Vec<_> = all.filter(|holder| holder.is_publisher == is_publisher).collect();
        let pids: Vec<_> = these.iter().map(|holder| holder.pid.to_string()).collect();
        let kind = if is_publisher { "publisher" } else { "subscriber" };
        if !these.is_empty() {
            let who = count(these.len(), &format!("{kind} was"), &format!("{kind}s were"));
            parts.push(format!("{who} killed (process {})", pids.join(", ")));
        }
        held += these.iter().map(|holder| holder.held).sum::<u32>();
    }
    let verdict = if parts.is_empty() { Verdict::Note } else { Verdict::Wrong };
    let left: u32 = account.pools.iter().map(|pool| pool.left_behind).sum();
    for (blocks, what) in [(left, "left behind"), (held, "held by the dead")] {
        if blocks > 0 {
            parts.push(format!("{} {what}", count(blocks as usize, "block is", "blocks are")));
        }
    }
    (!parts.is_empty()).then(|| (verdict, parts.join(", ")))
}
