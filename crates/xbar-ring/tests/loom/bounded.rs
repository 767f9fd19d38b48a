//! Lossless rings: values in cells that the model checker watches, so a copy beside a write is a failure.

use loom::thread;
use xbar_ring::channel::Bounded;
use xbar_ring::{TryRecvError, channel_bounded_mpmc};

/// Proves: one writer and one reader never meet in a slot, and every value arrives once, in order, through a ring that is full
/// most of the time. Bound: a ring of 2, 3 values, 2 looks.
#[test]
fn every_value_arrives_in_order() {
    loom::model(|| {
        let (mut publisher, subscribers) = Bounded::new(2).subscribers(1).build::<u64>();
        let mut subscriber = subscribers.subscribe().unwrap();
        publisher.try_publish(0).unwrap();
        let publishing = thread::spawn(move || {
            let mut next = 1;
            for _ in 0..2 {
                next += u64::from(publisher.try_publish(next).is_ok());
            }
            next
        });
        let mut received = 0;
        for _ in 0..2 {
            match subscriber.try_recv() {
                Ok(value) => {
                    assert_eq!(value, received);
                    received += 1;
                }
                Err(TryRecvError::Empty) => {}
                Err(error) => assert_eq!(error, TryRecvError::Disconnected),
            }
        }
        let published = publishing.join().unwrap();
        for value in subscriber.drain() {
            assert_eq!(value, Ok(received));
            received += 1;
        }
        assert_eq!(received, published);
        assert_eq!(subscriber.try_recv(), Err(TryRecvError::Disconnected));
    });
}

/// Proves: a reader that joins while the writer goes on gets, from where it begins, everything, and nothing that is being
/// overwritten; one that leaves stops holding the writer up. Bound: a ring of 2, 2 values and
/// one attempt, one join, one departure.
#[test]
fn readers_join_and_leave_beside_a_writer() {
    loom::model(|| {
        let (mut publisher, subscribers) = Bounded::new(2).subscribers(2).build::<u64>();
        let mut leaving = subscribers.subscribe().unwrap();
        publisher.try_publish(0).unwrap();
        publisher.try_publish(1).unwrap();
        let publishing = thread::spawn(move || {
            let next = 2 + u64::from(publisher.try_publish(2).is_ok());
            (publisher, next)
        });
        let reading = thread::spawn(move || {
            assert_eq!(leaving.try_recv(), Ok(0));
            drop(leaving);
        });
        let mut joined = subscribers.subscribe_from_oldest().unwrap();
        let mut expected = joined.cursor();
        if let Ok(value) = joined.try_recv() {
            assert_eq!(value, expected);
            expected += 1;
        }
        reading.join().unwrap();
        let (mut publisher, next) = publishing.join().unwrap();
        for value in joined.drain() {
            assert_eq!(value, Ok(expected));
            expected += 1;
        }
        assert_eq!(expected, next, "everything from where it joined");
        assert!(publisher.try_publish(next).is_ok(), "only the one that is there counts");
    });
}

/// Proves: what a reader that came and went has read is read before the writer overwrites it, though the writer never saw the
/// reader. Bound: a ring of 2, a reader that reads both values, one attempt.
#[test]
fn a_reader_that_came_and_went_has_read() {
    loom::model(|| {
        let (mut publisher, subscribers) = Bounded::new(2).subscribers(1).build::<u64>();
        publisher.try_publish(0).unwrap();
        publisher.try_publish(1).unwrap();
        let reading = thread::spawn(move || {
            let mut subscriber = subscribers.subscribe_from_oldest().unwrap();
            assert_eq!((subscriber.try_recv(), subscriber.try_recv()), (Ok(0), Ok(1)));
        });
        // Into the slot of the first value; the model checker watches the cell.
        _ = publisher.try_publish(2);
        reading.join().unwrap();
        assert!(publisher.try_publish(3).is_ok());
    });
}

/// Proves: a reader that takes over another one's cursor brings along that the other has read. Bound: a ring of 2, a reader that
/// reads and leaves, one that tries to join, one attempt to publish.
#[test]
fn a_cursor_changes_hands_with_what_was_read() {
    loom::model(|| {
        let (mut publisher, subscribers) = Bounded::new(2).subscribers(1).build::<u64>();
        let mut first = subscribers.subscribe().unwrap();
        publisher.try_publish(0).unwrap();
        publisher.try_publish(1).unwrap();
        let reading = thread::spawn(move || {
            assert_eq!((first.try_recv(), first.try_recv()), (Ok(0), Ok(1)));
        });
        let joining = thread::spawn(move || subscribers.subscribe().map(|mut second| second.try_recv()));
        // Into the slot of the first value; the model checker watches the cell.
        _ = publisher.try_publish(2);
        reading.join().unwrap();
        assert!(
            !matches!(joining.join().unwrap(), Ok(Ok(value)) if value < 2),
            "what it did not subscribe to"
        );
    });
}

/// Proves: two writers never share a number or a slot, every value arrives once, and each writer's in their order. Bound: a ring
/// of 2, 2 + 1 attempts, one look.
#[test]
fn two_writers_lose_nothing() {
    loom::model(|| {
        let (mut first, subscribers) = Bounded::new(2).subscribers(1).build_mpmc::<u64>();
        let mut second = first.clone();
        let mut subscriber = subscribers.subscribe().unwrap();
        let publishing = thread::spawn(move || {
            (10..12).map(|value| u64::from(first.try_publish(value).is_ok())).sum::<u64>()
        });
        let other = thread::spawn(move || u64::from(second.try_publish(20).is_ok()));
        let mut received = Vec::new();
        received.extend(subscriber.try_recv());
        let published = publishing.join().unwrap() + other.join().unwrap();
        received.extend(subscriber.drain().map(Result::unwrap));
        assert_eq!(received.len() as u64, published);
        let of_first: Vec<_> = received.iter().filter(|value| **value < 20).collect();
        assert!(of_first.is_sorted() && received.iter().filter(|value| **value == 20).count() <= 1);
        assert_eq!(subscriber.try_recv(), Err(TryRecvError::Disconnected));
    });
}

/// Proves: a value that was published just before the last writer left is received before the end. Bound: one value, three
/// looks.
#[test]
fn the_end_comes_behind_the_last_value() {
    loom::model(|| {
        let (mut publisher, subscribers) = channel_bounded_mpmc::<u64>(2);
        let other = publisher.clone();
        let mut subscriber = subscribers.subscribe().unwrap();
        let publishing = thread::spawn(move || publisher.try_publish(7).unwrap());
        let leaving = thread::spawn(move || drop(other));
        let mut received = None;
        for _ in 0..3 {
            match subscriber.try_recv() {
                Ok(value) => received = Some(value),
                Err(TryRecvError::Disconnected) => assert_eq!(received, Some(7)),
                Err(error) => assert_eq!(error, TryRecvError::Empty),
            }
        }
        publishing.join().unwrap();
        leaving.join().unwrap();
    });
}

/// Proves: a slot that a reader has passed is written again only after the reader has read it, with many writers. Bound: a ring
/// of 2, a third value into the slot of the first.
#[test]
fn a_slot_is_written_again_only_when_it_was_read() {
    loom::model(|| {
        let (mut first, subscribers) = Bounded::new(2).subscribers(1).build_mpmc::<u64>();
        let mut second = first.clone();
        let mut subscriber = subscribers.subscribe().unwrap();
        first.try_publish(1).unwrap();
        first.try_publish(2).unwrap();
        let reading = thread::spawn(move || {
            assert_eq!(subscriber.try_recv(), Ok(1));
            subscriber
        });
        let other = thread::spawn(move || second.try_publish(3).is_ok());
        let ours = first.try_publish(4).is_ok();
        let theirs = other.join().unwrap();
        assert!(!(ours && theirs), "there was room for one");
        let mut subscriber = reading.join().unwrap();
        let left: Vec<_> = subscriber.drain().map(Result::unwrap).collect();
        assert_eq!(left.len(), 1 + usize::from(ours) + usize::from(theirs));
    });
}
