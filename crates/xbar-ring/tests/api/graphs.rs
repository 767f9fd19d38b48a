//! Graphs of stages and batches of events: who waits for whom, what is told, and when.

use std::panic::{AssertUnwindSafe, catch_unwind};

use xbar_ring::event::{Events, Many, Order, Poller, Producer, Read};
use xbar_ring::{BusySpin, PublishError, RecvError, Step, TryRecvError, WaitStrategy};

type Reader<O> = Poller<u64, Read, O>;

/// Both kinds of producers, on a ring of so many events.
macro_rules! both {
    ($capacity:expr, $check:ident) => {{
        $check(Events::one_producer($capacity, || 0_u64));
        $check(Events::many_producers($capacity, || 0_u64));
    }};
}

/// What is there for this stage, passed.
fn take<O: Order>(reader: &mut Reader<O>) -> Result<Vec<u64>, TryRecvError> {
    let mut taken = Vec::new();
    reader.try_each(usize::MAX, |event, _| taken.push(*event)).map(|_| taken)
}

fn fill<O: Order>(producer: &mut Producer<u64, O>, numbers: std::ops::Range<u64>) {
    numbers.for_each(|n| assert!(producer.try_publish(|event| *event = n).is_ok()));
}

/// ```text
/// producer --+-- first -- second -- third --+-- last
///            +------------ beside ----------+
/// ```
#[test]
fn a_branch_beside_several_stages_is_joined_behind_all_of_them() {
    fn check<O: Order>(mut events: Events<u64, O>) {
        let mut beside = events.reader([]);
        let mut first = events.reader([]);
        let mut second = events.reader([first.place()]);
        let mut third = events.reader([second.place()]);
        let mut last = events.reader([third.place(), beside.place()]);
        let mut producer = events.build();
        fill(&mut producer, 0..3);
        drop(producer);
        let there = Ok(vec![0, 1, 2]);
        assert_eq!(
            (take(&mut second), take(&mut last)),
            (Err(TryRecvError::Empty), Err(TryRecvError::Empty))
        );
        assert_eq!(take(&mut beside), there, "whatever the others do");
        for stage in [&mut first, &mut second, &mut third] {
            assert_eq!(take(&mut last), Err(TryRecvError::Empty));
            assert_eq!(take(stage), there);
        }
        assert_eq!(take(&mut last), there);
        for stage in [&mut beside, &mut first, &mut second, &mut third, &mut last] {
            assert_eq!(take(stage), Err(TryRecvError::Disconnected));
        }
    }
    both!(8, check);
}

#[test]
fn an_event_makes_room_when_the_last_of_all_branches_has_passed_it() {
    fn check<O: Order>(mut events: Events<u64, O>) {
        let mut front = events.reader([]);
        let mut behind = events.reader([front.place()]);
        let mut beside = events.reader([]);
        let mut producer = events.build();
        fill(&mut producer, 0..4);
        for stage in [&mut front, &mut beside, &mut behind] {
            assert!(producer.try_publish(|_| ()).is_err_and(|refused| refused.is_full()));
            assert_eq!(take(stage), Ok(vec![0, 1, 2, 3]));
        }
        fill(&mut producer, 4..8);
    }
    both!(4, check);
}

#[test]
fn a_full_ring_is_full_for_every_producer() {
    let mut events = Events::many_producers(4, || 0_u64);
    let mut reader = events.reader([]);
    let mut one = events.build();
    let mut other = one.clone();
    fill(&mut one, 0..3);
    assert_eq!(other.try_publish_each(4, |_, event| *event = 3), Ok(1), "as many as there is room for");
    for producer in [&mut one, &mut other] {
        assert_eq!(producer.try_publish_each(4, |_, _| ()), Err(PublishError::Full(())));
    }
    assert_eq!(take(&mut reader), Ok(vec![0, 1, 2, 3]));
    fill(&mut other, 4..6);
    fill(&mut one, 6..8);
    assert!(other.try_publish(|_| ()).is_err());
    assert_eq!(take(&mut reader), Ok(vec![4, 5, 6, 7]));
}

/// Nobody has to know while compiling how many there are.
#[test]
fn there_are_as_many_stages_and_producers_as_are_asked_for_at_run_time() {
    for (producers, stages) in [(1, 5), (3, 2), (6, 1)] {
        let mut events = Events::many_producers(8, || 0_u64);
        let mut readers: Vec<Reader<Many>> = (0..stages).map(|_| events.reader([])).collect();
        let mut last = events.reader(readers.iter().map(Poller::place).collect::<Vec<_>>());
        let first = events.build();
        let others: Vec<_> = (1..producers).map(|_| first.clone()).collect();
        for (n, producer) in (0..).zip(&mut [vec![first], others].concat()) {
            assert_eq!(producer.stages(), stages + 1);
            fill(producer, n..n + 1);
        }
        let all: Vec<u64> = (0..producers).collect();
        readers.iter_mut().for_each(|reader| assert_eq!(take(reader), Ok(all.clone())));
        assert_eq!(take(&mut last), Ok(all));
        readers.iter_mut().for_each(|reader| assert_eq!(take(reader), Err(TryRecvError::Disconnected)));
        assert_eq!(take(&mut last), Err(TryRecvError::Disconnected));
    }
}

/// Events are counted alike by all stages, so each can do those of its turn and leave the rest.
#[test]
fn stages_that_share_the_work_by_number_do_all_of_it_once() {
    let mut events = Events::many_producers(4, || 0_u64);
    let mut workers = [events.reader([]), events.reader([]), events.reader([])];
    let mut one = events.build();
    let mut other = one.clone();
    let mut done = Vec::new();
    for n in 0..20 {
        fill(if n % 3 == 0 { &mut other } else { &mut one }, n..n + 1);
        for (turn, worker) in (0..).zip(&mut workers) {
            let work = |event: &u64, at: xbar_ring::event::At| {
                if at.sequence % 3 == turn {
                    done.push((at.sequence, *event));
                }
            };
            assert_eq!(worker.try_each(9, work), Ok(1));
        }
    }
    assert_eq!(done, (0..20).map(|n| (n, n)).collect::<Vec<_>>());
}

#[test]
fn a_batch_of_nothing_publishes_nothing_whatever_the_ring() {
    fn check<O: Order>(mut events: Events<u64, O>) {
        let mut reader = events.reader([]);
        let mut producer = events.build();
        let nothing = |producer: &mut Producer<u64, O>| {
            let published = producer.published();
            assert_eq!(producer.try_publish_each(0, |_, _| panic!("not asked for")), Ok(0));
            assert_eq!(producer.publish_each(0, |_, _| panic!("not asked for")), Ok(()));
            assert_eq!(producer.published(), published);
        };
        nothing(&mut producer);
        assert_eq!(take(&mut reader), Err(TryRecvError::Empty));
        fill(&mut producer, 0..4);
        nothing(&mut producer); // full
        assert_eq!(take(&mut reader), Ok(vec![0, 1, 2, 3]));
        drop(reader);
        nothing(&mut producer); // for nobody
    }
    both!(4, check);
}

/// Waits by letting a stage handle what is there.
struct Handling<'r, O: Order>(&'r mut Reader<O>, Vec<u64>);

impl<O: Order> WaitStrategy for Handling<'_, O> {
    fn step(&mut self, _looks: u32) -> Step {
        let Self(reader, handled) = self;
        reader.try_each(3, |event, _| handled.push(*event)).unwrap();
        Step::Look
    }
}

#[test]
fn a_batch_larger_than_the_ring_goes_on_when_there_is_room() {
    fn check<O: Order>(mut events: Events<u64, O>) {
        let mut reader = events.reader([]);
        let mut producer = events.build();
        let mut waiting = Handling(&mut reader, Vec::new());
        producer.publish_each_waiting(&mut waiting, 18, |index, event| *event = index as u64).unwrap();
        let mut handled = waiting.1;
        assert!(handled.len() >= 14, "it had to wait for those");
        while let Ok(more) = take(&mut reader) {
            handled.extend(more);
        }
        assert_eq!(handled, (0..18).collect::<Vec<_>>());
    }
    both!(4, check);
}

#[test]
fn a_batch_that_cannot_go_on_says_how_much_of_it_was_published() {
    struct Stopping;
    impl WaitStrategy for Stopping {
        fn step(&mut self, _looks: u32) -> Step {
            Step::Stop
        }
    }
    fn check<O: Order>(mut events: Events<u64, O>) {
        let mut reader = events.reader([]);
        let mut producer = events.build();
        assert_eq!(reader.handle_with(Stopping, |event| *event), Err(RecvError::Stopped));
        let number = |index: usize, event: &mut u64| *event = index as u64;
        assert_eq!(producer.publish_each_waiting(Stopping, 9, number), Err(PublishError::Stopped(4)));
        let refused = producer.publish_waiting(Stopping, |event| std::mem::replace(event, 7)).unwrap_err();
        assert!(matches!(refused, PublishError::Stopped(_)));
        assert_eq!(take(&mut reader), Ok(vec![0, 1, 2, 3]));
        let earlier = producer.try_publish(refused.into_inner());
        assert!(matches!(earlier, Ok(0)), "the closure comes back, and what it returns");
        drop(reader);
        let left = producer.publish_each_waiting(BusySpin, 9, number);
        assert_eq!(left, Err(PublishError::Disconnected(3)), "one slot of four was full");
    }
    both!(4, check);
}

#[test]
fn the_events_of_a_batch_are_shown_together_by_one_producer() {
    let mut events = Events::one_producer(4, || 0_u64);
    let mut reader = events.reader([]);
    let mut producer = events.build();
    let look = |index: usize, event: &mut u64| {
        assert_eq!(take(&mut reader), Err(TryRecvError::Empty));
        *event = index as u64;
    };
    producer.publish_each(3, look).unwrap();
    assert_eq!(take(&mut reader), Ok(vec![0, 1, 2]));
}

#[test]
fn no_other_producer_s_events_come_into_a_batch() {
    let mut events = Events::many_producers(8, || 0_u64);
    let mut reader = events.reader([]);
    let mut one = events.build();
    let mut other = one.clone();
    one.publish_each(3, |index, event| {
        fill(&mut other, 10..11);
        *event = index as u64;
    })
    .unwrap();
    assert_eq!(take(&mut reader), Ok(vec![0, 1, 2, 10, 10, 10]));
}

/// Whoever gathers until the last event writes everything out, also when a producer gives up behind it.
#[test]
fn an_event_with_only_what_a_panic_left_behind_it_is_the_last() {
    for most in [1, 2, 9] {
        let mut events = Events::many_producers(4, || 0_u64);
        let mut first = events.reader([]);
        let mut second = events.reader([first.place()]);
        let mut producer = events.build();
        for _lap in 0..3 {
            fill(&mut producer, 0..2);
            let panics = |_: usize, _: &mut u64| panic!("the closure's own");
            assert!(catch_unwind(AssertUnwindSafe(|| producer.try_publish_each(2, panics))).is_err());
            for stage in [&mut first, &mut second] {
                let mut marks = Vec::new();
                while stage.try_each(most, |event, at| marks.push((*event, at.is_last))).is_ok() {}
                assert_eq!(marks, [(0, false), (1, true)]);
            }
        }
    }
}

#[test]
fn a_stage_says_what_there_is_without_taking_it() {
    fn check<O: Order>(mut events: Events<u64, O>) {
        let mut front = events.reader([]);
        let mut behind = events.reader([front.place()]);
        let mut producer = events.build();
        assert!(!front.is_ready() && !behind.is_ready() && producer.is_ready());
        fill(&mut producer, 0..4);
        assert!(front.is_ready() && !behind.is_ready() && !producer.is_ready());
        assert_eq!((front.pending(), behind.pending(), front.position()), (4, 4, 0));
        assert_eq!(front.try_handle(|event| *event), Ok(0));
        assert!(behind.is_ready() && !producer.is_ready());
        assert_eq!(take(&mut behind), Ok(vec![0]));
        assert!(producer.is_ready() && !behind.is_ready());
        assert_eq!((front.pending(), behind.pending(), behind.position()), (3, 3, 1));
        drop(producer);
        assert_eq!(take(&mut front), Ok(vec![1, 2, 3]));
        assert!(front.is_ready(), "the end is there to be found");
        assert_eq!(take(&mut front), Err(TryRecvError::Disconnected));
    }
    both!(4, check);
}

#[test]
fn an_event_stays_as_a_closure_that_panicked_left_it() {
    let mut events = Events::one_producer(4, || 0_u64);
    let mut reader = events.reader([]);
    let mut producer = events.build();
    let panics = |event: &mut u64| {
        *event = 9;
        panic!("the closure's own")
    };
    assert!(catch_unwind(AssertUnwindSafe(|| producer.try_publish(panics).is_ok())).is_err());
    assert!(matches!(producer.try_publish(|event| *event), Ok(9)));
    assert_eq!(take(&mut reader), Ok(vec![9]));
}

#[test]
#[should_panic(expected = "a ring of events needs a capacity >= 2, not 1")]
fn a_ring_of_one_event_is_refused() {
    _ = Events::one_producer(1, || 0_u64);
}
