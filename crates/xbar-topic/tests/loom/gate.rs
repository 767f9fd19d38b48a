//! The gate of a lossless topic, alone: values in cells that the model checker watches, one per slot. A value that is
//! overwritten before its reader has read it, or beside it, is a failure.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use xbar_layout::participant::{STREAM_CURSOR, STREAM_TOPIC};
use xbar_layout::sync::{AtomicU64, Ordering};
use xbar_topic::gate::{Gate, Pass};

use crate::memory::{Keep, Memory, Sizes, gate, join};

const ROOM: u64 = 2;
const SLOTS: usize = ROOM as usize;

/// Values that are published by one number, and nothing else: what protects them is the gate.
struct Values {
    cells: [UnsafeCell<u64>; SLOTS],
    published: AtomicU64,
}

impl Values {
    fn new() -> Arc<Self> {
        Arc::new(Self { cells: [0, 1].map(UnsafeCell::new), published: AtomicU64::new(0) })
    }

    /// Publishes the next number, if the gate lets it.
    fn publish(&self, gate: &Gate<Keep>, limit: &mut u64, readers: usize) {
        let next = self.published.load(Ordering::Relaxed);
        if next >= *limit {
            *limit = gate.widen(*limit, next, || readers);
        }
        if next < *limit {
            // SAFETY: whoever reads this cell is the gate's matter; the model checks just that.
            self.cells[next as usize % SLOTS].with_mut(|cell| unsafe { *cell = next });
            self.published.store(next + 1, Ordering::Release);
        }
    }

    /// Reads the next number, if it is there, and makes room.
    fn read(&self, pass: &mut Pass<Keep>) {
        let position = pass.position();
        if position < self.published.load(Ordering::Acquire) {
            // SAFETY: published, and below the limit of whoever publishes; the model checks just that.
            let value = self.cells[position as usize % SLOTS].with(|cell| unsafe { *cell });
            assert_eq!(value, position, "overwritten before it was read");
            pass.move_to(position + 1);
        }
    }
}

fn memory(readers: usize) -> Keep {
    Memory::new(&Sizes { slots: 2, blocks: 1, publishers: 1, readers })
}

/// Proves: a slot is written again only behind the end of its reader's reads; also when the reader leaves instead. Bound: room
/// for 2, 4 attempts to publish, a reader that reads 2 and leaves.
#[test]
fn a_slot_is_written_again_only_when_it_was_read_or_its_reader_left() {
    loom::model(|| {
        let memory = memory(1);
        let (values, gate) = (Values::new(), gate(&memory, ROOM));
        let mut pass = join(&memory, 0, ROOM, 0);
        let theirs = values.clone();
        let other = thread::spawn(move || {
            (0..2).for_each(|_| theirs.read(&mut pass));
            // One more that is read while the place is kept, and given up instead of passed.
            let (position, published) = (pass.position(), theirs.published.load(Ordering::Acquire));
            if position < published {
                // SAFETY: as in `read`.
                let value = theirs.cells[position as usize % SLOTS].with(|cell| unsafe { *cell });
                assert_eq!(value, position);
            }
            pass.leave();
        });
        let mut limit = 0;
        (0..4).for_each(|_| values.publish(&gate, &mut limit, 1));
        other.join().unwrap();
        let before = values.published.load(Ordering::Relaxed);
        values.publish(&gate, &mut limit, 1);
        assert_eq!(values.published.load(Ordering::Relaxed), before + 1, "nobody is waited for");
    });
}

/// Proves: whatever a reader may still read when it has joined is not overwritten, for every moment of its joining. Bound:
/// room for 2, one reader that is there and moves, one that joins and reads 1, 3 attempts to publish.
#[test]
fn a_limit_never_passes_a_joiner() {
    loom::model(|| {
        let memory = memory(2);
        let (values, gate) = (Values::new(), gate(&memory, ROOM));
        let mut first = join(&memory, 0, ROOM, 0);
        let mut limit = 0;
        (0..2).for_each(|_| values.publish(&gate, &mut limit, 2));
        let (theirs, joined) = (values.clone(), memory.clone());
        let other = thread::spawn(move || {
            let mut pass = join(&joined, 1, ROOM, 0);
            theirs.read(&mut pass);
            pass
        });
        values.read(&mut first);
        (0..2).for_each(|_| values.publish(&gate, &mut limit, 2));
        let mut pass = other.join().unwrap();
        assert!(
            limit <= pass.position() + ROOM,
            "{limit} overwrites what is to be read from {}",
            pass.position()
        );
        values.publish(&gate, &mut limit, 2);
        values.read(&mut pass);
        assert!(pass.position() >= 1);
    });
}

/// Proves: what a reader reads that joins and leaves while a publisher widens, so that only its second look could find it, is
/// read before it is overwritten. Bound: as above, the joiner leaves.
#[test]
fn a_reader_that_came_and_went_has_read() {
    loom::model(|| {
        let memory = memory(2);
        let (values, gate) = (Values::new(), gate(&memory, ROOM));
        let mut first = join(&memory, 0, ROOM, 0);
        let mut limit = 0;
        (0..2).for_each(|_| values.publish(&gate, &mut limit, 2));
        values.read(&mut first);
        let (theirs, joined) = (values.clone(), memory.clone());
        let other = thread::spawn(move || {
            let mut pass = join(&joined, 1, ROOM, 0);
            theirs.read(&mut pass);
            pass.leave();
        });
        (0..2).for_each(|_| values.publish(&gate, &mut limit, 2));
        other.join().unwrap();
    });
}

/// Proves: a line that a reader gave up and another topic's reader took, with a cursor far ahead, does not make a publisher
/// believe that its own readers are there: a joiner loses nothing. Bound: one such change beside 2 widenings.
#[test]
fn another_topics_cursor_is_nobodys_here() {
    loom::model(|| {
        let memory = memory(2);
        let (values, gate) = (Values::new(), gate(&memory, ROOM));
        let mut pass = join(&memory, 0, ROOM, 0);
        let theirs = memory.clone();
        let other = thread::spawn(move || {
            pass.leave();
            // The other topic's reader is at 1000.
            theirs.streams[STREAM_CURSOR].store(1001, Ordering::Relaxed);
            theirs.streams[STREAM_TOPIC].store(99, Ordering::Release);
        });
        let mut limit = 0;
        (0..3).for_each(|_| values.publish(&gate, &mut limit, 2));
        other.join().unwrap();
        let published = values.published.load(Ordering::Relaxed);
        let joiner = join(&memory, 1, ROOM, published);
        assert_eq!(joiner.position(), published, "the joiner was sent past what is to come");
    });
}
