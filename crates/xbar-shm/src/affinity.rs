//! Which core does what: the cores that there are, and threads that stay on one.

use std::fmt;
use std::fs;

use rustix::io::Errno;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Where a core is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Core {
    /// The system's number, as [`pin_to_core`] takes it.
    pub id: usize,
    /// The processor chip.
    pub package: usize,
    /// The memory node that is nearest.
    pub node: usize,
    /// All hardware threads of the same physical core, this one included: two threads there share its caches and units.
    pub siblings: Vec<usize>,
}

/// Why a thread cannot be pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AffinityError {
    /// This process may not use that core, or there is none of that number.
    NoSuchCore {
        /// The number.
        core: usize,
        /// Those that may be used.
        available: Vec<usize>,
    },
    /// The system refused.
    Refused {
        /// The number.
        core: usize,
        /// What the system said.
        errno: Errno,
    },
}

impl fmt::Display for AffinityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchCore { core, available } => write!(
                f,
                "core {core} is not for this process: choose one of {available:?}, or widen its set of cores (taskset, \
                 cpuset)"
            ),
            Self::Refused { core, errno } => {
                write!(
                    f,
                    "cannot pin a thread to core {core}: {errno}: allow sched_setaffinity to this process"
                )
            }
        }
    }
}

impl std::error::Error for AffinityError {}

/// The cores that the calling thread may use, lowest first. Never empty: 0 when the system does not say.
///
/// ```
/// assert!(!xbar_shm::affinity::available_cores().is_empty());
/// ```
pub fn available_cores() -> Vec<usize> {
    let allowed = |set: CpuSet| (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect();
    sched_getaffinity(None).map_or_else(|_| vec![0], allowed)
}

/// Keeps the calling thread on `core`, and the threads that it starts from now on.
///
/// # Errors
///
/// [`AffinityError`].
///
/// ```
/// use xbar_shm::affinity::{available_cores, pin_to_core};
///
/// std::thread::spawn(|| {
///     let core = available_cores()[0];
///     pin_to_core(core)?;
///     assert_eq!(available_cores(), [core]);
///     Ok::<(), xbar_shm::affinity::AffinityError>(())
/// })
/// .join()
/// .unwrap()?;
/// # Ok::<(), xbar_shm::affinity::AffinityError>(())
/// ```
pub fn pin_to_core(core: usize) -> Result<(), AffinityError> {
    let unknown = || AffinityError::NoSuchCore { core, available: available_cores() };
    if core >= CpuSet::MAX_CPU {
        return Err(unknown());
    }
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).map_err(|errno| match errno {
        Errno::INVAL => unknown(),
        errno => AffinityError::Refused { core, errno },
    })
}

/// Where the [`available_cores`] are. What the system does not tell is 0, and a core without siblings is its own.
///
/// ```
/// let cores = xbar_shm::affinity::topology();
/// assert!(cores.iter().all(|core| core.siblings.contains(&core.id)));
/// ```
pub fn topology() -> Vec<Core> {
    available_cores().into_iter().map(core).collect()
}

fn core(id: usize) -> Core {
    let folder = format!("/sys/devices/system/cpu/cpu{id}");
    let read = |name: &str| fs::read_to_string(format!("{folder}/topology/{name}")).unwrap_or_default();
    let mut siblings = list(&read("thread_siblings_list"));
    if !siblings.contains(&id) {
        siblings.push(id);
        siblings.sort_unstable();
    }
    let package = read("physical_package_id").trim().parse().unwrap_or(0);
    // The folder of a core has a link named after its node.
    let node_of = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_prefix("node")?.parse().ok();
    let node =
        fs::read_dir(&folder).ok().and_then(|entries| entries.flatten().find_map(node_of)).unwrap_or(0);
    Core { id, package, node, siblings }
}

/// A list of the system's: `0-2,8`.
fn list(text: &str) -> Vec<usize> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    text.trim().split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_the_system_are_read() {
        assert_eq!(list("0-2,8\n"), [0, 1, 2, 8]);
        assert_eq!(list("5"), [5]);
        assert_eq!(list(""), [0_usize; 0]);
    }

    #[test]
    fn a_core_that_is_not_there_is_refused_with_those_that_are() {
        for core in [CpuSet::MAX_CPU - 1, CpuSet::MAX_CPU, usize::MAX] {
            let error = pin_to_core(core).unwrap_err();
            assert!(error.to_string().contains("choose one of ["), "{error}");
        }
    }
}
