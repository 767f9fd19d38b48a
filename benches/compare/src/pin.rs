//! Which core does what.

use std::fs;
use std::sync::OnceLock;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores that this process may use, in the order in which the harness takes them: hardware threads of cores that
/// are taken already come last.
pub fn cores() -> &'static [usize] {
    static CORES: OnceLock<Vec<usize>> = OnceLock::new();
    CORES.get_or_init(|| {
        let allowed = sched_getaffinity(None).map_or_else(
            |_| vec![0],
            |set| (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect::<Vec<_>>(),
        );
        let siblings = |core: &usize| {
            let path = format!("/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
            fs::read_to_string(path).unwrap_or_else(|_| core.to_string())
        };
        let mut taken = Vec::new();
        let (first, second): (Vec<_>, Vec<_>) = allowed.into_iter().partition(|core| {
            let physical = siblings(core);
            let new = !taken.contains(&physical);
            taken.push(physical);
            new
        });
        first.into_iter().chain(second).collect()
    })
}

/// Pins the calling thread to the harness's `place`-th core; says whether that worked.
pub fn pin(place: usize) -> bool {
    cores().get(place).is_some_and(|core| pin_to(*core))
}

/// Pins the calling thread to a core by the system's number. For a process that inherits the affinity of a thread that
/// is pinned already, and cannot know the others.
pub fn pin_to(core: usize) -> bool {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).is_ok()
}
