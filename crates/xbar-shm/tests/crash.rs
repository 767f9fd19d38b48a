//! Real processes, killed and forked: who is dead is dead at once, and nobody else is.
#![cfg(not(xbar_loom))]

mod support;

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use support::{Dir, build, create, open, part, start, stay, tell};
use xbar_shm::{SeatKind, SeatLock, Segment, sweep_leftovers};

const LONG: Duration = Duration::from_secs(10);

/// More than one chunk of the table that fork handlers walk.
const SEATS: u32 = 150;

/// Forks a child that runs `child` and ends without unwinding or exit handlers.
///
/// In a process with several threads, `child` must not allocate nor lock.
fn fork(child: impl FnOnce()) -> libc::pid_t {
    // SAFETY: the child runs only `child`, which keeps the rule above, and `_exit`.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "no more processes");
    if pid == 0 {
        child();
        // SAFETY: ends the process.
        unsafe { libc::_exit(0) };
    }
    pid
}

fn reap(pid: libc::pid_t) {
    let mut status = 0;
    // SAFETY: waits for a child of this process, into a local.
    let reaped = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!((reaped, status), (pid, 0), "the forked child failed");
}

/// Says that it runs, behind the fork handlers, then reads standard input to its end; without a lock or memory.
///
/// A child that was forked and has not run yet still has its parent's locks: the instant before it says so is not tested.
fn linger() {
    let word = c"ready\n";
    // SAFETY: the bytes of a constant, to standard output.
    unsafe { libc::write(1, word.as_ptr().cast(), word.count_bytes()) };
    let mut byte = 0_u8;
    // SAFETY: one byte, into a local.
    while unsafe { libc::read(0, (&raw mut byte).cast(), 1) } > 0 {}
}

fn take_seats(segment: &Segment) -> Vec<SeatLock> {
    (0..SEATS).map(|index| segment.take_seat(SeatKind::Subscriber, index).unwrap().unwrap()).collect()
}

#[test]
fn a_killed_publisher_is_dead_at_once_and_its_name_is_taken_over() {
    if let Some(base) = part() {
        let _alive = create(&base).unwrap();
        tell("alive");
        return stay();
    }
    let dir = Dir::new();
    let mut other = start("a_killed_publisher_is_dead_at_once_and_its_name_is_taken_over", &dir);
    other.expect("alive");
    let old = open(&dir.base()).unwrap();
    assert!(old.seat_is_alive(SeatKind::Publisher, 0));
    let error = create(&dir.base()).unwrap_err().to_string();
    assert!(error.contains(&format!("process {}", other.pid())), "{error}");

    other.kill();
    assert!(!old.seat_is_alive(SeatKind::Publisher, 0));
    let mut seen = 0;
    let (new, _seat) = build(&dir.base()).publish(|_| seen += 1).unwrap();
    assert_eq!(seen, 1);
    assert!(new.is_current() && !old.is_current());
    assert_eq!(dir.contents(), ["r"]);
}

#[test]
fn a_killed_publishers_region_can_be_removed_by_anybody() {
    if let Some(base) = part() {
        let (segment, _seat) = create(&base).unwrap();
        // Killed with the region's lock in hand.
        let _lock = segment.lock(LONG).unwrap();
        tell("alive");
        return stay();
    }
    let dir = Dir::new();
    let mut other = start("a_killed_publishers_region_can_be_removed_by_anybody", &dir);
    other.expect("alive");
    let segment = open(&dir.base()).unwrap();
    other.kill();
    assert!(segment.remove_if_dead(LONG).unwrap());
    assert!(dir.contents().is_empty(), "{:?}", dir.contents());
}

#[test]
fn what_a_killed_builder_left_is_swept_and_what_a_living_one_builds_is_not() {
    if let Some(base) = part() {
        let _building = build(&base);
        tell("building");
        return stay();
    }
    let dir = Dir::new();
    let start = || start("what_a_killed_builder_left_is_swept_and_what_a_living_one_builds_is_not", &dir);
    let mut other = start();
    other.expect("building");
    sweep_leftovers(&dir.base());
    assert_eq!(dir.contents().len(), 1, "at work");
    other.kill();
    assert_eq!(dir.contents().len(), 1, "nobody cleaned up yet");
    sweep_leftovers(&dir.base());
    assert!(dir.contents().is_empty(), "{:?}", dir.contents());

    let mut other = start();
    other.expect("building");
    other.kill();
    let (_segment, _seat) = create(&dir.base()).unwrap();
    assert_eq!(dir.contents(), ["r"], "the next creation needs no command");
}

#[test]
fn a_forked_child_does_not_keep_its_parent_alive() {
    if let Some(base) = part() {
        let (segment, _seat) = create(&base).unwrap();
        let _seats = take_seats(&segment);
        let _lock = segment.lock(LONG).unwrap();
        fork(linger);
        return stay();
    }
    let dir = Dir::new();
    let mut other = start("a_forked_child_does_not_keep_its_parent_alive", &dir);
    other.expect("ready");
    let segment = open(&dir.base()).unwrap();
    assert_eq!(segment.living(SeatKind::Subscriber).len(), SEATS as usize);
    other.kill();
    assert_eq!(segment.living(SeatKind::Publisher), [], "the child lives, the publisher does not");
    assert_eq!(segment.living(SeatKind::Subscriber), []);
    assert!(segment.remove_if_dead(Duration::ZERO).unwrap(), "nor is the region's lock held");
    other.release();
}

#[test]
fn a_forked_childs_end_takes_nothing_from_its_parent() {
    if let Some(base) = part() {
        let (segment, seat) = create(&base).unwrap();
        let seats = take_seats(&segment);
        let lock = segment.lock(LONG).unwrap();
        let building = build(&base);
        let mut parents = Some((building, lock, seats, seat));
        let copies = &mut parents;
        reap(fork(|| {
            let mine = copies
                .as_ref()
                .is_some_and(|(_, _, seats, seat)| seat.is_mine() || seats.iter().any(SeatLock::is_mine));
            // A file of the child's own, perhaps under the number of a lock.
            let own = segment.take_seat(SeatKind::Publisher, 1).unwrap().unwrap();
            *copies = None;
            let kept = own.is_mine() && segment.seat_is_alive(SeatKind::Publisher, 1);
            if mine || !kept {
                std::process::abort();
            }
        }));
        let Some((building, lock, seats, seat)) = parents else { panic!() };
        assert!(seat.is_mine() && seats.iter().all(SeatLock::is_mine));
        assert!(open(&base).unwrap().lock(Duration::ZERO).is_err(), "the region's lock is held");
        assert_eq!(segment.living(SeatKind::Subscriber).len(), SEATS as usize);
        assert_eq!(segment.living(SeatKind::Publisher), [0], "the child's own seat went with it");
        sweep_leftovers(&base);
        assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 2, "what is being built is still there");
        drop((building, lock));
        tell("survived");
        return stay();
    }
    let dir = Dir::new();
    let mut other = start("a_forked_childs_end_takes_nothing_from_its_parent", &dir);
    other.expect("survived");
    assert_eq!(open(&dir.base()).unwrap().living(SeatKind::Publisher), [0]);
    assert!(other.end().success());
}

#[test]
fn children_forked_while_seats_are_taken_keep_none_of_them() {
    const FORKS: u32 = 100;
    const SEATS_PER_FORK: u32 = 4;
    if let Some(base) = part() {
        let (segment, _seat) = create(&base).unwrap();
        let each = Barrier::new(2);
        let seats = thread::scope(|scope| {
            let taker = scope.spawn(|| {
                let take = |index| {
                    if index % SEATS_PER_FORK == 0 {
                        each.wait();
                    }
                    segment.take_seat(SeatKind::Subscriber, index).unwrap().unwrap()
                };
                (0..FORKS * SEATS_PER_FORK).map(take).collect::<Vec<_>>()
            });
            for _ in 0..FORKS {
                each.wait();
                fork(linger);
            }
            taker.join().unwrap()
        });
        tell("ready");
        stay();
        return drop(seats);
    }
    let dir = Dir::new();
    let mut other = start("children_forked_while_seats_are_taken_keep_none_of_them", &dir);
    // Each child, and the taker of the seats.
    for _ in 0..=FORKS {
        other.expect("ready");
    }
    let segment = open(&dir.base()).unwrap();
    assert_eq!(segment.living(SeatKind::Subscriber).len(), (FORKS * SEATS_PER_FORK) as usize);
    other.kill();
    assert_eq!(segment.living(SeatKind::Subscriber), []);
    assert_eq!(segment.living(SeatKind::Publisher), []);
    other.release();
}
