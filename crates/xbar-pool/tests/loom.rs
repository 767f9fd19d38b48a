//! Models of the pool on the shipped code, every interleaving within the bound.
#![cfg(xbar_loom)]

mod scenarios;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use scenarios::{Memory, assert_all_blocks_are_free, take_and_give};
use xbar_layout::sync::{AtomicU32, AtomicU64, Ordering, ReadU64};
use xbar_pool::{Census, HoldError, Recovered};

fn claims(blocks: usize) -> Arc<Vec<AtomicU32>> {
    Arc::new((0..blocks).map(|_| AtomicU32::new(0)).collect())
}

/// Proves: two publishers that take and give at once never own the same block, and no block is lost. Bound: 3 blocks,
/// 2 takes and gives each, single blocks.
#[test]
fn no_block_has_two_owners() {
    loom::model(|| {
        let memory = Memory::new(3, 2, 0, 0);
        let claims = claims(3);
        let (theirs, their_claims) = (memory.clone(), claims.clone());
        let other = thread::spawn(move || take_and_give(&theirs, 1, 1, 2, &their_claims));
        take_and_give(&memory, 0, 1, 2, &claims);
        other.join().unwrap();
        assert_all_blocks_are_free(&memory, 3);
    });
}

/// Proves: chains of several blocks, cut off at once, meet the same promise. Bound: 4 blocks, chains of 2.
#[test]
fn chains_are_cut_off_whole() {
    loom::model(|| {
        let memory = Memory::new(4, 2, 0, 0);
        let claims = claims(4);
        let (theirs, their_claims) = (memory.clone(), claims.clone());
        let other = thread::spawn(move || take_and_give(&theirs, 1, 2, 2, &their_claims));
        take_and_give(&memory, 0, 2, 2, &claims);
        other.join().unwrap();
        assert_all_blocks_are_free(&memory, 4);
    });
}

/// Proves: a taker that finds the first block taken under its eyes does not take the list for empty. Bound: 2 blocks, 2 takers of
/// one.
#[test]
fn who_comes_second_finds_the_second_block() {
    loom::model(|| {
        let memory = Memory::new(2, 2, 0, 0);
        let (mut first, mut second) = (memory.supply(0, 1), memory.supply(1, 1));
        let other = thread::spawn(move || second.take(|| 0).is_some());
        assert!(first.take(|| 0).is_some(), "the list was not empty");
        assert!(other.join().unwrap(), "the list was not empty");
    });
}

/// Proves: what one publisher wrote into a block's bytes is over before the next owner writes there.
/// Bound: 1 block, 2 publishers.
#[test]
fn bytes_change_hands_with_the_block() {
    loom::model(|| {
        let memory = Memory::new(1, 2, 0, 0);
        let bytes = Arc::new(UnsafeCell::new(0));
        let use_it = |memory: &scenarios::Keep, publisher, bytes: &UnsafeCell<u32>| {
            let mut supply = memory.supply(publisher, 1);
            if let Some(block) = supply.take(|| 0) {
                // SAFETY: a block has one owner; the model checks just that.
                bytes.with_mut(|bytes| unsafe { *bytes += 1 });
                supply.give_back(block);
            }
            supply.close(|| 0);
        };
        let (theirs, their_bytes) = (memory.clone(), bytes.clone());
        let other = thread::spawn(move || use_it(&theirs, 1, &their_bytes));
        use_it(&memory, 0, &bytes);
        other.join().unwrap();
    });
}

/// Proves: a block that a reader holds is not reused, and one that is reused is not held: the bytes are never read
/// and written at once. The "slot" is one stamp: 1 = names block 0, 2 = overwritten.
/// Bound: one reader, one block, hold and release against evict and reclaim.
#[test]
fn a_held_block_is_not_reused() {
    loom::model(|| {
        let memory = Memory::new(1, 1, 1, 1);
        let bytes = Arc::new(UnsafeCell::new(7_u32));
        let stamp = Arc::new(AtomicU64::new(0));

        let mut supply = memory.supply(0, 1);
        let block = supply.take(|| 1).unwrap();
        let index = supply.publish(block);
        stamp.store(1, Ordering::Release);

        let (theirs, their_bytes, their_stamp) = (memory.clone(), bytes.clone(), stamp.clone());
        let reader = thread::spawn(move || {
            let ledger = theirs.ledger(0);
            // Twice, so that the cell is reused as well.
            for _ in 0..2 {
                let held = ledger.hold(0, || ReadU64::of(&their_stamp).load_relaxed() == 1);
                match held {
                    // SAFETY: held, so nobody writes; the model checks just that.
                    Ok(_held) => assert_eq!(their_bytes.with(|bytes| unsafe { *bytes }), 7),
                    Err(error) => assert_eq!(error, HoldError::Gone),
                }
            }
        });

        // The slot is overwritten, the block evicted, and reused if it can be.
        stamp.store(2, Ordering::Relaxed);
        supply.evict(index);
        supply.settle(|| 1);
        if let Some(_block) = supply.take(|| 1) {
            // SAFETY: owned; the model checks just that.
            bytes.with_mut(|bytes| unsafe { *bytes = 8 });
        }
        reader.join().unwrap();
    });
}

/// Proves: the hold of a second block, in a cell that is not the hinted one, is as good as the first.
/// Bound: one reader with two cells, two blocks, one of them held all the time.
#[test]
fn a_block_in_another_cell_is_not_reused() {
    loom::model(|| {
        let memory = Memory::new(2, 1, 1, 2);
        let bytes = Arc::new(UnsafeCell::new(7_u32));
        let stamp = Arc::new(AtomicU64::new(1));

        let mut supply = memory.supply(0, 1);
        let kept = supply.take(|| 1).unwrap();
        let kept = supply.publish(kept);
        let block = supply.take(|| 1).unwrap();
        let index = supply.publish(block);

        let (theirs, their_bytes, their_stamp) = (memory.clone(), bytes.clone(), stamp.clone());
        let reader = thread::spawn(move || {
            let ledger = theirs.ledger(0);
            let _first = ledger.hold(kept, || true).unwrap();
            match ledger.hold(index, || ReadU64::of(&their_stamp).load_relaxed() == 1) {
                // SAFETY: held, so nobody writes; the model checks just that.
                Ok(_held) => assert_eq!(their_bytes.with(|bytes| unsafe { *bytes }), 7),
                Err(error) => assert_eq!(error, HoldError::Gone),
            }
        });

        stamp.store(2, Ordering::Relaxed);
        supply.evict(index);
        supply.settle(|| 1);
        if let Some(_block) = supply.take(|| 1) {
            // SAFETY: owned; the model checks just that.
            bytes.with_mut(|bytes| unsafe { *bytes = 8 });
        }
        reader.join().unwrap();
    });
}

fn recover(memory: &scenarios::Keep, living: usize, blocks: u32, readers: usize) -> Option<Recovered> {
    let census = Census::new(vec![0; Census::<Vec<u64>>::scratch_words(blocks)], blocks).unwrap();
    let intents = [memory.intent(living)];
    let ledgers = memory.ledgers();
    census.recover(&memory.list(), (1, &memory.intent(0)), intents.iter(), (&ledgers, readers), 3, |_| false)
}

/// Proves: recovery takes no block from a publisher that is just taking it, though its header still names the dead one.
/// Bound: 2 blocks that the dead publisher gave back, one taker, one recoverer.
#[test]
fn recovery_leaves_alone_what_the_living_take() {
    loom::model(|| {
        let memory = Memory::new(2, 2, 0, 0);
        let claims = claims(2);
        // Both blocks are on the list under the name of publisher 0, which then dies.
        let mut dead = memory.supply(0, 2);
        let (a, b) = (dead.take(|| 0).unwrap(), dead.take(|| 0).unwrap());
        dead.give_back(a);
        dead.give_back(b);
        dead.close(|| 0);
        drop(dead);

        let (theirs, their_claims) = (memory.clone(), claims.clone());
        let taker = thread::spawn(move || {
            let mut supply = theirs.supply(1, 1);
            let block = supply.take(|| 0).unwrap();
            their_claims[block.index() as usize].fetch_add(1, Ordering::Relaxed);
        });
        if let Some(recovered) = recover(&memory, 1, 2, 0) {
            assert_eq!(recovered.freed, 0);
        }
        taker.join().unwrap();
    });
}

/// Proves: recovery frees no block that a reader still reads, and its next owner writes after the last read.
/// Bound: one reader, one block that its publisher evicted before it died.
#[test]
fn recovery_frees_no_block_that_is_read() {
    loom::model(|| {
        let memory = Memory::new(1, 2, 1, 1);
        let bytes = Arc::new(UnsafeCell::new(7_u32));
        let stamp = Arc::new(AtomicU64::new(1));
        let mut dead = memory.supply(0, 1);
        let block = dead.take(|| 1).unwrap();
        let index = dead.publish(block);

        let (theirs, their_bytes, their_stamp) = (memory.clone(), bytes.clone(), stamp.clone());
        let reader = thread::spawn(move || {
            let ledger = theirs.ledger(0);
            match ledger.hold(index, || ReadU64::of(&their_stamp).load_relaxed() == 1) {
                // SAFETY: held, so nobody writes; the model checks just that.
                Ok(_held) => assert_eq!(their_bytes.with(|bytes| unsafe { *bytes }), 7),
                Err(error) => assert_eq!(error, HoldError::Gone),
            }
        });

        // The publisher overwrites the slot, evicts, and dies; its death is known from the kernel, which orders it.
        stamp.store(2, Ordering::Relaxed);
        dead.evict(index);
        drop(dead);
        if recover(&memory, 1, 1, 1).is_some_and(|recovered| recovered.freed == 1) {
            if let Some(_block) = memory.supply(1, 1).take(|| 1) {
                // SAFETY: owned; the model checks just that.
                bytes.with_mut(|bytes| unsafe { *bytes = 8 });
            }
        }
        reader.join().unwrap();
    });
}
