//! The account of a pool: every block in one place, and what is wrong when one is not.
#![cfg(not(xbar_loom))]

mod scenarios;

use scenarios::{Keep, Memory};
use xbar_pool::{Account, Accounting, Finished, Owner};

const BLOCKS: u32 = 12;

/// What a caller knows besides the memory: named by slots, held by the living, announced; publisher 1 lives, publisher 2 is
/// gone, others never were.
#[derive(Default)]
struct Known<'k> {
    named: &'k [u32],
    held: &'k [u32],
    announced: Option<(u32, u32, bool)>,
}

fn account(memory: &Keep, known: &Known<'_>) -> Account {
    let look = memory.look();
    let mut accounting = Accounting::begin(&look, vec![0xff; BLOCKS as usize]).unwrap();
    known.named.iter().for_each(|&index| accounting.name(index));
    known.held.iter().for_each(|&index| accounting.hold(index));
    if let Some((first, count, is_alive)) = known.announced {
        accounting.announced(first, count, is_alive);
    }
    let owner = |number| match number {
        1 => Owner::Living,
        2 => Owner::Gone,
        _ => Owner::Nobody,
    };
    let Finished { account, moved } = accounting.finish(owner, |_, _, _| {});
    assert!(!moved);
    let Account { blocks, free, in_rings, with_publishers, with_readers, left_behind, lost, .. } = account;
    assert_eq!(free + in_rings + with_publishers + with_readers + left_behind + lost, blocks, "{account:?}");
    account
}

#[test]
fn every_block_is_counted_where_it_is() {
    let memory = Memory::new(BLOCKS as usize, 2, 1, 4);
    let all_free = Account { blocks: BLOCKS, free: BLOCKS, ..Account::default() };
    assert_eq!(account(&memory, &Known::default()), all_free);

    let mut living = memory.supply(0, 4);
    let block = living.take(|| 1).unwrap();
    let named = living.publish(block);
    let mut gone = memory.supply(1, 4);
    let block = gone.take(|| 1).unwrap();
    let evicted = gone.publish(block);
    gone.evict(evicted);
    std::mem::forget(gone); // as if killed
    let now = account(&memory, &Known { named: &[named], held: &[evicted], announced: None });
    let expected =
        Account { free: 4, in_rings: 1, with_publishers: 3, with_readers: 1, left_behind: 3, ..all_free };
    assert_eq!(now, expected);
    assert!(!now.is_clean());
    // The reader releases: the block waits for a recovery.
    let now = account(&memory, &Known { named: &[named], ..Known::default() });
    assert_eq!(now, Account { with_readers: 0, left_behind: 4, ..expected });
}

#[test]
fn a_chain_that_was_announced_is_with_whoever_takes_it() {
    for is_alive in [true, false] {
        let memory = Memory::new(BLOCKS as usize, 2, 0, 0);
        memory.take_chain_as_if_killed(1, 3);
        let now = account(&memory, &Known { announced: Some((0, 3, is_alive)), ..Known::default() });
        let (with_publishers, left_behind) = if is_alive { (3, 0) } else { (0, 3) };
        let expected =
            Account { blocks: BLOCKS, free: 9, with_publishers, left_behind, ..Account::default() };
        assert_eq!(now, expected);
        // Without the announcement nobody would find them.
        assert_eq!(account(&memory, &Known::default()).lost, 3);
        // Announced and not cut off: still on the list.
        let memory = Memory::new(BLOCKS as usize, 2, 0, 0);
        memory.announce_as_if_killed(1, 3);
        let now = account(&memory, &Known { announced: Some((0, 3, is_alive)), ..Known::default() });
        assert!(now.is_clean() && now.free == BLOCKS, "{now:?}");
    }
}

#[test]
fn a_block_that_is_nowhere_is_lost() {
    let memory = Memory::new(BLOCKS as usize, 3, 0, 0);
    let mut living = memory.supply(0, 1);
    let block = living.take(|| 0).unwrap();
    let named = living.publish(block); // and then no slot names it
    assert_eq!(account(&memory, &Known::default()).lost, 1);
    assert_eq!(account(&memory, &Known { named: &[named], ..Known::default() }).lost, 0);
    // With a publisher that nobody knows of, no recovery finds it, held or not.
    let mut unknown = memory.supply(2, 1);
    let block = unknown.take(|| 0).unwrap();
    let known = Known { named: &[named], held: &[block.index()], announced: None };
    assert_eq!(account(&memory, &known).lost, 1);
}

#[test]
fn a_block_in_two_places_is_told() {
    let memory = Memory::new(BLOCKS as usize, 2, 1, 1);
    let mut living = memory.supply(0, 1);
    let block = living.take(|| 1).unwrap();
    let owned = block.index();
    let free = (0..BLOCKS).find(|&index| index != owned).unwrap();
    let doubled = |named: &[u32], held: &[u32]| {
        let now = account(&memory, &Known { named, held, announced: None });
        assert_eq!(now.is_clean(), now.doubled == 0);
        now.doubled
    };
    assert_eq!(doubled(&[], &[]), 0);
    assert_eq!(doubled(&[free], &[]), 1, "free, and in a ring");
    assert_eq!(doubled(&[], &[free]), 1, "free, and read");
    assert_eq!(doubled(&[owned], &[]), 1, "lent out, and in a ring");
    assert_eq!(doubled(&[], &[owned]), 1, "written, and read");
    let published = living.publish(block);
    assert_eq!(doubled(&[published], &[published]), 0);
    assert_eq!(doubled(&[published, published], &[]), 1, "in two slots");
    living.evict(published);
    assert_eq!(doubled(&[], &[published]), 0, "in limbo, because it is read");
    assert_eq!(doubled(&[published], &[]), 1, "evicted, and in a ring");
}

#[test]
fn damaged_lists_end_and_add_up() {
    for next in [0, 1, 4, 5, BLOCKS, u32::MAX] {
        let memory = Memory::new(BLOCKS as usize, 1, 0, 0);
        memory.damage_list(3, next);
        let now = account(&memory, &Known { named: &[BLOCKS, u32::MAX], ..Known::default() });
        assert_eq!(now.free + now.lost, BLOCKS, "{now:?}");
        assert_eq!(now.lost == 0, next == 4);
    }
}
