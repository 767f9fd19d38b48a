//! The operations of the campaign: what a victim does, and what its survivors find.

mod bus;
mod byte_bus;
mod channel;
mod listening;
mod publishing;
mod receiving;
mod recovery;
mod regions;
mod request;
mod serving;
mod topics;
mod values;

pub mod park;

use std::path::Path;

use super::fault::Checked;

/// What becomes of the living around one victim after the other.
pub trait Scene {
    /// Before a victim starts.
    fn ready(&mut self, _round: u64) -> Checked {
        Ok(())
    }

    /// In the victim: sets up, [`mark`](super::victim::mark)s, does the operation, marks again. Panics where that goes wrong.
    fn play(&self, round: u64);

    /// While the victim sets up.
    fn meet(&mut self, _round: u64) -> Checked {
        Ok(())
    }

    /// While the victim stands at the begin of its operation.
    fn begun(&mut self, _round: u64) -> Checked {
        Ok(())
    }

    /// While the victim sleeps within its operation: does what it waits for, once.
    fn rouse(&mut self, _round: u64) -> Checked {
        Ok(())
    }

    /// After its death.
    fn check(&mut self, round: u64) -> Checked;

    /// True when it has no room for another victim, and the next needs a new one.
    fn is_used_up(&self) -> bool {
        false
    }

    /// Everybody leaves.
    fn finish(self: Box<Self>) -> Checked;
}

/// A scene, or why there is none.
pub type NewScene = Checked<Box<dyn Scene>>;

/// One operation.
pub struct Operation {
    /// A name for people, and for `--only`.
    pub name: &'static str,
    /// Its survivors, in an empty directory.
    pub scene: Box<dyn Fn(&Path) -> NewScene>,
}

/// All of them; the longest first, so that cores end together.
pub fn all() -> Vec<Operation> {
    [
        listening::operations(),
        channel::operations(),
        regions::operations(),
        serving::operations(),
        request::operations(),
        recovery::operations(),
        bus::operations(),
        byte_bus::operations(),
        publishing::operations(),
        receiving::operations(),
        values::operations(),
        park::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique() {
        let names: Vec<_> = super::all().iter().map(|operation| operation.name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }
}
