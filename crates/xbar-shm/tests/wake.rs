//! The bell without races: who is told, and who pays. The races are in loom.rs.
#![cfg(not(xbar_loom))]

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use xbar_layout::Lent;
use xbar_layout::sync::{AtomicU32, Ordering, ReadU32};
use xbar_shm::wake::{Bell, Kernel};

/// A kernel that counts what it is asked for.
#[derive(Clone, Default)]
struct Counting(Rc<Cell<u32>>);

impl Kernel for Counting {
    fn sleep(&self, _word: &ReadU32, _expected: u32, _timeout: Duration) {}
    fn wake_all(&self, _word: &AtomicU32) {
        self.0.set(self.0.get() + 1);
    }
    fn rouse(&self, _word: &ReadU32) {}
    fn accept_fences(&self) -> bool {
        true
    }
    fn fence_everywhere(&self) -> bool {
        true
    }
}

#[test]
fn a_sleeper_that_was_killed_costs_its_publisher_one_wake_up_and_no_more() {
    let word = |value| Lent::from_static(Box::leak(Box::new(AtomicU32::new(value))));
    let (kernel, waiting) = (Counting::default(), word(0));
    let bell = Bell::new(word(0), waiting.clone(), kernel.clone());
    assert!(!bell.ring(), "nobody waits");
    // What a sleeper has done when it is killed.
    waiting.store(1, Ordering::Relaxed);
    for _ in 0..10 {
        bell.ring();
    }
    assert_eq!(kernel.0.get(), 1);
}
