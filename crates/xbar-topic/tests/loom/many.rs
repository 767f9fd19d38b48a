//! Many publishers of one topic: their blocks, and what a dead one leaves behind.

use std::mem::forget;

use loom::thread;
use xbar_layout::ring::DESCRIPTOR;
use xbar_layout::sync::Ordering;
use xbar_layout::{Descriptor, ring};
use xbar_ring::mpmc::HEAD_WORDS;

use crate::memory::{
    Keep, Memory, Seen, Sizes, assert_no_block_is_lost, ledger, look, reader_of_many, recover, ring_of_many,
    send_in_block, supply, writer_of_many,
};

/// Proves: with two publishers that evict each other's blocks, a block that is read is not reused, every number is received or
/// missed, and every block is in one place in the end. Bound: a ring of 2, filled before, 1 + 1 messages, 1 look.
#[test]
fn two_publishers_reuse_no_block_that_is_read() {
    loom::model(|| {
        let memory = Memory::new(&Sizes { slots: 2, blocks: 9, publishers: 2, readers: 1 });
        memory.joined.store(1, Ordering::Relaxed);
        let mut reader = reader_of_many(&memory, false);
        let [mut one, mut two] = [0, 1].map(|owner| writer_of_many(&memory, owner));
        let [mut of_one, mut of_two] = [0, 1].map(|owner| supply(&memory, owner));
        send_in_block(&memory, (&mut one, &mut of_one), u64::MAX, 10).unwrap();
        send_in_block(&memory, (&mut two, &mut of_two), u64::MAX, 20).unwrap();
        let theirs = memory.clone();
        let other = thread::spawn(move || {
            send_in_block(&theirs, (&mut two, &mut of_two), u64::MAX, 21).unwrap();
            (two, of_two)
        });
        let theirs = memory.clone();
        let third = thread::spawn(move || {
            send_in_block(&theirs, (&mut one, &mut of_one), u64::MAX, 11).unwrap();
            of_one
        });
        let ledger = ledger(&memory, 0);
        let mut accounted = 0;
        let mut look = || match look(&memory, &mut reader, &ledger) {
            Seen::Message { sequence, .. } => {
                assert_eq!(sequence, accounted);
                accounted += 1;
                true
            }
            Seen::Missed(missed) => {
                accounted += missed;
                true
            }
            Seen::Empty => false,
        };
        look();
        let (of_one, (two, of_two)) = (third.join().unwrap(), other.join().unwrap());
        while look() {}
        // A claim that lasts while the other writer fills the ring costs a number more.
        assert!((4..=5).contains(&accounted) && two.next() <= accounted);
        assert_no_block_is_lost(&memory, HEAD_WORDS, &[&of_one, &of_two]);
    });
}

/// Where a publisher died, in the order of writer.rs.
#[derive(Clone, Copy)]
enum Died {
    Claiming,
    Evicting,
    Naming,
}

/// Proves: whatever a dead publisher had done of a message, a recoverer and a living publisher that claims the slot next lose no
/// block and give none twice. Bound: a ring of 2, filled before; a dead claim; a message of the living beside the recovery, one behind it.
fn a_dead_claim_is_given_up_beside_the_living(died: Died) {
    loom::model(move || {
        const DEAD: usize = 2;
        let memory: Keep = Memory::new(&Sizes { slots: 2, blocks: 6, publishers: 3, readers: 1 });
        let mut reader = reader_of_many(&memory, false);
        let (mut living, mut of_living) = (writer_of_many(&memory, 1), supply(&memory, 1));
        let mut of_recoverer = supply(&memory, 0);
        let mut of_dead = supply(&memory, DEAD);
        let mut dead = writer_of_many(&memory, DEAD as u32);
        (0..2).for_each(|n| _ = send_in_block(&memory, (&mut dead, &mut of_dead), u64::MAX, n).unwrap());
        let mut ring = ring_of_many(&memory, DEAD as u32);
        let claim = ring.claim();
        assert_eq!(claim.sequence(), 2);
        let evicted = Descriptor(claim.words()[DESCRIPTOR].load(Ordering::Relaxed))
            .named_block(memory.blocks())
            .unwrap();
        let block = of_dead.take(|| 0).unwrap();
        if !matches!(died, Died::Claiming) {
            of_dead.evict(evicted);
        }
        if matches!(died, Died::Naming) {
            let index = of_dead.publish(block);
            claim.words()[DESCRIPTOR].store(Descriptor::block(index, 8).0, Ordering::Release);
            claim.words()[ring::BLOCK_TIME].store(99, Ordering::Relaxed);
        } else {
            forget(block);
        }
        forget(claim);

        let theirs = memory.clone();
        let other = thread::spawn(move || {
            recover(&theirs, DEAD, 0, &mut of_recoverer);
            of_recoverer
        });
        send_in_block(&memory, (&mut living, &mut of_living), u64::MAX, 10).unwrap();
        let of_recoverer = other.join().unwrap();
        send_in_block(&memory, (&mut living, &mut of_living), u64::MAX, 11).unwrap();
        assert_no_block_is_lost(&memory, HEAD_WORDS, &[&of_recoverer, &of_living]);
        let ledger = ledger(&memory, 0);
        let mut last = None;
        loop {
            match look(&memory, &mut reader, &ledger) {
                Seen::Message { value, .. } => {
                    assert_ne!(value, 99, "what was never published");
                    last = Some(value);
                }
                Seen::Missed(_) => {}
                Seen::Empty => break,
            }
        }
        assert_eq!(last, Some(11), "what came last is there");
    });
}

#[test]
fn a_claim_of_the_dead_is_given_up_beside_the_living() {
    a_dead_claim_is_given_up_beside_the_living(Died::Claiming);
}

#[test]
fn a_claim_of_the_dead_that_had_evicted_is_given_up_beside_the_living() {
    a_dead_claim_is_given_up_beside_the_living(Died::Evicting);
}

#[test]
fn a_claim_of_the_dead_that_names_a_block_is_given_up_beside_the_living() {
    a_dead_claim_is_given_up_beside_the_living(Died::Naming);
}
