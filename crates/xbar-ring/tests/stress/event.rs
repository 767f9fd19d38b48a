//! Events through a diamond, by two producers, while stages come to their ends.

use std::thread;

use xbar_ring::RecvError;
use xbar_ring::event::{Access, Events, Order, Poller};

use crate::MESSAGES;

/// Through a small ring every few events wait for a thread to be scheduled.
fn count(capacity: usize) -> u64 {
    if capacity < 8 { MESSAGES / 500 } else { MESSAGES / 20 }
}

fn handles_all<A: Access, O: Order>(
    mut poller: Poller<[u64; 4], A, O>,
    mut handle: impl for<'e> FnMut(A::Of<'e, [u64; 4]>) + Send + 'static,
) -> thread::JoinHandle<u64> {
    thread::spawn(move || {
        let mut handled = 0;
        loop {
            match poller.handle(&mut handle) {
                Ok(()) => handled += 1,
                Err(error) => {
                    assert_eq!(error, RecvError::Disconnected);
                    return handled;
                }
            }
        }
    })
}

#[test]
fn every_event_passes_every_stage_once_and_in_turn() {
    for capacity in [2, 3, 64] {
        let mut events = Events::many_producers(capacity, || [0_u64; 4]);
        let first = events.changer([]);
        let left = events.reader([first.place()]);
        let right = events.reader([first.place()]);
        let last = events.changer([left.place(), right.place()]);
        let producer = events.build();
        let stages = [
            handles_all(first, |event| event[1] = event[0] + 1),
            handles_all(left, |event| assert_eq!(event[1], event[0] + 1)),
            handles_all(right, |event| assert_eq!((event[1], event[2]), (event[0] + 1, 0))),
            handles_all(last, |event| event[2] = 7),
        ];
        let count = count(capacity);
        let producers: Vec<_> = (0..2)
            .map(|_| {
                let mut producer = producer.clone();
                thread::spawn(move || {
                    for n in 0..count {
                        // What the last lap left shows that all stages had passed it.
                        let fresh = |event: &mut [u64; 4]| {
                            assert!(event[2] == 7 || *event == [0; 4]);
                            *event = [n, 0, 0, 0];
                        };
                        assert!(producer.publish(fresh).is_ok());
                    }
                })
            })
            .collect();
        drop(producer);
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        for stage in stages {
            assert_eq!(stage.join().unwrap(), 2 * count);
        }
    }
}

#[test]
fn stages_that_leave_in_the_middle_stop_nobody() {
    for capacity in [2, 64] {
        let mut events = Events::one_producer(capacity, || [0_u64; 4]);
        let (stays, mut leaves) = (events.reader([]), events.reader([]));
        let behind = events.reader([leaves.place()]);
        let mut producer = events.build();
        let count = count(capacity);
        let stays = handles_all(stays, |_| ());
        let leaving = thread::spawn(move || (0..count / 2).for_each(|_| leaves.handle(|_| ()).unwrap()));
        let behind = handles_all(behind, |_| ());
        for n in 0..count {
            assert!(producer.publish(|event| event[0] = n).is_ok());
        }
        drop(producer);
        leaving.join().unwrap();
        assert_eq!(stays.join().unwrap(), count);
        assert_eq!(behind.join().unwrap(), count / 2);
    }
}
