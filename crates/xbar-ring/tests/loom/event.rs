//! Events in place: the model checker watches every cell, so a handler beside a producer, or beside a stage that changes
//! events, is a failure.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use loom::sync::{Condvar, Mutex};
use loom::thread;
use xbar_ring::event::{Events, Many};
use xbar_ring::{Park, PublishError, RecvError, Rest, TryRecvError, Wake};

/// Proves: a stage behind another one sees what that one made of an event, the producer writes an event again only when both have
/// passed it, and the end comes behind the last event. Bound: a ring of 2, three attempts, two looks of each stage.
#[test]
fn stages_follow_one_another_through_a_lap() {
    loom::model(|| {
        let mut events = Events::one_producer(2, || [0_u64; 2]);
        let mut first = events.changer([]);
        let mut second = events.reader([first.place()]);
        let mut producer = events.build();
        producer.try_publish(|event| event[0] = 1).unwrap();
        producer.try_publish(|event| event[0] = 2).unwrap();
        let handling = thread::spawn(move || {
            (0..2).for_each(|_| first.try_handle(|event| event[1] = event[0] * 10).unwrap());
            first
        });
        let following = thread::spawn(move || {
            let mut handled = 0;
            for _ in 0..2 {
                handled += u64::from(second.try_handle(|event| assert_eq!(event[1], event[0] * 10)).is_ok());
            }
            (second, handled)
        });
        // Into the slot of the first one.
        let third = producer.try_publish(|event| event[0] = 3).is_ok();
        drop(producer);
        let mut first = handling.join().unwrap();
        let (mut second, mut handled) = following.join().unwrap();
        while first.try_handle(|event| event[1] = event[0] * 10).is_ok() {}
        while second.try_handle(|event| assert_eq!(event[1], event[0] * 10)).is_ok() {
            handled += 1;
        }
        assert_eq!(handled, 2 + u64::from(third));
        assert_eq!(second.try_handle(|_| ()), Err(TryRecvError::Disconnected));
    });
}

/// Proves: an event that a stage sees is there, whole, and so is the end behind it. Bound: two events, two looks beside them.
#[test]
fn an_event_that_is_seen_is_there() {
    loom::model(|| {
        let mut events = Events::one_producer(2, || 0_u64);
        let mut reader = events.reader([]);
        let mut producer = events.build();
        let publishing = thread::spawn(move || {
            (1..=2).for_each(|n| producer.try_publish(|event| *event = n).unwrap());
        });
        let mut handled = 0;
        for _ in 0..2 {
            match reader.try_handle(|event| *event) {
                Ok(event) => {
                    handled += 1;
                    assert_eq!(event, handled);
                }
                Err(error) => assert_eq!(error, TryRecvError::Empty),
            }
        }
        publishing.join().unwrap();
        while let Ok(event) = reader.try_handle(|event| *event) {
            handled += 1;
            assert_eq!(event, handled);
        }
        assert_eq!((handled, reader.try_handle(|_| ())), (2, Err(TryRecvError::Disconnected)));
    });
}

/// Proves: two producers never share an event, a closure that panics holds nobody up, and every event that was published is handled
/// once by two stages of which one follows the other. Bound: a ring of 2, one event of each and a panic, looks of both stages.
#[test]
fn a_panic_between_two_producers_holds_nobody_up() {
    loom::model(|| {
        let mut events = Events::many_producers(2, || 0_u64);
        let mut first = events.reader([]);
        let mut second = events.reader([first.place()]);
        let mut producer = events.build();
        let mut other = producer.clone();
        let publishing = thread::spawn(move || {
            let unwound = catch_unwind(AssertUnwindSafe(|| {
                _ = producer.try_publish(|event| {
                    *event = 66;
                    resume_unwind(Box::new("a closure"));
                });
            }));
            assert!(unwound.is_err());
        });
        let others = thread::spawn(move || other.try_publish(|event| *event = 7).unwrap());
        let (mut seen, mut followed) = (Vec::new(), Vec::new());
        seen.extend(first.try_handle(|event| *event));
        followed.extend(second.try_handle(|event| *event));
        publishing.join().unwrap();
        others.join().unwrap();
        while let Ok(event) = first.try_handle(|event| *event) {
            seen.push(event);
        }
        while let Ok(event) = second.try_handle(|event| *event) {
            followed.push(event);
        }
        assert_eq!((seen, followed), (vec![7], vec![7]));
        assert_eq!((first.voids(), second.voids()), (1, 1));
        assert_eq!(second.try_handle(|_| ()), Err(TryRecvError::Disconnected));
    });
}

/// Proves: an event of many producers is written again only when it was read. Bound: a ring of 2, a third and a fourth event by two
/// producers, one look.
#[test]
fn many_producers_wait_for_the_slowest_stage() {
    loom::model(|| {
        let mut events = Events::many_producers(2, || 0_u64);
        let mut reader = events.reader([]);
        let mut producer = events.build();
        let mut other = producer.clone();
        (1..=2).for_each(|n| producer.try_publish(|event| *event = n).unwrap());
        let reading = thread::spawn(move || {
            assert_eq!(reader.try_handle(|event| *event), Ok(1));
            reader
        });
        let publishing = thread::spawn(move || other.try_publish(|event| *event = 3).is_ok());
        let ours = producer.try_publish(|event| *event = 4).is_ok();
        let theirs = publishing.join().unwrap();
        assert!(!(ours && theirs), "there was room for one");
        let mut reader = reading.join().unwrap();
        let mut left = 0;
        while reader.try_handle(|_| ()).is_ok() {
            left += 1;
        }
        assert_eq!(left, 1 + u32::from(ours) + u32::from(theirs));
    });
}

/// Proves: a stage that leaves, by a panic or because it is dropped, holds up no producer, has read before the producer writes, and
/// leaves an end to the stage behind it. Bound: a ring of 2, a stage that handles one of two events and goes.
#[test]
fn a_stage_that_goes_holds_nobody_up() {
    loom::model(|| {
        let mut events = Events::one_producer(2, || 0_u64);
        let mut first = events.reader([]);
        let mut second = events.reader([first.place()]);
        let mut producer = events.build();
        (1..=2).for_each(|n| producer.try_publish(|event| *event = n).unwrap());
        let leaving = thread::spawn(move || {
            assert_eq!(first.try_handle(|event| *event), Ok(1));
            let unwound =
                catch_unwind(AssertUnwindSafe(|| first.try_handle(|_| resume_unwind(Box::new("a handler")))));
            assert!(unwound.is_err());
            assert_eq!(first.try_handle(|_| ()), Err(TryRecvError::Disconnected));
        });
        let mut handled = 0;
        for _ in 0..2 {
            match second.try_handle(|event| assert_eq!(*event, 1)) {
                Ok(()) => handled += 1,
                Err(TryRecvError::Disconnected) => assert_eq!(handled, 1),
                Err(error) => assert_eq!(error, TryRecvError::Empty),
            }
        }
        // Into the slots of both.
        _ = producer.try_publish(|event| *event = 3);
        leaving.join().unwrap();
        while second.try_handle(|event| assert_eq!(*event, 1)).is_ok() {
            handled += 1;
        }
        assert_eq!((handled, second.try_handle(|_| ())), (1, Err(TryRecvError::Disconnected)));
        while producer.try_publish(|event| *event = 4).is_ok() {}
        assert!(matches!(producer.try_publish(|_| ()), Err(PublishError::Disconnected(_))));
    });
}

/// Proves: what is published before a stream is closed from outside is handled, what is refused is not, and the stage finds the end.
/// Bound: one event beside one closing.
#[test]
fn closing_loses_nothing_that_was_accepted() {
    loom::model(|| {
        let mut events = Events::many_producers(2, || 0_u64);
        let mut reader = events.reader([]);
        let mut producer = events.build();
        let closer = producer.closer();
        let publishing = thread::spawn(move || {
            let accepted = producer.try_publish(|event| *event = 7).is_ok();
            (producer, accepted)
        });
        let closing = thread::spawn(move || closer.close());
        let mut handled = false;
        let mut ended = false;
        for _ in 0..2 {
            match reader.try_handle(|event| assert_eq!(*event, 7)) {
                Ok(()) => handled = true,
                Err(error) => ended |= error == TryRecvError::Disconnected,
            }
        }
        let (producer, accepted) = publishing.join().unwrap();
        closing.join().unwrap();
        handled |= reader.try_handle(|_| ()).is_ok();
        assert_eq!(handled, accepted);
        assert!(!ended || handled == accepted);
        assert_eq!(reader.try_handle(|_| ()), Err(TryRecvError::Disconnected));
        drop(producer);
    });
}

/// Proves: what producers did before the end is visible to the stage that finds it. Bound: two producers that write a word each and
/// go, two looks.
#[test]
fn what_producers_did_is_visible_at_the_end() {
    use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::sync::Arc;
    loom::model(|| {
        let mut events = Events::many_producers(2, || 0_u64);
        let mut reader = events.reader([]);
        let producer = events.build();
        let other = producer.clone();
        let words = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
        let leave = |producer, index: usize| {
            let words = Arc::clone(&words);
            thread::spawn(move || {
                words[index].store(1, Relaxed);
                drop(producer);
            })
        };
        let threads = [leave(producer, 0), leave(other, 1)];
        for _ in 0..2 {
            if reader.try_handle(|_| ()) == Err(TryRecvError::Disconnected) {
                assert_eq!([words[0].load(Relaxed), words[1].load(Relaxed)], [1, 1]);
            }
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// A bell whose sleepers look under the lock that rings take: what they wait for was done before its ring, or they sleep until it.
/// A ring that is missing is a deadlock.
#[derive(Default)]
struct Bell {
    lock: Mutex<()>,
    rung: Condvar,
}

impl Wake for Bell {
    fn ring(&self) {
        let _guard = self.lock.lock().unwrap();
        self.rung.notify_all();
    }

    fn sleep(&self, ready: &dyn Fn() -> bool, _rest: Rest<'_>) {
        let guard = self.lock.lock().unwrap();
        if !ready() {
            drop(self.rung.wait(guard).unwrap());
        }
    }
}

fn with_bells(capacity: usize) -> Events<u64, Many, Bell> {
    Events::new(capacity, || 0, [Bell::default(), Bell::default()], None)
}

/// Proves: whoever waits for an event, for room or for the end is woken by it. Bound: a third event through a ring of 2, a stage that
/// sleeps, and an end that comes by closing.
#[test]
fn whoever_sleeps_is_woken() {
    loom::model(|| {
        let mut events = with_bells(2);
        let mut stage = events.reader([]);
        let mut producer = events.build();
        let closer = producer.closer();
        (0..2).for_each(|n| producer.try_publish(|event| *event = n).unwrap());
        let handling = thread::spawn(move || {
            (0..3).for_each(|n| stage.handle_with(Park, |event| assert_eq!(*event, n)).unwrap());
            assert_eq!(stage.handle_with(Park, |_| ()), Err(RecvError::Disconnected));
        });
        assert!(producer.publish_waiting(Park, |event| *event = 2).is_ok());
        closer.close();
        handling.join().unwrap();
        drop(producer);
    });
}

/// Proves: a stage that sleeps is woken by the stage in front, also when that one goes. Bound: one event, two stages.
#[test]
fn a_stage_wakes_the_one_behind() {
    loom::model(|| {
        let mut events = with_bells(2);
        let mut first = events.reader([]);
        let mut second = events.reader([first.place()]);
        let mut producer = events.build();
        producer.try_publish(|event| *event = 7).unwrap();
        let following = thread::spawn(move || {
            assert_eq!(second.handle_with(Park, |event| *event), Ok(7));
            assert_eq!(second.handle_with(Park, |_| ()), Err(RecvError::Disconnected));
        });
        first.try_handle(|_| ()).unwrap();
        drop(first);
        following.join().unwrap();
    });
}
