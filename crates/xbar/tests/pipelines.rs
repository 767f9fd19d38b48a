//! Pipelines: against plain iterators, and what happens when stages panic, are slow, or are stopped.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use proptest::prelude::*;
use xbar::affinity::available_cores;
use xbar::pipeline::{Flow, InputError, PipelineError};
use xbar::ring::TryRecvError;
use xbar::{Adaptive, BackoffSpin, BusySpin, Park, Pipeline, RingRecvError, Shutdown, YieldSpin};

/// One stage of a random pipeline.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Add(u64),
    Keep(u64),
    Count,
    Copied,
    Diamond(u64),
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        (0..100_u64).prop_map(Kind::Add),
        (1..4_u64).prop_map(Kind::Keep),
        Just(Kind::Count),
        Just(Kind::Copied),
        (0..100_u64).prop_map(Kind::Diamond),
    ]
}

fn lay(flow: Flow<u64>, kind: Kind) -> Result<Flow<u64>, PipelineError> {
    match kind {
        Kind::Add(more) => flow.then(move |n| n + more),
        Kind::Keep(part) => flow.filter_map(move |n| (n % part == 0).then_some(n)),
        // Not `Send`.
        Kind::Count => flow.then_with(
            || Rc::new(Cell::new(0)),
            |count, n| {
                count.set(count.get() + 1);
                n + count.get()
            },
        ),
        Kind::Copied => flow.copied().then(|n| n ^ 1),
        Kind::Diamond(more) => {
            let [left, right] = flow.fan_out()?;
            left.then(move |n| n + more)?.join(right.copied().then(|n| n * 2)?)?.then(|(l, r)| l + r)
        }
    }
}

fn plain(items: Vec<u64>, kind: Kind) -> Vec<u64> {
    let items = items.into_iter();
    match kind {
        Kind::Add(more) => items.map(|n| n + more).collect(),
        Kind::Keep(part) => items.filter(|n| n % part == 0).collect(),
        Kind::Count => items.zip(1..).map(|(n, count)| n + count).collect(),
        Kind::Copied => items.map(|n| n ^ 1).collect(),
        Kind::Diamond(more) => items.map(|n| n + more + n * 2).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the stages, links and capacity: the items of a plain iterator, in its order.
    #[test]
    fn a_random_pipeline_does_what_an_iterator_does(
        kinds in prop::collection::vec(kind(), 0..5),
        items in prop::collection::vec(0..1000_u64, 0..200),
        capacity in 2..20_usize,
    ) {
        let (mut input, mut flow) = Pipeline::builder().capacity(capacity).input::<u64>().unwrap();
        for kind in &kinds {
            flow = lay(flow, *kind).unwrap();
        }
        let (mut output, pipeline) = flow.build().unwrap();
        let sent = items.clone();
        let sending = thread::spawn(move || sent.into_iter().for_each(|item| input.send(item).unwrap()));
        let received: Vec<u64> = output.iter().collect();
        sending.join().unwrap();
        pipeline.join().unwrap();
        prop_assert_eq!(received, kinds.into_iter().fold(items, plain));
    }

    /// Branches that are merged: every item of each once, and each branch's in their order.
    #[test]
    fn merged_branches_keep_their_orders(count in 0..100_u64, capacity in 2..20_usize) {
        let (mut input, flow) = Pipeline::builder().capacity(capacity).input::<u64>().unwrap();
        let [even, odd, all] = flow.fan_out().unwrap();
        let even = even.filter_map(|n| (n % 2 == 0).then_some((0, n))).unwrap();
        let odd = odd.filter_map(|n| (n % 2 == 1).then_some((1, n))).unwrap();
        let all = all.then(|n| (2, n)).unwrap();
        let (mut output, pipeline) = Flow::merge([even, odd, all]).unwrap().build().unwrap();
        let sending = thread::spawn(move || (0..count).for_each(|n| input.send(n).unwrap()));
        let received: Vec<(u32, u64)> = output.iter().collect();
        sending.join().unwrap();
        pipeline.join().unwrap();
        let of = |branch| received.iter().filter(|item| item.0 == branch).map(|item| item.1).collect::<Vec<_>>();
        prop_assert_eq!(of(0), (0..count).filter(|n| n % 2 == 0).collect::<Vec<_>>());
        prop_assert_eq!(of(1), (0..count).filter(|n| n % 2 == 1).collect::<Vec<_>>());
        prop_assert_eq!(of(2), (0..count).collect::<Vec<_>>());
    }
}

/// Nobody receives, and the input is told; nothing is overwritten.
#[test]
fn a_slow_end_holds_the_input_up() {
    let (mut input, flow) = Pipeline::builder().capacity(4).input::<u64>().unwrap();
    let (mut output, pipeline) = flow.named("slow").then(|n| n).unwrap().build().unwrap();
    let mut sent = 0;
    // Two links and an item in the stage's hands, at most; the stage moves items on while this looks.
    let mut refused = 0;
    while refused < 1000 {
        match input.try_send(sent) {
            Ok(()) => (sent, refused) = (sent + 1, 0),
            Err(error) => {
                assert_eq!(error, InputError::Full(sent));
                refused += 1;
                thread::yield_now();
            }
        }
    }
    assert!((4..=16).contains(&sent), "{sent}");
    let stats = pipeline.stats();
    assert_eq!((stats[0].name.as_str(), stats[0].capacity, stats[0].missed), ("slow", 4, 0));
    drop(input);
    assert_eq!(output.iter().collect::<Vec<_>>(), (0..sent).collect::<Vec<_>>());
    pipeline.join().unwrap();
}

#[test]
fn a_stage_that_panics_is_named_and_nobody_waits_for_it() {
    let (mut input, flow) = Pipeline::builder().capacity(4).input::<u64>().unwrap();
    let middle = flow.then(|n| n).unwrap().named("bad").then(|n: u64| {
        assert_ne!(n, 5, "a bad item");
        n
    });
    let (mut output, pipeline) = middle.unwrap().then(|n| n).unwrap().build().unwrap();
    assert!(pipeline.is_healthy());
    let mut sent = 0;
    let refused = loop {
        match input.send(sent) {
            Ok(()) => sent += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused, InputError::Closed(sent));
    assert_eq!(output.iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4], "what it had handled arrives");
    assert_eq!(output.recv(), Err(RingRecvError::Disconnected));
    let panics = loop {
        // The panic is told when the thread has let go of everything.
        let panics = pipeline.panicked_stages();
        if !panics.is_empty() {
            break panics;
        }
        thread::yield_now();
    };
    assert_eq!(panics[0].stage, "bad");
    assert!(!pipeline.is_healthy());
    assert!(pipeline.join().unwrap_err().to_string().contains("a bad item"));
}

#[test]
fn a_branch_that_panics_leaves_the_others_alone() {
    let (mut input, flow) = Pipeline::builder().capacity(4).input::<u64>().unwrap();
    let [bad, good] = flow.fan_out().unwrap();
    bad.named("bad").for_each(|n| assert_ne!(n, 3, "a bad item")).unwrap();
    let (mut output, pipeline) = good.then(|n| n).unwrap().build().unwrap();
    let sending = thread::spawn(move || (0..100).for_each(|n| input.send(n).unwrap()));
    assert_eq!(output.iter().collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    sending.join().unwrap();
    assert_eq!(pipeline.join().unwrap_err().stage, "bad");
}

/// What was sent before the threads ran, before the branches were laid out, is handled by all.
#[test]
fn a_branch_gets_what_was_sent_before_it_was_attached() {
    let (mut input, flow) = Pipeline::builder().capacity(8).input::<u64>().unwrap();
    (0..3).for_each(|n| input.send(n).unwrap());
    let [left, right] = flow.fan_out().unwrap();
    let mut left = left.output().unwrap();
    input.send(3).unwrap();
    let (mut right, pipeline) = right.build().unwrap();
    drop(input);
    assert_eq!(left.iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(right.iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    pipeline.join().unwrap();
}

/// The lossy stage is held up until everything was sent; what it got and what it missed add up.
#[test]
fn a_lossy_stage_counts_what_it_missed() {
    let gate = Arc::new(AtomicU64::new(0));
    let theirs = Arc::clone(&gate);
    let (mut input, flow) = Pipeline::builder().capacity(8).input::<u64>().unwrap();
    let [lossy, lossless] = flow.fan_out().unwrap();
    let mut lossless = lossless.capacity(200).output().unwrap();
    let slow = lossy.named("slow").lossy().then(move |n| {
        while theirs.load(Ordering::Acquire) == 0 {
            thread::yield_now();
        }
        n
    });
    let (mut output, pipeline) = slow.unwrap().capacity(200).build().unwrap();
    (0..100).for_each(|n| input.send(n).unwrap());
    drop(input);
    assert_eq!(lossless.iter().count(), 100);
    gate.store(1, Ordering::Release);
    let received: Vec<u64> = output.iter().collect();
    assert!(received.is_sorted() && received.last() == Some(&99));
    let stats = pipeline.stats().into_iter().find(|stage| stage.name == "slow").unwrap();
    assert_eq!(stats.received, received.len() as u64);
    assert_eq!(stats.received + stats.missed, 100);
    assert!(stats.missed > 0);
    pipeline.join().unwrap();
}

#[test]
fn drain_handles_what_was_taken_and_takes_nothing_more() {
    for round in 0..50 {
        let handled = Arc::new(AtomicU64::new(0));
        let theirs = Arc::clone(&handled);
        let (mut input, flow) = Pipeline::builder().capacity(8).input::<u64>().unwrap();
        let pipeline = flow
            .waiting(Park)
            .then(|n| n)
            .unwrap()
            .finish(move |_| {
                theirs.fetch_add(1, Ordering::Relaxed);
            })
            .unwrap();
        let sending = thread::spawn(move || {
            let mut sent = 0_u64;
            while input.send(sent).is_ok() {
                sent += 1;
            }
            (sent, input)
        });
        // Early in some rounds, late in others.
        while handled.load(Ordering::Relaxed) < round {
            thread::yield_now();
        }
        pipeline.drain().unwrap();
        let (sent, mut input) = sending.join().unwrap();
        assert_eq!(handled.load(Ordering::Relaxed), sent, "accepted is handled");
        assert_eq!(input.try_send(1), Err(InputError::Closed(1)));
    }
}

#[test]
fn stop_ends_stages_that_wait_for_items_and_stages_that_wait_for_room() {
    for round in 0..50 {
        let (mut input, flow) = Pipeline::builder().capacity(2).input::<String>().unwrap();
        let flow = if round % 2 == 0 { flow.waiting(Park) } else { flow.waiting(BusySpin) };
        let [left, right] = flow.then(|text| text).unwrap().fan_out().unwrap();
        let joined = left.then(|text| text).unwrap().join(right).unwrap();
        let (mut output, pipeline) = joined.waiting(Park).build().unwrap();
        let sending = thread::spawn(move || {
            for n in 0..round {
                if input.send(n.to_string()).is_err() {
                    return;
                }
            }
        });
        pipeline.stop().unwrap();
        sending.join().unwrap();
        while let Ok((left, right)) = output.try_recv() {
            assert_eq!(left, right);
        }
    }
}

#[test]
fn a_token_stops_a_pipeline_and_everybody_at_its_ends() {
    let shutdown = Shutdown::new();
    let (input, flow) = Pipeline::builder().shutdown(&shutdown).input::<u64>().unwrap();
    let (mut output, pipeline) = flow.then(|n| n).unwrap().build().unwrap();
    let receiving = thread::spawn(move || output.recv());
    shutdown.stop();
    assert_eq!(receiving.join().unwrap(), Err(RingRecvError::Stopped));
    pipeline.join().unwrap();
    drop(input);
}

#[test]
fn a_pipeline_that_is_dropped_leaves_no_thread() {
    let held = Arc::new(());
    let theirs = Arc::clone(&held);
    let (_input, flow) = Pipeline::builder().input::<u64>().unwrap();
    let pipeline = flow.finish(move |_| _ = Arc::strong_count(&theirs)).unwrap();
    drop(pipeline);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn an_output_that_is_dropped_ends_the_stages() {
    let (mut input, flow) = Pipeline::builder().capacity(2).input::<u64>().unwrap();
    let (output, pipeline) = flow.then(|n| n).unwrap().build().unwrap();
    drop(output);
    while input.send(1).is_ok() {}
    pipeline.join().unwrap();
}

#[test]
fn a_branch_that_ends_nowhere_is_refused() {
    let (_input, flow) = Pipeline::builder().input::<u64>().unwrap();
    let [closed, open] = flow.fan_out().unwrap();
    let error = closed.build().unwrap_err();
    assert!(matches!(error, PipelineError::Open { branches: 1 }), "{error}");
    drop(open);
}

#[test]
fn a_core_that_is_not_there_is_refused_by_the_stage_s_name() {
    let (_input, flow) = Pipeline::builder().input::<u64>().unwrap();
    let error = flow.named("far").on_core(100_000).finish(drop).unwrap_err().to_string();
    assert!(error.contains("stage far") && error.contains("core 100000"), "{error}");
}

#[test]
fn what_is_on_its_way_is_dropped_once() {
    struct Counted(Arc<AtomicU64>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicU64::new(0));
    let (mut input, flow) = Pipeline::builder().capacity(16).input::<Counted>().unwrap();
    let (output, pipeline) = flow.then(|item| item).unwrap().build().unwrap();
    (0..10).for_each(|_| input.send(Counted(Arc::clone(&dropped))).unwrap());
    pipeline.stop().unwrap();
    drop((input, output));
    assert_eq!(dropped.load(Ordering::Relaxed), 10);
}

#[test]
fn an_output_that_has_nothing_says_so() {
    let (input, flow) = Pipeline::builder().input::<u64>().unwrap();
    let (mut output, pipeline) = flow.then(|n| n).unwrap().build().unwrap();
    assert_eq!(output.try_recv(), Err(TryRecvError::Empty));
    drop(input);
    assert_eq!(output.recv(), Err(RingRecvError::Disconnected));
    pipeline.join().unwrap();
}

#[test]
fn a_stage_runs_in_a_thread_of_its_name_on_its_core() {
    let core = *available_cores().last().unwrap();
    let here = |_: u64| (thread::current().name().map(str::to_owned), available_cores());
    let (mut input, flow) = Pipeline::builder().input::<u64>().unwrap();
    let [free, pinned] = flow.fan_out().unwrap();
    let free = free.named("free").then(here).unwrap();
    let pinned = pinned.named("pinned").on_core(core).then(here).unwrap();
    let (mut output, pipeline) = free.join(pinned).unwrap().build().unwrap();
    input.send(1).unwrap();
    let named = |name: &str| Some(name.to_owned());
    let places = output.recv().unwrap();
    assert_eq!(places, ((named("free"), available_cores()), (named("pinned"), vec![core])));
    pipeline.stop().unwrap();
}

#[test]
fn stages_wait_each_in_its_own_way() {
    let (mut input, flow) = Pipeline::builder().capacity(2).input::<u64>().unwrap();
    let flow = flow.waiting(BusySpin).then(|n| n + 1).unwrap().waiting(YieldSpin).then(|n| n + 1).unwrap();
    let flow = flow.waiting(BackoffSpin).then(|n| n + 1).unwrap().waiting(Park).then(|n| n + 1).unwrap();
    let (mut output, pipeline) = flow.waiting(Adaptive).then(|n| n + 1).unwrap().build().unwrap();
    assert_eq!(pipeline.stats().len(), 5);
    for n in 0..20 {
        input.send(n).unwrap();
        assert_eq!(output.recv(), Ok(n + 5));
    }
    drop(input);
    pipeline.join().unwrap();
    assert_eq!(output.recv(), Err(RingRecvError::Disconnected));
}

/// One type in, another one out, by way of a third.
#[test]
fn stages_make_items_of_other_types() {
    let (mut input, flow) = Pipeline::builder().input::<u8>().unwrap();
    let flow = flow.then(|n| vec![n; usize::from(n)]).unwrap().then(|bytes| format!("{bytes:?}")).unwrap();
    let (mut output, pipeline) = flow.build().unwrap();
    (0..3).for_each(|n| input.send(n).unwrap());
    pipeline.drain().unwrap();
    assert_eq!(output.iter().collect::<Vec<_>>(), ["[]", "[1]", "[2, 2]"]);
}

#[test]
fn inputs_of_many_threads_end_with_the_last_and_keep_their_orders() {
    let (input, flow) = Pipeline::builder().capacity(4).input::<(u64, u64)>().unwrap();
    let (mut output, pipeline) = flow.then(|item| item).unwrap().build().unwrap();
    let sending = [0, 1, 2].map(|who| {
        let mut input = input.clone();
        thread::spawn(move || (0..200).for_each(|n| input.send((who, n)).unwrap()))
    });
    drop(input);
    let received: Vec<_> = output.iter().collect();
    sending.into_iter().for_each(|thread| thread.join().unwrap());
    for sender in 0..3 {
        let items: Vec<_> = received.iter().filter(|(who, _)| *who == sender).map(|(_, n)| *n).collect();
        assert_eq!(items, (0..200).collect::<Vec<_>>());
    }
    pipeline.join().unwrap();
}

#[test]
fn every_stage_that_panicked_is_told() {
    let (mut input, flow) = Pipeline::builder().input::<u64>().unwrap();
    let [one, other] = flow.fan_out().unwrap();
    one.named("one").for_each(|_| panic!("the first bad one")).unwrap();
    let pipeline = other.named("other").finish(|_| panic!("the second bad one")).unwrap();
    input.send(1).unwrap();
    while pipeline.panicked_stages().len() < 2 {
        thread::yield_now();
    }
    let mut panics = pipeline.panicked_stages();
    panics.sort_by(|left, right| left.stage.cmp(&right.stage));
    let told: Vec<_> = panics.iter().map(|panic| (panic.stage.as_str(), panic.message.as_str())).collect();
    assert_eq!(told, [("one", "the first bad one"), ("other", "the second bad one")]);
    drop(input);
    assert!(panics.contains(&pipeline.join().unwrap_err()));
}

/// The token may be the whole program's.
#[test]
fn a_pipeline_that_came_to_its_end_stops_nobody_else() {
    let shutdown = Shutdown::new();
    let begin = || {
        let (mut input, flow) = Pipeline::builder().shutdown(&shutdown).input::<u64>().unwrap();
        let (output, pipeline) = flow.then(|n| n).unwrap().build().unwrap();
        input.send(7).unwrap();
        (input, output, pipeline)
    };
    let (mut input, mut output, pipeline) = begin();
    pipeline.drain().unwrap();
    assert_eq!(input.send(1), Err(InputError::Closed(1)));
    assert_eq!((output.recv(), output.recv()), (Ok(7), Err(RingRecvError::Disconnected)));
    let (input, mut output, pipeline) = begin();
    drop(input);
    pipeline.join().unwrap();
    assert_eq!((output.recv(), output.recv()), (Ok(7), Err(RingRecvError::Disconnected)));
    assert!(!shutdown.is_stopped());
    let (_input, _output, pipeline) = begin();
    pipeline.stop().unwrap();
    assert!(shutdown.is_stopped());
}

#[test]
#[should_panic(expected = "needs a capacity >= 2, not 1")]
fn a_pipeline_of_one_slot_is_refused() {
    let _ = Pipeline::builder().capacity(1).input::<u64>();
}
