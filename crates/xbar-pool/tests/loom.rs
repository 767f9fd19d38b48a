//! Models of the pool on the shipped code, every interleaving within the bound.
#![cfg(xbar_loom)]

mod scenarios;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use scenarios::{Memory, assert_all_blocks_are_free, take_and_give};
use xbar_layout::sync::{AtomicU32, AtomicU64, Ordering, ReadU64};
use xbar_pool::HoldError;

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
