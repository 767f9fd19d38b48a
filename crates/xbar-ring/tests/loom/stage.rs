//! Stages and groups: what counts as passed.

use std::sync::Arc;

use loom::sync::atomic::AtomicU64;
use loom::sync::atomic::Ordering::Relaxed;
use loom::thread;
use xbar_ring::{TryRecvError, channel};

/// Proves: a stage handles a message only after the handler of the stage in front has returned, and sees what that handler did.
/// Bound: two messages, two stages, three looks.
#[test]
fn a_stage_follows_the_handler_in_front() {
    loom::model(|| {
        let (mut publisher, subscribers) = channel::<u64>(4);
        let work = Arc::new(AtomicU64::new(0));
        let mut front = subscribers.subscribe().into_stage([]);
        let front_progress = front.progress();
        let mut behind = subscribers.subscribe().into_stage([front.progress()]);
        (1..=2).for_each(|n| publisher.publish(n));
        let theirs = Arc::clone(&work);
        let handling = thread::spawn(move || {
            for _ in 0..2 {
                front.try_handle(|n| theirs.store(n, Relaxed)).unwrap();
            }
            front
        });
        let mut handled = 0;
        let passed = front_progress.passed();
        assert!(work.load(Relaxed) >= passed, "passed before it was handled");
        for _ in 0..2 {
            match behind.try_handle(|n| assert!(work.load(Relaxed) >= n, "before the stage in front")) {
                Ok(()) => handled += 1,
                Err(error) => assert_eq!(error, TryRecvError::Empty),
            }
        }
        let front = handling.join().unwrap();
        assert_eq!(front.progress().passed(), 2);
        while behind.try_handle(|_| ()).is_ok() {
            handled += 1;
        }
        assert_eq!(handled, 2);
    });
}

/// Proves: a stage whose predecessor is gone finds the end where that one stopped, never waits for ever, and handles everything
/// before. Bound: two messages, of which the stage in front handles one.
#[test]
fn a_stage_that_goes_leaves_an_end() {
    loom::model(|| {
        let (mut publisher, subscribers) = channel::<u64>(4);
        let mut front = subscribers.subscribe().into_stage([]);
        let mut behind = subscribers.subscribe().into_stage([front.progress()]);
        (1..=2).for_each(|n| publisher.publish(n));
        let leaving = thread::spawn(move || {
            front.try_handle(|_| ()).unwrap();
        });
        let mut handled = 0;
        for _ in 0..3 {
            match behind.try_handle(|_| ()) {
                Ok(()) => handled += 1,
                Err(TryRecvError::Disconnected) => assert_eq!(handled, 1),
                Err(error) => assert_eq!(error, TryRecvError::Empty),
            }
        }
        leaving.join().unwrap();
        while behind.try_handle(|_| ()).is_ok() {
            handled += 1;
        }
        assert_eq!(handled, 1);
        assert_eq!(behind.try_handle(|_| ()), Err(TryRecvError::Disconnected));
    });
}

/// Proves: a group reads each message once for all its consumers, whole or counted as missed. Bound: a ring of 2, 3 messages,
/// 2 looks.
#[test]
fn a_group_agrees_on_every_message() {
    loom::model(|| {
        let (mut publisher, subscribers) = channel::<[u64; 2]>(2);
        let mut group = subscribers.subscribe().into_group::<2>();
        let publishing = thread::spawn(move || (1..=3).for_each(|n| publisher.publish([n, n * 10])));
        let mut seen = [0, 0];
        let mut look = || {
            let [first, second] = &mut seen;
            group.try_dispatch(&mut [
                &mut |[n, tens]| {
                    assert_eq!(tens, n * 10);
                    *first += n;
                },
                &mut |[n, _]| *second += n,
            ])
        };
        (0..2).for_each(|_| _ = look());
        publishing.join().unwrap();
        while look() != Err(TryRecvError::Disconnected) {}
        assert_eq!(seen[0], seen[1]);
        assert_eq!(group.total_received() + group.total_missed(), 3);
        assert_eq!(group.total_delivered(), 2 * group.total_received());
    });
}
