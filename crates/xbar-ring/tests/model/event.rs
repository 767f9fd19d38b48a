//! Events through random graphs, against an oracle of numbers.

use proptest::prelude::*;
use xbar_ring::event::{Events, Order, Poller, Read};
use xbar_ring::{PublishError, TryRecvError};

#[derive(Debug, Clone)]
enum Operation {
    Publish,
    PublishEach(usize),
    Handle(usize),
    Each(usize, usize),
    Batch(usize, usize, bool),
    Leave(usize),
}

const MOST_STAGES: usize = 5;

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    use Operation::*;
    let stage = || 0..MOST_STAGES;
    let operation = prop_oneof![
        4 => Just(Publish),
        3 => (0..9_usize).prop_map(PublishEach),
        6 => stage().prop_map(Handle),
        4 => (stage(), 0..9_usize).prop_map(|(who, most)| Each(who, most)),
        3 => (stage(), 1..9_usize, any::<bool>()).prop_map(|(who, most, pass)| Batch(who, most, pass)),
        1 => stage().prop_map(Leave),
    ];
    prop::collection::vec(operation, 1..150)
}

/// The stages in front of each, as bits: only earlier ones count.
fn graph() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(0..1_u32 << MOST_STAGES, 1..=MOST_STAGES)
}

struct Stage<O: Order> {
    poller: Option<Poller<u64, Read, O>>,
    front: Vec<usize>,
    position: u64,
    is_gone: bool,
}

fn check<O: Order>(
    mut events: Events<u64, O>,
    capacity: u64,
    graph: &[u32],
    operations: Vec<Operation>,
) -> Result<(), TestCaseError> {
    let mut stages: Vec<Stage<O>> = Vec::new();
    for (index, bits) in graph.iter().enumerate() {
        let front: Vec<usize> = (0..index).filter(|other| bits >> other & 1 == 1).collect();
        let places: Vec<_> =
            front.iter().map(|other| stages[*other].poller.as_ref().unwrap().place()).collect();
        stages.push(Stage { poller: Some(events.reader(places)), front, position: 0, is_gone: false });
    }
    let mut producer = events.build();
    let mut published = 0_u64;
    for operation in operations {
        let slowest = stages.iter().filter(|stage| !stage.is_gone).map(|stage| stage.position).min();
        let room = slowest.map(|slowest| slowest + capacity - published);
        // What a stage may handle, and whether nothing comes behind that.
        let view = |stages: &[Stage<O>], who: usize| {
            let Stage { front, position, .. } = &stages[who];
            let passed = front.iter().map(|other| stages[*other].position).min().unwrap_or(published);
            let is_over =
                front.iter().any(|other| stages[*other].is_gone && stages[*other].position <= *position);
            (passed - position, is_over)
        };
        let who = match &operation {
            Operation::Handle(who)
            | Operation::Each(who, _)
            | Operation::Batch(who, ..)
            | Operation::Leave(who) => {
                if stages.get(*who).is_none_or(|stage| stage.poller.is_none()) {
                    continue;
                }
                *who
            }
            _ => 0,
        };
        let (there, is_over) = view(&stages, who);
        let nothing =
            if is_over || stages[who].is_gone { TryRecvError::Disconnected } else { TryRecvError::Empty };
        let there = if stages[who].is_gone { 0 } else { there };
        let stage = &mut stages[who];
        match operation {
            Operation::Publish => match producer.try_publish(|event| *event = published) {
                Ok(()) => {
                    prop_assert!(room.is_none_or(|room| room > 0));
                    published += 1;
                }
                Err(PublishError::Full(_)) => prop_assert_eq!(room, Some(0)),
                Err(_) => prop_assert_eq!(room, None),
            },
            Operation::PublishEach(count) => {
                match producer.try_publish_each(count, |index, event| *event = published + index as u64) {
                    Ok(more) => {
                        prop_assert!(more <= count && room.is_none_or(|room| more as u64 <= room));
                        prop_assert!(more > 0 || count == 0);
                        published += more as u64;
                    }
                    Err(PublishError::Full(())) => prop_assert_eq!(room, Some(0)),
                    Err(_) => prop_assert_eq!(room, None),
                }
            }
            Operation::Handle(_) => {
                let handled = stage.poller.as_mut().unwrap().try_handle(|event| *event);
                prop_assert_eq!(handled, if there > 0 { Ok(stage.position) } else { Err(nothing) });
                stage.position += u64::from(handled.is_ok());
            }
            Operation::Each(_, most) => {
                let (mut next, mut in_order) = (stage.position, true);
                let handled = stage.poller.as_mut().unwrap().try_each(most, |event, at| {
                    in_order &= *event == next && at.sequence == next;
                    next += 1;
                });
                prop_assert!(in_order);
                match handled {
                    Ok(count) => {
                        prop_assert!(count <= most && count as u64 <= there && (count > 0 || most == 0));
                        stage.position += count as u64;
                        prop_assert_eq!(stage.position, next);
                    }
                    Err(error) => prop_assert_eq!((there, error), (0, nothing)),
                }
            }
            Operation::Batch(_, most, passes) => match stage.poller.as_mut().unwrap().try_batch(most) {
                Ok(batch) => {
                    let got: Vec<u64> = batch.iter().copied().collect();
                    let expected = stage.position..stage.position + got.len() as u64;
                    prop_assert!(!got.is_empty() && got.len() <= most && got.len() as u64 <= there);
                    if passes {
                        batch.pass();
                        stage.position += got.len() as u64;
                    }
                    prop_assert_eq!(got, expected.collect::<Vec<_>>());
                }
                Err(error) => prop_assert_eq!((there, error), (0, nothing)),
            },
            Operation::Leave(_) => {
                stage.poller = None;
                stage.is_gone = true;
            }
        }
        // A stage that found the end is gone too.
        let stage = &mut stages[who];
        stage.is_gone |= stage.poller.as_ref().is_some_and(|poller| poller.place().is_gone());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn events_of_one_producer_pass_any_graph(
        capacity in 2..9_usize, graph in graph(), operations in operations(),
    ) {
        check(Events::one_producer(capacity, || 0), capacity as u64, &graph, operations)?;
    }

    #[test]
    fn events_of_many_producers_pass_any_graph(
        capacity in 2..9_usize, graph in graph(), operations in operations(),
    ) {
        check(Events::many_producers(capacity, || 0), capacity as u64, &graph, operations)?;
    }
}
