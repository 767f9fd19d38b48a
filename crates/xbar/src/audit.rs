//! Where every block of a region is, and recovery on request.

use std::path::Path;

use xbar_shm::RegionName;
use xbar_topic::{self as topic, Recovery, RegionAccount};

use crate::config::base;
use crate::{Publisher, RegionError};

/// Says where every block of region `name` is: free, in rings, with the living, left behind by the dead, or nowhere. Changes
/// nothing. Exact while nobody publishes; [`RegionAccount::settled`] says otherwise.
///
/// ```
/// # let dir = std::env::temp_dir().join(format!("xbar-doc-audit-{}", std::process::id()));
/// use xbar::{Config, Publisher};
///
/// let publisher = Publisher::create("market", &Config::new().dir(&dir))?;
/// let book = publisher.register("/book")?;
/// publisher.send(&book, &[7; 100])?;
///
/// let account = xbar::audit_in(&dir, "market")?;
/// assert!(account.settled && account.is_clean());
/// let pool = &account.pools[0];
/// assert_eq!((pool.in_rings, pool.free + pool.in_rings + pool.with_publishers), (1, pool.blocks));
/// # drop((book, publisher));
/// # std::fs::remove_dir_all(&dir).ok();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`RegionError`] when there is no such region, or it is damaged.
pub fn audit(name: &str) -> Result<RegionAccount, RegionError> {
    topic::audit(&base(None), &RegionName::new(name)?)
}

/// As [`audit`], with regions living in `dir`.
///
/// # Errors
///
/// As [`audit`].
pub fn audit_in(dir: impl AsRef<Path>, name: &str) -> Result<RegionAccount, RegionError> {
    topic::audit(&base(Some(dir.as_ref())), &RegionName::new(name)?)
}

/// Recovers what dead participants left behind in the living region `name`, and says where every block is then.
///
/// Nobody needs to call this: publishers recover by themselves, when they find no block, wait for room, or join. It is for tools
/// and tests, and needs a free publisher seat only if a publisher died, who left one.
///
/// # Errors
///
/// [`RegionError`] when there is no such region, or its publishers are all dead: then it is the next
/// [`Publisher::create`]'s.
pub fn recover(name: &str) -> Result<Recovery, RegionError> {
    topic::recover(&base(None), &RegionName::new(name)?)
}

/// As [`recover`], with regions living in `dir`.
///
/// # Errors
///
/// As [`recover`].
pub fn recover_in(dir: impl AsRef<Path>, name: &str) -> Result<Recovery, RegionError> {
    topic::recover(&base(Some(dir.as_ref())), &RegionName::new(name)?)
}

impl Publisher {
    /// Blocks in this publisher's name that it does not have: neither at hand, nor lent out, nor waiting for readers. 0, or there
    /// is a defect: for tests, beside [`audit`], which cannot look into a process. Looks at every block of the region.
    pub fn strays(&self) -> u32 {
        self.0.strays()
    }
}
