//! What a caller of the pool sees, case by case.
#![cfg(not(xbar_loom))]

mod scenarios;

use scenarios::{Memory, assert_all_blocks_are_free};
use xbar_pool::{Census, HoldError};

#[test]
fn the_block_used_last_comes_first() {
    let memory = Memory::new(40, 1, 0, 0);
    let mut supply = memory.supply(0, 4);
    let first = supply.take(|| 0).unwrap();
    let index = first.index();
    supply.give_back(first);
    assert_eq!(supply.take(|| 0).unwrap().index(), index);
}

#[test]
fn a_held_block_stays_in_limbo_until_it_is_released() {
    let memory = Memory::new(2, 1, 1, 2);
    let mut supply = memory.supply(0, 1);
    let ledger = memory.ledger(0);
    let block = supply.take(|| 1).unwrap();
    let index = supply.publish(block);
    let held = ledger.hold(index, || true).unwrap();
    supply.evict(index);
    supply.settle(|| 1);
    assert_eq!(supply.in_limbo(), 1);
    let other = supply.take(|| 1).unwrap();
    assert_ne!(other.index(), index);
    assert!(supply.take(|| 1).is_none());
    drop(held.into_owned());
    assert_eq!(supply.take(|| 1).unwrap().index(), index);
}

#[test]
fn a_full_ledger_and_a_slot_that_moved_on_are_two_errors() {
    let memory = Memory::new(3, 1, 1, 2);
    let ledger = memory.ledger(0);
    assert_eq!(ledger.hold(0, || false).unwrap_err(), HoldError::Gone);
    let first = ledger.hold(0, || true).unwrap();
    let _second = ledger.hold(1, || true).unwrap();
    assert_eq!(ledger.hold(2, || true).unwrap_err(), HoldError::Full);
    drop(first);
    assert!(ledger.hold(2, || true).is_ok());
}

#[test]
fn a_block_is_evicted_once_however_often_it_is_named() {
    let memory = Memory::new(1, 1, 0, 0);
    let mut supply = memory.supply(0, 1);
    let block = supply.take(|| 0).unwrap();
    let index = supply.publish(block);
    for wrong in [index, index, 77, u32::MAX] {
        supply.evict(wrong);
    }
    assert_eq!(supply.in_limbo(), 1);
}

/// A publisher disappears with blocks in every place that it can have them; readers hold some of them.
#[test]
fn every_block_of_a_dead_publisher_comes_back() {
    const BLOCKS: u32 = 12;
    let memory = Memory::new(BLOCKS as usize, 2, 1, 2);
    let ledger = memory.ledger(0);
    let mut dead = memory.supply(1, 4);
    let in_slot = {
        let block = dead.take(|| 1).unwrap();
        dead.publish(block)
    };
    let evicted = {
        let block = dead.take(|| 1).unwrap();
        dead.publish(block)
    };
    let half_published = {
        let block = dead.take(|| 1).unwrap();
        block.index()
    };
    let _ = dead.take(|| 1); // lent out
    let _ = dead.take(|| 1); // lent out
    let held = ledger.hold(evicted, || true).unwrap();
    dead.evict(evicted);
    drop(dead); // as if killed: nothing is given back

    let mut living = memory.supply(0, 4);
    let mut census = Census::new(vec![0; Census::<Vec<u64>>::scratch_words(BLOCKS)], BLOCKS).unwrap();
    census.name(in_slot);
    census.name(half_published);
    let intents = [memory.intent(0)];
    let recovered = census
        .recover(&memory.list(), (2, &memory.intent(1)), intents.iter(), (&memory.ledgers(), 1), 1, |index| {
            living.adopt(index)
        })
        .unwrap();
    assert_eq!(recovered.held, 1);
    // Whoever takes the ring over evicts what its slots name, also what was published by half.
    living.evict(in_slot);
    living.evict(half_published);
    drop(held);
    living.close(|| 1);
    assert_all_blocks_are_free(&memory, BLOCKS as usize);
}

/// Killed between taking a chain and writing its own number into it.
#[test]
fn a_chain_taken_but_not_yet_owned_comes_back() {
    const BLOCKS: u32 = 6;
    let memory = Memory::new(BLOCKS as usize, 2, 0, 0);
    // The intent of publisher 1 names the first two blocks; the list has moved past them.
    memory.take_chain_as_if_killed(1, 2);
    let census = Census::new(vec![0; Census::<Vec<u64>>::scratch_words(BLOCKS)], BLOCKS).unwrap();
    let intents = [memory.intent(0)];
    let recovered = census
        .recover(&memory.list(), (2, &memory.intent(1)), intents.iter(), (&memory.ledgers(), 0), 1, |_| false)
        .unwrap();
    assert_eq!(recovered.freed, 2);
    assert_all_blocks_are_free(&memory, BLOCKS as usize);
}

/// Killed before the chain was cut off: it is still on the list and must not get there twice.
#[test]
fn an_intent_that_came_to_nothing_changes_nothing() {
    const BLOCKS: u32 = 6;
    let memory = Memory::new(BLOCKS as usize, 2, 0, 0);
    memory.announce_as_if_killed(1, 2);
    let census = Census::new(vec![0; Census::<Vec<u64>>::scratch_words(BLOCKS)], BLOCKS).unwrap();
    let intents = [memory.intent(0)];
    let recovered = census
        .recover(&memory.list(), (2, &memory.intent(1)), intents.iter(), (&memory.ledgers(), 0), 1, |_| false)
        .unwrap();
    assert_eq!(recovered.freed, 0);
    assert_all_blocks_are_free(&memory, BLOCKS as usize);
}

/// The list changes during every count: what the dead publisher owned comes back all the same, and what cannot be told is left for the
/// next recovery, which is told so.
#[test]
fn a_busy_list_hides_nothing_but_what_was_on_its_way() {
    const BLOCKS: u32 = 12;
    let memory = Memory::new(BLOCKS as usize, 2, 0, 0);
    let mut dead = memory.supply(1, 4);
    let _lent = (dead.take(|| 0), dead.take(|| 0));
    drop(dead); // killed with four blocks
    memory.take_chain_as_if_killed(1, 2); // and while it took two more
    let intents = [memory.intent(0)];
    let recover = |busy: bool| {
        let census = Census::new(vec![0; Census::<Vec<u64>>::scratch_words(BLOCKS)], BLOCKS).unwrap();
        let disturb = |_: &&_| {
            if busy {
                let mut other = memory.supply(0, 1);
                let block = other.take(|| 0).unwrap();
                other.give_back(block);
                other.close(|| 0);
            }
        };
        let intents = intents.iter().inspect(disturb);
        let dead = memory.intent(1);
        census.recover(&memory.list(), (2, &dead), intents, (&memory.ledgers(), 0), 1, |_| false)
    };
    assert_eq!(recover(true), None);
    let freed = recover(false).unwrap().freed;
    assert_eq!(freed, 2, "the four were freed before");
    assert_all_blocks_are_free(&memory, BLOCKS as usize);
}

#[test]
fn a_recovery_that_cannot_adopt_a_held_block_is_not_complete() {
    let memory = Memory::new(2, 2, 1, 1);
    let ledger = memory.ledger(0);
    let mut dead = memory.supply(1, 1);
    let block = dead.take(|| 1).unwrap();
    let index = dead.publish(block);
    let held = ledger.hold(index, || true).unwrap();
    dead.evict(index);
    drop(dead);
    let intents = [memory.intent(0)];
    let recover = || {
        let census = Census::new(vec![0; Census::<Vec<u64>>::scratch_words(2)], 2).unwrap();
        let dead = memory.intent(1);
        census.recover(&memory.list(), (2, &dead), intents.iter(), (&memory.ledgers(), 1), 1, |_| false)
    };
    assert_eq!(recover(), None);
    drop(held);
    assert_eq!(recover().unwrap().freed, 1);
    assert_all_blocks_are_free(&memory, 2);
}
