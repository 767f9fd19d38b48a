//! The scenarios of the models, with real threads and many turns.
#![cfg(not(xbar_loom))]

mod scenarios;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::thread;

use scenarios::{Memory, assert_all_blocks_are_free, take_and_give};

#[test]
fn no_block_has_two_owners_or_gets_lost_under_load() {
    const BLOCKS: usize = 40;
    for batch in [1, 5, 16] {
        let memory = Memory::new(BLOCKS, 3, 0, 0);
        let claims: Arc<Vec<AtomicU32>> = Arc::new((0..BLOCKS).map(|_| AtomicU32::new(0)).collect());
        let threads: Vec<_> = (0..3)
            .map(|publisher| {
                let (memory, claims) = (memory.clone(), claims.clone());
                thread::spawn(move || {
                    for turn in 0..5_000 {
                        take_and_give(&memory, publisher, batch, turn % 20, &claims);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_all_blocks_are_free(&memory, BLOCKS);
    }
}
