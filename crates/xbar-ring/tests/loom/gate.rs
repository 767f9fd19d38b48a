//! The gate of lossless rings, alone.

use loom::thread;
use xbar_ring::gate::Gate;
use xbar_ring::heap::{Heap, HeapLines};

/// Proves: whatever a writer may write below after widening, it never passes a reader that joins meanwhile. Bound: a gate of
/// room 2, one reader that moves, one that joins, one widening.
#[test]
fn a_limit_never_passes_a_joiner() {
    loom::model(|| {
        const ROOM: u64 = 2;
        let lines = HeapLines::new(Gate::<Heap>::words(2) / 8, "a model");
        let gate = |room| Gate::new(lines.from(0), room);
        let (writers, joiners) = (gate(ROOM), gate(ROOM));
        let mut first = writers.join(0).unwrap();
        let moving = thread::spawn(move || {
            first.move_to(1);
            first.move_to(2);
            first
        });
        let joining = thread::spawn(move || joiners.join(joiners.oldest()).unwrap());
        let limit = writers.widen(ROOM);
        let joined = joining.join().unwrap();
        assert!(limit <= joined.position() + ROOM, "{limit} overwrites what {joined:?} is to read");
        let first = moving.join().unwrap();
        assert!(limit <= first.position() + ROOM);
        // The next one respects both.
        assert!(writers.widen(limit) <= joined.position() + ROOM);
    });
}
