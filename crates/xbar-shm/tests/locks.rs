//! Locks and seats within one process: exclusive, released by a drop, lost by nothing else.
#![cfg(not(xbar_loom))]

mod support;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use support::{Dir, create, open};
use xbar_shm::{SeatKind, ShmError};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(10);

#[test]
fn the_regions_lock_excludes_every_other_handle_until_the_timeout() {
    let dir = Dir::new();
    let (segment, _seat) = create(&dir.base()).unwrap();
    let other = open(&dir.base()).unwrap();
    let held = segment.lock(LONG).unwrap();
    for handle in [&segment, &other] {
        let start = Instant::now();
        let Err(ShmError::Locked { waited, .. }) = handle.lock(SHORT) else { panic!() };
        assert_eq!(waited, SHORT);
        assert!(start.elapsed() >= SHORT);
        assert!(matches!(handle.lock(Duration::ZERO), Err(ShmError::Locked { .. })));
    }
    drop(held);
    drop(other.lock(Duration::ZERO).unwrap());
}

#[test]
fn the_regions_lock_lets_one_at_a_time_in_and_everybody_in_the_end() {
    let dir = Dir::new();
    let (_segment, _seat) = create(&dir.base()).unwrap();
    let inside = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let segment = open(&dir.base()).unwrap();
                for _ in 0..10 {
                    let _lock = segment.lock(LONG).unwrap();
                    assert!(!inside.swap(true, Ordering::Relaxed));
                    thread::yield_now();
                    inside.store(false, Ordering::Relaxed);
                }
            });
        }
    });
}

#[test]
fn a_replaced_or_removed_region_cannot_be_locked() {
    let dir = Dir::new();
    let (old, seat) = create(&dir.base()).unwrap();
    drop(seat);
    let (new, seat) = create(&dir.base()).unwrap();
    assert!(matches!(old.lock(LONG), Err(ShmError::Gone { .. })));
    drop(seat);
    assert!(new.remove_if_dead(LONG).unwrap());
    assert!(matches!(new.lock(LONG), Err(ShmError::Gone { .. })));
    assert!(matches!(new.take_seat(SeatKind::Publisher, 0), Err(ShmError::Gone { .. })));
    assert!(!new.seat_is_alive(SeatKind::Publisher, 0), "a missing lock file is proof");
}

#[test]
fn a_seat_has_one_owner_and_is_free_when_that_drops_it() {
    let dir = Dir::new();
    let (segment, first) = create(&dir.base()).unwrap();
    let other = open(&dir.base()).unwrap();
    assert!(other.take_seat(SeatKind::Publisher, 0).unwrap().is_none(), "two handles of one process");
    assert!(!other.seat_is_alive(SeatKind::Subscriber, 0), "another kind");
    assert!(!other.seat_is_alive(SeatKind::Publisher, 1), "another number");
    let more: Vec<_> =
        [10, 2, 1].map(|index| segment.take_seat(SeatKind::Publisher, index).unwrap().unwrap()).into();
    assert!(first.is_mine());
    assert_eq!(other.living(SeatKind::Publisher), [0, 1, 2, 10]);
    assert_eq!(other.living(SeatKind::Subscriber), []);
    drop((first, more));
    assert_eq!(other.living(SeatKind::Publisher), []);
    assert!(other.take_seat(SeatKind::Publisher, 0).unwrap().is_some());
}

#[test]
fn an_unrelated_close_of_the_lock_file_does_not_lose_the_seat() {
    let dir = Dir::new();
    let (segment, _seat) = create(&dir.base()).unwrap();
    let file = segment.directory().join("publisher.0");
    // Classic record locks would be gone after this.
    assert_eq!(fs::read_to_string(&file).unwrap(), std::process::id().to_string());
    assert!(segment.seat_is_alive(SeatKind::Publisher, 0));
}

#[test]
fn asking_never_makes_the_living_dead_nor_the_dead_alive() {
    let dir = Dir::new();
    let (segment, _seat) = create(&dir.base()).unwrap();
    drop(segment.take_seat(SeatKind::Publisher, 1).unwrap());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    assert!(segment.seat_is_alive(SeatKind::Publisher, 0));
                    assert!(!segment.seat_is_alive(SeatKind::Publisher, 1));
                }
            });
        }
    });
}

#[test]
fn a_prober_that_loses_its_core_keeps_nobody_from_a_free_seat() {
    let dir = Dir::new();
    let (segment, _seat) = create(&dir.base()).unwrap();
    drop(segment.take_seat(SeatKind::Publisher, 1).unwrap());
    let is_over = AtomicBool::new(false);
    let slice = || {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(4) {
            std::hint::spin_loop();
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            let file = fs::File::open(segment.directory().join("publisher.1")).unwrap();
            while !is_over.load(Ordering::Relaxed) {
                // Between these two calls somebody else has the core.
                flock(&file, FlockOperation::LockShared).unwrap();
                slice();
                flock(&file, FlockOperation::Unlock).unwrap();
                slice();
            }
        });
        let tries = (0..20).map(|_| segment.take_seat(SeatKind::Publisher, 1).unwrap().is_some());
        let taken = tries.filter(|is_taken| *is_taken).count();
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(taken, 20);
    });
}

#[test]
fn a_living_region_is_not_removed_and_a_dead_one_leaves_nothing() {
    let dir = Dir::new();
    let (segment, seat) = create(&dir.base()).unwrap();
    let second = segment.take_seat(SeatKind::Publisher, 1).unwrap();
    let reader = segment.take_seat(SeatKind::Subscriber, 0).unwrap();
    drop(seat);
    assert!(!segment.remove_if_dead(LONG).unwrap(), "the second publisher lives");
    drop(second);
    assert!(segment.remove_if_dead(LONG).unwrap(), "subscribers do not keep a region");
    assert!(dir.contents().is_empty(), "{:?}", dir.contents());
    assert!(!segment.remove_if_dead(LONG).unwrap());
    drop(reader);
}

#[test]
fn the_removal_of_a_dead_region_does_not_touch_its_successor() {
    let dir = Dir::new();
    let (old, seat) = create(&dir.base()).unwrap();
    drop(seat);
    let (new, seat) = create(&dir.base()).unwrap();
    assert!(!old.remove_if_dead(LONG).unwrap());
    drop(seat);
    assert!(!old.remove_if_dead(LONG).unwrap(), "also a dead successor is not its to remove");
    assert!(new.is_current());
}

#[test]
fn creators_and_removers_of_one_name_never_see_half_a_region() {
    let dir = Dir::new();
    let base = dir.base();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    match create(&base) {
                        Ok((segment, seat)) => {
                            assert!(segment.is_current());
                            drop(seat);
                            segment.remove_if_dead(LONG).unwrap();
                        }
                        Err(ShmError::Alive { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
    });
    if let Ok(last) = open(&base) {
        last.remove_if_dead(LONG).unwrap();
    }
    assert!(dir.contents().is_empty(), "{:?}", dir.contents());
}
