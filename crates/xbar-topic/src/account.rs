//! The account of a region: where every block of every pool is, and with whom, by looking through read-only mappings.

mod look;

use std::fmt;

use xbar_discovery::RegionView;
use xbar_shm::{BaseDir, FileAccess, RegionName};

use crate::error::RegionError;

use self::look::Look;

/// Looks at a region that others publish in, before one is given out that may not be of one instant.
const TRIES: u32 = 8;

/// Where every block of a region is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegionAccount {
    /// The region's name.
    pub name: String,
    /// False when somebody published while we looked, as often as we tried: then a block on its way from one place to the next may
    /// seem lost or doubled. A participant that was stopped at work, or is being killed, also looks like that.
    pub settled: bool,
    /// Its pools, by growing block size.
    pub pools: Vec<PoolAccount>,
    /// Everybody who lives, and everybody who died or left with something to recover.
    pub holders: Vec<HolderAccount>,
}

/// Where every block of one pool is. The places add up to `blocks`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolAccount {
    /// Size of its blocks.
    pub block_bytes: u32,
    /// All of them.
    pub blocks: u32,
    /// On the free list.
    pub free: u32,
    /// Named by a ring slot.
    pub in_rings: u32,
    /// With a living publisher: being taken, at hand, lent out, or waiting for readers.
    pub with_publishers: u32,
    /// Of a publisher that is gone, and still held by a living reader.
    pub with_readers: u32,
    /// Of a publisher that is gone, and free as soon as somebody recovers it. 0 after a recovery.
    pub left_behind: u32,
    /// Nowhere. 0, or there is a defect.
    pub lost: u32,
    /// In two places at once. 0, or there is a defect.
    pub doubled: u32,
    /// Some of those that are lost, with what their headers say, for whoever looks for the defect.
    pub lost_blocks: Vec<String>,
}

/// What one participant has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HolderAccount {
    /// Whether it publishes; else it subscribes.
    pub is_publisher: bool,
    /// Its seat among those of its kind.
    pub seat: u32,
    /// Its process, as it said.
    pub pid: u32,
    /// Whether it lives, by its lock. Whoever does not is listed until somebody has recovered from it.
    pub is_alive: bool,
    /// Whether it left by itself, while readers held blocks of its; else, if it does not live, it was killed.
    pub has_left: bool,
    /// Publisher: blocks taken from the free list and not yet published: at hand or lent out.
    pub taken: u32,
    /// Publisher: blocks evicted from their slots: waiting for readers, at hand again, or lent out.
    pub evicted: u32,
    /// Publisher: blocks that it has announced to take.
    pub announced: u32,
    /// Subscriber: blocks that it holds.
    pub held: u32,
}

impl PoolAccount {
    /// True when no block is left behind, lost or doubled.
    pub const fn is_clean(&self) -> bool {
        self.left_behind == 0 && self.lost == 0 && self.doubled == 0
    }
}

impl RegionAccount {
    /// True when no block is left behind by the dead, lost or doubled: after [`recover`], while nobody publishes, anything else is
    /// a defect.
    ///
    /// [`recover`]: crate::recover
    pub fn is_clean(&self) -> bool {
        self.pools.iter().all(PoolAccount::is_clean)
    }
}

impl fmt::Display for PoolAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} blocks of {} bytes: {} free, {} in rings, {} with publishers, {} with readers, {} left behind by the dead, \
             {} lost, {} in two places",
            self.blocks,
            self.block_bytes,
            self.free,
            self.in_rings,
            self.with_publishers,
            self.with_readers,
            self.left_behind,
            self.lost,
            self.doubled
        )
    }
}

/// Makes the account of region `name`, changing nothing. Exact while nobody publishes; otherwise see
/// [`RegionAccount::settled`].
///
/// # Errors
///
/// [`RegionError`] when there is no such region, or it is damaged.
pub fn audit(base: &BaseDir, name: &RegionName) -> Result<RegionAccount, RegionError> {
    audit_view(&RegionView::open(base, name)?)
}

/// As [`audit`], of a region that is open.
///
/// # Errors
///
/// [`RegionError`] when its records cannot be read.
pub fn audit_view(view: &RegionView) -> Result<RegionAccount, RegionError> {
    let geometry = &view.facts().geometry;
    let peers = view.segment().open_peers(FileAccess::ReadOnly)?.map(0, geometry.peers_bytes)?;
    let mut tries = 0;
    loop {
        tries += 1;
        let account = Look { view, peers: &peers }.account()?;
        if account.settled || tries == TRIES {
            return Ok(account);
        }
    }
}
