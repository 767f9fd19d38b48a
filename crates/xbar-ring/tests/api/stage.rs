//! Stages, case by case.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use xbar_ring::{RecvError, TryRecvError, channel, channel_bounded, channel_mpmc};

#[test]
fn a_stage_waits_for_all_in_front() {
    let (mut publisher, subscribers) = channel::<u64>(8);
    let mut left = subscribers.subscribe().into_stage([]);
    let mut right = subscribers.subscribe().into_stage([]);
    let mut last = subscribers.subscribe().into_stage([left.progress(), right.progress()]);
    (0..2).for_each(|n| publisher.publish(n));
    left.try_handle(|_| ()).unwrap();
    left.try_handle(|_| ()).unwrap();
    assert_eq!(last.try_handle(|n| n), Err(TryRecvError::Empty));
    right.try_handle(|_| ()).unwrap();
    assert_eq!(last.try_handle(|n| n), Ok(0));
    assert_eq!(last.try_handle(|n| n), Err(TryRecvError::Empty));
    assert_eq!((left.progress().passed(), right.progress().passed()), (2, 1));
}

/// Received is not handled: while the handler in front runs, the message has not passed.
#[test]
fn a_message_passes_when_its_handler_returns() {
    let (mut publisher, subscribers) = channel::<u64>(8);
    let mut front = subscribers.subscribe().into_stage([]);
    let mut behind = subscribers.subscribe().into_stage([front.progress()]);
    publisher.publish(7);
    front.try_handle(|_| assert_eq!(behind.try_handle(|n| n), Err(TryRecvError::Empty))).unwrap();
    assert_eq!(behind.try_handle(|n| n), Ok(7));
}

#[test]
fn a_handler_that_panics_ends_its_stage_and_is_seen_behind() {
    let (mut publisher, subscribers) = channel::<u64>(8);
    let mut front = subscribers.subscribe().into_stage([]);
    let mut behind = subscribers.subscribe().into_stage([front.progress()]);
    (0..3).for_each(|n| publisher.publish(n));
    front.try_handle(|_| ()).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| front.try_handle(|_| panic!("on purpose")))).is_err());
    assert_eq!(front.try_handle(|_| ()), Err(TryRecvError::Disconnected));
    assert!(front.progress().is_gone());
    assert_eq!(behind.handle(|n| n), Ok(0));
    assert_eq!(behind.handle(|n| n), Err(RecvError::Disconnected), "no waiting for what will never pass");
}

#[test]
fn what_a_stage_in_front_lost_counts_as_passed() {
    let (mut publisher, subscribers) = channel::<u64>(4);
    let mut front = subscribers.subscribe().into_stage([]);
    let mut behind = subscribers.subscribe().into_stage([front.progress()]);
    (0..10).for_each(|n| publisher.publish(n));
    assert_eq!(behind.try_handle(|n| n), Err(TryRecvError::Empty), "the front has told nothing yet");
    assert_eq!(front.try_handle(|n| n), Err(TryRecvError::Lagged { missed: 7 }));
    assert_eq!(behind.try_handle(|n| n), Err(TryRecvError::Lagged { missed: 7 }));
    assert_eq!(behind.try_handle(|n| n), Err(TryRecvError::Empty));
    assert_eq!((front.try_handle(|n| n), behind.try_handle(|n| n)), (Ok(7), Ok(7)));
}

/// Over every kind of channel, in threads: what the last stage sees has gone through all stages in front.
#[test]
fn a_diamond_of_stages_over_every_channel() {
    const MESSAGES: u64 = 2_000;
    macro_rules! diamond {
        ($publish:expr, $subscribe:expr) => {{
            let (mut a, mut b, mut c) = ($subscribe, $subscribe, $subscribe);
            let mut first = a.take().unwrap().into_stage([]);
            let mut second = b.take().unwrap().into_stage([]);
            let mut last = c.take().unwrap().into_stage([first.progress(), second.progress()]);
            let (ahead, beside) = (first.progress(), second.progress());
            let stages = [
                thread::spawn(move || while first.handle(|_| ()).is_ok() {}),
                thread::spawn(move || while second.handle(|_| ()).is_ok() {}),
            ];
            let joining = thread::spawn(move || {
                for n in 0..MESSAGES {
                    let passed = last.handle(|value| {
                        assert_eq!(value, n);
                        ahead.passed() > n && beside.passed() > n
                    });
                    assert_eq!(passed, Ok(true));
                }
            });
            $publish;
            joining.join().unwrap();
            stages.into_iter().for_each(|stage| stage.join().unwrap());
        }};
    }
    // Lossy channels with room for everything, and lossless ones that are full most of the time.
    let (mut publisher, subscribers) = channel::<u64>(MESSAGES as usize + 1);
    diamond!(
        {
            (0..MESSAGES).for_each(|n| publisher.publish(n));
            drop(publisher)
        },
        Some(subscribers.subscribe())
    );
    let (mut publisher, subscribers) = channel_mpmc::<u64>(MESSAGES as usize + 1);
    diamond!(
        {
            (0..MESSAGES).for_each(|n| publisher.publish(n));
            drop(publisher)
        },
        Some(subscribers.subscribe())
    );
    let (mut publisher, subscribers) = channel_bounded::<u64>(4);
    diamond!(
        {
            (0..MESSAGES).for_each(|n| publisher.publish(n).unwrap());
            drop(publisher)
        },
        subscribers.subscribe().ok()
    );
}

#[test]
fn a_batch_that_panics_has_passed_up_to_the_message_at_hand() {
    let (mut publisher, subscribers) = channel_bounded::<u64>(8);
    let mut front = subscribers.subscribe().unwrap().into_stage([]);
    let mut behind = subscribers.subscribe().unwrap().into_stage([front.progress()]);
    publisher.publish_batch(&[0, 1, 2, 3]).unwrap();
    let panics = |n| assert_ne!(n, 2, "the handler's own");
    assert!(catch_unwind(AssertUnwindSafe(|| front.try_handle_each(9, panics))).is_err());
    assert_eq!(front.progress().passed(), 2);
    let mut handled = Vec::new();
    assert_eq!(behind.try_handle_each(9, |n| handled.push(n)), Ok(2));
    assert_eq!(handled, [0, 1]);
    assert_eq!(behind.try_handle_each(9, |_| ()), Err(TryRecvError::Disconnected));
    assert_eq!(front.try_handle_each(9, |_| ()), Err(TryRecvError::Disconnected));
}
