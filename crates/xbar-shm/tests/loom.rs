//! Models of publish against park on the shipped code, with a modelled futex.
#![cfg(xbar_loom)]

use std::ptr::NonNull;
use std::time::Duration;

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use xbar_layout::Lent;
use xbar_layout::sync::{AtomicU32, Ordering, ReadU32};
use xbar_shm::wake::{Bell, Kernel, Sleeper};

/// A futex without time: whoever sleeps is woken or sleeps for ever, and the model checker reports the latter.
struct Futex {
    lock: Mutex<()>,
    condition: Condvar,
}

struct Memory {
    word: AtomicU32,
    waiting: AtomicU32,
    message: AtomicU32,
    futex: Futex,
}

#[derive(Clone)]
struct Model(Arc<Memory>);

impl Kernel for Model {
    fn sleep(&self, word: &ReadU32, expected: u32, _timeout: Duration) {
        let guard = self.0.futex.lock.lock().unwrap();
        if word.load_relaxed() == expected {
            drop(self.0.futex.condition.wait(guard).unwrap());
        }
    }

    fn wake_all(&self, _word: &AtomicU32) {
        let _guard = self.0.futex.lock.lock().unwrap();
        self.0.futex.condition.notify_all();
    }

    fn rouse(&self, _word: &ReadU32) {
        unreachable!("no model stops a sleeper")
    }

    fn accept_fences(&self) -> bool {
        true
    }

    fn fence_everywhere(&self) -> bool {
        true
    }
}

impl Memory {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            word: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
            message: AtomicU32::new(0),
            futex: Futex { lock: Mutex::new(()), condition: Condvar::new() },
        })
    }
}

fn lend<T>(memory: &Arc<Memory>, part: &T) -> Lent<T, Arc<Memory>> {
    // SAFETY: `part` is a field of what the Arc keeps.
    unsafe { Lent::new(NonNull::from(part), memory.clone()) }
}

fn bell(memory: &Arc<Memory>) -> Bell<Arc<Memory>, Model> {
    Bell::new(lend(memory, &memory.word), lend(memory, &memory.waiting), Model(memory.clone()))
}

/// Waits until `wanted` messages are published.
fn wait(memory: &Arc<Memory>, wanted: u32) {
    let word = lend(memory, ReadU32::of(&memory.word));
    let sleeper = Sleeper::new(word, lend(memory, &memory.waiting), Model(memory.clone()));
    let ready = || memory.message.load(Ordering::Relaxed) >= wanted;
    while !ready() {
        sleeper.sleep_unless(ready, Duration::MAX);
    }
}

/// Publishes `count` messages as a ring would: the message is a relaxed fact, so that only the fences order it.
fn publish(memory: &Arc<Memory>, bell: &Bell<Arc<Memory>, Model>, count: u32) {
    for message in 1..=count {
        memory.message.store(message, Ordering::Relaxed);
        bell.ring();
    }
}

/// Proves: a reader that parks is woken by the message it waits for. Bound: one sleeper, two messages.
#[test]
fn no_wake_up_is_lost() {
    loom::model(|| {
        let memory = Memory::new();
        let theirs = memory.clone();
        let sleeper = thread::spawn(move || wait(&theirs, 2));
        publish(&memory, &bell(&memory), 2);
        sleeper.join().unwrap();
    });
}

/// Proves: two sleepers share one flag without stealing each other's wake-up. Bound: two sleepers, one message each
/// later than the other.
#[test]
fn sleepers_do_not_steal_wake_ups() {
    let mut builder = loom::model::Builder::new();
    // Three threads: two preemptions end in seconds, three in minutes.
    builder.preemption_bound = Some(builder.preemption_bound.unwrap_or(3).min(2));
    builder.check(|| {
        let memory = Memory::new();
        let (first, second) = (memory.clone(), memory.clone());
        let first = thread::spawn(move || wait(&first, 1));
        let second = thread::spawn(move || wait(&second, 2));
        publish(&memory, &bell(&memory), 2);
        first.join().unwrap();
        second.join().unwrap();
    });
}
