//! Handlers of events in threads of their own: names, cores, strategies, states, ends.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use xbar::affinity::available_cores;
use xbar::event::Events;
use xbar::ring::TryRecvError;
use xbar::{
    Adaptive, BackoffSpin, BusySpin, Handlers, Park, RingRecvError, Shutdown, ThreadChannel, YieldSpin,
};

#[test]
fn handlers_and_pollers_stand_in_one_graph() {
    let mut events = ThreadChannel::new(8).events(|| 0_u64).unwrap();
    let double = events.changer([]);
    let mut here = events.reader([double.place()]);
    let there = events.reader([here.place()]);
    let mut producer = events.build();
    let (told, seen) = mpsc::channel();
    let mut handlers = Handlers::new();
    handlers.start("double", double, |event, _| *event *= 2).unwrap();
    handlers.start("there", there, move |event, _| told.send(*event).unwrap()).unwrap();
    for n in 0..20 {
        assert!(producer.publish(|event| *event = n).is_ok());
        assert!(seen.try_recv().is_err(), "not before it was polled here");
        assert_eq!(here.handle_with(Park, |event| *event), Ok(2 * n));
        assert_eq!(seen.recv(), Ok(2 * n));
    }
    drop(producer);
    assert_eq!(here.handle_with(Park, |_| ()), Err(RingRecvError::Disconnected));
    handlers.join().unwrap();
}

#[test]
fn a_handler_runs_in_a_thread_of_its_name_on_its_core() {
    let core = *available_cores().last().unwrap();
    let mut events = ThreadChannel::new(4).events(|| 0_u64).unwrap();
    let (free, pinned) = (events.reader([]), events.reader([]));
    let mut producer = events.build();
    let (told, heard) = mpsc::channel();
    let where_am_i = |told: mpsc::Sender<_>| {
        move |_: &u64, _| {
            let name = thread::current().name().map(str::to_owned);
            told.send((name, available_cores())).unwrap();
        }
    };
    let mut handlers = Handlers::new();
    handlers.start("free", free, where_am_i(told.clone())).unwrap();
    handlers.on_core(core).start("pinned", pinned, where_am_i(told)).unwrap();
    producer.publish(|_| ()).unwrap();
    drop(producer);
    handlers.join().unwrap();
    let mut places: Vec<_> = heard.iter().collect();
    places.sort();
    let named = |name: &str| Some(name.to_owned());
    assert_eq!(places, [(named("free"), available_cores()), (named("pinned"), vec![core])]);
}

#[test]
fn a_handler_without_its_core_is_refused_by_its_name_and_holds_nobody_up() {
    let mut events = ThreadChannel::new(2).events(|| 0_u64).unwrap();
    let (far, mut stays) = (events.reader([]), events.reader([]));
    let mut producer = events.build();
    let mut handlers = Handlers::new();
    let error = handlers.on_core(100_000).start("far", far, |_, _| ()).unwrap_err().to_string();
    assert!(error.contains("stage far") && error.contains("core 100000"), "{error}");
    for n in 0..9 {
        assert!(producer.try_publish(|event| *event = n).is_ok());
        assert_eq!(stays.try_handle(|event| *event), Ok(n));
    }
    handlers.join().unwrap();
}

#[test]
fn handlers_wait_each_in_its_own_way() {
    let mut events = ThreadChannel::new(4).events_many(|| 0_u64).unwrap();
    let readers = [(); 5].map(|()| events.reader([]));
    let mut last = events.reader(readers.iter().map(|reader| reader.place()).collect::<Vec<_>>());
    let mut producer = events.build();
    let sum = Arc::new(AtomicU64::new(0));
    let mut handlers = Handlers::new();
    for (index, reader) in readers.into_iter().enumerate() {
        match index {
            0 => handlers.waiting(BusySpin),
            1 => handlers.waiting(YieldSpin),
            2 => handlers.waiting(BackoffSpin),
            3 => handlers.waiting(Adaptive),
            _ => handlers.waiting(Park),
        };
        let sum = Arc::clone(&sum);
        let add = move |event: &u64, _| _ = sum.fetch_add(*event, Ordering::Relaxed);
        handlers.start(&index.to_string(), reader, add).unwrap();
    }
    for n in 1..=20 {
        assert!(producer.publish_waiting(Park, |event| *event = n).is_ok());
        // Some are asleep by now, some are not.
        assert_eq!(last.handle_with(Park, |event| *event), Ok(n));
        assert_eq!(sum.load(Ordering::Relaxed), 5 * (1..=n).sum::<u64>());
    }
    drop(producer);
    handlers.join().unwrap();
}

#[test]
fn a_handler_may_publish_into_another_ring() {
    let mut outer = ThreadChannel::new(4).events(|| 0_u64).unwrap();
    let mut inner = ThreadChannel::new(2).events(String::new).unwrap();
    let (square, mut shown) = (outer.reader([]), inner.reader([]));
    let (mut producer, mut next) = (outer.build(), inner.build());
    let mut handlers = Handlers::new();
    let publish = move |event: &u64, _| {
        assert!(next.publish_waiting(Park, |text| *text = (event * event).to_string()).is_ok());
    };
    handlers.start("square", square, publish).unwrap();
    let publishing = thread::spawn(move || {
        (0..50).for_each(|n| assert!(producer.publish_waiting(Park, |event| *event = n).is_ok()));
    });
    for n in 0..50_u64 {
        assert_eq!(shown.handle_with(Park, |text| text.parse()), Ok(Ok(n * n)));
    }
    // The end of the one is the end of the other.
    assert_eq!(shown.handle_with(Park, |_| ()), Err(RingRecvError::Disconnected));
    publishing.join().unwrap();
    handlers.join().unwrap();
}

/// Whoever gathers writes out at the mark, and has nothing left at the end: whatever the batches were.
#[test]
fn what_is_gathered_up_to_the_last_mark_is_everything() {
    for count in [1, 63, 64, 65, 200] {
        let mut events = ThreadChannel::new(256).events(|| 0_u64).unwrap();
        let reader = events.reader([]);
        let mut producer = events.build();
        let (told, written) = mpsc::channel();
        let mut handlers = Handlers::new();
        let gather = move |gathered: &mut Vec<u64>, event: &u64, at: xbar::event::At| {
            gathered.push(*event);
            if at.is_last {
                told.send(std::mem::take(gathered)).unwrap();
            }
        };
        producer.publish_each(count, |index, event| *event = index as u64).unwrap();
        handlers.start_with("gather", reader, Vec::new, gather).unwrap();
        drop(producer);
        handlers.join().unwrap();
        let written: Vec<Vec<u64>> = written.iter().collect();
        assert_eq!(written.len(), 1, "all {count} were there: one mark");
        assert_eq!(written.concat(), (0..count as u64).collect::<Vec<_>>());
    }
}

#[test]
fn a_ring_that_got_no_event_ends_its_handlers() {
    let mut events = ThreadChannel::new(4).events_many(|| 0_u64).unwrap();
    let first = events.reader([]);
    let second = events.reader([first.place()]);
    let producer = events.build();
    let mut handlers = Handlers::new();
    handlers.waiting(Park);
    handlers.start("first", first, |_, _| panic!("there is no event")).unwrap();
    handlers.start("second", second, |_, _| panic!("there is no event")).unwrap();
    drop(producer);
    handlers.join().unwrap();
}

#[test]
fn handlers_that_are_dropped_leave_no_thread() {
    let held = Arc::new(());
    let theirs = Arc::clone(&held);
    let mut events = ThreadChannel::new(4).events(|| 0_u64).unwrap();
    let reader = events.reader([]);
    let mut producer = events.build();
    let mut handlers = Handlers::new();
    handlers.waiting(Park).start("asleep", reader, move |_, _| _ = Arc::strong_count(&theirs)).unwrap();
    drop(handlers);
    assert_eq!((Arc::strong_count(&held), producer.stages()), (1, 0));
    while producer.try_publish(|_| ()).is_ok() {}
    assert!(producer.publish(|_| ()).is_err(), "nobody is waited for");
}

#[test]
fn every_handler_that_panicked_is_told_while_the_others_go_on() {
    let mut events = ThreadChannel::new(8).events(|| 0_u64).unwrap();
    let [one, other, good] = [(); 3].map(|()| events.reader([]));
    let mut producer = events.build();
    let (told, seen) = mpsc::channel();
    let mut handlers = Handlers::new();
    handlers.start("one", one, |_, _| panic!("the first bad one")).unwrap();
    handlers.start("other", other, |_, _| panic!("the second bad one")).unwrap();
    handlers.start("good", good, move |event, _| told.send(*event).unwrap()).unwrap();
    assert!(handlers.is_healthy() && handlers.panics().is_empty());
    producer.publish(|event| *event = 1).unwrap();
    while handlers.panics().len() < 2 {
        thread::yield_now();
    }
    assert!(!handlers.is_healthy());
    let stages: Vec<_> = handlers.panics().into_iter().map(|panic| (panic.stage, panic.message)).collect();
    let panic = |stage: &str, message: &str| (stage.to_owned(), message.to_owned());
    assert_eq!(stages, [panic("one", "the first bad one"), panic("other", "the second bad one")]);
    (2..30).for_each(|n| producer.publish(|event| *event = n).unwrap());
    drop(producer);
    assert_eq!(seen.iter().collect::<Vec<_>>(), (1..30).collect::<Vec<_>>());
    assert_eq!(handlers.join().unwrap_err().stage, "one");
}

/// One token for a poller that waits and a producer that waits.
#[test]
fn a_token_ends_waits_for_events_and_for_their_room() {
    let shutdown = Shutdown::new();
    let mut empty = ThreadChannel::new(2).events(|| 0_u64).unwrap();
    let mut reader = empty.reader([]);
    let _silent = empty.build();
    let mut full: Events<_, _, _> = ThreadChannel::new(2).events(|| 0_u64).unwrap();
    let mut slow = full.reader([]);
    let mut producer = full.build();
    producer.publish_each(2, |_, _| ()).unwrap();
    let (receiving, publishing) = (shutdown.waiting_as(Park), shutdown.clone().waiting_as(Park));
    let receiving = thread::spawn(move || reader.handle_with(receiving, |_| ()));
    let publishing =
        thread::spawn(move || producer.publish_waiting(publishing, |_| ()).map_err(|_| producer));
    shutdown.stop();
    assert_eq!(receiving.join().unwrap(), Err(RingRecvError::Stopped));
    let mut producer = publishing.join().unwrap().expect_err("it was told to stop");
    assert_eq!(slow.try_each(9, |_, _| ()), Ok(2));
    assert!(producer.try_publish(|event| *event = 7).is_ok(), "the ring goes on");
    assert_eq!((slow.try_handle(|event| *event), slow.try_handle(|_| ())), (Ok(7), Err(TryRecvError::Empty)));
}
