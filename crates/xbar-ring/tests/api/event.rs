//! Events in place: graphs, pollers, batches, panics, case by case.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use xbar_ring::event::{At, Events};
use xbar_ring::{BusySpin, PublishError, RecvError, TryRecvError};

/// Counts how many of it were dropped.
struct Counted(Arc<Mutex<u32>>);

impl Drop for Counted {
    fn drop(&mut self) {
        *self.0.lock().unwrap() += 1;
    }
}

fn numbers() -> Events<u64> {
    Events::one_producer(4, || 0)
}

#[test]
fn every_event_reaches_every_branch_and_then_the_join() {
    let mut events = numbers();
    let mut double = events.changer([]);
    let mut left = events.reader([double.place()]);
    let mut right = events.reader([double.place()]);
    let mut join = events.reader([left.place(), right.place()]);
    let mut producer = events.build();
    producer.publish(|event| *event = 21).unwrap();
    assert_eq!(left.try_handle(|event| *event), Err(TryRecvError::Empty));
    double.try_handle(|event| *event *= 2).unwrap();
    assert_eq!(left.try_handle(|event| *event), Ok(42));
    assert_eq!(join.try_handle(|event| *event), Err(TryRecvError::Empty), "the other branch has not");
    assert_eq!(right.try_handle(|event| *event), Ok(42));
    assert_eq!(join.try_handle(|event| *event), Ok(42));
}

/// Received is not handled.
#[test]
fn a_stage_passes_an_event_when_its_handler_has_returned() {
    let mut events = numbers();
    let mut front = events.reader([]);
    let mut behind = events.reader([front.place()]);
    let mut producer = events.build();
    producer.publish(|event| *event = 7).unwrap();
    let look = |_: &u64| assert_eq!(behind.try_handle(|event| *event), Err(TryRecvError::Empty));
    front.try_handle(look).unwrap();
    assert_eq!(behind.try_handle(|event| *event), Ok(7));
}

#[test]
fn the_slowest_stage_holds_the_producer_up_and_nothing_is_lost() {
    let mut events = numbers();
    let mut slow = events.reader([]);
    let mut producer = events.build();
    (0..4).for_each(|n| producer.try_publish(|event| *event = n).unwrap());
    let refused = producer.try_publish(|event| *event = 4).unwrap_err();
    assert!(refused.is_full());
    slow.try_handle(|event| assert_eq!(*event, 0)).unwrap();
    producer.try_publish(refused.into_inner()).unwrap();
    let mut seen = Vec::new();
    while slow.try_each(usize::MAX, |event, _| seen.push(*event)).is_ok() {}
    assert_eq!(seen, [1, 2, 3, 4]);
}

/// Nobody polls yet: the ring fills up and stays.
#[test]
fn what_nobody_has_polled_yet_is_kept() {
    let mut events = numbers();
    let mut reader = events.reader([]);
    let mut producer = events.build();
    assert_eq!(producer.try_publish_each(9, |index, event| *event = index as u64), Ok(4));
    assert_eq!(producer.try_publish_each(9, |_, _| ()), Err(PublishError::Full(())));
    assert_eq!(reader.try_handle(|event| *event), Ok(0));
}

#[test]
#[should_panic(expected = "needs at least 1 stage")]
fn a_ring_without_stages_is_refused() {
    _ = numbers().build();
}

#[test]
#[should_panic(expected = "stages 0 and 1 are beside one another")]
fn a_stage_that_changes_events_has_none_beside_it() {
    let mut events = numbers();
    let (_reader, _changer) = (events.reader([]), events.changer([]));
    _ = events.build();
}

#[test]
#[should_panic(expected = "of another graph")]
fn a_stage_of_another_graph_is_refused() {
    let (mut one, mut other) = (numbers(), numbers());
    let (front, _reader) = (one.reader([]), other.reader([]));
    _ = other.reader([front.place()]);
}

#[test]
fn stages_that_change_events_may_stand_behind_a_join() {
    let mut events = numbers();
    let (left, right) = (events.reader([]), events.reader([]));
    let middle = events.changer([left.place(), right.place()]);
    let _last = events.reader([middle.place()]);
    assert_eq!(events.build().stages(), 4);
}

#[test]
fn an_event_keeps_its_memory_lap_for_lap() {
    let mut events = Events::one_producer(2, || String::with_capacity(64));
    let mut reader = events.reader([]);
    let mut producer = events.build();
    for lap in 0..10 {
        producer
            .publish(|text| {
                text.clear();
                text.push_str("event");
                assert!(text.capacity() >= 64, "lap {lap}");
            })
            .unwrap();
        assert_eq!(reader.try_handle(|text| text.len()), Ok(5));
    }
}

#[test]
fn every_event_is_dropped_once_with_the_last_end() {
    let count = Arc::new(Mutex::new(0));
    let mut events = Events::one_producer(3, || Counted(Arc::clone(&count)));
    let changer = events.changer([]);
    let producer = events.build();
    drop(producer);
    assert_eq!(*count.lock().unwrap(), 0);
    drop(changer);
    assert_eq!(*count.lock().unwrap(), 3);
}

#[test]
fn a_handler_that_panics_ends_its_stage_and_is_seen_behind_and_in_front() {
    let mut events = numbers();
    let mut front = events.reader([]);
    let mut behind = events.reader([front.place()]);
    let mut producer = events.build();
    (0..3).for_each(|n| producer.publish(|event| *event = n).unwrap());
    let panics = |event: &u64, _: At| assert_ne!(*event, 1, "the handler's own");
    assert!(catch_unwind(AssertUnwindSafe(|| front.try_each(9, panics))).is_err());
    assert_eq!(front.try_handle(|_| ()), Err(TryRecvError::Disconnected));
    assert!(front.place().is_gone());
    assert_eq!(front.place().passed(), 1);
    assert_eq!(behind.try_handle(|event| *event), Ok(0));
    assert_eq!(behind.try_handle(|event| *event), Err(TryRecvError::Disconnected));
    let mut accepted = 0;
    while producer.try_publish(|_| ()).is_ok() {
        accepted += 1;
    }
    assert!(accepted <= 4, "nobody is left");
    assert!(matches!(producer.publish(|_| ()), Err(PublishError::Disconnected(_))));
}

#[test]
fn a_poller_that_is_dropped_holds_nobody_up() {
    let mut events = numbers();
    let (gone, mut stays) = (events.reader([]), events.reader([]));
    let mut producer = events.build();
    drop(gone);
    for n in 0..100 {
        producer.try_publish(|event| *event = n).unwrap();
        assert_eq!(stays.try_handle(|event| *event), Ok(n));
    }
    assert_eq!(producer.stages(), 1);
}

#[test]
fn a_closure_that_panics_publishes_nothing_and_stalls_nobody() {
    let mut one = numbers();
    let mut reader = one.reader([]);
    let mut producer = one.build();
    assert!(
        catch_unwind(AssertUnwindSafe(|| producer.try_publish(|_| panic!("the closure's own")).is_ok()))
            .is_err()
    );
    producer.publish(|event| *event = 7).unwrap();
    assert_eq!(reader.try_handle(|event| *event), Ok(7));
    let third = |index: usize, event: &mut u64| {
        assert!(index < 2, "the closure's own");
        *event = index as u64;
    };
    assert!(catch_unwind(AssertUnwindSafe(|| producer.try_publish_each(3, third))).is_err());
    assert_eq!((reader.try_handle(|event| *event), reader.try_handle(|event| *event)), (Ok(0), Ok(1)));
    assert_eq!(reader.try_handle(|event| *event), Err(TryRecvError::Empty));

    let mut many = Events::many_producers(4, || 0_u64);
    let mut reader = many.reader([]);
    let mut producer = many.build();
    assert!(catch_unwind(AssertUnwindSafe(|| producer.try_publish_each(3, third))).is_err());
    producer.publish(|event| *event = 7).unwrap();
    let mut seen = Vec::new();
    assert_eq!(reader.try_each(9, |event, _| seen.push(*event)), Ok(3));
    assert_eq!((seen, reader.voids(), reader.position()), (vec![0, 1, 7], 1, 4));
}

#[test]
fn the_last_event_known_to_be_there_is_marked() {
    let mut events = numbers();
    let mut reader = events.reader([]);
    let mut producer = events.build();
    producer.publish_each(3, |index, event| *event = index as u64).unwrap();
    let mut seen = Vec::new();
    reader.try_each(9, |event, at| seen.push((*event, at.sequence, at.is_last))).unwrap();
    assert_eq!(seen, [(0, 0, false), (1, 1, false), (2, 2, true)]);
}

#[test]
fn a_batch_passes_when_it_says_so_and_comes_again_otherwise() {
    let mut events = numbers();
    let mut changer = events.changer([]);
    let mut reader = events.reader([changer.place()]);
    let mut producer = events.build();
    producer.publish_each(3, |index, event| *event = index as u64).unwrap();
    changer.try_batch(2).unwrap().iter_mut().for_each(|event| *event += 10);
    assert_eq!(reader.try_handle(|_| ()), Err(TryRecvError::Empty));
    let mut batch = changer.try_batch(2).unwrap();
    assert_eq!(batch.first(), 0);
    batch.iter_mut().for_each(|event| *event += 10);
    batch.pass();
    let batch = reader.try_batch(9).unwrap();
    assert_eq!(batch.iter().copied().collect::<Vec<_>>(), [20, 21]);
    batch.pass();
    assert_eq!(changer.try_handle(|event| *event), Ok(2));
}

#[test]
fn a_batch_of_many_producers_leaves_out_what_a_panic_left() {
    let mut events = Events::many_producers(4, || 0_u64);
    let mut reader = events.reader([]);
    let mut producer = events.build();
    producer.publish(|event| *event = 1).unwrap();
    let panics = |_: &mut u64| panic!("the closure's own");
    assert!(catch_unwind(AssertUnwindSafe(|| producer.publish(panics).is_ok())).is_err());
    producer.publish(|event| *event = 2).unwrap();
    let batch = reader.try_batch(9).unwrap();
    assert_eq!(batch.iter().copied().collect::<Vec<_>>(), [1, 2]);
    batch.pass();
    assert_eq!((reader.voids(), reader.position()), (1, 3));
}

#[test]
fn stages_handle_what_is_left_and_then_find_the_end() {
    let mut events = Events::many_producers(4, || 0_u64);
    let mut first = events.reader([]);
    let mut second = events.reader([first.place()]);
    let mut producer = events.build();
    let mut other = producer.clone();
    producer.publish(|event| *event = 1).unwrap();
    drop(producer);
    assert_eq!(first.try_handle(|event| *event), Ok(1));
    assert_eq!(first.try_handle(|event| *event), Err(TryRecvError::Empty));
    other.publish(|event| *event = 2).unwrap();
    drop(other);
    assert_eq!(first.handle(|event| *event), Ok(2));
    assert_eq!(first.handle(|event| *event), Err(RecvError::Disconnected));
    assert_eq!((second.handle(|event| *event), second.handle(|event| *event)), (Ok(1), Ok(2)));
    assert_eq!(second.handle(|event| *event), Err(RecvError::Disconnected));
}

#[test]
fn a_stream_that_is_closed_takes_nothing_and_gives_what_it_took() {
    let mut events = Events::many_producers(4, || 0_u64);
    let mut reader = events.reader([]);
    let mut producer = events.build();
    producer.publish(|event| *event = 1).unwrap();
    producer.closer().close();
    assert!(matches!(producer.publish(|event| *event = 2), Err(PublishError::Disconnected(_))));
    assert_eq!(reader.handle(|event| *event), Ok(1));
    assert_eq!(reader.handle(|event| *event), Err(RecvError::Disconnected));
}

#[test]
fn a_graph_that_is_given_up_leaves_an_end() {
    let mut one = numbers();
    let mut reader = one.reader([]);
    drop(one);
    assert_eq!(reader.try_handle(|_| ()), Err(TryRecvError::Disconnected));
    let mut many = Events::many_producers(2, || 0);
    let mut reader = many.reader([]);
    drop(many);
    assert_eq!(reader.try_handle(|_| ()), Err(TryRecvError::Disconnected));
}

#[test]
fn waiting_ends_by_an_event_by_the_end_and_by_the_clock() {
    let mut events = numbers();
    let mut reader = events.reader([]);
    let mut producer = events.build();
    assert_eq!(reader.handle_timeout(Duration::ZERO, |_| ()), Err(RecvError::Timeout));
    let publishing = std::thread::spawn(move || {
        (0..100).for_each(|n| producer.publish_waiting(BusySpin, |event| *event = n).unwrap());
    });
    for n in 0..100 {
        assert_eq!(reader.handle_timeout(Duration::from_secs(60), |event| *event), Ok(n));
    }
    assert_eq!(reader.each_with(BusySpin, 9, |_, _| ()), Err(RecvError::Disconnected));
    publishing.join().unwrap();
}

#[test]
fn a_producer_waits_for_those_in_front_of_a_last_stage_that_is_gone() {
    let mut events = Events::one_producer(4, || 0_u64);
    let mut first = events.reader([]);
    let mut second = events.reader([first.place()]);
    let beside = events.reader([first.place()]);
    let mut producer = events.build();
    assert_eq!(producer.try_publish_each(9, |_, _| ()), Ok(4));
    assert_eq!(first.try_each(3, |_, _| ()), Ok(3));
    assert_eq!(second.try_each(2, |_, _| ()), Ok(2));
    assert_eq!(producer.try_publish_each(9, |_, _| ()), Err(PublishError::Full(())));
    drop(beside);
    assert_eq!(producer.try_publish_each(9, |_, _| ()), Ok(2), "the second is the slowest");
    drop(second);
    assert_eq!(producer.try_publish_each(9, |_, _| ()), Ok(1), "the first is the only one");
    drop(first);
    assert_eq!(producer.try_publish_each(9, |_, _| ()), Err(PublishError::Disconnected(())));
}

#[test]
fn a_stretch_goes_on_at_the_beginning_of_the_ring() {
    let mut events = numbers();
    let mut reader = events.reader([]);
    let mut behind = events.reader([reader.place()]);
    let mut producer = events.build();
    let mut next = 0;
    // 4 slots: it begins at each of them, and goes on at the first one.
    for count in [3, 4, 2, 4, 4, 1, 4, 3, 4] {
        producer.publish_each(count, |index, event| *event = next + index as u64).unwrap();
        let mut seen = Vec::new();
        assert_eq!(reader.try_each(9, |event, at| seen.push((*event, at.sequence, at.is_last))), Ok(count));
        let end = next + count as u64;
        assert_eq!(seen, (next..end).map(|n| (n, n, n + 1 == end)).collect::<Vec<_>>());
        assert_eq!(behind.try_each(usize::MAX, |event, at| assert_eq!(*event, at.sequence)), Ok(count));
        next = end;
    }
}

#[test]
fn a_stage_that_is_asked_for_nothing_takes_nothing() {
    let mut events = numbers();
    let mut reader = events.reader([]);
    let mut producer = events.build();
    let nothing =
        |reader: &mut xbar_ring::event::Poller<u64>| reader.try_each(0, |_, _| panic!("not asked for"));
    assert_eq!(nothing(&mut reader), Ok(0));
    producer.publish(|event| *event = 7).unwrap();
    assert_eq!(nothing(&mut reader), Ok(0));
    reader.try_batch(0).unwrap().pass();
    assert_eq!(reader.position(), 0);
    drop(producer);
    assert_eq!(reader.try_handle(|event| *event), Ok(7));
    assert_eq!(nothing(&mut reader), Ok(0));
}
